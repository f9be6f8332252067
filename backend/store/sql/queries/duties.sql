-- name: want_duty(mailbox_id, duty, due_at)!
-- While it is held, what is asked for waits in asked_at; due_at is then the end of the lease. Asked for at several
-- times it is done at the first of them and, by again_at, at the last.
UPDATE duties
SET wanted = wanted + 1,
    again_at = CASE WHEN again_at IS NULL OR again_at < :due_at THEN :due_at ELSE again_at END,
    asked_at = CASE WHEN lease IS NULL THEN asked_at
                    WHEN asked_at IS NULL OR asked_at > :due_at THEN :due_at ELSE asked_at END,
    due_at = CASE WHEN lease IS NOT NULL THEN due_at
                  WHEN due_at IS NULL OR due_at > :due_at THEN :due_at ELSE due_at END
WHERE mailbox_id = :mailbox_id AND duty = :duty;

-- name: look_at(mailbox_id, duty, now, again_at, at_once, put_off)$
-- A push: done at once, unless a look at the end of an earlier push's window is still to come (that one then), or what
-- the push tells of is known already; and by again_at at the end of its own window. Gives whether it may be claimed now.
-- put_off: so much later than it was to be the look that is still to come may be, to serve for this push's window too.
-- When it was to be stands in asked_at then, which nobody else uses while nobody holds the duty.
UPDATE duties
SET wanted = wanted + 1,
    again_at = CASE WHEN again_at IS NULL OR again_at < :again_at THEN :again_at ELSE again_at END,
    asked_at = CASE WHEN lease IS NULL AND CAST(:put_off AS BIGINT) > 0 AND again_at > :now AND due_at = again_at
                        THEN COALESCE(asked_at, again_at)
                    WHEN lease IS NULL THEN asked_at
                    WHEN again_at > :now AND (asked_at IS NULL OR asked_at > again_at + CAST(:put_off AS BIGINT)) THEN again_at + CAST(:put_off AS BIGINT)
                    WHEN again_at > :now THEN asked_at
                    WHEN CAST(:at_once AS BOOLEAN) THEN CAST(:now AS BIGINT)
                    WHEN asked_at IS NULL OR asked_at > :again_at THEN :again_at ELSE asked_at END,
    due_at = CASE WHEN lease IS NOT NULL THEN due_at
                  WHEN again_at > :now AND (due_at IS NULL OR due_at > again_at) THEN again_at
                  WHEN CAST(:put_off AS BIGINT) > 0 AND again_at > :now AND due_at = again_at
                      THEN CASE WHEN COALESCE(asked_at, again_at) + CAST(:put_off AS BIGINT) < :again_at
                                THEN COALESCE(asked_at, again_at) + CAST(:put_off AS BIGINT) ELSE :again_at END
                  WHEN again_at > :now THEN due_at
                  WHEN CAST(:at_once AS BOOLEAN) AND (due_at IS NULL OR due_at > :now) THEN CAST(:now AS BIGINT)
                  WHEN due_at IS NULL OR due_at > :again_at THEN :again_at ELSE due_at END
WHERE mailbox_id = :mailbox_id AND duty = :duty
RETURNING CASE WHEN lease IS NULL AND due_at <= :now THEN 1 ELSE 0 END;

-- name: postpone_duty(mailbox_id, duty, due_at, attempts, error, failing_since, cause)!
UPDATE duties
SET lease = NULL, asked_at = NULL, due_at = :due_at, attempts = :attempts, error = :error,
    failing_since = :failing_since, failing_cause = :cause
WHERE mailbox_id = :mailbox_id AND duty = :duty;

-- name: duty_goes_on(mailbox_id, duty, lease)!
-- Part of it is done for good: its tries are counted from the start, and it does not fail.
UPDATE duties SET attempts = 0, error = '', failing_since = NULL
WHERE mailbox_id = :mailbox_id AND duty = :duty AND lease = :lease;

-- name: end_duty(mailbox_id, duty, lease, next_due)!
-- Due again at the earliest of next_due and the times it was asked for, none of which need be.
UPDATE duties
SET lease = NULL, asked_at = NULL, attempts = 0, error = '', failing_since = NULL, failing_cause = '',
    due_at = (
        SELECT MIN(times.at)
        FROM (SELECT asked_at AS at UNION ALL SELECT again_at UNION ALL SELECT CAST(:next_due AS BIGINT)) AS times
    )
WHERE mailbox_id = :mailbox_id AND duty = :duty AND lease = :lease;

-- name: failing_jobs(mailbox_id)
-- Every duty that fails, and the message that has failed longest.
SELECT duty AS job, failing_since AS since, failing_cause AS cause FROM duties
WHERE mailbox_id = :mailbox_id AND failing_since IS NOT NULL
UNION ALL
SELECT stage, failing_since, failing_cause FROM messages
WHERE mailbox_id = :mailbox_id AND gmail_id = (
    SELECT gmail_id FROM messages
    WHERE mailbox_id = :mailbox_id AND failing_since IS NOT NULL ORDER BY failing_since LIMIT 1
);

-- name: failing_longest()$
SELECT MIN(since) FROM (
    SELECT MIN(failing_since) AS since FROM duties WHERE failing_since IS NOT NULL
    UNION ALL
    SELECT MIN(failing_since) FROM messages WHERE failing_since IS NOT NULL
) AS both_kinds;

-- name: count_failing()
SELECT cause AS name, COUNT(*) AS n FROM (
    SELECT failing_cause AS cause FROM duties WHERE failing_since IS NOT NULL
    UNION ALL
    SELECT failing_cause FROM messages WHERE failing_since IS NOT NULL
) AS both_kinds GROUP BY cause;

-- name: calm_duties(mailbox_id)!
UPDATE duties SET failing_since = NULL WHERE mailbox_id = :mailbox_id AND failing_since IS NOT NULL;

-- name: calm_messages(mailbox_id)!
UPDATE messages SET failing_since = NULL WHERE mailbox_id = :mailbox_id AND failing_since IS NOT NULL;

-- name: next_duty_due()$
SELECT MIN(due_at) FROM duties WHERE is_open AND due_at IS NOT NULL;

-- name: pushed_mailbox(email)^
-- An address may have belonged to an account that is gone: the newest one counts.
SELECT id, cursor, unheard_since FROM mailboxes WHERE email = :email ORDER BY created_at DESC, id DESC LIMIT 1;

-- name: pushed_formerly(listed)^
-- As `mailbox_by_former`.
SELECT id, cursor, unheard_since FROM mailboxes WHERE former <> '[]' AND former LIKE :listed ESCAPE '!'
ORDER BY created_at DESC, id DESC LIMIT 1;

-- name: insert_notice(push_id, mailbox_id, history_id, fate, now)!
INSERT INTO notices (push_id, mailbox_id, history_id, fate, received_at)
VALUES (:push_id, :mailbox_id, :history_id, :fate, :now)
ON CONFLICT (push_id) DO NOTHING;

-- name: count_repeat(push_id, mailbox_id)!
UPDATE notices SET repeats = repeats + 1 WHERE push_id = :push_id AND mailbox_id = :mailbox_id;

-- name: count_unknown()!
INSERT INTO tallies (name, n) VALUES ('notices.unknown', 1)
ON CONFLICT (name) DO UPDATE SET n = tallies.n + 1;

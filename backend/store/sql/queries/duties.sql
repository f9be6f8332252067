-- name: want_duty(mailbox_id, duty, due_at)!
UPDATE duties
SET wanted = wanted + 1, due_at = CASE WHEN due_at IS NULL OR due_at > :due_at THEN :due_at ELSE due_at END
WHERE mailbox_id = :mailbox_id AND duty = :duty;

-- name: postpone_duty(mailbox_id, duty, due_at, attempts, error, failing_since, cause)!
UPDATE duties
SET due_at = :due_at, attempts = :attempts, error = :error,
    failing_since = :failing_since, failing_cause = :cause
WHERE mailbox_id = :mailbox_id AND duty = :duty;

-- name: look_failed(mailbox_id, duty, cause, now)!
UPDATE duties SET failing_since = COALESCE(failing_since, :now), failing_cause = :cause
WHERE mailbox_id = :mailbox_id AND duty = :duty;

-- name: duty_goes_on(mailbox_id, duty)!
-- Part of it is done for good: its tries are counted from the start, and it does not fail.
UPDATE duties SET attempts = 0, error = '', failing_since = NULL
WHERE mailbox_id = :mailbox_id AND duty = :duty;

-- name: end_duty(mailbox_id, duty, wanted, next_due)!
-- If it was asked for while it ran, it is still due, and runs once more.
UPDATE duties
SET attempts = 0, error = '', failing_since = NULL, failing_cause = '',
    due_at = CASE WHEN wanted = :wanted THEN CAST(:next_due AS BIGINT) ELSE due_at END
WHERE mailbox_id = :mailbox_id AND duty = :duty;

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

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

-- name: give_back_duty(mailbox_id, duty, due_at, attempts, error)!
UPDATE duties
SET lease = NULL, asked_at = NULL, due_at = :due_at, attempts = :attempts, error = :error
WHERE mailbox_id = :mailbox_id AND duty = :duty;

-- name: duty_goes_on(mailbox_id, duty)!
-- Part of it is done for good: its tries count anew.
UPDATE duties SET attempts = 0 WHERE mailbox_id = :mailbox_id AND duty = :duty;

-- name: next_duty_due()$
SELECT MIN(due_at) FROM duties WHERE is_open AND due_at IS NOT NULL;

-- name: next_turn()$
SELECT MIN(turn_at) FROM lanes WHERE is_open AND turn_at IS NOT NULL;

-- name: insert_notice(push_id, mailbox_id, history_id, fate, now)!
INSERT INTO notices (push_id, mailbox_id, history_id, fate, received_at)
VALUES (:push_id, :mailbox_id, :history_id, :fate, :now)
ON CONFLICT (push_id) DO NOTHING;

-- name: count_repeat(push_id, mailbox_id)!
UPDATE notices SET repeats = repeats + 1 WHERE push_id = :push_id AND mailbox_id = :mailbox_id;

-- name: count_unknown()!
INSERT INTO tallies (name, n) VALUES ('notices.unknown', 1)
ON CONFLICT (name) DO UPDATE SET n = tallies.n + 1;

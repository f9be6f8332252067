-- Reads that PostgreSQL makes under a row lock. Here there is one writer, so they are plain.

-- name: mailbox_for_write(mailbox_id)^
SELECT * FROM mailboxes WHERE id = :mailbox_id;

-- name: duty_for_write(mailbox_id, duty)^
SELECT * FROM duties WHERE mailbox_id = :mailbox_id AND duty = :duty;

-- name: message_for_write(mailbox_id, gmail_id)^
SELECT * FROM messages WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: due_lanes(now, limit, full)
-- Mailboxes with something due, but for those in `full` (JSON list), the one longest without a turn first.
SELECT mailbox_id FROM lanes WHERE is_open AND turn_at <= :now
    AND mailbox_id NOT IN (SELECT value FROM json_each(:full))
ORDER BY turn_at, turns LIMIT :limit;

-- name: next_turn(full)$
SELECT MIN(turn_at) FROM lanes WHERE is_open AND turn_at IS NOT NULL
    AND mailbox_id NOT IN (SELECT value FROM json_each(:full));

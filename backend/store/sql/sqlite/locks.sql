-- Reads that PostgreSQL makes under a row lock. Here there is one writer, so they are plain.

-- name: lock_mailbox(mailbox_id)$
SELECT id FROM mailboxes WHERE id = :mailbox_id;

-- name: mailbox_for_write(mailbox_id)^
SELECT * FROM mailboxes WHERE id = :mailbox_id;

-- name: duty_for_write(mailbox_id, duty)^
SELECT * FROM duties WHERE mailbox_id = :mailbox_id AND duty = :duty;

-- name: held_message(mailbox_id, gmail_id)^
SELECT stage, lease, revision, placement, decided_by FROM messages
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: message_for_write(mailbox_id, gmail_id)^
SELECT * FROM messages WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: stays_for_write(mailbox_id, ids)
SELECT gmail_id, lease, revision, EXISTS (
    SELECT 1 FROM corrections AS c
    WHERE c.mailbox_id = :mailbox_id AND c.gmail_id = messages.gmail_id AND c.pending AND c.undone_at IS NULL
) AS spoken
FROM messages WHERE mailbox_id = :mailbox_id AND gmail_id IN (SELECT value FROM json_each(:ids));

-- name: due_lanes(now, limit, most, full)
-- Mailboxes with something due, but for those in `full` (JSON list), the one longest without a turn first, and how
-- many messages of each are due, `most` at most.
SELECT mailbox_id, (
    SELECT COUNT(*) FROM (
        SELECT 1 FROM messages AS m WHERE m.mailbox_id = lanes.mailbox_id AND m.due_at <= :now LIMIT :most
    )
) AS messages
FROM lanes WHERE is_open AND turn_at <= :now
    AND mailbox_id NOT IN (SELECT value FROM json_each(:full))
ORDER BY turn_at, turns LIMIT :limit;

-- name: next_turn(full)$
SELECT MIN(turn_at) FROM lanes WHERE is_open AND turn_at IS NOT NULL
    AND mailbox_id NOT IN (SELECT value FROM json_each(:full));

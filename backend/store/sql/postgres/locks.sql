-- Reads under a row lock. NO KEY: rows that point at a mailbox may be inserted meanwhile.

-- name: lock_mailbox(mailbox_id)$
SELECT id FROM mailboxes WHERE id = :mailbox_id FOR NO KEY UPDATE;

-- name: mailbox_for_write(mailbox_id)^
SELECT * FROM mailboxes WHERE id = :mailbox_id FOR NO KEY UPDATE;

-- name: duty_for_write(mailbox_id, duty)^
SELECT * FROM duties WHERE mailbox_id = :mailbox_id AND duty = :duty FOR NO KEY UPDATE;

-- name: held_message(mailbox_id, gmail_id)^
SELECT stage, lease, revision, placement, decided_by FROM messages
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id FOR NO KEY UPDATE;

-- name: message_for_write(mailbox_id, gmail_id)^
SELECT * FROM messages WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id FOR NO KEY UPDATE;

-- name: stays_for_write(mailbox_id, ids)
SELECT gmail_id, lease, revision, EXISTS (
    SELECT 1 FROM corrections AS c
    WHERE c.mailbox_id = :mailbox_id AND c.gmail_id = messages.gmail_id AND c.pending AND c.undone_at IS NULL
) AS spoken
FROM messages WHERE mailbox_id = :mailbox_id AND gmail_id = ANY (ARRAY(SELECT jsonb_array_elements_text(CAST(:ids AS JSONB))))
ORDER BY gmail_id FOR NO KEY UPDATE;

-- name: due_lanes(now, limit, most, full)
-- Mailboxes with something due, but for those in `full` (JSON list), the one longest without a turn first, and how
-- many messages of each are due, `most` at most. Those another worker is claiming from
-- are skipped: workers spread over the mailboxes, and a claim never waits for anybody.
SELECT mailbox_id, (
    SELECT COUNT(*) FROM (
        SELECT 1 FROM messages AS m WHERE m.mailbox_id = lanes.mailbox_id AND m.due_at <= :now LIMIT :most
    ) AS due
) AS messages
FROM lanes WHERE is_open AND turn_at <= :now
    AND mailbox_id <> ALL (ARRAY(SELECT jsonb_array_elements_text(CAST(:full AS JSONB))))
ORDER BY turn_at, turns LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED;

-- name: next_turn(full)$
SELECT MIN(turn_at) FROM lanes WHERE is_open AND turn_at IS NOT NULL
    AND mailbox_id <> ALL (ARRAY(SELECT jsonb_array_elements_text(CAST(:full AS JSONB))));

-- Reads under a row lock. NO KEY: rows that point at a mailbox may be inserted meanwhile.

-- name: mailbox_for_write(mailbox_id)^
SELECT * FROM mailboxes WHERE id = :mailbox_id FOR NO KEY UPDATE;

-- name: duty_for_write(mailbox_id, duty)^
SELECT * FROM duties WHERE mailbox_id = :mailbox_id AND duty = :duty FOR NO KEY UPDATE;

-- name: message_for_write(mailbox_id, gmail_id)^
SELECT * FROM messages WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id FOR NO KEY UPDATE;

-- name: lock_lanes(lanes)$
-- In one order, so that two claims never wait for each other.
SELECT mailbox_id FROM lanes
WHERE mailbox_id = ANY (ARRAY(SELECT jsonb_array_elements_text(CAST(:lanes AS JSONB))))
ORDER BY mailbox_id FOR NO KEY UPDATE;

-- Reads under a row lock. NO KEY: rows that point at a mailbox may be inserted meanwhile.

-- name: lock_mailbox(mailbox_id)$
SELECT id FROM mailboxes WHERE id = :mailbox_id FOR NO KEY UPDATE;

-- name: mailbox_for_write(mailbox_id)^
SELECT * FROM mailboxes WHERE id = :mailbox_id FOR NO KEY UPDATE;

-- name: duty_for_write(mailbox_id, duty)^
SELECT * FROM duties WHERE mailbox_id = :mailbox_id AND duty = :duty FOR NO KEY UPDATE;

-- name: current_message(mailbox_id, gmail_id)^
SELECT stage, revision, placement, decided_by FROM messages
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id FOR NO KEY UPDATE;

-- name: message_for_write(mailbox_id, gmail_id)^
SELECT * FROM messages WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id FOR NO KEY UPDATE;

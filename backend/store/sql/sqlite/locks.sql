-- Reads that PostgreSQL makes under a row lock. Here there is one writer, so they are plain.

-- name: lock_mailbox(mailbox_id)$
SELECT id FROM mailboxes WHERE id = :mailbox_id;

-- name: mailbox_for_write(mailbox_id)^
SELECT * FROM mailboxes WHERE id = :mailbox_id;

-- name: duty_for_write(mailbox_id, duty)^
SELECT * FROM duties WHERE mailbox_id = :mailbox_id AND duty = :duty;

-- name: current_message(mailbox_id, gmail_id)^
SELECT stage, revision, placement, decided_by FROM messages
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: message_for_write(mailbox_id, gmail_id)^
SELECT * FROM messages WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

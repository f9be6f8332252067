-- name: dead_letters(mailbox_id)
-- No mailbox ('') means the operator's view of all of them.
SELECT * FROM messages WHERE set_aside AND (mailbox_id = :mailbox_id OR :mailbox_id = '')
ORDER BY changed_at, mailbox_id, gmail_id;

-- name: retry_dead_letter(mailbox_id, gmail_id, now)!
UPDATE messages SET set_aside = FALSE, attempts = 0, error = '', due_at = :now, changed_at = :now
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id AND set_aside AND stage IS NOT NULL;

-- name: drop_dead_letter(mailbox_id, gmail_id, now)!
UPDATE messages SET set_aside = FALSE, stage = NULL, due_at = NULL, changed_at = :now
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id AND set_aside;

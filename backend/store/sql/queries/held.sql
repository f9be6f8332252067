-- name: count_held(mailbox_id)^
SELECT COUNT(*) AS messages, COUNT(DISTINCT sender) AS senders FROM messages
WHERE mailbox_id = :mailbox_id AND placement = 'held' AND decided_by = '';

-- name: held_senders(mailbox_id, at, sender, limit)
-- Senders with held, undecided mail behind (`at`, `sender`), newest first.
SELECT sender, MAX(COALESCE(received_at, first_seen_at)) AS latest, COUNT(*) AS n FROM messages
WHERE mailbox_id = :mailbox_id AND placement = 'held' AND decided_by = ''
GROUP BY sender
HAVING MAX(COALESCE(received_at, first_seen_at)) < :at
    OR (MAX(COALESCE(received_at, first_seen_at)) = :at AND sender < :sender)
ORDER BY latest DESC, sender DESC LIMIT :limit;

-- name: held_texts(mailbox_id)
SELECT gmail_id, sender, sender_name, subject, COALESCE(received_at, first_seen_at) AS at FROM messages
WHERE mailbox_id = :mailbox_id AND placement = 'held' AND decided_by = ''
ORDER BY at DESC, gmail_id DESC;

-- name: sender_record(mailbox_id, sender)^
SELECT
    (SELECT COUNT(*) FROM messages WHERE mailbox_id = :mailbox_id AND sender = :sender AND placement = 'held')
        AS held,
    COUNT(*) AS challenged,
    COUNT(solved_at) AS solved
FROM challenges
WHERE mailbox_id = :mailbox_id AND sender = :sender AND sending_at IS NOT NULL;

-- name: held_messages(mailbox_id, senders, most)
-- Of each of these senders (JSON list) the `most` newest held, undecided messages.
SELECT * FROM (
    SELECT m.*, ROW_NUMBER() OVER (
        PARTITION BY m.sender ORDER BY COALESCE(m.received_at, m.first_seen_at) DESC, m.gmail_id DESC
    ) AS place
    FROM messages AS m
    WHERE m.mailbox_id = :mailbox_id AND m.placement = 'held' AND m.decided_by = ''
        AND m.sender IN (SELECT value FROM json_each(:senders))
) AS ranked WHERE place <= :most ORDER BY sender, place;

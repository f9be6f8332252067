-- Weeks begin on Monday; 1970 began on a Thursday, three days into its week. Times are microseconds.
-- What the owner blocked is held on their word, not on ours: it is not counted.

-- name: held_by_week(mailbox_id, since)
SELECT (decided_at + 259200000000) / 604800000000 AS number, COUNT(*) AS held,
    COUNT(CASE WHEN placement = 'inbox' THEN 1 END) AS let_in
FROM messages
WHERE mailbox_id = :mailbox_id AND decided_at >= :since AND outcome IN ('hold', 'challenge')
    AND policy_row <> 'blocked'
GROUP BY (decided_at + 259200000000) / 604800000000 ORDER BY 1;

-- name: held_by_sender(mailbox_id, since, limit)
SELECT sender, MAX(sender_name) AS name, COUNT(*) AS held,
    COUNT(CASE WHEN placement = 'inbox' THEN 1 END) AS let_in,
    COUNT(CASE WHEN appeal <> '' THEN 1 END) AS noted,
    COALESCE(MAX(CASE WHEN placement = 'held' AND decided_by = '' THEN gmail_id END), '') AS waiting,
    COALESCE(
        (SELECT kind FROM rules WHERE mailbox_id = :mailbox_id AND subject = messages.sender),
        (SELECT kind FROM rules WHERE mailbox_id = :mailbox_id AND subject = messages.sender_domain), ''
    ) AS rule
FROM messages
WHERE mailbox_id = :mailbox_id AND decided_at >= :since AND outcome IN ('hold', 'challenge')
    AND policy_row <> 'blocked' AND sender <> ''
GROUP BY sender, sender_domain ORDER BY COUNT(*) DESC, sender LIMIT :limit;

-- name: owner_disagreed(mailbox_id, since)^
-- Of the held they let in themselves or left held by their word, of the passed they had held or reported as spam. A sender
-- who solved was let in by nobody's doubt, and what is in the bin proves nothing.
SELECT
    COUNT(CASE WHEN outcome IN ('hold', 'challenge') AND placement = 'inbox' AND decided_by IN ('owner', 'replied')
        THEN 1 END) AS wrong,
    COUNT(CASE WHEN outcome IN ('hold', 'challenge') AND placement = 'held' AND decided_by NOT IN ('', 'bin') THEN 1 END)
        AS confirmed,
    COUNT(CASE WHEN outcome IN ('inbox', 'mark') AND placement = 'held' AND decided_by IN ('owner', 'spam')
        THEN 1 END)
        AS missed
FROM messages
WHERE mailbox_id = :mailbox_id AND decided_at >= :since AND policy_row <> 'blocked';

-- name: challenge_funnel(mailbox_id, since)^
SELECT COUNT(*) AS sent, COUNT(c.started_at) AS begun, COUNT(c.solved_at) AS solved,
    COUNT(c.bounced_at) AS bounced,
    COUNT(CASE WHEN c.solved_at IS NULL AND m.placement = 'inbox' AND m.decided_by IN ('owner', 'replied')
        THEN 1 END) AS regretted
FROM challenges AS c
LEFT JOIN messages AS m ON m.mailbox_id = :mailbox_id AND m.gmail_id = c.gmail_id
WHERE c.mailbox_id = :mailbox_id AND c.created_at >= :since AND c.sent_gmail_id <> '';

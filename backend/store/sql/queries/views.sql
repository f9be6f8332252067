-- name: latest_messages(mailbox_id, limit)
SELECT * FROM messages WHERE mailbox_id = :mailbox_id
ORDER BY changed_at DESC, gmail_id DESC LIMIT :limit;

-- name: earlier_messages(mailbox_id, before, limit)
-- Those behind the message `before` in the same order; none if it has no row.
SELECT m.* FROM messages AS m
WHERE m.mailbox_id = :mailbox_id
    AND (m.changed_at, m.gmail_id) < (
        SELECT b.changed_at, b.gmail_id FROM messages AS b
        WHERE b.mailbox_id = :mailbox_id AND b.gmail_id = :before
    )
ORDER BY m.changed_at DESC, m.gmail_id DESC LIMIT :limit;

-- name: latest_placed(mailbox_id, placement, limit)
-- Held or marked: few among many, with an index of their own.
SELECT * FROM messages
WHERE mailbox_id = :mailbox_id AND placement = :placement AND placement IN ('held', 'marked')
ORDER BY changed_at DESC, gmail_id DESC LIMIT :limit;

-- name: earlier_placed(mailbox_id, placement, before, limit)
SELECT m.* FROM messages AS m
WHERE m.mailbox_id = :mailbox_id AND m.placement = :placement AND m.placement IN ('held', 'marked')
    AND (m.changed_at, m.gmail_id) < (
        SELECT b.changed_at, b.gmail_id FROM messages AS b
        WHERE b.mailbox_id = :mailbox_id AND b.gmail_id = :before
    )
ORDER BY m.changed_at DESC, m.gmail_id DESC LIMIT :limit;

-- name: latest_inbox(mailbox_id, limit)
SELECT * FROM messages WHERE mailbox_id = :mailbox_id AND placement = 'inbox'
ORDER BY changed_at DESC, gmail_id DESC LIMIT :limit;

-- name: earlier_inbox(mailbox_id, before, limit)
SELECT m.* FROM messages AS m
WHERE m.mailbox_id = :mailbox_id AND m.placement = 'inbox'
    AND (m.changed_at, m.gmail_id) < (
        SELECT b.changed_at, b.gmail_id FROM messages AS b
        WHERE b.mailbox_id = :mailbox_id AND b.gmail_id = :before
    )
ORDER BY m.changed_at DESC, m.gmail_id DESC LIMIT :limit;

-- name: count_mailboxes()$
SELECT COUNT(*) FROM mailboxes;

-- name: count_links(now, soon)^
-- Only where an answer of Google's is to be expected: who must reconnect or is leaving has no watch to renew.
SELECT
    COUNT(CASE WHEN link = 'needs_reconnect' THEN 1 END) AS lost,
    COUNT(CASE WHEN link = 'connected' AND notices = 'push' THEN 1 END) AS pushed,
    COUNT(CASE WHEN link = 'connected' AND watch_expires_at IS NULL AND notices <> 'poll' THEN 1 END) AS unwatched,
    COUNT(CASE WHEN link = 'connected' AND watch_expires_at <= :now THEN 1 END) AS lapsed,
    COUNT(CASE WHEN link = 'connected' AND watch_expires_at > :now AND watch_expires_at < :soon THEN 1 END) AS lapsing
FROM mailboxes;

-- name: count_messages()
SELECT outcome, stage, COUNT(*) AS n FROM messages GROUP BY outcome, stage;

-- name: count_released()$
SELECT COUNT(*) FROM messages WHERE outcome IN ('hold', 'challenge') AND placement <> 'held';

-- name: count_dead_letters()$
SELECT COUNT(*) FROM messages WHERE set_aside;

-- name: count_unjudged()
SELECT cause AS name, COUNT(*) AS n FROM messages WHERE policy_row = 'fail_open' GROUP BY cause;

-- name: count_challenges()
SELECT state AS name, COUNT(*) AS n FROM challenges GROUP BY state;

-- name: pulse(now)!
-- Something written, to learn whether anything can be.
INSERT INTO tallies (name, n) VALUES ('pulse', :now) ON CONFLICT (name) DO UPDATE SET n = excluded.n;

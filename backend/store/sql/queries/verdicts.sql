-- name: standing(mailbox_id, gmail_id, sender, sender_domain, firm, at_firm, below_firm, thread_id, month_ago, half, most)^
-- A thread that the owner wrote in is the sender's too if they had written there before, or are colleagues of somebody
-- whom the owner has written to.
-- The evidence is that of other messages than `gmail_id` about which nobody has decided: the sender's, and half of what
-- others wrote from their `firm` ('': a mail provider's).
-- SQLite replans a statement whenever a bare LIKE parameter changes, at ten times the cost; `|| ''` prevents that.
SELECT
    (SELECT kind FROM rules WHERE mailbox_id = :mailbox_id AND subject = :sender AND :sender <> '')
        AS address_rule,
    (SELECT kind FROM rules WHERE mailbox_id = :mailbox_id AND subject = :sender_domain AND :sender_domain <> '')
        AS domain_rule,
    EXISTS (SELECT 1 FROM correspondents WHERE mailbox_id = :mailbox_id AND address = :sender) AS corresponded,
    EXISTS (
        SELECT 1 FROM threads AS t WHERE t.mailbox_id = :mailbox_id AND t.thread_id = :thread_id AND (
            EXISTS (
                SELECT 1 FROM messages AS m
                WHERE m.mailbox_id = t.mailbox_id AND m.sender = :sender AND :sender <> '' AND m.authenticated
                    AND m.thread_id = t.thread_id AND m.first_seen_at <= t.learned_at AND m.placement IS NOT NULL
            )
            OR EXISTS (
                SELECT 1 FROM correspondents AS c
                WHERE c.mailbox_id = t.mailbox_id AND :firm <> ''
                    AND (c.address LIKE :at_firm || '' ESCAPE '!' OR c.address LIKE :below_firm || '' ESCAPE '!')
            )
        )
    ) AS took_part,
    (
        SELECT MAX(COALESCE(score, 0)) FROM messages
        WHERE mailbox_id = :mailbox_id AND sender = :sender AND placement = 'held' AND decided_by IN ('', 'kept')
            AND authenticated AND policy_row <> 'blocked' AND decided_at > :month_ago AND :sender <> ''
    ) AS held_score,
    COALESCE((SELECT balance FROM balances WHERE mailbox_id = :mailbox_id AND sender = :sender), 0) AS credits,
    1 < (
        SELECT COUNT(*) FROM (
            SELECT 1 FROM messages
            WHERE mailbox_id = :mailbox_id AND sender = :sender AND :sender <> '' AND placement IS NOT NULL
                AND CASE WHEN placement = 'held' AND decided_by = '' THEN 'held' WHEN placement = 'held' THEN 'kept'
        WHEN decided_by = '' THEN 'passed' ELSE 'let_in' END = 'let_in' AND decided_by = 'owner' AND authenticated LIMIT 2
        ) AS let_in
    ) AS keeps,
    proved, claimed
FROM (
    SELECT COALESCE(SUM(CASE WHEN authenticated THEN told ELSE 0.0 END), 0.0) AS proved,
        COALESCE(SUM(CASE WHEN authenticated AND told < 0 THEN 0.0 ELSE told END), 0.0) AS claimed
    FROM (
        SELECT told, authenticated FROM (
            SELECT evidence AS told, authenticated FROM messages
            WHERE mailbox_id = :mailbox_id AND sender = :sender AND :sender <> '' AND evidence IS NOT NULL
                AND received_at > :month_ago AND decided_by IN ('', 'kept') AND placement IS NOT NULL
                AND gmail_id <> :gmail_id
            ORDER BY received_at DESC LIMIT :most
        ) AS own
        UNION ALL
        SELECT told, authenticated FROM (
            SELECT evidence * :half AS told, authenticated, sender FROM messages
            WHERE mailbox_id = :mailbox_id AND sender_domain = :firm AND :firm <> '' AND evidence IS NOT NULL
                AND received_at > :month_ago AND decided_by IN ('', 'kept') AND placement IS NOT NULL
            ORDER BY received_at DESC LIMIT :most
        ) AS of_firm WHERE sender <> :sender
    ) AS pieces
) AS sums;

-- name: earlier_in_inbox(mailbox_id, gmail_id, since, plain, limit)
-- Where a message was held for what its sender wrote in all: what of that stayed since then, nobody has decided about,
-- and is not plainly ordinary; the latest first.
SELECT e.gmail_id FROM messages AS m JOIN messages AS e ON e.mailbox_id = m.mailbox_id AND e.sender = m.sender
WHERE m.mailbox_id = :mailbox_id AND m.gmail_id = :gmail_id AND m.policy_row = 'held_with_earlier'
    AND m.placement = 'held' AND m.decided_by = '' AND m.authenticated AND m.sender <> ''
    AND e.evidence IS NOT NULL AND e.received_at > :since AND e.received_at <= m.received_at AND e.score >= :plain
    AND e.policy_row = 'below_hold' AND e.placement = 'inbox' AND e.decided_by = '' AND e.stage IS NULL AND e.authenticated
ORDER BY e.received_at DESC, e.gmail_id LIMIT :limit;

-- name: take_out(mailbox_id, gmail_id, now)!
-- Changes nothing about a message that has moved or was decided about meanwhile.
UPDATE messages
SET stage = 'act', placement = 'held', revision = revision + 1, attempts = 0, due_at = :now, changed_at = :now
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id AND policy_row = 'below_hold' AND placement = 'inbox'
    AND decided_by = '' AND stage IS NULL AND NOT set_aside;

-- name: rule(mailbox_id, subject)$
SELECT kind FROM rules WHERE mailbox_id = :mailbox_id AND subject = :subject;

-- name: set_rule(mailbox_id, subject, kind, now)!
INSERT INTO rules (mailbox_id, subject, kind, set_at) VALUES (:mailbox_id, :subject, :kind, :now)
ON CONFLICT (mailbox_id, subject) DO UPDATE SET kind = excluded.kind, set_at = excluded.set_at;

-- name: remove_rule(mailbox_id, subject)!
DELETE FROM rules WHERE mailbox_id = :mailbox_id AND subject = :subject;

-- name: blocks(mailbox_id)$
-- Whether its owner blocks anybody: 1, or nothing.
SELECT 1 FROM rules WHERE mailbox_id = :mailbox_id AND kind = 'block' LIMIT 1;

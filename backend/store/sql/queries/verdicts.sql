-- name: standing(mailbox_id, sender, sender_domain, thread_id, month_ago)^
SELECT
    (SELECT kind FROM rules WHERE mailbox_id = :mailbox_id AND subject = :sender AND :sender <> '')
        AS address_rule,
    (SELECT kind FROM rules WHERE mailbox_id = :mailbox_id AND subject = :sender_domain AND :sender_domain <> '')
        AS domain_rule,
    EXISTS (SELECT 1 FROM correspondents WHERE mailbox_id = :mailbox_id AND address = :sender) AS corresponded,
    EXISTS (SELECT 1 FROM threads WHERE mailbox_id = :mailbox_id AND thread_id = :thread_id) AS took_part,
    EXISTS (
        SELECT 1 FROM messages
        WHERE mailbox_id = :mailbox_id AND sender = :sender AND placement = 'held' AND decided_by IN ('', 'kept')
            AND policy_row <> 'blocked' AND decided_at > :month_ago AND :sender <> ''
    ) AS held_undecided,
    (
        SELECT MAX(COALESCE(score, 0)) FROM messages
        WHERE mailbox_id = :mailbox_id AND sender = :sender AND placement = 'held' AND decided_by IN ('', 'kept')
            AND authenticated AND policy_row <> 'blocked' AND decided_at > :month_ago AND :sender <> ''
    ) AS held_score,
    COALESCE((SELECT balance FROM balances WHERE mailbox_id = :mailbox_id AND sender = :sender), 0) AS credits;

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

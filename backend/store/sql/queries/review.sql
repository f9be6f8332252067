-- The shelf's expression is written as in its indexes: a query that writes it otherwise walks the table.

-- name: shelf_rows(mailbox_id, shelf, at, gmail_id, limit)
-- Messages of a shelf behind (`at`, `gmail_id`), newest first.
SELECT m.gmail_id, m.sender, m.sender_name, m.subject, m.score, m.outcome, m.cause, m.appeal AS note,
    COALESCE(m.received_at, m.first_seen_at) AS at, FALSE AS is_head
FROM messages AS m
WHERE m.mailbox_id = :mailbox_id AND m.placement IS NOT NULL
    AND CASE WHEN m.placement = 'held' AND m.decided_by = '' THEN 'held' WHEN m.placement = 'held' THEN 'kept'
        WHEN m.decided_by = '' THEN 'passed' ELSE 'let_in' END = :shelf
    AND (COALESCE(m.received_at, m.first_seen_at), m.gmail_id) < (:at, :gmail_id)
ORDER BY COALESCE(m.received_at, m.first_seen_at) DESC, m.gmail_id DESC LIMIT :limit;

-- name: shelf_heads(mailbox_id, shelf, at, gmail_id, limit)
-- The same; `is_head` marks the newest message of its sender on this shelf.
SELECT m.gmail_id, m.sender, m.sender_name, m.subject, m.score, m.outcome, m.cause, m.appeal AS note,
    COALESCE(m.received_at, m.first_seen_at) AS at,
    NOT EXISTS (
        SELECT 1 FROM messages AS n
        WHERE n.mailbox_id = m.mailbox_id AND n.sender = m.sender AND n.placement IS NOT NULL
            AND CASE WHEN n.placement = 'held' AND n.decided_by = '' THEN 'held' WHEN n.placement = 'held' THEN 'kept'
        WHEN n.decided_by = '' THEN 'passed' ELSE 'let_in' END = :shelf
            AND (COALESCE(n.received_at, n.first_seen_at), n.gmail_id) > (COALESCE(m.received_at, m.first_seen_at), m.gmail_id)
    ) AS is_head
FROM messages AS m
WHERE m.mailbox_id = :mailbox_id AND m.placement IS NOT NULL
    AND CASE WHEN m.placement = 'held' AND m.decided_by = '' THEN 'held' WHEN m.placement = 'held' THEN 'kept'
        WHEN m.decided_by = '' THEN 'passed' ELSE 'let_in' END = :shelf
    AND (COALESCE(m.received_at, m.first_seen_at), m.gmail_id) < (:at, :gmail_id)
ORDER BY COALESCE(m.received_at, m.first_seen_at) DESC, m.gmail_id DESC LIMIT :limit;

-- name: shelf_heads_of_all(mailbox_id, shelf, at, gmail_id, limit)
-- The same; `is_head` marks the newest message of its sender on any shelf.
SELECT m.gmail_id, m.sender, m.sender_name, m.subject, m.score, m.outcome, m.cause, m.appeal AS note,
    COALESCE(m.received_at, m.first_seen_at) AS at,
    NOT EXISTS (
        SELECT 1 FROM messages AS n
        WHERE n.mailbox_id = m.mailbox_id AND n.sender = m.sender AND n.placement IS NOT NULL
            AND CASE WHEN n.placement = 'held' AND n.decided_by = '' THEN 'held' WHEN n.placement = 'held' THEN 'kept'
        WHEN n.decided_by = '' THEN 'passed' ELSE 'let_in' END IN ('held', 'kept', 'let_in', 'passed')
            AND (COALESCE(n.received_at, n.first_seen_at), n.gmail_id) > (COALESCE(m.received_at, m.first_seen_at), m.gmail_id)
    ) AS is_head
FROM messages AS m
WHERE m.mailbox_id = :mailbox_id AND m.placement IS NOT NULL
    AND CASE WHEN m.placement = 'held' AND m.decided_by = '' THEN 'held' WHEN m.placement = 'held' THEN 'kept'
        WHEN m.decided_by = '' THEN 'passed' ELSE 'let_in' END = :shelf
    AND (COALESCE(m.received_at, m.first_seen_at), m.gmail_id) < (:at, :gmail_id)
ORDER BY COALESCE(m.received_at, m.first_seen_at) DESC, m.gmail_id DESC LIMIT :limit;

-- name: doubtful_heads(mailbox_id, at, gmail_id, limit)
-- What waits behind (`at`, `gmail_id`), the least like a pitch first; `at` is a millionth of the score. `is_head` marks
-- the newest message of its sender.
SELECT m.gmail_id, m.sender, m.sender_name, m.subject, m.score, m.outcome, m.cause, m.appeal AS note,
    CAST(COALESCE(m.score, 0) * 1000000 AS BIGINT) AS at,
    NOT EXISTS (
        SELECT 1 FROM messages AS n
        WHERE n.mailbox_id = m.mailbox_id AND n.sender = m.sender AND n.placement IS NOT NULL
            AND CASE WHEN n.placement = 'held' AND n.decided_by = '' THEN 'held' WHEN n.placement = 'held' THEN 'kept'
        WHEN n.decided_by = '' THEN 'passed' ELSE 'let_in' END = 'held'
            AND (COALESCE(n.received_at, n.first_seen_at), n.gmail_id) > (COALESCE(m.received_at, m.first_seen_at), m.gmail_id)
    ) AS is_head
FROM messages AS m
WHERE m.mailbox_id = :mailbox_id AND m.placement = 'held' AND m.decided_by = ''
    AND (CAST(COALESCE(m.score, 0) * 1000000 AS BIGINT), m.gmail_id) > (:at, :gmail_id)
ORDER BY CAST(COALESCE(m.score, 0) * 1000000 AS BIGINT), m.gmail_id LIMIT :limit;

-- name: shelf_of_sender(mailbox_id, sender, shelf, at, gmail_id, limit)
SELECT *, COALESCE(received_at, first_seen_at) AS at FROM messages
WHERE mailbox_id = :mailbox_id AND sender = :sender AND placement IS NOT NULL
    AND CASE WHEN placement = 'held' AND decided_by = '' THEN 'held' WHEN placement = 'held' THEN 'kept'
        WHEN decided_by = '' THEN 'passed' ELSE 'let_in' END = :shelf
    AND (COALESCE(received_at, first_seen_at), gmail_id) < (:at, :gmail_id)
ORDER BY COALESCE(received_at, first_seen_at) DESC, gmail_id DESC LIMIT :limit;

-- name: count_shelf(mailbox_id, shelf, limit)$
SELECT COUNT(*) FROM (
    SELECT 1 FROM messages WHERE mailbox_id = :mailbox_id AND placement IS NOT NULL
    AND CASE WHEN placement = 'held' AND decided_by = '' THEN 'held' WHEN placement = 'held' THEN 'kept'
        WHEN decided_by = '' THEN 'passed' ELSE 'let_in' END = :shelf LIMIT :limit
) AS first;

-- name: count_shelf_of_sender(mailbox_id, sender, shelf, limit)$
SELECT COUNT(*) FROM (
    SELECT 1 FROM messages WHERE mailbox_id = :mailbox_id AND sender = :sender AND placement IS NOT NULL
    AND CASE WHEN placement = 'held' AND decided_by = '' THEN 'held' WHEN placement = 'held' THEN 'kept'
        WHEN decided_by = '' THEN 'passed' ELSE 'let_in' END = :shelf LIMIT :limit
) AS first;

-- name: sender_rules(mailbox_id, sender, sender_domain)^
SELECT
    (SELECT kind FROM rules WHERE mailbox_id = :mailbox_id AND subject = :sender AND :sender <> '')
        AS address_rule,
    (SELECT kind FROM rules WHERE mailbox_id = :mailbox_id AND subject = :sender_domain AND :sender_domain <> '')
        AS domain_rule,
    EXISTS (SELECT 1 FROM correspondents WHERE mailbox_id = :mailbox_id AND address = :sender) AS corresponded;

-- name: checks_of_sender(mailbox_id, sender, limit)
SELECT gmail_id, state, created_at, expires_at, sending_at, sent_gmail_id, started_at, solved_at, ended_at, bounced_at,
    cause, is_open
FROM challenges WHERE mailbox_id = :mailbox_id AND sender = :sender ORDER BY created_at DESC, id DESC LIMIT :limit;

-- name: ledger_of_sender(mailbox_id, sender, limit)
SELECT posted_at, posting, amount, about FROM ledger
WHERE mailbox_id = :mailbox_id AND sender = :sender ORDER BY posted_at DESC, posting_key DESC LIMIT :limit;

-- name: ledger_entry(mailbox_id, posting_key)^
SELECT sender, posting, amount FROM ledger WHERE mailbox_id = :mailbox_id AND posting_key = :posting_key;

-- name: ordered(mailbox_id, first, last)
-- Decisions made under keys from `first` to `last`, latest first.
SELECT correction_key FROM corrections
WHERE mailbox_id = :mailbox_id AND correction_key >= :first AND correction_key < :last
ORDER BY decided_at DESC, correction_key DESC;

-- name: unsubscription(mailbox_id, gmail_id)^
SELECT * FROM unsubscriptions WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: unsubscriptions_of_sender(mailbox_id, sender, limit)
SELECT * FROM unsubscriptions WHERE mailbox_id = :mailbox_id AND sender = :sender ORDER BY asked_at DESC LIMIT :limit;

-- name: order_unsubscribe(mailbox_id, gmail_id, sender, now)!
INSERT INTO unsubscriptions (mailbox_id, gmail_id, sender, state, asked_at)
VALUES (:mailbox_id, :gmail_id, :sender, 'asked', :now)
ON CONFLICT (mailbox_id, gmail_id) DO NOTHING;

-- name: claim_unsubscribe(mailbox_id, gmail_id, now, before)!
-- One at a time; a process that died over it holds it for a minute.
UPDATE unsubscriptions SET state = 'trying', tried_at = :now
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id
    AND (state IN ('asked', 'failed') OR (state = 'trying' AND tried_at <= :before));

-- name: unsubscribe_ended(mailbox_id, gmail_id, state, host, cause)!
UPDATE unsubscriptions SET state = :state, host = :host, cause = :cause
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id AND state <> 'done';

-- name: chain(mailbox_id)^
SELECT sealed_key, began, number, seal, tag, setting FROM chains WHERE mailbox_id = :mailbox_id;

-- name: begin_chain(mailbox_id, sealed_key, began, number, seal, tag)!
-- Anew where no key opens the old one: what went before stays, and nobody can verify it any more.
INSERT INTO chains (mailbox_id, sealed_key, began, number, seal, tag)
VALUES (:mailbox_id, :sealed_key, :began, :number, :seal, :tag)
ON CONFLICT (mailbox_id) DO UPDATE SET
    sealed_key = excluded.sealed_key, began = excluded.began, seal = excluded.seal, tag = excluded.tag;

-- name: move_chain(mailbox_id, before, number, seal, tag, setting)!
UPDATE chains SET number = :number, seal = :seal, tag = :tag, setting = :setting
WHERE mailbox_id = :mailbox_id AND seal = :before;

-- name: swap_chain_key(mailbox_id, old, new)!
UPDATE chains SET sealed_key = :new WHERE mailbox_id = :mailbox_id AND sealed_key = :old;

-- name: append_decision(mailbox_id, number, at, about, salt, payload, digest, seal)!
INSERT INTO decisions (mailbox_id, number, at, gmail_id, salt, payload, digest, seal)
VALUES (:mailbox_id, :number, :at, :about, :salt, :payload, :digest, :seal);

-- name: keep_setting(mailbox_id, name, content)!
INSERT INTO decision_settings (mailbox_id, name, content) VALUES (:mailbox_id, :name, :content)
ON CONFLICT DO NOTHING;

-- name: keep_counts(mailbox_id, number, at, counts)!
INSERT INTO decision_counts (mailbox_id, number, at, counts) VALUES (:mailbox_id, :number, :at, :counts);

-- name: decisions(mailbox_id)
SELECT number, at, gmail_id AS about, salt, payload, digest, seal FROM decisions
WHERE mailbox_id = :mailbox_id ORDER BY number;

-- name: decisions_about(mailbox_id, gmail_id)
SELECT number, at, gmail_id AS about, salt, payload, digest, seal FROM decisions
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id ORDER BY number;

-- name: decision_counts(mailbox_id)
SELECT number, counts FROM decision_counts WHERE mailbox_id = :mailbox_id;

-- name: decision_settings(mailbox_id)
SELECT name, content FROM decision_settings WHERE mailbox_id = :mailbox_id;

-- name: retain_decisions(mailbox_id, before, limit)!
-- What is left is a tombstone: the chain goes on, and nothing is told by it.
UPDATE decisions SET at = NULL, gmail_id = NULL, salt = NULL, payload = NULL
WHERE mailbox_id = :mailbox_id AND number IN (
    SELECT number FROM decisions WHERE mailbox_id = :mailbox_id AND at < :before ORDER BY number LIMIT :limit
);

-- name: retain_decision_counts(mailbox_id, before, limit)!
DELETE FROM decision_counts WHERE mailbox_id = :mailbox_id AND number IN (
    SELECT number FROM decision_counts WHERE mailbox_id = :mailbox_id AND at < :before ORDER BY number LIMIT :limit
);

-- name: last_tombstone(mailbox_id)$
SELECT MAX(number) FROM decisions WHERE mailbox_id = :mailbox_id AND at IS NULL;

-- name: last_erasure(mailbox_id)$
SELECT payload FROM decisions WHERE mailbox_id = :mailbox_id AND gmail_id = '' ORDER BY number DESC LIMIT 1;

-- name: decided_messages(mailbox_id)
-- What is kept of verdicts beside the log.
SELECT gmail_id, outcome, policy_row, score, decided_at FROM messages
WHERE mailbox_id = :mailbox_id AND decided_at IS NOT NULL ORDER BY decided_at, gmail_id;

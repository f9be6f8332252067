-- name: rules(mailbox_id, kind, pattern, after, limit)
SELECT subject, kind, set_at FROM rules
WHERE mailbox_id = :mailbox_id AND subject > :after AND (CAST(:kind AS TEXT) = '' OR kind = :kind)
    AND subject LIKE :pattern || '' ESCAPE '!'
ORDER BY subject LIMIT :limit;

-- name: count_rules(mailbox_id)$
SELECT COUNT(*) FROM rules WHERE mailbox_id = :mailbox_id;

-- name: sessions(mailbox_id, now)
SELECT * FROM sessions WHERE mailbox_id = :mailbox_id AND expires_at > :now ORDER BY created_at DESC, token_hash;

-- name: remove_other_sessions(mailbox_id, token_hash)!
DELETE FROM sessions WHERE mailbox_id = :mailbox_id AND token_hash <> :token_hash;

-- name: insert_receipt(token_hash, mailbox_id, now)!
INSERT INTO receipts (token_hash, mailbox_id, asked_at) VALUES (:token_hash, :mailbox_id, :now);

-- name: receipt(token_hash)^
SELECT * FROM receipts WHERE token_hash = :token_hash;

-- name: finish_receipts(mailbox_id, now, grant_end, deleted)!
UPDATE receipts SET left_at = :now, grant_end = :grant_end, deleted = :deleted
WHERE mailbox_id = :mailbox_id AND left_at IS NULL;

-- name: drop_receipts(before)!
DELETE FROM receipts WHERE asked_at < :before;

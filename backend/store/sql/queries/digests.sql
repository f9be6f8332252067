-- name: digest(mailbox_id)^
SELECT * FROM digests WHERE mailbox_id = :mailbox_id;

-- name: intend_digest(mailbox_id, message_id, until)!
UPDATE digests SET message_id = :message_id, leaving = :until, gmail_id = '' WHERE mailbox_id = :mailbox_id;

-- name: digest_told(mailbox_id, until, gmail_id)!
INSERT INTO digests (mailbox_id, told_until) VALUES (:mailbox_id, :until)
ON CONFLICT (mailbox_id) DO UPDATE
SET told_until = EXCLUDED.told_until, leaving = NULL,
    gmail_id = CASE WHEN :gmail_id = '' THEN digests.gmail_id ELSE :gmail_id END;

-- name: insert_digest_link(token_hash, mailbox_id, message_id, decision, gmail_ids, expires_at)!
INSERT INTO digest_links (token_hash, mailbox_id, message_id, decision, gmail_ids, expires_at)
VALUES (:token_hash, :mailbox_id, :message_id, :decision, :gmail_ids, :expires_at);

-- name: drop_digest_links(mailbox_id, now)!
-- Those nobody can use any more, and those of a digest that was looked for and is nowhere.
DELETE FROM digest_links WHERE mailbox_id = :mailbox_id AND (expires_at <= :now OR message_id IN (
    SELECT d.message_id FROM digests AS d WHERE d.mailbox_id = :mailbox_id AND d.leaving IS NOT NULL
));

-- name: digest_link(token_hash)^
SELECT token_hash, mailbox_id, decision, gmail_ids, expires_at, used_at, undone_at
FROM digest_links WHERE token_hash = :token_hash;

-- name: use_digest_link(token_hash, now)!
UPDATE digest_links SET used_at = :now WHERE token_hash = :token_hash;

-- name: undo_digest_link(token_hash, now)!
UPDATE digest_links SET undone_at = :now WHERE token_hash = :token_hash;

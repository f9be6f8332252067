-- Deleting in small batches.

-- name: retain_messages(mailbox_id, before, limit)!
DELETE FROM messages WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM messages
    WHERE mailbox_id = :mailbox_id AND changed_at < :before AND due_at IS NULL LIMIT :limit
));

-- name: retain_challenges(mailbox_id, before, limit)!
DELETE FROM challenges WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM challenges
    WHERE mailbox_id = :mailbox_id AND created_at < :before AND expires_at < :before LIMIT :limit
));

-- name: retain_answers(mailbox_id, before, limit)!
DELETE FROM answers WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM answers WHERE mailbox_id = :mailbox_id AND expires_at < :before LIMIT :limit
));

-- name: retain_corrections(mailbox_id, before, limit)!
DELETE FROM corrections WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM corrections
    WHERE mailbox_id = :mailbox_id AND decided_at < :before AND NOT pending LIMIT :limit
));

-- name: retain_code_tries(mailbox_id, before, limit)!
DELETE FROM code_tries WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM code_tries WHERE mailbox_id = :mailbox_id AND expires_at < :before LIMIT :limit
));

-- name: retain_previews(mailbox_id, before, limit)!
DELETE FROM previews WHERE ctid = ANY (ARRAY(
    SELECT p.ctid FROM previews AS p
    WHERE p.mailbox_id = :mailbox_id AND EXISTS (
        SELECT 1 FROM preview_runs AS r WHERE r.mailbox_id = :mailbox_id AND r.asked_at < :before
    ) LIMIT :limit
));

-- name: retain_digest_links(mailbox_id, before, limit)!
DELETE FROM digest_links WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM digest_links WHERE mailbox_id = :mailbox_id AND expires_at < :before LIMIT :limit
));

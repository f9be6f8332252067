-- name: retain_unsubscriptions(mailbox_id, before, limit)!
DELETE FROM unsubscriptions WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM unsubscriptions WHERE mailbox_id = :mailbox_id AND asked_at < :before LIMIT :limit
));

-- name: said_about(mailbox_id, ids)
SELECT gmail_id, decision, origin, decided_at, undone_at FROM corrections
WHERE mailbox_id = :mailbox_id AND gmail_id = ANY (ARRAY(SELECT jsonb_array_elements_text(CAST(:ids AS JSONB))))
ORDER BY decided_at, correction_key;

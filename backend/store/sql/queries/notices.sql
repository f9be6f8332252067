-- name: hear_by(mailbox_id, notices)!
-- Where notices are not fetched, nothing can keep them from it; a mailbox that is asked has no watch.
UPDATE mailboxes
SET notices = :notices,
    unheard_since = CASE WHEN notices = :notices THEN unheard_since END,
    notices_missing = CASE WHEN :notices = 'pull' THEN notices_missing ELSE '' END,
    watch_expires_at = CASE WHEN :notices = 'poll' THEN NULL ELSE watch_expires_at END
WHERE id = :mailbox_id;

-- name: save_missing(missing)!
UPDATE mailboxes SET notices_missing = :missing WHERE notices = 'pull' AND notices_missing <> :missing;

-- name: note_owner_acted(mailbox_id, now)!
UPDATE mailboxes SET moved_at = :now WHERE id = :mailbox_id AND notices = 'poll';

-- name: note_told(mailbox_id, told_to, told_at)!
UPDATE mailboxes SET told_to = :told_to, told_at = :told_at, unheard_since = NULL WHERE id = :mailbox_id;

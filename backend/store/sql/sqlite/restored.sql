-- What was in hand when a backup was made is in nobody's hands once it is put back.

-- name: free_messages(now, searchable)!
-- A challenge may have left just before: it is looked for once it can be found.
UPDATE messages
SET lease = NULL,
    due_at = CASE WHEN stage IS NULL THEN NULL WHEN stage = 'challenge' THEN :searchable ELSE :now END
WHERE lease IS NOT NULL;

-- name: free_duties(now)!
UPDATE duties SET lease = NULL, due_at = :now WHERE lease IS NOT NULL;

-- name: doubt_intents()!
-- What was only intended then may have been sent since: looked for before it is sent.
UPDATE challenges SET state = 'sending', sending_at = created_at WHERE state = 'intended';

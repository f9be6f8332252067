-- name: doubt_intents()!
-- What was only intended then may have been sent since: looked for before it is sent.
UPDATE challenges SET state = 'sending', sending_at = created_at WHERE state = 'intended';

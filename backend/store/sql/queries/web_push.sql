-- name: web_pushes(mailbox_id, now)
SELECT w.id, w.session, w.sealed, w.browser, w.language, w.told_until, w.told_at, w.failing_since
FROM web_pushes AS w JOIN sessions AS s ON s.token_hash = w.session
WHERE w.mailbox_id = :mailbox_id AND s.expires_at > :now ORDER BY w.created_at, w.id;

-- name: has_web_push(mailbox_id)$
SELECT COUNT(*) FROM web_pushes WHERE mailbox_id = :mailbox_id;

-- name: insert_web_push(id, mailbox_id, session, sealed, language, now)!
-- None for a session that has ended, or is not of this mailbox.
INSERT INTO web_pushes (id, mailbox_id, session, sealed, browser, language, created_at, told_until)
SELECT :id, s.mailbox_id, s.token_hash, :sealed, s.browser, :language, CAST(:now AS BIGINT), CAST(:now AS BIGINT)
FROM sessions AS s WHERE s.mailbox_id = :mailbox_id AND s.token_hash = :session;

-- name: swap_web_push(mailbox_id, id, old, new)!
UPDATE web_pushes SET sealed = :new WHERE mailbox_id = :mailbox_id AND id = :id AND sealed = :old;

-- name: remove_web_push(mailbox_id, session)!
DELETE FROM web_pushes WHERE mailbox_id = :mailbox_id AND session = :session;

-- name: hand_over_web_push(mailbox_id, old, new)!
UPDATE web_pushes SET session = :new
WHERE mailbox_id = :mailbox_id AND session = :old
    AND EXISTS (SELECT 1 FROM sessions AS s WHERE s.mailbox_id = :mailbox_id AND s.token_hash = :new);

-- name: drop_web_push(mailbox_id, id, sealed)!
DELETE FROM web_pushes WHERE mailbox_id = :mailbox_id AND id = :id AND sealed = :sealed;

-- name: web_push_told(mailbox_id, id, sealed, now, failing_since)!
UPDATE web_pushes SET told_until = :now, told_at = :now, failing_since = :failing_since
WHERE mailbox_id = :mailbox_id AND id = :id AND sealed = :sealed;

-- name: web_push_fails(mailbox_id, id, sealed, since)!
UPDATE web_pushes SET failing_since = :since WHERE mailbox_id = :mailbox_id AND id = :id AND sealed = :sealed;

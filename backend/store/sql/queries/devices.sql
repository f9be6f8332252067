-- name: insert_device(id, mailbox_id, token_hash, name, scopes, now)!
INSERT INTO devices (id, mailbox_id, token_hash, name, scopes, created_at, last_seen_at)
VALUES (:id, :mailbox_id, :token_hash, :name, :scopes, :now, :now);

-- name: device_by_token(token_hash)^
SELECT * FROM devices WHERE token_hash = :token_hash;

-- name: device(mailbox_id, id)^
SELECT * FROM devices WHERE mailbox_id = :mailbox_id AND id = :id;

-- name: devices(mailbox_id)
SELECT * FROM devices WHERE mailbox_id = :mailbox_id ORDER BY created_at, id;

-- name: count_devices(mailbox_id)$
SELECT COUNT(*) FROM devices WHERE mailbox_id = :mailbox_id;

-- name: device_seen(mailbox_id, id, now)!
UPDATE devices SET last_seen_at = :now WHERE mailbox_id = :mailbox_id AND id = :id;

-- name: remove_device(mailbox_id, id)!
DELETE FROM devices WHERE mailbox_id = :mailbox_id AND id = :id;

-- name: remove_device_codes(mailbox_id, id)!
DELETE FROM one_time_codes WHERE mailbox_id = :mailbox_id AND device_id = :id;

-- name: remove_device_sessions(mailbox_id, id)!
DELETE FROM sessions WHERE mailbox_id = :mailbox_id AND device_id = :id;

-- name: insert_code(code_hash, mailbox_id, purpose, detail, name, device_id, expires_at)!
INSERT INTO one_time_codes (code_hash, mailbox_id, purpose, detail, name, device_id, expires_at)
VALUES (:code_hash, :mailbox_id, :purpose, :detail, :name, :device_id, :expires_at);

-- name: code(code_hash, purpose)^
SELECT * FROM one_time_codes WHERE code_hash = :code_hash AND purpose = :purpose;

-- name: use_code(mailbox_id, code_hash, now)!
-- One row for the first who comes, none for everybody after them.
UPDATE one_time_codes SET used_at = :now
WHERE mailbox_id = :mailbox_id AND code_hash = :code_hash AND used_at IS NULL;

-- name: drop_codes(mailbox_id, before)!
DELETE FROM one_time_codes WHERE mailbox_id = :mailbox_id AND expires_at < :before;

-- name: insert_session(token_hash, mailbox_id, device_id, browser, now, expires_at)!
INSERT INTO sessions (token_hash, mailbox_id, device_id, browser, created_at, expires_at)
VALUES (:token_hash, :mailbox_id, :device_id, :browser, :now, :expires_at);

-- name: session(token_hash)^
SELECT * FROM sessions WHERE token_hash = :token_hash;

-- name: extend_session(mailbox_id, token_hash, expires_at)!
UPDATE sessions SET expires_at = :expires_at WHERE mailbox_id = :mailbox_id AND token_hash = :token_hash;

-- name: remove_session(mailbox_id, token_hash)!
DELETE FROM sessions WHERE mailbox_id = :mailbox_id AND token_hash = :token_hash;

-- name: drop_sessions(mailbox_id, before)!
DELETE FROM sessions WHERE mailbox_id = :mailbox_id AND expires_at < :before;

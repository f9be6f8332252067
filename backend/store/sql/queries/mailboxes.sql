-- name: mailbox(mailbox_id)^
SELECT * FROM mailboxes WHERE id = :mailbox_id;

-- name: mailbox_by_email(email)^
-- An address may have belonged to an account that is gone: the newest one counts.
SELECT * FROM mailboxes WHERE email = :email ORDER BY created_at DESC, id DESC LIMIT 1;

-- name: mailbox_by_former(listed)^
-- One whose address this was, where it is nobody's now. `listed` is a pattern of LIKE.
SELECT * FROM mailboxes WHERE former <> '[]' AND former LIKE :listed || '' ESCAPE '!'
ORDER BY created_at DESC, id DESC LIMIT 1;

-- name: mailbox_by_sub(sub)^
SELECT * FROM mailboxes WHERE sub = :sub;

-- name: mailboxes()
SELECT * FROM mailboxes ORDER BY created_at, id;

-- name: insert_mailbox(id, sub, email, name, sealed_token, scopes, preferences, grant_expires_at, now)!
INSERT INTO mailboxes (id, sub, email, name, link, sealed_token, scopes, preferences, grant_expires_at, created_at,
    changed_at)
VALUES (:id, :sub, :email, :name, 'connected', :sealed_token, :scopes, :preferences, :grant_expires_at, :now, :now)
ON CONFLICT DO NOTHING;

-- name: reconnect_mailbox(mailbox_id, email, former, name, sealed_token, scopes, grant_expires_at, now)!
UPDATE mailboxes
SET email = :email, former = :former, name = CASE WHEN :name = '' THEN name ELSE :name END,
    sealed_token = :sealed_token, scopes = :scopes,
    link = 'connected', link_cause = '', grant_expires_at = :grant_expires_at, changed_at = :now
WHERE id = :mailbox_id;

-- name: insert_duty(mailbox_id, duty)!
INSERT INTO duties (mailbox_id, duty) VALUES (:mailbox_id, :duty);

-- name: sealed_tokens()
SELECT sealed_token FROM mailboxes WHERE LENGTH(sealed_token) > 0;

-- name: save_sealed_token(mailbox_id, sealed, now)!
UPDATE mailboxes SET sealed_token = :sealed, changed_at = :now WHERE id = :mailbox_id;

-- name: swap_sealed_token(mailbox_id, old, new, now)!
-- Only if nobody has stored another one meanwhile.
UPDATE mailboxes SET sealed_token = :new, changed_at = :now WHERE id = :mailbox_id AND sealed_token = :old;

-- name: save_grant_expiry(mailbox_id, sealed, at)!
-- Every refresh tells it again, to the second: what differs by less than a minute is the same.
UPDATE mailboxes SET grant_expires_at = :at
WHERE id = :mailbox_id AND sealed_token = :sealed
    AND (grant_expires_at IS NULL OR ABS(grant_expires_at - :at) > 60000000);

-- name: save_preferences(mailbox_id, preferences, now)!
UPDATE mailboxes SET preferences = :preferences, changed_at = :now WHERE id = :mailbox_id;

-- name: save_labels(mailbox_id, held, would_hold, allow, block, partly_read, email, former, aliases, name)!
UPDATE mailboxes
SET label_held = :held, label_would_hold = :would_hold, label_allow = :allow, label_block = :block,
    label_partly_read = :partly_read,
    email = :email, former = :former, aliases = :aliases, name = CASE WHEN :name = '' THEN name ELSE :name END
WHERE id = :mailbox_id;

-- name: save_watch(mailbox_id, expires_at, first_cursor)!
UPDATE mailboxes
SET watch_expires_at = :expires_at, cursor = CASE WHEN cursor = '' THEN :first_cursor ELSE cursor END
WHERE id = :mailbox_id;

-- name: save_link(mailbox_id, link, cause, now)!
UPDATE mailboxes SET link = :link, link_cause = :cause, changed_at = :now WHERE id = :mailbox_id;

-- name: cancel_leave(mailbox_id)!
-- An owner who comes back before their leaving was begun stays.
UPDATE duties SET due_at = NULL, attempts = 0, error = ''
WHERE mailbox_id = :mailbox_id AND duty = 'leave' AND error <> 'begun';

-- name: begin_leaving(mailbox_id)!
UPDATE duties SET error = 'begun' WHERE mailbox_id = :mailbox_id AND duty = 'leave';

-- name: leave_begun(mailbox_id)$
SELECT COUNT(*) FROM duties WHERE mailbox_id = :mailbox_id AND duty = 'leave' AND error = 'begun';

-- name: save_cursor(mailbox_id, cursor, page_token, page_start, safe_since, moved_at, unheard_since, told_to, told_at)!
UPDATE mailboxes
SET cursor = :cursor, page_token = :page_token, page_start = :page_start, safe_since = :safe_since, moved_at = :moved_at,
    unheard_since = :unheard_since, told_to = :told_to, told_at = :told_at
WHERE id = :mailbox_id;

-- name: save_gap(mailbox_id, gap)!
UPDATE mailboxes SET last_gap = :gap WHERE id = :mailbox_id;

-- name: save_index(mailbox_id, page, done, total, indexed_at)!
UPDATE mailboxes
SET index_page = :page, index_done = :done, index_total = :total, indexed_at = :indexed_at
WHERE id = :mailbox_id;

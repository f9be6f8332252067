-- By what address and name an owner's reply is sent ('' in rows of the release before: the primary ones), and whether
-- it was put off because a count of the day was full.
ALTER TABLE challenges ADD COLUMN reply_from TEXT NOT NULL DEFAULT '';
ALTER TABLE challenges ADD COLUMN reply_name TEXT NOT NULL DEFAULT '';
ALTER TABLE challenges ADD COLUMN late INTEGER NOT NULL DEFAULT 0;

-- When Google ends the grant by itself; NULL where it has not said that it will.
ALTER TABLE mailboxes ADD COLUMN grant_expires_at INTEGER;

INSERT INTO duties (mailbox_id, duty, is_open) SELECT id, 'owed', link = 'connected' FROM mailboxes WHERE TRUE
ON CONFLICT DO NOTHING;

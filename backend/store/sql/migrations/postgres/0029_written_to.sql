-- By what address and name an owner's reply is sent ('' in rows of the release before: the primary ones), and whether
-- it was put off because a count of the day was full.
ALTER TABLE challenges ADD COLUMN reply_from TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE challenges ADD COLUMN reply_name TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE challenges ADD COLUMN late BOOLEAN NOT NULL DEFAULT FALSE;

-- When Google ends the grant by itself; NULL where it has not said that it will.
ALTER TABLE mailboxes ADD COLUMN grant_expires_at BIGINT;

INSERT INTO duties (mailbox_id, duty, is_open) SELECT id, 'owed', link = 'connected' FROM mailboxes WHERE TRUE
ON CONFLICT DO NOTHING;

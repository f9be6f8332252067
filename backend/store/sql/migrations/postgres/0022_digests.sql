-- The owner's digest: up to when they were told, and the latest one. `leaving` is set from its intent until it is known
-- to be in the inbox: up to when it was to tell.
CREATE TABLE digests (
    mailbox_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES mailboxes (id),
    told_until BIGINT NOT NULL,
    message_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    leaving BIGINT,
    gmail_id TEXT COLLATE "C" NOT NULL DEFAULT ''
);

-- What its links do: one act each, on one sender's messages, once.
CREATE TABLE digest_links (
    token_hash TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    mailbox_id TEXT COLLATE "C" NOT NULL REFERENCES mailboxes (id),
    message_id TEXT COLLATE "C" NOT NULL,
    decision TEXT COLLATE "C" NOT NULL,
    gmail_ids TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    undone_at BIGINT
);
CREATE INDEX digest_links_mailbox ON digest_links (mailbox_id, expires_at);

ALTER TABLE digests ENABLE ROW LEVEL SECURITY;
ALTER TABLE digests FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON digests
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

ALTER TABLE digest_links ENABLE ROW LEVEL SECURITY;
ALTER TABLE digest_links FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON digest_links
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

INSERT INTO duties (mailbox_id, duty, is_open) SELECT id, 'digest', link = 'connected' FROM mailboxes WHERE TRUE
ON CONFLICT DO NOTHING;

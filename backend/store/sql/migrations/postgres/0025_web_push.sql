-- Browsers whose owner wants to be told of new senders. Each goes with the session that switched it on. `sealed` holds
-- where it is reached and the keys.
CREATE TABLE web_pushes (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    mailbox_id TEXT COLLATE "C" NOT NULL REFERENCES mailboxes (id),
    session TEXT COLLATE "C" NOT NULL UNIQUE REFERENCES sessions (token_hash) ON DELETE CASCADE,
    sealed BYTEA NOT NULL,
    browser TEXT COLLATE "C" NOT NULL,
    language TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    told_until BIGINT NOT NULL,
    told_at BIGINT,
    failing_since BIGINT
);
CREATE INDEX web_pushes_mailbox ON web_pushes (mailbox_id, created_at);

ALTER TABLE web_pushes ENABLE ROW LEVEL SECURITY;
ALTER TABLE web_pushes FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON web_pushes
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

INSERT INTO duties (mailbox_id, duty, is_open) SELECT id, 'web_push', link = 'connected' FROM mailboxes WHERE TRUE
ON CONFLICT DO NOTHING;

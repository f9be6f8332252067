-- Browsers whose owner wants to be told of new senders. Each goes with the session that switched it on. `sealed` holds
-- where it is reached and the keys.
CREATE TABLE web_pushes (
    id TEXT NOT NULL PRIMARY KEY,
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    session TEXT NOT NULL UNIQUE REFERENCES sessions (token_hash) ON DELETE CASCADE,
    sealed BLOB NOT NULL,
    browser TEXT NOT NULL,
    language TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    told_until INTEGER NOT NULL,
    told_at INTEGER,
    failing_since INTEGER
) STRICT;
CREATE INDEX web_pushes_mailbox ON web_pushes (mailbox_id, created_at);

INSERT INTO duties (mailbox_id, duty, is_open) SELECT id, 'web_push', link = 'connected' FROM mailboxes WHERE TRUE
ON CONFLICT DO NOTHING;

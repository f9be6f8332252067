-- The owner's digest: up to when they were told, and the latest one. `leaving` is set from its intent until it is known
-- to be in the inbox: up to when it was to tell.
CREATE TABLE digests (
    mailbox_id TEXT NOT NULL PRIMARY KEY REFERENCES mailboxes (id),
    told_until INTEGER NOT NULL,
    message_id TEXT NOT NULL DEFAULT '',
    leaving INTEGER,
    gmail_id TEXT NOT NULL DEFAULT ''
) STRICT;

-- What its links do: one act each, on one sender's messages, once.
CREATE TABLE digest_links (
    token_hash TEXT NOT NULL PRIMARY KEY,
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    message_id TEXT NOT NULL,
    decision TEXT NOT NULL,
    gmail_ids TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    undone_at INTEGER
) STRICT;
CREATE INDEX digest_links_mailbox ON digest_links (mailbox_id, expires_at);

INSERT INTO duties (mailbox_id, duty, is_open) SELECT id, 'digest', link = 'connected' FROM mailboxes WHERE TRUE
ON CONFLICT DO NOTHING;

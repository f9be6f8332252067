-- Every decision, one after the other, each sealed with what went before it (backend/domain/watching/chain.py). `began` is
-- the number up to which entries were sealed with a key that is lost.
CREATE TABLE chains (
    mailbox_id TEXT NOT NULL PRIMARY KEY REFERENCES mailboxes (id),
    sealed_key BLOB NOT NULL,
    began INTEGER NOT NULL DEFAULT 0,
    number INTEGER NOT NULL,
    seal BLOB NOT NULL,
    tag BLOB NOT NULL,
    setting TEXT NOT NULL DEFAULT ''
) STRICT;

-- What an entry says may be erased: the NULLs of a tombstone.
CREATE TABLE decisions (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    number INTEGER NOT NULL,
    at INTEGER,
    gmail_id TEXT,
    salt BLOB,
    payload TEXT,
    digest BLOB NOT NULL,
    seal BLOB NOT NULL,
    PRIMARY KEY (mailbox_id, number)
) WITHOUT ROWID, STRICT;
CREATE INDEX decisions_message ON decisions (mailbox_id, gmail_id) WHERE gmail_id IS NOT NULL;

-- What many decisions share: the model and where it ran, thresholds, preferences. Named by its digest.
CREATE TABLE decision_settings (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    name TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (mailbox_id, name)
) STRICT;

-- What the model counted in a message, sealed. Only where the settings say so.
CREATE TABLE decision_counts (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    counts BLOB NOT NULL,
    PRIMARY KEY (mailbox_id, number)
) STRICT;
CREATE INDEX decision_counts_time ON decision_counts (mailbox_id, at);

-- Every decision, one after the other, each sealed with what went before it (backend/domain/watching/chain.py). `began` is
-- the number up to which entries were sealed with a key that is lost.
CREATE TABLE chains (
    mailbox_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES mailboxes (id),
    sealed_key BYTEA NOT NULL,
    began BIGINT NOT NULL DEFAULT 0,
    number BIGINT NOT NULL,
    seal BYTEA NOT NULL,
    tag BYTEA NOT NULL,
    setting TEXT COLLATE "C" NOT NULL DEFAULT ''
);

-- What an entry says may be erased: the NULLs of a tombstone.
CREATE TABLE decisions (
    mailbox_id TEXT COLLATE "C" NOT NULL REFERENCES mailboxes (id),
    number BIGINT NOT NULL,
    at BIGINT,
    gmail_id TEXT COLLATE "C",
    salt BYTEA,
    payload TEXT COLLATE "C",
    digest BYTEA NOT NULL,
    seal BYTEA NOT NULL,
    PRIMARY KEY (mailbox_id, number)
);
CREATE INDEX decisions_message ON decisions (mailbox_id, gmail_id) WHERE gmail_id IS NOT NULL;

-- What many decisions share: the model and where it ran, thresholds, preferences. Named by its digest.
CREATE TABLE decision_settings (
    mailbox_id TEXT COLLATE "C" NOT NULL REFERENCES mailboxes (id),
    name TEXT COLLATE "C" NOT NULL,
    content TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (mailbox_id, name)
);

-- What the model counted in a message, sealed. Only where the settings say so.
CREATE TABLE decision_counts (
    mailbox_id TEXT COLLATE "C" NOT NULL REFERENCES mailboxes (id),
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    counts BYTEA NOT NULL,
    PRIMARY KEY (mailbox_id, number)
);
CREATE INDEX decision_counts_time ON decision_counts (mailbox_id, at);

ALTER TABLE chains ENABLE ROW LEVEL SECURITY;
ALTER TABLE chains FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON chains
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

ALTER TABLE decisions ENABLE ROW LEVEL SECURITY;
ALTER TABLE decisions FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON decisions
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

ALTER TABLE decision_settings ENABLE ROW LEVEL SECURITY;
ALTER TABLE decision_settings FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON decision_settings
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

ALTER TABLE decision_counts ENABLE ROW LEVEL SECURITY;
ALTER TABLE decision_counts FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON decision_counts
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

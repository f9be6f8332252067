-- The first run: what would have been held of the mail that was there before us. Nothing is moved or labelled on
-- account of it, and these rows are no messages of ours: screening never looks at them.
CREATE TABLE preview_runs (
    mailbox_id TEXT COLLATE "C" PRIMARY KEY REFERENCES mailboxes (id),
    run BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    asked_at BIGINT NOT NULL,
    ended_at BIGINT
);

-- `place` counts from 0, the newest. `form` is what the mail's form was found to be, `guards` the guards that would
-- say no to an answer. `said` is the owner's word on it, `rule_before` the rule his word replaced.
CREATE TABLE previews (
    mailbox_id TEXT COLLATE "C" NOT NULL REFERENCES mailboxes (id),
    gmail_id TEXT COLLATE "C" NOT NULL,
    thread_id TEXT COLLATE "C" NOT NULL,
    place BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL DEFAULT '',
    sender TEXT COLLATE "C" NOT NULL DEFAULT '',
    sender_name TEXT COLLATE "C" NOT NULL DEFAULT '',
    sender_domain TEXT COLLATE "C" NOT NULL DEFAULT '',
    subject TEXT COLLATE "C" NOT NULL DEFAULT '',
    received_at BIGINT,
    labels TEXT COLLATE "C" NOT NULL DEFAULT '[]',
    authenticated BOOLEAN NOT NULL DEFAULT FALSE,
    form TEXT COLLATE "C" NOT NULL DEFAULT '',
    guards TEXT COLLATE "C" NOT NULL DEFAULT '[]',
    score DOUBLE PRECISION,
    logit DOUBLE PRECISION,
    model TEXT COLLATE "C" NOT NULL DEFAULT '',
    reasons TEXT COLLATE "C" NOT NULL DEFAULT '[]',
    said TEXT COLLATE "C" NOT NULL DEFAULT '',
    rule_before TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (mailbox_id, gmail_id)
);
CREATE INDEX previews_place ON previews (mailbox_id, place);

INSERT INTO duties (mailbox_id, duty, is_open) SELECT id, 'preview', link = 'connected' FROM mailboxes WHERE TRUE
ON CONFLICT DO NOTHING;

-- A coarse name of the browser that signed in ("Firefox on Linux"), so that its owner can tell it from another.
ALTER TABLE sessions ADD COLUMN browser TEXT COLLATE "C" NOT NULL DEFAULT '';

-- Proof of a disconnect. It outlives the mailbox, whose id means nothing by then: no address, no name, only counts.
CREATE TABLE receipts (
    token_hash TEXT COLLATE "C" PRIMARY KEY,
    mailbox_id TEXT COLLATE "C" NOT NULL,
    asked_at BIGINT NOT NULL,
    left_at BIGINT,
    grant_end TEXT COLLATE "C" NOT NULL DEFAULT '',
    deleted TEXT COLLATE "C" NOT NULL DEFAULT '{}'
);
CREATE INDEX receipts_mailbox ON receipts (mailbox_id);
CREATE INDEX receipts_asked ON receipts (asked_at);

ALTER TABLE preview_runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE preview_runs FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON preview_runs
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

ALTER TABLE previews ENABLE ROW LEVEL SECURITY;
ALTER TABLE previews FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON previews
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

ALTER TABLE receipts ENABLE ROW LEVEL SECURITY;
ALTER TABLE receipts FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON receipts
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

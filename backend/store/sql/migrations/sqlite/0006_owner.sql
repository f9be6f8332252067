-- The first run: what would have been held of the mail that was there before us. Nothing is moved or labelled on
-- account of it, and these rows are no messages of ours: screening never looks at them.
CREATE TABLE preview_runs (
    mailbox_id TEXT PRIMARY KEY REFERENCES mailboxes (id),
    run INTEGER NOT NULL,
    state TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;

-- `place` counts from 0, the newest. `form` is what the mail's form was found to be, `guards` the guards that would
-- say no to an answer. `said` is the owner's word on it, `rule_before` the rule his word replaced.
CREATE TABLE previews (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    gmail_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    place INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT '',
    sender TEXT NOT NULL DEFAULT '',
    sender_name TEXT NOT NULL DEFAULT '',
    sender_domain TEXT NOT NULL DEFAULT '',
    subject TEXT NOT NULL DEFAULT '',
    received_at INTEGER,
    labels TEXT NOT NULL DEFAULT '[]',
    authenticated INTEGER NOT NULL DEFAULT 0,
    form TEXT NOT NULL DEFAULT '',
    guards TEXT NOT NULL DEFAULT '[]',
    score REAL,
    logit REAL,
    model TEXT NOT NULL DEFAULT '',
    reasons TEXT NOT NULL DEFAULT '[]',
    said TEXT NOT NULL DEFAULT '',
    rule_before TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (mailbox_id, gmail_id)
) STRICT;
CREATE INDEX previews_place ON previews (mailbox_id, place);

INSERT INTO duties (mailbox_id, duty, is_open) SELECT id, 'preview', link = 'connected' FROM mailboxes WHERE TRUE
ON CONFLICT DO NOTHING;

-- A coarse name of the browser that signed in ("Firefox on Linux"), so that its owner can tell it from another.
ALTER TABLE sessions ADD COLUMN browser TEXT NOT NULL DEFAULT '';

-- Proof of a disconnect. It outlives the mailbox, whose id means nothing by then: no address, no name, only counts.
CREATE TABLE receipts (
    token_hash TEXT PRIMARY KEY,
    mailbox_id TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    left_at INTEGER,
    grant_end TEXT NOT NULL DEFAULT '',
    deleted TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX receipts_mailbox ON receipts (mailbox_id);
CREATE INDEX receipts_asked ON receipts (asked_at);

-- Times are microseconds since 1970 (UTC). History ids are text: they are unsigned 64-bit numbers.
-- JSON is text in both dialects: nothing is ever searched inside it. Text compares by bytes (COLLATE "C"), as
-- in the embedded file.

CREATE TABLE mailboxes (
    id TEXT COLLATE "C" PRIMARY KEY,
    sub TEXT COLLATE "C" NOT NULL UNIQUE,
    email TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    aliases TEXT COLLATE "C" NOT NULL DEFAULT '[]',
    link TEXT COLLATE "C" NOT NULL,
    link_cause TEXT COLLATE "C" NOT NULL DEFAULT '',
    sealed_token BYTEA,
    scopes TEXT COLLATE "C" NOT NULL,
    preferences TEXT COLLATE "C" NOT NULL,
    label_held TEXT COLLATE "C" NOT NULL DEFAULT '',
    label_would_hold TEXT COLLATE "C" NOT NULL DEFAULT '',
    label_allow TEXT COLLATE "C" NOT NULL DEFAULT '',
    label_block TEXT COLLATE "C" NOT NULL DEFAULT '',
    cursor TEXT COLLATE "C" NOT NULL DEFAULT '',
    page_token TEXT COLLATE "C" NOT NULL DEFAULT '',
    page_start TEXT COLLATE "C" NOT NULL DEFAULT '',
    safe_since BIGINT,
    watch_expires_at BIGINT,
    indexed_at BIGINT,
    index_page TEXT COLLATE "C" NOT NULL DEFAULT '',
    index_done BIGINT NOT NULL DEFAULT 0,
    index_total BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE INDEX mailboxes_email ON mailboxes (email);

-- `due_at` is when the duty may be claimed: the time it was asked for, or the end of its lease while it
-- is held. `asked_at` is what was asked for while it was held. `is_open` follows the mailbox's link.
CREATE TABLE duties (
    mailbox_id TEXT COLLATE "C" NOT NULL REFERENCES mailboxes (id),
    duty TEXT COLLATE "C" NOT NULL,
    is_open BOOLEAN NOT NULL DEFAULT TRUE,
    due_at BIGINT,
    asked_at BIGINT,
    wanted BIGINT NOT NULL DEFAULT 0,
    attempts BIGINT NOT NULL DEFAULT 0,
    lease TEXT COLLATE "C",
    error TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (mailbox_id, duty)
);
CREATE INDEX duties_due ON duties (due_at) WHERE is_open AND due_at IS NOT NULL;

CREATE TABLE notices (
    push_id TEXT COLLATE "C" PRIMARY KEY,
    mailbox_id TEXT COLLATE "C" NOT NULL REFERENCES mailboxes (id),
    history_id TEXT COLLATE "C" NOT NULL,
    fate TEXT COLLATE "C" NOT NULL,
    repeats BIGINT NOT NULL DEFAULT 0,
    received_at BIGINT NOT NULL
);
CREATE INDEX notices_received ON notices (mailbox_id, received_at);

-- Counts of what leaves no row behind.
CREATE TABLE tallies (
    name TEXT COLLATE "C" PRIMARY KEY,
    n BIGINT NOT NULL
);

-- One row per mailbox with the earliest time at which it may have a message to claim. It is a lower
-- bound: exact after every claim, pulled down by whatever makes a message due. Mailboxes take turns by
-- it, so a long queue in one of them is never walked to find the others.
CREATE TABLE lanes (
    mailbox_id TEXT COLLATE "C" PRIMARY KEY REFERENCES mailboxes (id),
    is_open BOOLEAN NOT NULL DEFAULT TRUE,
    turn_at BIGINT,
    turns BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX lanes_turn ON lanes (turn_at, turns) WHERE is_open AND turn_at IS NOT NULL;

-- `due_at` is NULL once nothing is to be done; while `lease` is set it is the lease's end.
CREATE TABLE messages (
    mailbox_id TEXT COLLATE "C" NOT NULL REFERENCES mailboxes (id),
    gmail_id TEXT COLLATE "C" NOT NULL,
    thread_id TEXT COLLATE "C" NOT NULL,
    labels TEXT COLLATE "C",
    backlog BOOLEAN NOT NULL,
    first_seen_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    stage TEXT COLLATE "C",
    due_at BIGINT,
    lease TEXT COLLATE "C",
    attempts BIGINT NOT NULL DEFAULT 0,
    revision BIGINT NOT NULL DEFAULT 0,
    set_aside BOOLEAN NOT NULL DEFAULT FALSE,
    error TEXT COLLATE "C" NOT NULL DEFAULT '',
    placement TEXT COLLATE "C",
    decided_by TEXT COLLATE "C" NOT NULL DEFAULT '',
    outcome TEXT COLLATE "C" NOT NULL DEFAULT '',
    policy_row TEXT COLLATE "C" NOT NULL DEFAULT '',
    score DOUBLE PRECISION,
    logit DOUBLE PRECISION,
    model TEXT COLLATE "C" NOT NULL DEFAULT '',
    reasons TEXT COLLATE "C" NOT NULL DEFAULT '[]',
    guards TEXT COLLATE "C" NOT NULL DEFAULT '[]',
    cause TEXT COLLATE "C" NOT NULL DEFAULT '',
    decided_at BIGINT,
    sender TEXT COLLATE "C" NOT NULL DEFAULT '',
    sender_name TEXT COLLATE "C" NOT NULL DEFAULT '',
    sender_domain TEXT COLLATE "C" NOT NULL DEFAULT '',
    subject TEXT COLLATE "C" NOT NULL DEFAULT '',
    message_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    received_at BIGINT,
    authenticated BOOLEAN NOT NULL DEFAULT FALSE,
    reference_ids TEXT COLLATE "C" NOT NULL DEFAULT '[]',
    reply_to TEXT COLLATE "C" NOT NULL DEFAULT '',
    language TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (mailbox_id, gmail_id)
);
CREATE INDEX messages_due ON messages (mailbox_id, due_at, gmail_id) WHERE due_at IS NOT NULL;
CREATE INDEX messages_changed ON messages (mailbox_id, changed_at, gmail_id);
CREATE INDEX messages_placed ON messages (mailbox_id, placement, changed_at, gmail_id)
    WHERE placement IN ('held', 'marked');
CREATE INDEX messages_held ON messages (mailbox_id, sender) WHERE placement = 'held';
CREATE INDEX messages_held_domain ON messages (mailbox_id, sender_domain) WHERE placement = 'held';
CREATE INDEX messages_aside ON messages (mailbox_id) WHERE set_aside;
-- With the mailbox, or row-level security would have to look into every row that is counted.
CREATE INDEX messages_census ON messages (outcome, stage, placement, mailbox_id);

-- `is_open` holds the one-open-challenge rule. It is state and time together: a challenge whose life
-- ended is closed when the next one for its sender is stored.
CREATE TABLE challenges (
    id TEXT COLLATE "C" PRIMARY KEY,
    mailbox_id TEXT COLLATE "C" NOT NULL REFERENCES mailboxes (id),
    gmail_id TEXT COLLATE "C" NOT NULL,
    thread_id TEXT COLLATE "C" NOT NULL,
    sender TEXT COLLATE "C" NOT NULL,
    sender_domain TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    is_open BOOLEAN NOT NULL,
    token_hash TEXT COLLATE "C" NOT NULL UNIQUE,
    sealed_token BYTEA NOT NULL,
    message_id TEXT COLLATE "C" NOT NULL,
    cause TEXT COLLATE "C" NOT NULL DEFAULT '',
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    sending_at BIGINT,
    ended_at BIGINT,
    solved_at BIGINT,
    sent_gmail_id TEXT COLLATE "C" NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX challenges_one_open ON challenges (mailbox_id, sender) WHERE is_open;
CREATE INDEX challenges_sender ON challenges (mailbox_id, sender, created_at);
CREATE INDEX challenges_message ON challenges (mailbox_id, gmail_id);
CREATE INDEX challenges_thread ON challenges (mailbox_id, thread_id);
CREATE INDEX challenges_made ON challenges (mailbox_id, created_at);
CREATE INDEX challenges_sent ON challenges (mailbox_id, sent_gmail_id) WHERE sent_gmail_id <> '';

-- Captcha answers that were accepted: each counts once, wherever it is shown again.
CREATE TABLE answers (
    signature TEXT COLLATE "C" PRIMARY KEY,
    mailbox_id TEXT COLLATE "C" NOT NULL REFERENCES mailboxes (id),
    challenge_id TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX answers_expiry ON answers (mailbox_id, expires_at);

-- `about` is the message or challenge an entry is for: what was spent on a message and given back for it
-- is the sum over it.
CREATE TABLE ledger (
    mailbox_id TEXT COLLATE "C" NOT NULL REFERENCES mailboxes (id),
    posting_key TEXT COLLATE "C" NOT NULL,
    sender TEXT COLLATE "C" NOT NULL,
    posting TEXT COLLATE "C" NOT NULL,
    amount BIGINT NOT NULL CHECK (amount <> 0),
    about TEXT COLLATE "C" NOT NULL,
    day TEXT COLLATE "C" NOT NULL,
    posted_at BIGINT NOT NULL,
    PRIMARY KEY (mailbox_id, posting_key)
);
CREATE INDEX ledger_about ON ledger (mailbox_id, about);

CREATE TABLE balances (
    mailbox_id TEXT COLLATE "C" NOT NULL REFERENCES mailboxes (id),
    sender TEXT COLLATE "C" NOT NULL,
    balance BIGINT NOT NULL CHECK (balance >= 0),
    PRIMARY KEY (mailbox_id, sender)
);

CREATE TABLE daily_totals (
    mailbox_id TEXT COLLATE "C" NOT NULL REFERENCES mailboxes (id),
    day TEXT COLLATE "C" NOT NULL,
    posting TEXT COLLATE "C" NOT NULL,
    total BIGINT NOT NULL,
    PRIMARY KEY (mailbox_id, day, posting)
);

CREATE TABLE correspondents (
    mailbox_id TEXT COLLATE "C" NOT NULL REFERENCES mailboxes (id),
    address TEXT COLLATE "C" NOT NULL,
    learned_at BIGINT NOT NULL,
    PRIMARY KEY (mailbox_id, address)
);

-- Threads the owner has written in himself.
CREATE TABLE threads (
    mailbox_id TEXT COLLATE "C" NOT NULL REFERENCES mailboxes (id),
    thread_id TEXT COLLATE "C" NOT NULL,
    learned_at BIGINT NOT NULL,
    PRIMARY KEY (mailbox_id, thread_id)
);

CREATE TABLE rules (
    mailbox_id TEXT COLLATE "C" NOT NULL REFERENCES mailboxes (id),
    subject TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    set_at BIGINT NOT NULL,
    PRIMARY KEY (mailbox_id, subject)
);

-- `before` is what an undo needs; `pending` marks a decision about a message not screened yet.
CREATE TABLE corrections (
    mailbox_id TEXT COLLATE "C" NOT NULL REFERENCES mailboxes (id),
    correction_key TEXT COLLATE "C" NOT NULL,
    gmail_id TEXT COLLATE "C" NOT NULL,
    decision TEXT COLLATE "C" NOT NULL,
    origin TEXT COLLATE "C" NOT NULL,
    pending BOOLEAN NOT NULL,
    moved TEXT COLLATE "C" NOT NULL,
    before TEXT COLLATE "C" NOT NULL,
    decided_at BIGINT NOT NULL,
    undone_at BIGINT,
    undo_moved TEXT COLLATE "C" NOT NULL DEFAULT '[]',
    PRIMARY KEY (mailbox_id, correction_key)
);
CREATE INDEX corrections_message ON corrections (mailbox_id, gmail_id);
CREATE INDEX corrections_time ON corrections (mailbox_id, decided_at);

-- Rows that are updated at every step: room on the page, and vacuum before the dead ones add up.
ALTER TABLE lanes SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
ALTER TABLE duties SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
ALTER TABLE messages SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

-- Second lock: every query names its mailbox, and a transaction that named one sees no other's rows even if a
-- query forgot. A transaction that named nothing sees nothing. FORCE, because the tables' owner is who we
-- connect as; a superuser is bound by no policy, so do not connect as one.

ALTER TABLE mailboxes ENABLE ROW LEVEL SECURITY;
ALTER TABLE mailboxes FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON mailboxes
    USING (current_setting('app.mailbox', TRUE) IN (id, '*'));

ALTER TABLE duties ENABLE ROW LEVEL SECURITY;
ALTER TABLE duties FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON duties
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

ALTER TABLE notices ENABLE ROW LEVEL SECURITY;
ALTER TABLE notices FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON notices
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

ALTER TABLE lanes ENABLE ROW LEVEL SECURITY;
ALTER TABLE lanes FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON lanes
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

ALTER TABLE messages ENABLE ROW LEVEL SECURITY;
ALTER TABLE messages FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON messages
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

ALTER TABLE challenges ENABLE ROW LEVEL SECURITY;
ALTER TABLE challenges FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON challenges
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

ALTER TABLE answers ENABLE ROW LEVEL SECURITY;
ALTER TABLE answers FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON answers
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

ALTER TABLE ledger ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON ledger
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

ALTER TABLE balances ENABLE ROW LEVEL SECURITY;
ALTER TABLE balances FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON balances
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

ALTER TABLE daily_totals ENABLE ROW LEVEL SECURITY;
ALTER TABLE daily_totals FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON daily_totals
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

ALTER TABLE correspondents ENABLE ROW LEVEL SECURITY;
ALTER TABLE correspondents FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON correspondents
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

ALTER TABLE threads ENABLE ROW LEVEL SECURITY;
ALTER TABLE threads FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON threads
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

ALTER TABLE rules ENABLE ROW LEVEL SECURITY;
ALTER TABLE rules FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON rules
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

ALTER TABLE corrections ENABLE ROW LEVEL SECURITY;
ALTER TABLE corrections FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON corrections
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

-- Times are microseconds since 1970 (UTC). History ids are text: they are unsigned 64-bit numbers.
-- JSON is text in both dialects: nothing is ever searched inside it.

CREATE TABLE mailboxes (
    id TEXT PRIMARY KEY,
    sub TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    aliases TEXT NOT NULL DEFAULT '[]',
    link TEXT NOT NULL,
    link_cause TEXT NOT NULL DEFAULT '',
    sealed_token BLOB,
    scopes TEXT NOT NULL,
    preferences TEXT NOT NULL,
    label_held TEXT NOT NULL DEFAULT '',
    label_would_hold TEXT NOT NULL DEFAULT '',
    label_allow TEXT NOT NULL DEFAULT '',
    label_block TEXT NOT NULL DEFAULT '',
    cursor TEXT NOT NULL DEFAULT '',
    page_token TEXT NOT NULL DEFAULT '',
    page_start TEXT NOT NULL DEFAULT '',
    safe_since INTEGER,
    watch_expires_at INTEGER,
    indexed_at INTEGER,
    index_page TEXT NOT NULL DEFAULT '',
    index_done INTEGER NOT NULL DEFAULT 0,
    index_total INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX mailboxes_email ON mailboxes (email);

-- `due_at` is when the duty may be claimed: the time it was asked for, or the end of its lease while it
-- is held. `asked_at` is what was asked for while it was held. `is_open` follows the mailbox's link.
CREATE TABLE duties (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    duty TEXT NOT NULL,
    is_open INTEGER NOT NULL DEFAULT 1,
    due_at INTEGER,
    asked_at INTEGER,
    wanted INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    lease TEXT,
    error TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (mailbox_id, duty)
) STRICT;
CREATE INDEX duties_due ON duties (due_at) WHERE is_open AND due_at IS NOT NULL;

CREATE TABLE notices (
    push_id TEXT PRIMARY KEY,
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    history_id TEXT NOT NULL,
    fate TEXT NOT NULL,
    repeats INTEGER NOT NULL DEFAULT 0,
    received_at INTEGER NOT NULL
) STRICT;
CREATE INDEX notices_received ON notices (mailbox_id, received_at);

-- Counts of what leaves no row behind.
CREATE TABLE tallies (
    name TEXT PRIMARY KEY,
    n INTEGER NOT NULL
) STRICT;

-- One row per mailbox with the earliest time at which it may have a message to claim. It is a lower
-- bound: exact after every claim, pulled down by whatever makes a message due. Mailboxes take turns by
-- it, so a long queue in one of them is never walked to find the others.
CREATE TABLE lanes (
    mailbox_id TEXT PRIMARY KEY REFERENCES mailboxes (id),
    is_open INTEGER NOT NULL DEFAULT 1,
    turn_at INTEGER,
    turns INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX lanes_turn ON lanes (turn_at, turns) WHERE is_open AND turn_at IS NOT NULL;

-- `due_at` is NULL once nothing is to be done; while `lease` is set it is the lease's end.
CREATE TABLE messages (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    gmail_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    labels TEXT,
    backlog INTEGER NOT NULL,
    first_seen_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    stage TEXT,
    due_at INTEGER,
    lease TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    revision INTEGER NOT NULL DEFAULT 0,
    set_aside INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    placement TEXT,
    decided_by TEXT NOT NULL DEFAULT '',
    outcome TEXT NOT NULL DEFAULT '',
    policy_row TEXT NOT NULL DEFAULT '',
    score REAL,
    logit REAL,
    model TEXT NOT NULL DEFAULT '',
    reasons TEXT NOT NULL DEFAULT '[]',
    guards TEXT NOT NULL DEFAULT '[]',
    cause TEXT NOT NULL DEFAULT '',
    decided_at INTEGER,
    sender TEXT NOT NULL DEFAULT '',
    sender_name TEXT NOT NULL DEFAULT '',
    sender_domain TEXT NOT NULL DEFAULT '',
    subject TEXT NOT NULL DEFAULT '',
    message_id TEXT NOT NULL DEFAULT '',
    received_at INTEGER,
    authenticated INTEGER NOT NULL DEFAULT 0,
    reference_ids TEXT NOT NULL DEFAULT '[]',
    reply_to TEXT NOT NULL DEFAULT '',
    language TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (mailbox_id, gmail_id)
) STRICT;
CREATE INDEX messages_due ON messages (mailbox_id, due_at, gmail_id) WHERE due_at IS NOT NULL;
CREATE INDEX messages_changed ON messages (mailbox_id, changed_at, gmail_id);
CREATE INDEX messages_placed ON messages (mailbox_id, placement, changed_at, gmail_id)
    WHERE placement IN ('held', 'marked');
CREATE INDEX messages_held ON messages (mailbox_id, sender) WHERE placement = 'held';
CREATE INDEX messages_held_domain ON messages (mailbox_id, sender_domain) WHERE placement = 'held';
CREATE INDEX messages_aside ON messages (mailbox_id) WHERE set_aside;
CREATE INDEX messages_census ON messages (outcome, stage, placement);

-- `is_open` holds the one-open-challenge rule. It is state and time together: a challenge whose life
-- ended is closed when the next one for its sender is stored.
CREATE TABLE challenges (
    id TEXT PRIMARY KEY,
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    gmail_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    sender_domain TEXT NOT NULL,
    state TEXT NOT NULL,
    is_open INTEGER NOT NULL,
    token_hash TEXT NOT NULL UNIQUE,
    sealed_token BLOB NOT NULL,
    message_id TEXT NOT NULL,
    cause TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    sending_at INTEGER,
    ended_at INTEGER,
    solved_at INTEGER,
    sent_gmail_id TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX challenges_one_open ON challenges (mailbox_id, sender) WHERE is_open;
CREATE INDEX challenges_sender ON challenges (mailbox_id, sender, created_at);
CREATE INDEX challenges_message ON challenges (mailbox_id, gmail_id);
CREATE INDEX challenges_thread ON challenges (mailbox_id, thread_id);
CREATE INDEX challenges_made ON challenges (mailbox_id, created_at);
CREATE INDEX challenges_sent ON challenges (mailbox_id, sent_gmail_id) WHERE sent_gmail_id <> '';

-- Captcha answers that were accepted: each counts once, wherever it is shown again.
CREATE TABLE answers (
    signature TEXT PRIMARY KEY,
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    challenge_id TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX answers_expiry ON answers (mailbox_id, expires_at);

-- `about` is the message or challenge an entry is for: what was spent on a message and given back for it
-- is the sum over it.
CREATE TABLE ledger (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    posting_key TEXT NOT NULL,
    sender TEXT NOT NULL,
    posting TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount <> 0),
    about TEXT NOT NULL,
    day TEXT NOT NULL,
    posted_at INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, posting_key)
) STRICT;
CREATE INDEX ledger_about ON ledger (mailbox_id, about);

CREATE TABLE balances (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    sender TEXT NOT NULL,
    balance INTEGER NOT NULL CHECK (balance >= 0),
    PRIMARY KEY (mailbox_id, sender)
) STRICT;

CREATE TABLE daily_totals (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    day TEXT NOT NULL,
    posting TEXT NOT NULL,
    total INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, day, posting)
) STRICT;

CREATE TABLE correspondents (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    address TEXT NOT NULL,
    learned_at INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, address)
) STRICT;

-- Threads the owner has written in himself.
CREATE TABLE threads (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    thread_id TEXT NOT NULL,
    learned_at INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, thread_id)
) STRICT;

CREATE TABLE rules (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    set_at INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, subject)
) STRICT;

-- `before` is what an undo needs; `pending` marks a decision about a message not screened yet.
CREATE TABLE corrections (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    correction_key TEXT NOT NULL,
    gmail_id TEXT NOT NULL,
    decision TEXT NOT NULL,
    origin TEXT NOT NULL,
    pending INTEGER NOT NULL,
    moved TEXT NOT NULL,
    before TEXT NOT NULL,
    decided_at INTEGER NOT NULL,
    undone_at INTEGER,
    undo_moved TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (mailbox_id, correction_key)
) STRICT;
CREATE INDEX corrections_message ON corrections (mailbox_id, gmail_id);
CREATE INDEX corrections_time ON corrections (mailbox_id, decided_at);

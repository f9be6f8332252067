-- Messages whose owner is asked whether they were sales pitches (backend/domain/watching/asking.py). `round` is the week they
-- were decided in, counted since 1970; `gmail_id` goes with its message, the answer stays for a year.
CREATE TABLE questions (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    round INTEGER NOT NULL,
    gmail_id TEXT,
    stratum TEXT NOT NULL,
    weight REAL NOT NULL,
    model TEXT NOT NULL,
    language TEXT NOT NULL,
    script TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    answer TEXT NOT NULL DEFAULT '',
    by_act INTEGER NOT NULL DEFAULT 0 CHECK (by_act IN (0, 1)),
    answered_at INTEGER,
    PRIMARY KEY (mailbox_id, id)
) WITHOUT ROWID, STRICT;
CREATE INDEX questions_message ON questions (mailbox_id, gmail_id) WHERE gmail_id IS NOT NULL;

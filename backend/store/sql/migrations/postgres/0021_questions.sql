-- Messages whose owner is asked whether they were sales pitches (backend/domain/watching/asking.py). `round` is the week they
-- were decided in, counted since 1970; `gmail_id` goes with its message, the answer stays for a year.
CREATE TABLE questions (
    mailbox_id TEXT COLLATE "C" NOT NULL REFERENCES mailboxes (id),
    id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    round BIGINT NOT NULL,
    gmail_id TEXT COLLATE "C",
    stratum TEXT COLLATE "C" NOT NULL,
    weight DOUBLE PRECISION NOT NULL,
    model TEXT COLLATE "C" NOT NULL,
    language TEXT COLLATE "C" NOT NULL,
    script TEXT COLLATE "C" NOT NULL,
    asked_at BIGINT NOT NULL,
    answer TEXT COLLATE "C" NOT NULL DEFAULT '',
    by_act BOOLEAN NOT NULL DEFAULT FALSE,
    answered_at BIGINT,
    PRIMARY KEY (mailbox_id, id)
);
CREATE INDEX questions_message ON questions (mailbox_id, gmail_id) WHERE gmail_id IS NOT NULL;

ALTER TABLE questions ENABLE ROW LEVEL SECURITY;
ALTER TABLE questions FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON questions
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

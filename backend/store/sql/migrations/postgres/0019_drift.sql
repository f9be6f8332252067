-- What the test of drift needs (backend/domain/watching/drift.py): the classes of each message of a stranger, counts of
-- them by week, and what the test said last.
ALTER TABLE messages ADD COLUMN drift_class TEXT COLLATE "C" NOT NULL DEFAULT '';

CREATE TABLE mail_weeks (
    mailbox_id TEXT COLLATE "C" NOT NULL REFERENCES mailboxes (id),
    week BIGINT NOT NULL,
    model TEXT COLLATE "C" NOT NULL,
    counts TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (mailbox_id, week)
);

ALTER TABLE mailboxes ADD COLUMN drift_state TEXT COLLATE "C" NOT NULL DEFAULT 'learning';
ALTER TABLE mailboxes ADD COLUMN drift_change TEXT COLLATE "C" NOT NULL DEFAULT '';

ALTER TABLE mail_weeks ENABLE ROW LEVEL SECURITY;
ALTER TABLE mail_weeks FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON mail_weeks
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

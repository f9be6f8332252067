-- What the test of drift needs (backend/domain/watching/drift.py): the classes of each message of a stranger, counts of
-- them by week, and what the test said last.
ALTER TABLE messages ADD COLUMN drift_class TEXT NOT NULL DEFAULT '';

CREATE TABLE mail_weeks (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    week INTEGER NOT NULL,
    model TEXT NOT NULL,
    counts TEXT NOT NULL,
    PRIMARY KEY (mailbox_id, week)
) STRICT;

ALTER TABLE mailboxes ADD COLUMN drift_state TEXT NOT NULL DEFAULT 'learning';
ALTER TABLE mailboxes ADD COLUMN drift_change TEXT NOT NULL DEFAULT '';

-- What the review page lists by. A message stands on one of four shelves; the expression is the same wherever it is
-- asked for, and so is that of its time.
CREATE INDEX messages_shelf ON messages (
    mailbox_id,
    (CASE WHEN placement = 'held' AND decided_by = '' THEN 'held' WHEN placement = 'held' THEN 'kept'
        WHEN decided_by = '' THEN 'passed' ELSE 'let_in' END),
    (COALESCE(received_at, first_seen_at)),
    gmail_id
) WHERE placement IS NOT NULL;
CREATE INDEX messages_shelf_sender ON messages (
    mailbox_id,
    sender,
    (CASE WHEN placement = 'held' AND decided_by = '' THEN 'held' WHEN placement = 'held' THEN 'kept'
        WHEN decided_by = '' THEN 'passed' ELSE 'let_in' END),
    (COALESCE(received_at, first_seen_at)),
    gmail_id
) WHERE placement IS NOT NULL;
CREATE INDEX ledger_sender ON ledger (mailbox_id, sender, posted_at);

-- Orders to be taken off a sender's list. The address that is told is not kept: it holds who asks.
CREATE TABLE unsubscriptions (
    mailbox_id TEXT COLLATE "C" NOT NULL REFERENCES mailboxes (id),
    gmail_id TEXT COLLATE "C" NOT NULL,
    sender TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    host TEXT COLLATE "C" NOT NULL DEFAULT '',
    cause TEXT COLLATE "C" NOT NULL DEFAULT '',
    asked_at BIGINT NOT NULL,
    tried_at BIGINT,
    PRIMARY KEY (mailbox_id, gmail_id)
);
CREATE INDEX unsubscriptions_sender ON unsubscriptions (mailbox_id, sender);
CREATE INDEX unsubscriptions_time ON unsubscriptions (mailbox_id, asked_at);

ALTER TABLE unsubscriptions ENABLE ROW LEVEL SECURITY;
ALTER TABLE unsubscriptions FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON unsubscriptions
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

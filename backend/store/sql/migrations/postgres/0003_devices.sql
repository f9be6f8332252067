-- Computers an owner has connected, codes and tickets that work once, signed-in browsers, and the log of changes
-- that all of them are told from.

CREATE TABLE devices (
    id TEXT COLLATE "C" PRIMARY KEY,
    mailbox_id TEXT COLLATE "C" NOT NULL REFERENCES mailboxes (id),
    token_hash TEXT COLLATE "C" NOT NULL UNIQUE,
    name TEXT COLLATE "C" NOT NULL,
    scopes TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT
);
CREATE INDEX devices_mailbox ON devices (mailbox_id, created_at);

-- `detail` is what the one who redeems it must show (a code's challenge) or gets (a ticket's page).
CREATE TABLE one_time_codes (
    code_hash TEXT COLLATE "C" PRIMARY KEY,
    mailbox_id TEXT COLLATE "C" NOT NULL REFERENCES mailboxes (id),
    purpose TEXT COLLATE "C" NOT NULL,
    detail TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    device_id TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX one_time_codes_expiry ON one_time_codes (mailbox_id, expires_at);

-- `device_id` is the computer whose ticket opened it, or ''.
CREATE TABLE sessions (
    token_hash TEXT COLLATE "C" PRIMARY KEY,
    mailbox_id TEXT COLLATE "C" NOT NULL REFERENCES mailboxes (id),
    device_id TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_mailbox ON sessions (mailbox_id, expires_at);

-- One number a mailbox, taken under its row's lock: the numbers are committed in their order.
CREATE TABLE event_heads (
    mailbox_id TEXT COLLATE "C" PRIMARY KEY REFERENCES mailboxes (id),
    latest BIGINT NOT NULL
);

-- The last thousand changes of a mailbox. Triggers write it: no change can be made without being told.
CREATE TABLE events (
    mailbox_id TEXT COLLATE "C" NOT NULL REFERENCES mailboxes (id),
    id BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    gmail_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    placement TEXT COLLATE "C" NOT NULL DEFAULT '',
    decided_by TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (mailbox_id, id)
);

ALTER TABLE devices ENABLE ROW LEVEL SECURITY;
ALTER TABLE devices FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON devices
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

ALTER TABLE one_time_codes ENABLE ROW LEVEL SECURITY;
ALTER TABLE one_time_codes FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON one_time_codes
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE sessions FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON sessions
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

ALTER TABLE event_heads ENABLE ROW LEVEL SECURITY;
ALTER TABLE event_heads FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON event_heads
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

ALTER TABLE events ENABLE ROW LEVEL SECURITY;
ALTER TABLE events FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON events
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

CREATE FUNCTION tell_event(of_mailbox TEXT, of_kind TEXT, of_gmail_id TEXT, of_placement TEXT, by TEXT)
RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
    number BIGINT;
BEGIN
    INSERT INTO event_heads AS h (mailbox_id, latest) VALUES (of_mailbox, 1)
        ON CONFLICT (mailbox_id) DO UPDATE SET latest = h.latest + 1
        RETURNING h.latest INTO number;
    INSERT INTO events (mailbox_id, id, kind, gmail_id, placement, decided_by)
        VALUES (of_mailbox, number, of_kind, of_gmail_id, of_placement, by);
    DELETE FROM events WHERE mailbox_id = of_mailbox AND id <= number - 1000;
END
$$;

CREATE FUNCTION tell_message() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tell_event(
        NEW.mailbox_id,
        CASE WHEN NEW.placement = 'held' AND NEW.decided_by = '' THEN 'held' ELSE 'moved' END,
        NEW.gmail_id, COALESCE(NEW.placement, 'inbox'), NEW.decided_by
    );
    RETURN NULL;
END
$$;

CREATE FUNCTION tell_mailbox() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tell_event(NEW.id, 'status', '', '', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER events_of_messages AFTER UPDATE OF placement, decided_by ON messages
FOR EACH ROW WHEN (
    (OLD.placement IS DISTINCT FROM NEW.placement OR OLD.decided_by <> NEW.decided_by)
    AND (OLD.placement IS NOT NULL OR NEW.placement IN ('held', 'marked'))
) EXECUTE FUNCTION tell_message();

CREATE TRIGGER events_of_mailboxes AFTER UPDATE ON mailboxes
FOR EACH ROW WHEN (
    OLD.link <> NEW.link OR OLD.link_cause <> NEW.link_cause OR OLD.preferences <> NEW.preferences
    OR OLD.watch_expires_at IS DISTINCT FROM NEW.watch_expires_at OR OLD.indexed_at IS DISTINCT FROM NEW.indexed_at
    OR OLD.index_done <> NEW.index_done OR OLD.email <> NEW.email OR OLD.name <> NEW.name
) EXECUTE FUNCTION tell_mailbox();

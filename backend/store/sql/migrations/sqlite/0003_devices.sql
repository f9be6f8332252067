-- Computers an owner has connected, codes and tickets that work once, signed-in browsers, and the log of changes
-- that all of them are told from.

CREATE TABLE devices (
    id TEXT PRIMARY KEY,
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    token_hash TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER
) STRICT;
CREATE INDEX devices_mailbox ON devices (mailbox_id, created_at);

-- `detail` is what the one who redeems it must show (a code's challenge) or gets (a ticket's page).
CREATE TABLE one_time_codes (
    code_hash TEXT PRIMARY KEY,
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    purpose TEXT NOT NULL,
    detail TEXT NOT NULL,
    name TEXT NOT NULL,
    device_id TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;
CREATE INDEX one_time_codes_expiry ON one_time_codes (mailbox_id, expires_at);

-- `device_id` is the computer whose ticket opened it, or ''.
CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    device_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_mailbox ON sessions (mailbox_id, expires_at);

-- One number a mailbox, taken under its row's lock: the numbers are committed in their order.
CREATE TABLE event_heads (
    mailbox_id TEXT PRIMARY KEY REFERENCES mailboxes (id),
    latest INTEGER NOT NULL
) STRICT;

-- The last thousand changes of a mailbox. Triggers write it: no change can be made without being told.
CREATE TABLE events (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    gmail_id TEXT NOT NULL DEFAULT '',
    placement TEXT NOT NULL DEFAULT '',
    decided_by TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (mailbox_id, id)
) STRICT;

CREATE TRIGGER events_of_messages AFTER UPDATE OF placement, decided_by ON messages
WHEN (OLD.placement IS NOT NEW.placement OR OLD.decided_by <> NEW.decided_by)
    AND (OLD.placement IS NOT NULL OR NEW.placement IN ('held', 'marked'))
BEGIN
    INSERT INTO event_heads (mailbox_id, latest) VALUES (NEW.mailbox_id, 1)
        ON CONFLICT (mailbox_id) DO UPDATE SET latest = latest + 1;
    INSERT INTO events (mailbox_id, id, kind, gmail_id, placement, decided_by)
        SELECT NEW.mailbox_id, h.latest,
            CASE WHEN NEW.placement = 'held' AND NEW.decided_by = '' THEN 'held' ELSE 'moved' END,
            NEW.gmail_id, COALESCE(NEW.placement, 'inbox'), NEW.decided_by
        FROM event_heads AS h WHERE h.mailbox_id = NEW.mailbox_id;
    DELETE FROM events WHERE mailbox_id = NEW.mailbox_id
        AND id <= (SELECT h.latest - 1000 FROM event_heads AS h WHERE h.mailbox_id = NEW.mailbox_id);
END;

CREATE TRIGGER events_of_mailboxes AFTER UPDATE ON mailboxes
WHEN OLD.link <> NEW.link OR OLD.link_cause <> NEW.link_cause OR OLD.preferences <> NEW.preferences
    OR OLD.watch_expires_at IS NOT NEW.watch_expires_at OR OLD.indexed_at IS NOT NEW.indexed_at
    OR OLD.index_done <> NEW.index_done OR OLD.email <> NEW.email OR OLD.name <> NEW.name
BEGIN
    INSERT INTO event_heads (mailbox_id, latest) VALUES (NEW.id, 1)
        ON CONFLICT (mailbox_id) DO UPDATE SET latest = latest + 1;
    INSERT INTO events (mailbox_id, id, kind)
        SELECT NEW.id, h.latest, 'status' FROM event_heads AS h WHERE h.mailbox_id = NEW.id;
    DELETE FROM events WHERE mailbox_id = NEW.id
        AND id <= (SELECT h.latest - 1000 FROM event_heads AS h WHERE h.mailbox_id = NEW.id);
END;

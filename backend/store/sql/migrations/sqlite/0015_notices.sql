-- How new mail of a mailbox comes to our notice (push, pull, poll), what keeps it from that ("" for nothing), and when
-- its history last went on. Servers of the release before write none of them: they know push alone.
ALTER TABLE mailboxes ADD COLUMN notices TEXT NOT NULL DEFAULT 'push';
ALTER TABLE mailboxes ADD COLUMN notices_missing TEXT NOT NULL DEFAULT '';
ALTER TABLE mailboxes ADD COLUMN moved_at INTEGER;

CREATE TRIGGER events_of_notices AFTER UPDATE OF notices, notices_missing ON mailboxes
WHEN OLD.notices <> NEW.notices OR OLD.notices_missing <> NEW.notices_missing
BEGIN
    INSERT INTO event_heads (mailbox_id, latest) VALUES (NEW.id, 1)
        ON CONFLICT (mailbox_id) DO UPDATE SET latest = latest + 1;
    INSERT INTO events (mailbox_id, id, kind)
        SELECT NEW.id, h.latest, 'status' FROM event_heads AS h WHERE h.mailbox_id = NEW.id;
END;

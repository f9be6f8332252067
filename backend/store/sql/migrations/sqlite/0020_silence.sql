-- When something new was found of which no notice had come, nor has come since. Servers of the release before never
-- write it. Every look while it lasts tells the open streams: whether it is to be told is a matter of time.
ALTER TABLE mailboxes ADD COLUMN unheard_since INTEGER;

CREATE TRIGGER events_of_silence AFTER UPDATE OF unheard_since ON mailboxes
WHEN OLD.unheard_since IS NOT NULL
BEGIN
    INSERT INTO event_heads (mailbox_id, latest) VALUES (NEW.id, 1)
        ON CONFLICT (mailbox_id) DO UPDATE SET latest = latest + 1;
    INSERT INTO events (mailbox_id, id, kind)
        SELECT NEW.id, h.latest, 'status' FROM event_heads AS h WHERE h.mailbox_id = NEW.id;
END;

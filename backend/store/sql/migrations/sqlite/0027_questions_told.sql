-- The owner's computers count the open questions: a change is told to them as one of the mailbox's state.
CREATE TRIGGER events_of_questions AFTER INSERT ON questions WHEN NEW.answer = ''
BEGIN
    INSERT INTO event_heads (mailbox_id, latest) VALUES (NEW.mailbox_id, 1)
        ON CONFLICT (mailbox_id) DO UPDATE SET latest = latest + 1;
    INSERT INTO events (mailbox_id, id, kind)
        SELECT NEW.mailbox_id, h.latest, 'status' FROM event_heads AS h WHERE h.mailbox_id = NEW.mailbox_id;
    DELETE FROM events WHERE mailbox_id = NEW.mailbox_id
        AND id <= (SELECT h.latest - 1000 FROM event_heads AS h WHERE h.mailbox_id = NEW.mailbox_id);
END;

CREATE TRIGGER events_of_answers AFTER UPDATE OF answer ON questions WHEN OLD.answer <> NEW.answer
BEGIN
    INSERT INTO event_heads (mailbox_id, latest) VALUES (NEW.mailbox_id, 1)
        ON CONFLICT (mailbox_id) DO UPDATE SET latest = latest + 1;
    INSERT INTO events (mailbox_id, id, kind)
        SELECT NEW.mailbox_id, h.latest, 'status' FROM event_heads AS h WHERE h.mailbox_id = NEW.mailbox_id;
    DELETE FROM events WHERE mailbox_id = NEW.mailbox_id
        AND id <= (SELECT h.latest - 1000 FROM event_heads AS h WHERE h.mailbox_id = NEW.mailbox_id);
END;

-- What is told to open streams wakes them, on whatever replica they are: a change of what an owner sees, and the end of
-- a device or session. Notices of one transaction about one mailbox are one.

CREATE OR REPLACE FUNCTION tell_event(
    of_mailbox TEXT, of_kind TEXT, of_gmail_id TEXT, of_placement TEXT, by TEXT
)
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
    PERFORM pg_notify('pitchgate_changes', of_mailbox);
END
$$;

CREATE FUNCTION tell_gone() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('pitchgate_changes', OLD.mailbox_id);
    RETURN NULL;
END
$$;

CREATE TRIGGER gone_devices AFTER DELETE ON devices FOR EACH ROW EXECUTE FUNCTION tell_gone();
CREATE TRIGGER gone_sessions AFTER DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION tell_gone();

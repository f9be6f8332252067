-- What a sender does on the page of his link. `appeal` is his line to the owner, in the message's own row: it is
-- shown, kept and deleted with the message.
ALTER TABLE messages ADD COLUMN appeal TEXT NOT NULL DEFAULT '';

-- When he first did something there (looking does not count), and when our mail came back undelivered.
ALTER TABLE challenges ADD COLUMN started_at INTEGER;
ALTER TABLE challenges ADD COLUMN bounced_at INTEGER;

-- Tries at typed codes. The code itself is nowhere: it is sealed in what the page hands back.
CREATE TABLE code_tries (
    mailbox_id TEXT NOT NULL REFERENCES mailboxes (id),
    code_id TEXT NOT NULL,
    challenge_id TEXT NOT NULL,
    tries INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, code_id)
) STRICT;
CREATE INDEX code_tries_challenge ON code_tries (mailbox_id, challenge_id);
CREATE INDEX code_tries_expiry ON code_tries (mailbox_id, expires_at);

CREATE TRIGGER events_of_appeals AFTER UPDATE OF appeal ON messages
WHEN OLD.appeal <> NEW.appeal
BEGIN
    INSERT INTO event_heads (mailbox_id, latest) VALUES (NEW.mailbox_id, 1)
        ON CONFLICT (mailbox_id) DO UPDATE SET latest = latest + 1;
    INSERT INTO events (mailbox_id, id, kind, gmail_id, placement, decided_by)
        SELECT NEW.mailbox_id, h.latest, 'appeal', NEW.gmail_id, COALESCE(NEW.placement, 'inbox'), NEW.decided_by
        FROM event_heads AS h WHERE h.mailbox_id = NEW.mailbox_id;
    DELETE FROM events WHERE mailbox_id = NEW.mailbox_id
        AND id <= (SELECT h.latest - 1000 FROM event_heads AS h WHERE h.mailbox_id = NEW.mailbox_id);
END;

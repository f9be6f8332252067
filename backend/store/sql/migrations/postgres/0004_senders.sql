-- What a sender does on the page of his link. `appeal` is his line to the owner, in the message's own row: it is
-- shown, kept and deleted with the message.
ALTER TABLE messages ADD COLUMN appeal TEXT COLLATE "C" NOT NULL DEFAULT '';

-- When he first did something there (looking does not count), and when our mail came back undelivered.
ALTER TABLE challenges ADD COLUMN started_at BIGINT;
ALTER TABLE challenges ADD COLUMN bounced_at BIGINT;

-- Tries at typed codes. The code itself is nowhere: it is sealed in what the page hands back.
CREATE TABLE code_tries (
    mailbox_id TEXT COLLATE "C" NOT NULL REFERENCES mailboxes (id),
    code_id TEXT COLLATE "C" NOT NULL,
    challenge_id TEXT COLLATE "C" NOT NULL,
    tries BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (mailbox_id, code_id)
);
CREATE INDEX code_tries_challenge ON code_tries (mailbox_id, challenge_id);
CREATE INDEX code_tries_expiry ON code_tries (mailbox_id, expires_at);

ALTER TABLE code_tries ENABLE ROW LEVEL SECURITY;
ALTER TABLE code_tries FORCE ROW LEVEL SECURITY;
CREATE POLICY one_mailbox ON code_tries
    USING (current_setting('app.mailbox', TRUE) IN (mailbox_id, '*'));

CREATE FUNCTION tell_appeal() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tell_event(NEW.mailbox_id, 'appeal', NEW.gmail_id, COALESCE(NEW.placement, 'inbox'), NEW.decided_by);
    RETURN NULL;
END
$$;

CREATE TRIGGER events_of_appeals AFTER UPDATE OF appeal ON messages
FOR EACH ROW WHEN (OLD.appeal <> NEW.appeal) EXECUTE FUNCTION tell_appeal();

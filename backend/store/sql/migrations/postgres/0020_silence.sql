-- When something new was found of which no notice had come, nor has come since. Servers of the release before never
-- write it. Every look while it lasts tells the open streams: whether it is to be told is a matter of time.
ALTER TABLE mailboxes ADD COLUMN unheard_since BIGINT;

CREATE TRIGGER events_of_silence AFTER UPDATE OF unheard_since ON mailboxes
FOR EACH ROW WHEN (OLD.unheard_since IS NOT NULL)
EXECUTE FUNCTION tell_mailbox();

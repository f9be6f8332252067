-- How new mail of a mailbox comes to our notice (push, pull, poll), what keeps it from that ("" for nothing), and when
-- its history last went on. Servers of the release before write none of them: they know push alone.
ALTER TABLE mailboxes ADD COLUMN notices TEXT NOT NULL DEFAULT 'push';
ALTER TABLE mailboxes ADD COLUMN notices_missing TEXT NOT NULL DEFAULT '';
ALTER TABLE mailboxes ADD COLUMN moved_at BIGINT;

CREATE TRIGGER events_of_notices AFTER UPDATE OF notices, notices_missing ON mailboxes
FOR EACH ROW WHEN (OLD.notices <> NEW.notices OR OLD.notices_missing <> NEW.notices_missing)
EXECUTE FUNCTION tell_mailbox();

-- Only `pitchgate audit show` asks for the decisions about one message: it can read the mailbox's log for them, and every
-- verdict is spared an entry in an index.
DROP INDEX decisions_message;

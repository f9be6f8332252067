-- Addresses that were a mailbox's primary one before, as a JSON list: mail and pushes to them are still its own.
ALTER TABLE mailboxes ADD COLUMN former TEXT NOT NULL DEFAULT '[]';

-- The furthest position of a mailbox's history that notices told of lately, and when the last of them came. The release
-- before keeps every notice in a table of its own; nothing else reads it, and it goes with a later release.
ALTER TABLE mailboxes ADD COLUMN told_to TEXT NOT NULL DEFAULT '';
ALTER TABLE mailboxes ADD COLUMN told_at INTEGER;
UPDATE mailboxes SET told_at = (SELECT MAX(n.received_at) FROM notices AS n WHERE n.mailbox_id = mailboxes.id);
DELETE FROM notices;

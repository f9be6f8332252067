-- Mail in the inbox that could not be read in full carries a label of ours.
ALTER TABLE mailboxes ADD COLUMN label_partly_read TEXT NOT NULL DEFAULT '';

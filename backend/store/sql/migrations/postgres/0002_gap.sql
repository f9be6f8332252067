-- The last gap that Google's history left, as JSON: what the re-list over it found and what it had to leave out.
ALTER TABLE mailboxes ADD COLUMN last_gap TEXT COLLATE "C" NOT NULL DEFAULT '';

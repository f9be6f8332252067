-- How many workers in a row have held a message to the end of their lease: they died of it, or with it.
ALTER TABLE messages ADD COLUMN deaths INTEGER NOT NULL DEFAULT 0;

-- The servers at work on this database, and when each last said so: they share what Google allows. Servers of the release
-- before do not say so, and are not counted.
CREATE TABLE servers (
    name TEXT NOT NULL PRIMARY KEY,
    seen_at BIGINT NOT NULL
);

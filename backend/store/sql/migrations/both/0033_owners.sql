-- Whose the lanes of each bucket of mailboxes are; the embedded file has one bucket. A row that is still there when a
-- bucket is taken is a dead process's. Servers of earlier releases said in `servers` that they were at work.
CREATE TABLE lane_owners (
    bucket BIGINT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL
);
DROP TABLE servers;

-- What is due in a mailbox is done by the one process that owns it, which has in memory what is under way: nothing is
-- claimed any more. What was held counts a death, as it would have at the next claim, and is due when its lease would
-- have ended. Who held it did not give it back, and has left no other word: that stands in `servers` now.
INSERT INTO servers (name, seen_at)
SELECT 'owner', 0 WHERE EXISTS (SELECT 1 FROM messages WHERE lease <> '');
UPDATE messages
SET deaths = CASE WHEN lease IS NULL THEN 0 WHEN lease = '' THEN deaths ELSE deaths + 1 END,
    due_at = CASE WHEN stage IS NULL THEN NULL ELSE due_at END
WHERE lease IS NOT NULL OR deaths > 0;
ALTER TABLE messages DROP COLUMN lease;
ALTER TABLE duties DROP COLUMN lease;
DROP TABLE lanes;
-- Whose each bucket of mailboxes is; the embedded file has one bucket. A row that is there when a bucket is taken is a
-- dead process's.
CREATE TABLE lane_owners (
    bucket BIGINT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL
);
DROP TABLE servers;

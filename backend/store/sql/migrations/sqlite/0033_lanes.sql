-- What is due in a mailbox is done by the one process that owns it, which keeps in memory what is running: nothing is
-- claimed any more.

-- The owner of each bucket of mailboxes; the embedded file has one bucket. A row that is there when a bucket is taken is
-- that of a process that died. Whoever still held messages has died, too.
CREATE TABLE lane_owners (
    bucket BIGINT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL
);
INSERT INTO lane_owners (bucket, owner)
SELECT 0, '' WHERE EXISTS (SELECT 1 FROM messages WHERE lease <> '');

-- A message that was held counts a death, as it would have at the next claim, and is due when its lease would have ended.
UPDATE messages
SET deaths = CASE WHEN lease IS NULL THEN 0 WHEN lease = '' THEN deaths ELSE deaths + 1 END,
    due_at = CASE WHEN stage IS NULL THEN NULL ELSE due_at END
WHERE lease IS NOT NULL OR deaths > 0;
ALTER TABLE messages DROP COLUMN lease;

-- What was asked for while a duty ran is due. Which duties a mailbox may run follows from its link.
UPDATE duties SET due_at = asked_at WHERE asked_at IS NOT NULL AND (due_at IS NULL OR due_at > asked_at);
UPDATE duties SET due_at = again_at WHERE again_at IS NOT NULL AND (due_at IS NULL OR due_at > again_at);
DROP INDEX duties_due;
ALTER TABLE duties DROP COLUMN lease;
ALTER TABLE duties DROP COLUMN asked_at;
ALTER TABLE duties DROP COLUMN again_at;
ALTER TABLE duties DROP COLUMN is_open;
DROP TABLE lanes;
DROP TABLE servers;

-- Since when a job has failed, and the fixed word for why it did last; NULL and '' once a try comes to its end. A
-- postponed job is not due, so nothing else tells of it.
ALTER TABLE duties ADD COLUMN failing_since BIGINT;
ALTER TABLE duties ADD COLUMN failing_cause TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN failing_since BIGINT;
ALTER TABLE messages ADD COLUMN failing_cause TEXT COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX duties_failing ON duties (failing_since) WHERE failing_since IS NOT NULL;
CREATE INDEX messages_failing ON messages (mailbox_id, failing_since) WHERE failing_since IS NOT NULL;

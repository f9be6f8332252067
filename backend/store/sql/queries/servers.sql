-- name: inherit_messages(now, searchable, held)!
-- The process that held them, under leases that begin so, is dead. The lease stays, so that the next claim counts the death; a challenge may have left just
-- before, and is looked for once it can be found.
UPDATE messages SET due_at = CASE WHEN stage = 'challenge' THEN CAST(:searchable AS BIGINT) ELSE CAST(:now AS BIGINT) END
WHERE lease <> '' AND substr(lease, 1, length(:held)) = :held AND due_at > :now;

-- name: inherit_duties(now, held)!
UPDATE duties SET due_at = :now
WHERE lease IS NOT NULL AND substr(lease, 1, length(:held)) = :held AND due_at > :now;

-- name: free_lanes(now)!
UPDATE lanes SET turn_at = :now WHERE turn_at > :now;

-- name: bring_back_duties(duty, now, latest)!
-- While it is held, due_at is the end of the lease.
UPDATE duties SET lease = NULL, due_at = :now WHERE duty = :duty AND due_at > :latest;

-- name: bring_back_looks(latest)!
UPDATE duties SET again_at = CASE WHEN again_at > :latest THEN NULL ELSE again_at END,
    asked_at = CASE WHEN asked_at > :latest THEN NULL ELSE asked_at END
WHERE again_at > :latest OR asked_at > :latest;

-- name: bring_back_messages(now, searchable, latest)!
UPDATE messages
SET lease = NULL,
    due_at = CASE WHEN stage = 'challenge' THEN CAST(:searchable AS BIGINT) ELSE CAST(:now AS BIGINT) END
WHERE due_at > :latest;

-- name: bring_back_digests(now)!
UPDATE digests SET told_until = :now WHERE told_until > :now;

-- name: bring_back_web_pushes(now)!
UPDATE web_pushes SET told_until = :now WHERE told_until > :now;

-- name: begin_owning()!
INSERT INTO lane_owners (bucket, owner) VALUES (0, '') ON CONFLICT DO NOTHING;

-- name: end_owning()!
DELETE FROM lane_owners;

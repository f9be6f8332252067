-- name: server_seen(name, now)!
INSERT INTO servers (name, seen_at) VALUES (:name, :now)
ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at;

-- name: drop_silent_servers(before)!
DELETE FROM servers WHERE seen_at < :before;

-- name: count_servers()$
SELECT COUNT(*) FROM servers;

-- name: inherit_messages(now, searchable, held)!
-- Whoever held them, under leases that begin so, is dead. The lease stays, so that the next claim counts the death; a challenge may have left just
-- before, and is looked for once it can be found.
UPDATE messages SET due_at = CASE WHEN stage = 'challenge' THEN CAST(:searchable AS BIGINT) ELSE CAST(:now AS BIGINT) END
WHERE lease <> '' AND substr(lease, 1, length(:held)) = :held AND due_at > :now;

-- name: inherit_duties(now, held)!
UPDATE duties SET due_at = :now
WHERE lease IS NOT NULL AND substr(lease, 1, length(:held)) = :held AND due_at > :now;

-- name: free_lanes(now)!
UPDATE lanes SET turn_at = :now WHERE turn_at > :now;

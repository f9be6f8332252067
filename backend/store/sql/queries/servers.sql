-- name: server_seen(name, now)!
INSERT INTO servers (name, seen_at) VALUES (:name, :now)
ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at;

-- name: drop_silent_servers(before)!
DELETE FROM servers WHERE seen_at < :before;

-- name: count_servers()$
SELECT COUNT(*) FROM servers;

-- name: bring_back_duties(duty, now, latest)!
UPDATE duties SET due_at = :now WHERE duty = :duty AND due_at > :latest;

-- name: bring_back_looks(latest)!
UPDATE duties SET again_at = CASE WHEN again_at > :latest THEN NULL ELSE again_at END,
    asked_at = CASE WHEN asked_at > :latest THEN NULL ELSE asked_at END
WHERE again_at > :latest OR asked_at > :latest;

-- name: bring_back_messages(now, latest)!
UPDATE messages SET due_at = :now WHERE due_at > :latest;

-- name: bring_back_sendings(now)!
UPDATE challenges SET sending_at = :now WHERE state = 'sending' AND sending_at > :now;

-- name: bring_back_digests(now)!
UPDATE digests SET told_until = :now WHERE told_until > :now;

-- name: bring_back_web_pushes(now)!
UPDATE web_pushes SET told_until = :now WHERE told_until > :now;

-- name: begin_owning()!
INSERT INTO servers (name, seen_at) VALUES ('owner', 0) ON CONFLICT DO NOTHING;

-- name: end_owning()!
DELETE FROM servers WHERE name = 'owner';

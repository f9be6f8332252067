
-- name: bring_back_duties(duty, now, latest)!
UPDATE duties SET due_at = :now WHERE duty = :duty AND due_at > :latest;

-- name: bring_back_messages(now, latest)!
UPDATE messages SET due_at = :now WHERE due_at > :latest;

-- name: bring_back_sendings(now)!
UPDATE challenges SET sending_at = :now WHERE state = 'sending' AND sending_at > :now;

-- name: bring_back_digests(now)!
UPDATE digests SET told_until = :now WHERE told_until > :now;

-- name: bring_back_web_pushes(now)!
UPDATE web_pushes SET told_until = :now WHERE told_until > :now;

-- name: begin_owning()!
INSERT INTO lane_owners (bucket, owner) VALUES (0, '') ON CONFLICT DO NOTHING;

-- name: end_owning()!
DELETE FROM lane_owners;

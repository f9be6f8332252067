-- name: claim_duties(now, lease, lease_until, limit)
UPDATE duties SET lease = :lease, due_at = :lease_until, asked_at = NULL, attempts = attempts + 1,
    again_at = CASE WHEN again_at > :now THEN again_at END
WHERE (mailbox_id, duty) IN (
    SELECT mailbox_id, duty FROM duties WHERE is_open AND due_at <= :now ORDER BY due_at LIMIT :limit
)
RETURNING mailbox_id, duty, attempts, lease, error;

-- name: claim_rows(lanes, share, now, lease, lease_until)
-- Of each mailbox in `lanes` (JSON list) the `share` messages that have been due longest. One that still has a
-- lease was not given back: its worker died. An empty lease is one that was put back unbegun.
UPDATE messages SET lease = :lease, due_at = :lease_until, attempts = attempts + 1,
    deaths = CASE WHEN lease IS NULL THEN 0 WHEN lease = '' THEN deaths ELSE deaths + 1 END
WHERE rowid IN (
    -- CROSS: SQLite then keeps this order, and never walks all messages for each mailbox.
    SELECT m.rowid FROM json_each(:lanes) AS l CROSS JOIN messages AS m ON m.rowid IN (
        SELECT d.rowid FROM messages AS d
        WHERE d.mailbox_id = l.value AND d.due_at <= :now
        ORDER BY d.due_at, d.gmail_id LIMIT :share
    )
)
RETURNING mailbox_id, gmail_id, thread_id, stage, attempts, deaths, error, revision, labels, placement, backlog,
    first_seen_at, lease;

-- name: turn_lanes(lanes, now)!
-- After a claim: when each of these mailboxes may next have something to claim, behind all that wait.
UPDATE lanes
SET turns = turns + 1,
    turn_at = (
        SELECT CASE WHEN first.due_at < :now THEN :now ELSE first.due_at END FROM (
            SELECT m.due_at FROM messages AS m WHERE m.mailbox_id = lanes.mailbox_id AND m.due_at IS NOT NULL
            ORDER BY m.due_at LIMIT 1
        ) AS first
    )
WHERE mailbox_id IN (SELECT value FROM json_each(:lanes));

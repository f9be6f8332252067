-- name: claim_duties(now, lease, lease_until, limit)
WITH picked AS MATERIALIZED (
    SELECT mailbox_id, duty FROM duties WHERE is_open AND due_at <= :now
    ORDER BY due_at LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE duties AS d SET lease = :lease, due_at = :lease_until, asked_at = NULL, attempts = d.attempts + 1,
    again_at = CASE WHEN d.again_at > :now THEN d.again_at END
FROM picked AS p WHERE d.mailbox_id = p.mailbox_id AND d.duty = p.duty
RETURNING d.mailbox_id, d.duty, d.attempts, d.lease, d.error;

-- name: claim_rows(lanes, share, now, lease, lease_until)
-- Of each mailbox in `lanes` (JSON list) the `share` messages that have been due longest. Rows another
-- worker is claiming are skipped, not waited for. One that still has a lease was not given back: its worker died. An
-- empty lease is one that was put back unbegun.
WITH picked AS MATERIALIZED (
    SELECT d.mailbox_id, d.gmail_id
    FROM jsonb_array_elements_text(CAST(:lanes AS JSONB)) AS l (mailbox_id)
    CROSS JOIN LATERAL (
        SELECT m.mailbox_id, m.gmail_id FROM messages AS m
        WHERE m.mailbox_id = l.mailbox_id AND m.due_at <= :now
        ORDER BY m.due_at, m.gmail_id LIMIT :share FOR NO KEY UPDATE SKIP LOCKED
    ) AS d
)
UPDATE messages AS m SET lease = :lease, due_at = :lease_until, attempts = m.attempts + 1,
    deaths = CASE WHEN m.lease IS NULL THEN 0 WHEN m.lease = '' THEN m.deaths ELSE m.deaths + 1 END
FROM picked AS p WHERE m.mailbox_id = p.mailbox_id AND m.gmail_id = p.gmail_id
RETURNING m.mailbox_id, m.gmail_id, m.thread_id, m.stage, m.attempts, m.deaths, m.error, m.revision, m.labels, m.placement,
    m.backlog, m.first_seen_at, m.lease;

-- name: turn_lanes(lanes, now)!
-- After a claim: when each of these mailboxes may next have something to claim, behind all that wait. The
-- lanes have been locked since before this statement, so it sees every message whose transaction touched them.
UPDATE lanes
SET turns = turns + 1,
    turn_at = (
        SELECT CASE WHEN first.due_at < :now THEN :now ELSE first.due_at END FROM (
            SELECT m.due_at FROM messages AS m WHERE m.mailbox_id = lanes.mailbox_id AND m.due_at IS NOT NULL
            ORDER BY m.due_at LIMIT 1
        ) AS first
    )
WHERE mailbox_id = ANY (ARRAY(SELECT jsonb_array_elements_text(CAST(:lanes AS JSONB))));

-- name: latest_event(mailbox_id)$
SELECT latest FROM event_heads WHERE mailbox_id = :mailbox_id;

-- name: first_event(mailbox_id)$
SELECT MIN(id) FROM events WHERE mailbox_id = :mailbox_id;

-- name: events_after(mailbox_id, after, limit)
SELECT id, kind, gmail_id, placement, decided_by FROM events
WHERE mailbox_id = :mailbox_id AND id > :after ORDER BY id LIMIT :limit;

-- name: learn_thread(mailbox_id, thread_id, now)!
INSERT INTO threads (mailbox_id, thread_id, learned_at) VALUES (:mailbox_id, :thread_id, :now)
ON CONFLICT DO NOTHING;

-- name: held_at_rest(mailbox_id, limit)
-- Held messages for which nothing is left to do: they lie where we put them unless the owner moved them.
SELECT gmail_id, decided_by FROM messages
WHERE mailbox_id = :mailbox_id AND placement = 'held' AND stage IS NULL
ORDER BY changed_at DESC, gmail_id LIMIT :limit;

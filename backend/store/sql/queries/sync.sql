-- name: learn_thread(mailbox_id, thread_id, now)!
INSERT INTO threads (mailbox_id, thread_id, learned_at) VALUES (:mailbox_id, :thread_id, :now)
ON CONFLICT DO NOTHING;

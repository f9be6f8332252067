-- An owner's lists, read by key so that no page costs more than another.

-- name: archive_rules(mailbox_id, after, limit)
SELECT * FROM rules WHERE mailbox_id = :mailbox_id AND subject > :after ORDER BY subject LIMIT :limit;

-- name: archive_ledger(mailbox_id, after, limit)
SELECT * FROM ledger WHERE mailbox_id = :mailbox_id AND posting_key > :after ORDER BY posting_key LIMIT :limit;

-- name: archive_messages(mailbox_id, after, limit)
SELECT * FROM messages WHERE mailbox_id = :mailbox_id AND gmail_id > :after ORDER BY gmail_id LIMIT :limit;

-- name: archive_challenges(mailbox_id, after, limit)
SELECT * FROM challenges WHERE mailbox_id = :mailbox_id AND id > :after ORDER BY id LIMIT :limit;

-- name: archive_corrections(mailbox_id, after, limit)
SELECT * FROM corrections WHERE mailbox_id = :mailbox_id AND correction_key > :after
ORDER BY correction_key LIMIT :limit;

-- name: archive_correspondents(mailbox_id, after, limit)
SELECT * FROM correspondents WHERE mailbox_id = :mailbox_id AND address > :after ORDER BY address LIMIT :limit;

-- name: archive_threads(mailbox_id, after, limit)
SELECT * FROM threads WHERE mailbox_id = :mailbox_id AND thread_id > :after ORDER BY thread_id LIMIT :limit;

-- name: archive_unsubscriptions(mailbox_id, after, limit)
SELECT * FROM unsubscriptions WHERE mailbox_id = :mailbox_id AND gmail_id > :after ORDER BY gmail_id LIMIT :limit;

-- name: archive_previews(mailbox_id, after, limit)
SELECT * FROM previews WHERE mailbox_id = :mailbox_id AND gmail_id > :after ORDER BY gmail_id LIMIT :limit;

-- name: archive_devices(mailbox_id, after, limit)
SELECT * FROM devices WHERE mailbox_id = :mailbox_id AND id > :after ORDER BY id LIMIT :limit;

-- name: archive_web_pushes(mailbox_id, after, limit)
SELECT * FROM web_pushes WHERE mailbox_id = :mailbox_id AND id > :after ORDER BY id LIMIT :limit;

-- name: restore_rules(mailbox_id, subject, kind, set_at)!
INSERT INTO rules (mailbox_id, subject, kind, set_at) VALUES (:mailbox_id, :subject, :kind, :set_at)
ON CONFLICT DO NOTHING;

-- name: restore_messages(mailbox_id, gmail_id, thread_id, backlog, first_seen_at, changed_at, placement, decided_by, outcome, policy_row, score, logit, model, reasons, guards, cause, error, set_aside, decided_at, sender, sender_name, sender_domain, subject, message_id, received_at, authenticated, reference_ids, reply_to, language, topics, appeal, shadow_model, shadow_row, shadow_score)!
-- Nothing is left to do for it: what was to be done was done, or still is, where it comes from. A file of an earlier
-- release tells no topics.
INSERT INTO messages (
    mailbox_id, gmail_id, thread_id, backlog, first_seen_at, changed_at, placement, decided_by, outcome, policy_row,
    score, logit, model, reasons, guards, cause, error, set_aside, decided_at, sender, sender_name, sender_domain,
    subject, message_id, received_at, authenticated, reference_ids, reply_to, language, topics, appeal,
    shadow_model, shadow_row, shadow_score
) VALUES (
    :mailbox_id, :gmail_id, :thread_id, :backlog, :first_seen_at, :changed_at, :placement, :decided_by, :outcome,
    :policy_row, :score, :logit, :model, :reasons, :guards, :cause, :error, :set_aside, :decided_at, :sender,
    :sender_name, :sender_domain, :subject, :message_id, :received_at, :authenticated, :reference_ids, :reply_to,
    :language, COALESCE(:topics, '[]'), :appeal, :shadow_model, :shadow_row, :shadow_score
) ON CONFLICT DO NOTHING;

-- name: restore_challenges(mailbox_id, id, gmail_id, thread_id, sender, sender_domain, state, message_id, cause, created_at, expires_at, sending_at, started_at, ended_at, solved_at, bounced_at, sent_gmail_id, reply_from, reply_name, token_hash, sealed_token)!
INSERT INTO challenges (
    mailbox_id, id, gmail_id, thread_id, sender, sender_domain, state, is_open, message_id, cause, created_at,
    expires_at, sending_at, started_at, ended_at, solved_at, bounced_at, sent_gmail_id, reply_from, reply_name,
    token_hash, sealed_token
) VALUES (
    :mailbox_id, :id, :gmail_id, :thread_id, :sender, :sender_domain, :state, FALSE, :message_id, :cause, :created_at,
    :expires_at, :sending_at, :started_at, :ended_at, :solved_at, :bounced_at, :sent_gmail_id,
    COALESCE(:reply_from, ''), COALESCE(:reply_name, ''), :token_hash, :sealed_token
) ON CONFLICT DO NOTHING;

-- name: restore_corrections(mailbox_id, correction_key, gmail_id, decision, origin, pending, moved, before, decided_at, undone_at, undo_moved)!
INSERT INTO corrections (
    mailbox_id, correction_key, gmail_id, decision, origin, pending, moved, before, decided_at, undone_at, undo_moved
) VALUES (
    :mailbox_id, :correction_key, :gmail_id, :decision, :origin, :pending, :moved, :before, :decided_at, :undone_at,
    :undo_moved
) ON CONFLICT DO NOTHING;

-- name: restore_correspondents(mailbox_id, address, learned_at)!
INSERT INTO correspondents (mailbox_id, address, learned_at) VALUES (:mailbox_id, :address, :learned_at)
ON CONFLICT DO NOTHING;

-- name: restore_threads(mailbox_id, thread_id, learned_at)!
INSERT INTO threads (mailbox_id, thread_id, learned_at) VALUES (:mailbox_id, :thread_id, :learned_at)
ON CONFLICT DO NOTHING;

-- name: restore_unsubscriptions(mailbox_id, gmail_id, sender, state, host, cause, asked_at, tried_at)!
INSERT INTO unsubscriptions (mailbox_id, gmail_id, sender, state, host, cause, asked_at, tried_at)
VALUES (:mailbox_id, :gmail_id, :sender, :state, :host, :cause, :asked_at, :tried_at)
ON CONFLICT DO NOTHING;

-- name: archive_decisions(mailbox_id, after, limit)
SELECT * FROM decisions
WHERE mailbox_id = :mailbox_id AND number > CAST(COALESCE(NULLIF(:after, ''), '0') AS BIGINT) AND payload IS NOT NULL
ORDER BY number LIMIT :limit;

-- name: archive_mail_weeks(mailbox_id, after, limit)
SELECT * FROM mail_weeks
WHERE mailbox_id = :mailbox_id AND week > CAST(COALESCE(NULLIF(:after, ''), '0') AS BIGINT)
ORDER BY week LIMIT :limit;

-- name: archive_decision_settings(mailbox_id, after, limit)
SELECT * FROM decision_settings WHERE mailbox_id = :mailbox_id AND name > :after ORDER BY name LIMIT :limit;

-- name: archive_questions(mailbox_id, after, limit)
SELECT * FROM questions WHERE mailbox_id = :mailbox_id AND id > :after ORDER BY id LIMIT :limit;

-- name: lanes()
-- Of every mailbox with a lane: when its first message and its first duty are due. One that leaves does nothing else.
SELECT m.id AS mailbox_id,
    CASE WHEN m.link = 'connected' THEN (
        SELECT MIN(d.due_at) FROM messages AS d WHERE d.mailbox_id = m.id AND d.due_at IS NOT NULL
    ) END AS message,
    (
        SELECT MIN(d.due_at) FROM duties AS d
        WHERE d.mailbox_id = m.id AND d.due_at IS NOT NULL AND (m.link = 'connected' OR d.duty = 'leave')
    ) AS duty
FROM mailboxes AS m WHERE m.link IN ('connected', 'leaving');

-- name: lane_messages(mailbox_id, limit)
SELECT mailbox_id, gmail_id, thread_id, stage, attempts + 1 AS attempt, deaths, error, revision, labels, placement,
    backlog, first_seen_at, due_at
FROM messages
WHERE mailbox_id = :mailbox_id AND due_at IS NOT NULL
    AND EXISTS (SELECT 1 FROM mailboxes WHERE id = :mailbox_id AND link = 'connected')
ORDER BY due_at, gmail_id LIMIT :limit;

-- name: lane_duties(mailbox_id)
SELECT d.mailbox_id, d.duty, d.attempts + 1 AS attempt, d.due_at, d.wanted, d.error
FROM duties AS d JOIN mailboxes AS m ON m.id = d.mailbox_id
WHERE d.mailbox_id = :mailbox_id AND d.due_at IS NOT NULL
    AND (m.link = 'connected' OR (m.link = 'leaving' AND d.duty = 'leave'))
ORDER BY d.due_at;

-- name: count_death(mailbox_id, gmail_id, deaths)!
UPDATE messages SET deaths = :deaths WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: settle_message(mailbox_id, gmail_id, stage, due_at, now)!
-- A stage is done: on to `stage` at `due_at`, or ended when both are NULL.
UPDATE messages
SET attempts = 0, deaths = 0, error = '', failing_since = NULL, stage = :stage, due_at = :due_at, changed_at = :now
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: yield_message(mailbox_id, gmail_id, now)!
-- A newer order came while a stage was under way.
UPDATE messages
SET attempts = 0, deaths = 0, error = '', failing_since = NULL,
    due_at = CASE WHEN stage IS NULL THEN NULL ELSE CAST(:now AS BIGINT) END
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: postpone_message(mailbox_id, gmail_id, due_at, error, counts, cause, now)!
-- No cause: nothing has failed, and what had before has not mended.
UPDATE messages
SET due_at = :due_at, deaths = 0, error = :error,
    failing_since = CASE WHEN :cause = '' THEN failing_since ELSE COALESCE(failing_since, :now) END,
    failing_cause = CASE WHEN :cause = '' THEN failing_cause ELSE :cause END,
    attempts = CASE WHEN CAST(:counts AS BOOLEAN) THEN attempts + 1 ELSE attempts END
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: make_dead_letter(mailbox_id, gmail_id, error, now)!
UPDATE messages SET due_at = NULL, set_aside = TRUE, error = :error, failing_since = NULL,
    changed_at = :now
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: end_gone(mailbox_id, gmail_id, now)!
-- It is in no place any more, whatever was decided.
UPDATE messages
SET due_at = NULL, stage = NULL, set_aside = FALSE, placement = NULL, error = 'gone',
    failing_since = NULL, changed_at = :now
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: order_message(mailbox_id, gmail_id, stage, placement, decided_by, now)!
-- An owner's or a solve's word. A stage that is under way finds another revision at its end, and the lane then does as
-- was ordered: two at once must not move the same mail.
UPDATE messages
SET stage = :stage, placement = :placement, decided_by = :decided_by, revision = revision + 1,
    attempts = 0, set_aside = FALSE, error = '', failing_since = NULL, changed_at = :now,
    due_at = CASE WHEN CAST(:stage AS TEXT) IS NULL THEN NULL ELSE CAST(:now AS BIGINT) END
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: record_verdict(mailbox_id, gmail_id, outcome, policy_row, score, logit, evidence, model, reasons, guards, cause, drift_class, shadow_model, shadow_row, shadow_score, sender, sender_name, sender_domain, subject, message_id, received_at, authenticated, references, reply_to, language, stage, placement, decided_by, due_at, now)!
-- What was decided and why, the facts that are kept of the message (NULL: as they are), and where it is meant to be: all
-- in one, since every UPDATE writes the whole row.
UPDATE messages
SET outcome = :outcome, policy_row = :policy_row, score = :score, logit = :logit, evidence = :evidence,
    model = :model, reasons = :reasons, guards = :guards, cause = :cause, drift_class = :drift_class,
    shadow_model = :shadow_model, shadow_row = :shadow_row, shadow_score = :shadow_score,
    decided_at = :now,
    sender = COALESCE(:sender, sender), sender_name = COALESCE(:sender_name, sender_name),
    sender_domain = COALESCE(:sender_domain, sender_domain), subject = COALESCE(:subject, subject),
    message_id = COALESCE(:message_id, message_id), received_at = COALESCE(:received_at, received_at),
    authenticated = COALESCE(:authenticated, authenticated),
    reference_ids = COALESCE(:references, reference_ids), reply_to = COALESCE(:reply_to, reply_to),
    language = COALESCE(:language, language),
    stage = :stage, placement = :placement, decided_by = :decided_by, due_at = :due_at,
    attempts = 0, deaths = 0, error = '', failing_since = NULL, changed_at = :now
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: held_of_sender(mailbox_id, sender)
SELECT gmail_id, placement, decided_by, stage, authenticated, revision FROM messages
WHERE mailbox_id = :mailbox_id AND sender = :sender AND placement = 'held'
ORDER BY COALESCE(received_at, first_seen_at), gmail_id;

-- name: held_of_domain(mailbox_id, sender_domain)
SELECT gmail_id, placement, decided_by, stage, authenticated, revision FROM messages
WHERE mailbox_id = :mailbox_id AND sender_domain = :sender_domain AND placement = 'held'
ORDER BY COALESCE(received_at, first_seen_at), gmail_id;

-- name: message(mailbox_id, gmail_id)^
SELECT * FROM messages WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

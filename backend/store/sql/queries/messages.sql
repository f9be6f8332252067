-- name: touch_lane(mailbox_id, due_at)!
-- Always written, even when it changes nothing: the row lock makes it wait for a claim that is under way,
-- which might close the lane over a message it cannot see yet.
UPDATE lanes SET turn_at = CASE WHEN turn_at IS NULL OR turn_at > :due_at THEN :due_at ELSE turn_at END
WHERE mailbox_id = :mailbox_id;

-- name: settle_message(mailbox_id, gmail_id, stage, due_at, now)!
-- The stage a worker held is done: on to `stage` at `due_at`, or ended when both are NULL.
UPDATE messages
SET lease = NULL, attempts = 0, error = '', failing_since = NULL, stage = :stage, due_at = :due_at, changed_at = :now
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: go_on(mailbox_id, gmail_id, stage, lease, lease_until, now)!
-- The worker that ended the stage before keeps the message for the next one.
UPDATE messages
SET lease = :lease, attempts = 1, deaths = 0, error = '', failing_since = NULL, stage = :stage, due_at = :lease_until,
    changed_at = :now
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: yield_message(mailbox_id, gmail_id, now)!
-- A newer order came while a worker held the message: give it back as ordered.
UPDATE messages
SET lease = NULL, attempts = 0, error = '', failing_since = NULL,
    due_at = CASE WHEN stage IS NULL THEN NULL ELSE CAST(:now AS BIGINT) END
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: postpone_message(mailbox_id, gmail_id, due_at, error, counts, cause, now)!
-- No cause: nothing has failed, and what had before has not mended.
UPDATE messages
SET lease = NULL, due_at = :due_at, error = :error,
    failing_since = CASE WHEN :cause = '' THEN failing_since ELSE COALESCE(failing_since, :now) END,
    failing_cause = CASE WHEN :cause = '' THEN failing_cause ELSE :cause END,
    attempts = CASE WHEN CAST(:counts AS BOOLEAN) THEN attempts ELSE attempts - 1 END
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: put_message_back(mailbox_id, gmail_id)!
-- As if it had not been claimed, at its place in the queue; how many workers died over it is still known.
UPDATE messages SET lease = '', attempts = attempts - 1, due_at = first_seen_at
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: make_dead_letter(mailbox_id, gmail_id, error, now)!
UPDATE messages SET lease = NULL, due_at = NULL, set_aside = TRUE, error = :error, failing_since = NULL,
    changed_at = :now
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: end_gone(mailbox_id, gmail_id, now)!
-- It is in no place any more, whatever was decided.
UPDATE messages
SET lease = NULL, due_at = NULL, stage = NULL, set_aside = FALSE, placement = NULL, error = 'gone',
    failing_since = NULL, changed_at = :now
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: order_message(mailbox_id, gmail_id, stage, placement, decided_by, now)!
-- An owner's or a solve's word. A worker that holds the message keeps it to the end of its lease: two at
-- once must not move the same mail.
UPDATE messages
SET stage = :stage, placement = :placement, decided_by = :decided_by, revision = revision + 1,
    attempts = 0, set_aside = FALSE, error = '', failing_since = NULL, changed_at = :now,
    due_at = CASE WHEN lease IS NOT NULL THEN due_at
                  WHEN CAST(:stage AS TEXT) IS NULL THEN NULL ELSE :now END
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: record_verdict(mailbox_id, gmail_id, outcome, policy_row, score, logit, evidence, model, reasons, guards, cause, drift_class, shadow_model, shadow_row, shadow_score, sender, sender_name, sender_domain, subject, message_id, received_at, authenticated, references, reply_to, language, stage, placement, decided_by, due_at, lease, attempts, now)!
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
    stage = :stage, placement = :placement, decided_by = :decided_by, due_at = :due_at, lease = :lease,
    attempts = :attempts, deaths = 0, error = '', failing_since = NULL, changed_at = :now
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

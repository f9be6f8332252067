-- name: challenge(challenge_id)^
SELECT c.*, (
    SELECT COUNT(*) FROM challenges AS s
    WHERE s.mailbox_id = c.mailbox_id AND s.sender = c.sender AND s.state = 'solved' AND s.id <> c.id
) AS solved_before
FROM challenges AS c WHERE c.id = :challenge_id;

-- name: challenge_by_token(token_hash)^
SELECT c.*, (
    SELECT COUNT(*) FROM challenges AS s
    WHERE s.mailbox_id = c.mailbox_id AND s.sender = c.sender AND s.state = 'solved' AND s.id <> c.id
) AS solved_before
FROM challenges AS c WHERE c.token_hash = :token_hash;

-- name: challenge_of_message(mailbox_id, gmail_id)^
SELECT c.*, (
    SELECT COUNT(*) FROM challenges AS s
    WHERE s.mailbox_id = c.mailbox_id AND s.sender = c.sender AND s.state = 'solved' AND s.id <> c.id
) AS solved_before
FROM challenges AS c WHERE c.mailbox_id = :mailbox_id AND c.gmail_id = :gmail_id
ORDER BY c.created_at DESC, c.id DESC LIMIT 1;

-- name: challenge_of_job(challenge_id, mailbox_id, gmail_id)^
SELECT id, state, is_open FROM challenges
WHERE id = :challenge_id AND mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: challenge_to_send(mailbox_id, gmail_id)$
SELECT COUNT(*) FROM challenges
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id AND state IN ('intended', 'sending');

-- name: challenge_pending_in(mailbox_id, thread_id)$
SELECT COUNT(*) FROM challenges
WHERE mailbox_id = :mailbox_id AND thread_id = :thread_id AND state IN ('intended', 'sending');

-- name: dealings(mailbox_id, sender, sender_domain, thread_id, now, day_ago)^
-- Challenges that never left do not count: only voided or failed ones can be such.
SELECT
    EXISTS (
        SELECT 1 FROM challenges
        WHERE mailbox_id = :mailbox_id AND sender = :sender AND is_open AND expires_at > :now
    ) AS open_for_sender,
    (
        SELECT MAX(created_at) FROM challenges
        WHERE mailbox_id = :mailbox_id AND sender = :sender
            AND (state NOT IN ('voided', 'failed') OR (state = 'voided' AND sending_at IS NOT NULL))
    ) AS sender_last_at,
    (
        SELECT COUNT(*) FROM challenges
        WHERE mailbox_id = :mailbox_id AND created_at > :day_ago AND sender_domain = :sender_domain
            AND (state NOT IN ('voided', 'failed') OR (state = 'voided' AND sending_at IS NOT NULL))
    ) AS domain_today,
    (
        SELECT COUNT(*) FROM challenges
        WHERE mailbox_id = :mailbox_id AND created_at > :day_ago
            AND (state NOT IN ('voided', 'failed') OR (state = 'voided' AND sending_at IS NOT NULL))
    ) AS mailbox_today,
    EXISTS (
        SELECT 1 FROM challenges
        WHERE mailbox_id = :mailbox_id AND thread_id = :thread_id
            AND (state NOT IN ('voided', 'failed') OR (state = 'voided' AND sending_at IS NOT NULL))
    ) AS thread_answered;

-- name: close_expired(mailbox_id, sender, now)!
UPDATE challenges SET is_open = FALSE
WHERE mailbox_id = :mailbox_id AND sender = :sender AND is_open AND expires_at <= :now;

-- name: insert_challenge(id, mailbox_id, gmail_id, thread_id, sender, sender_domain, token_hash, sealed_token, message_id, expires_at, now)!
INSERT INTO challenges (id, mailbox_id, gmail_id, thread_id, sender, sender_domain, state, is_open, token_hash,
    sealed_token, message_id, created_at, expires_at)
VALUES (:id, :mailbox_id, :gmail_id, :thread_id, :sender, :sender_domain, 'intended', TRUE, :token_hash,
    :sealed_token, :message_id, :now, :expires_at)
ON CONFLICT DO NOTHING;

-- name: begin_sending(mailbox_id, challenge_id, now)!
UPDATE challenges SET state = 'sending', sending_at = :now WHERE id = :challenge_id AND mailbox_id = :mailbox_id;

-- name: record_sent(mailbox_id, challenge_id, sent_gmail_id, empty)!
-- What left has left, also when it was voided or solved meanwhile: our mail must be known as ours.
UPDATE challenges
SET sent_gmail_id = :sent_gmail_id,
    sealed_token = CASE WHEN state IN ('intended', 'sending', 'sent') THEN :empty ELSE sealed_token END,
    state = CASE WHEN state IN ('intended', 'sending') THEN 'sent' ELSE state END
WHERE id = :challenge_id AND mailbox_id = :mailbox_id;

-- name: record_unsent(mailbox_id, challenge_id, cause, now)!
UPDATE challenges SET state = 'failed', is_open = FALSE, cause = :cause, ended_at = :now
WHERE id = :challenge_id AND mailbox_id = :mailbox_id AND state IN ('intended', 'sending');

-- name: record_solved(mailbox_id, challenge_id, now)!
UPDATE challenges
SET state = 'solved', is_open = FALSE, solved_at = :now, ended_at = :now, started_at = COALESCE(started_at, :now)
WHERE id = :challenge_id AND mailbox_id = :mailbox_id;

-- name: open_of_message(mailbox_id, gmail_id)
SELECT id, state, gmail_id FROM challenges
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id AND is_open ORDER BY id;

-- name: open_of_sender(mailbox_id, sender)
SELECT id, state, gmail_id FROM challenges
WHERE mailbox_id = :mailbox_id AND sender = :sender AND is_open ORDER BY id;

-- name: open_of_domain(mailbox_id, sender_domain)
SELECT id, state, gmail_id FROM challenges
WHERE mailbox_id = :mailbox_id AND sender_domain = :sender_domain AND is_open ORDER BY id;

-- name: void_challenge(mailbox_id, challenge_id, now)!
UPDATE challenges SET state = 'voided', is_open = FALSE, ended_at = :now
WHERE id = :challenge_id AND mailbox_id = :mailbox_id AND is_open;

-- name: reopen_challenge(mailbox_id, challenge_id, state, now)!
-- Only if nothing else was opened for the sender meanwhile; one whose life is over comes back closed.
UPDATE challenges
SET state = CASE WHEN sent_gmail_id <> '' THEN 'sent' ELSE :state END, ended_at = NULL,
    is_open = (expires_at > :now)
WHERE id = :challenge_id AND mailbox_id = :mailbox_id AND state = 'voided' AND NOT EXISTS (
    SELECT 1 FROM challenges AS other
    WHERE other.mailbox_id = challenges.mailbox_id AND other.sender = challenges.sender AND other.is_open
);

-- name: insert_answer(signature, mailbox_id, challenge_id, expires_at)!
INSERT INTO answers (signature, mailbox_id, challenge_id, expires_at)
VALUES (:signature, :mailbox_id, :challenge_id, :expires_at)
ON CONFLICT DO NOTHING;

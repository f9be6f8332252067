-- name: challenge(challenge_id)^
SELECT * FROM challenges WHERE id = :challenge_id;

-- name: challenge_by_token(token_hash)^
SELECT * FROM challenges WHERE token_hash = :token_hash;

-- name: challenge_of_message(mailbox_id, gmail_id)^
SELECT * FROM challenges WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id
ORDER BY created_at DESC, id DESC LIMIT 1;

-- name: prospects(mailbox_id, sender)^
-- What a sender's next solve costs and brings. What came under the owner's block waits for nobody but them.
SELECT
    (
        SELECT CAST(COALESCE(SUM(CASE WHEN state = 'solved' AND solves = 0 THEN 1 ELSE solves END), 0) AS BIGINT)
        FROM challenges WHERE mailbox_id = :mailbox_id AND sender = :sender
    ) AS solved_before,
    (
        SELECT COUNT(*) FROM messages
        WHERE mailbox_id = :mailbox_id AND sender = :sender AND placement = 'held' AND decided_by IN ('', 'kept')
            AND authenticated AND policy_row <> 'blocked'
    ) AS waiting,
    COALESCE((
        SELECT gmail_id FROM messages
        WHERE mailbox_id = :mailbox_id AND sender = :sender AND placement = 'held' AND decided_by IN ('', 'kept')
            AND authenticated AND policy_row <> 'blocked'
        ORDER BY COALESCE(received_at, first_seen_at), gmail_id LIMIT 1
    ), '') AS oldest,
    COALESCE((SELECT balance FROM balances WHERE mailbox_id = :mailbox_id AND sender = :sender), 0) AS balance;

-- name: waiting_of_sender(mailbox_id, sender, limit)
SELECT gmail_id, subject FROM messages
WHERE mailbox_id = :mailbox_id AND sender = :sender AND placement = 'held' AND decided_by IN ('', 'kept')
    AND authenticated AND policy_row <> 'blocked'
ORDER BY COALESCE(received_at, first_seen_at), gmail_id LIMIT :limit;

-- name: waits_beside(mailbox_id, gmail_id)$
-- Mail of the same sender that a solve may deliver, but for this one.
SELECT COUNT(*) FROM messages AS one JOIN messages AS other
    ON other.mailbox_id = one.mailbox_id AND other.sender = one.sender AND other.gmail_id <> one.gmail_id
WHERE one.mailbox_id = :mailbox_id AND one.gmail_id = :gmail_id AND other.placement = 'held'
    AND other.decided_by IN ('', 'kept') AND other.authenticated AND other.policy_row <> 'blocked';

-- name: challenge_of_job(challenge_id, mailbox_id, gmail_id)^
SELECT id, state, gmail_id FROM challenges
WHERE id = :challenge_id AND mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: challenge_to_send(mailbox_id, gmail_id)$
SELECT COUNT(*) FROM challenges
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id AND state IN ('intended', 'sending');

-- name: challenge_pending_in(mailbox_id, thread_id)$
SELECT COUNT(*) FROM challenges
WHERE mailbox_id = :mailbox_id AND thread_id = :thread_id AND state IN ('intended', 'sending');

-- name: challenge_history(mailbox_id, sender, counted_domain, below, thread_id, now, day_ago)^
-- Challenges that never left do not count: only voided or failed ones can be such. A used link is open while mail
-- of its sender waits; the message that is being judged has no place yet, so it does not count.
SELECT
    EXISTS (
        SELECT 1 FROM challenges AS c
        WHERE c.mailbox_id = :mailbox_id AND c.sender = :sender AND c.is_open
            AND (c.expires_at > :now OR c.deliver_at IS NOT NULL) AND (c.state <> 'solved' OR EXISTS (
                SELECT 1 FROM messages AS m
                WHERE m.mailbox_id = :mailbox_id AND m.sender = :sender AND m.placement = 'held'
                    AND m.decided_by IN ('', 'kept') AND m.authenticated AND m.policy_row <> 'blocked'
            ))
    ) AS open_for_sender,
    (
        SELECT MAX(created_at) FROM challenges
        WHERE mailbox_id = :mailbox_id AND sender = :sender
            AND (state NOT IN ('voided', 'failed') OR (state = 'voided' AND sending_at IS NOT NULL))
    ) AS sender_last_at,
    (
        SELECT COUNT(*) FROM challenges
        WHERE mailbox_id = :mailbox_id AND created_at > :day_ago AND :counted_domain <> ''
            AND (sender_domain = :counted_domain OR sender_domain LIKE :below || '' ESCAPE '!')
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

-- name: owed_links(mailbox_id, since)
-- Held mail that nothing but a full count of the day kept from being answered, in the order in which it came.
SELECT gmail_id, thread_id, sender, sender_domain FROM messages
WHERE mailbox_id = :mailbox_id AND placement = 'held' AND decided_by = '' AND stage IS NULL AND NOT set_aside
    AND authenticated AND decided_at > :since
    AND guards IN ('["domain_limit"]', '["mailbox_limit"]', '["domain_limit","mailbox_limit"]')
ORDER BY decided_at, gmail_id LIMIT 500;

-- name: room_at(mailbox_id, day_ago)$
-- When the oldest answer of the day was given; with the end of its day the counts have room again.
SELECT MIN(created_at) FROM challenges
WHERE mailbox_id = :mailbox_id AND created_at > :day_ago
    AND (state NOT IN ('voided', 'failed') OR (state = 'voided' AND sending_at IS NOT NULL));

-- name: pay_link(mailbox_id, gmail_id, policy_row, now)!
UPDATE messages SET outcome = 'challenge', policy_row = :policy_row, guards = '[]', stage = 'challenge', due_at = :now,
    changed_at = :now
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id AND placement = 'held' AND decided_by = '' AND stage IS NULL;

-- name: owe_no_link(mailbox_id, gmail_id, guards, now)!
UPDATE messages SET guards = :guards, changed_at = :now
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id AND placement = 'held' AND decided_by = '' AND stage IS NULL;

-- name: close_spent(mailbox_id, sender, now)!
-- A new link takes the place of one whose life is over, or that is used and has nothing left to deliver.
UPDATE challenges SET is_open = FALSE
WHERE mailbox_id = :mailbox_id AND sender = :sender AND is_open
    AND (state = 'solved' OR (expires_at <= :now AND deliver_at IS NULL));

-- name: insert_challenge(id, mailbox_id, gmail_id, thread_id, sender, sender_domain, token_hash, sealed_token, message_id, reply_from, reply_name, late, expires_at, now)!
INSERT INTO challenges (id, mailbox_id, gmail_id, thread_id, sender, sender_domain, state, is_open, token_hash,
    sealed_token, message_id, reply_from, reply_name, late, created_at, expires_at)
VALUES (:id, :mailbox_id, :gmail_id, :thread_id, :sender, :sender_domain, 'intended', TRUE, :token_hash,
    :sealed_token, :message_id, :reply_from, :reply_name, :late, :now, :expires_at)
ON CONFLICT DO NOTHING;

-- name: begin_sending(mailbox_id, gmail_id, now)!
UPDATE challenges SET state = 'sending', sending_at = :now
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id AND state = 'intended';

-- name: record_sent(mailbox_id, gmail_id, challenge_id, sent_gmail_id, empty)!
-- What left has left, also when it was voided or solved meanwhile: our mail must be known as ours.
UPDATE challenges
SET sent_gmail_id = :sent_gmail_id,
    sealed_token = CASE WHEN state IN ('intended', 'sending', 'sent') THEN :empty ELSE sealed_token END,
    state = CASE WHEN state IN ('intended', 'sending') THEN 'sent' ELSE state END
WHERE id = :challenge_id AND mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: take_up(mailbox_id, challenge_id, token_hash, sent_gmail_id, empty, now)!
-- A reply that left before the database was restored. One whose link is known answered something else.
UPDATE challenges
SET token_hash = :token_hash, sealed_token = :empty, sent_gmail_id = :sent_gmail_id, state = 'sent',
    sending_at = COALESCE(sending_at, :now)
WHERE id = :challenge_id AND mailbox_id = :mailbox_id AND state IN ('intended', 'sending')
    AND NOT EXISTS (SELECT 1 FROM challenges AS other WHERE other.token_hash = :token_hash);

-- name: record_unsent(mailbox_id, challenge_id, cause, now)!
UPDATE challenges SET state = 'failed', is_open = FALSE, cause = :cause, ended_at = :now
WHERE id = :challenge_id AND mailbox_id = :mailbox_id AND state IN ('intended', 'sending');

-- name: record_solved(mailbox_id, challenge_id, now)!
UPDATE challenges
SET state = 'solved', solves = CASE WHEN state = 'solved' AND solves = 0 THEN 2 ELSE solves + 1 END,
    solved_at = :now, ended_at = :now, started_at = COALESCE(started_at, :now), deliver_at = NULL
WHERE id = :challenge_id AND mailbox_id = :mailbox_id;

-- name: promise(mailbox_id, challenge_id, deliver_at, now)!
UPDATE challenges SET deliver_at = :deliver_at, started_at = COALESCE(started_at, :now)
WHERE id = :challenge_id AND mailbox_id = :mailbox_id;

-- name: ripe_promises(mailbox_id, now)
SELECT * FROM challenges
WHERE mailbox_id = :mailbox_id AND deliver_at <= :now AND is_open ORDER BY deliver_at, id;

-- name: drop_promise(mailbox_id, challenge_id)!
UPDATE challenges SET deliver_at = NULL WHERE id = :challenge_id AND mailbox_id = :mailbox_id;

-- name: next_promise(mailbox_id)$
SELECT MIN(deliver_at) FROM challenges WHERE mailbox_id = :mailbox_id AND deliver_at IS NOT NULL AND is_open;

-- name: promise_of(mailbox_id, challenge_id)$
SELECT deliver_at FROM challenges WHERE id = :challenge_id AND mailbox_id = :mailbox_id;

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
-- A used link keeps its state: it was solved, and only delivers no more.
UPDATE challenges
SET state = CASE WHEN state = 'solved' THEN state ELSE 'voided' END, is_open = FALSE, ended_at = :now
WHERE id = :challenge_id AND mailbox_id = :mailbox_id AND is_open;

-- name: reopen_challenge(mailbox_id, challenge_id, state, now)!
-- Only if nothing else was opened for the sender meanwhile; one whose life is over comes back closed.
UPDATE challenges
SET state = CASE WHEN state = 'solved' THEN state WHEN sent_gmail_id <> '' THEN 'sent' ELSE :state END,
    ended_at = solved_at, is_open = (expires_at > :now OR deliver_at IS NOT NULL)
WHERE id = :challenge_id AND mailbox_id = :mailbox_id AND state IN ('voided', 'solved') AND NOT EXISTS (
    SELECT 1 FROM challenges AS other
    WHERE other.mailbox_id = challenges.mailbox_id AND other.sender = challenges.sender AND other.is_open
);

-- name: insert_answer(signature, mailbox_id, challenge_id, expires_at)!
INSERT INTO answers (signature, mailbox_id, challenge_id, expires_at)
VALUES (:signature, :mailbox_id, :challenge_id, :expires_at)
ON CONFLICT DO NOTHING;

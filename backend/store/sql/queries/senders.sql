-- name: begin_challenge(mailbox_id, challenge_id, now)!
UPDATE challenges SET started_at = :now
WHERE id = :challenge_id AND mailbox_id = :mailbox_id AND started_at IS NULL;

-- name: write_note(mailbox_id, gmail_id, note)!
-- `changed_at` stays: a line of the sender's moves nothing in the owner's lists.
UPDATE messages SET appeal = :note
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id AND appeal <> :note;

-- name: count_try(mailbox_id, code_id, challenge_id, expires_at)!
INSERT INTO code_tries (mailbox_id, code_id, challenge_id, tries, expires_at)
VALUES (:mailbox_id, :code_id, :challenge_id, 1, :expires_at)
ON CONFLICT (mailbox_id, code_id) DO UPDATE SET tries = code_tries.tries + 1;

-- name: tries_of_code(mailbox_id, code_id)$
SELECT tries FROM code_tries WHERE mailbox_id = :mailbox_id AND code_id = :code_id;

-- name: tries_of_challenge(mailbox_id, challenge_id)$
SELECT CAST(COALESCE(SUM(tries), 0) AS BIGINT) FROM code_tries
WHERE mailbox_id = :mailbox_id AND challenge_id = :challenge_id;

-- name: record_bounce(mailbox_id, thread_id, now)!
-- The latest one that left in this thread; one that came back already stays as it was noted.
UPDATE challenges SET bounced_at = :now
WHERE mailbox_id = :mailbox_id AND bounced_at IS NULL AND sending_at IS NOT NULL AND id = (
    SELECT c.id FROM challenges AS c
    WHERE c.mailbox_id = :mailbox_id AND c.thread_id = :thread_id AND c.sending_at IS NOT NULL
    ORDER BY c.created_at DESC, c.id DESC LIMIT 1
);

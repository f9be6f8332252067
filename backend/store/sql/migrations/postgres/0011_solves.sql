-- A link goes on delivering while mail of its sender waits: how often it was solved. 0 for those solved before this.
ALTER TABLE challenges ADD COLUMN solves BIGINT NOT NULL DEFAULT 0;

-- From now on the latest link of a sender stays open when it is solved. Whose mail waits behind one is let in by it.
UPDATE challenges SET is_open = TRUE
WHERE state = 'solved' AND NOT EXISTS (
    SELECT 1 FROM challenges AS other
    WHERE other.mailbox_id = challenges.mailbox_id AND other.sender = challenges.sender AND (
        other.is_open OR (other.state = 'solved'
            AND (other.created_at, other.id) > (challenges.created_at, challenges.id))
    )
);

-- When a link is solved by itself: a code was typed, no work was done, and this is the end of the wait.
ALTER TABLE challenges ADD COLUMN deliver_at BIGINT;
CREATE INDEX challenges_promised ON challenges (mailbox_id, deliver_at) WHERE deliver_at IS NOT NULL;

INSERT INTO duties (mailbox_id, duty, is_open) SELECT id, 'deliver', link = 'connected' FROM mailboxes WHERE TRUE
ON CONFLICT DO NOTHING;

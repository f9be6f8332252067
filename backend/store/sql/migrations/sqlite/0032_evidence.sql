-- What a message that was judged by its score says of its sender, added up while nobody has decided about it. Servers of
-- the release before never write it; what is held by then keeps its sender's mail held as before.
ALTER TABLE messages ADD COLUMN evidence REAL;
CREATE INDEX messages_evidence ON messages (mailbox_id, sender, received_at) WHERE evidence IS NOT NULL;
CREATE INDEX messages_evidence_firm ON messages (mailbox_id, sender_domain, received_at) WHERE evidence IS NOT NULL;
UPDATE messages
SET evidence = CASE WHEN logit >= -1.0 THEN MIN(logit, 3.0) ELSE -1.0 + 0.1 * (logit + 1.0) END
WHERE placement = 'held' AND decided_by IN ('', 'kept') AND policy_row <> 'blocked' AND logit IS NOT NULL;

-- What is held, the most doubtful first.
CREATE INDEX messages_doubtful ON messages (mailbox_id, (CAST(COALESCE(score, 0) * 1000000 AS BIGINT)), gmail_id)
    WHERE placement = 'held' AND decided_by = '';

-- name: correction(mailbox_id, correction_key)^
SELECT * FROM corrections WHERE mailbox_id = :mailbox_id AND correction_key = :correction_key;

-- name: pending_corrections(mailbox_id, gmail_id)
SELECT * FROM corrections
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id AND pending AND undone_at IS NULL
ORDER BY decided_at, correction_key;

-- name: put_away(mailbox_id, gmail_id)
-- Decisions that stand and were made by putting the message into Gmail's spam or bin, latest first.
SELECT * FROM corrections
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id AND decision IN ('spam', 'bin') AND undone_at IS NULL
ORDER BY decided_at DESC, correction_key DESC;

-- name: decided_since(mailbox_id, since)
-- What the owner has decided or taken back since, wherever they did it.
SELECT corrections.correction_key, corrections.gmail_id, corrections.decision, messages.sender, messages.sender_domain
FROM corrections
JOIN messages ON messages.mailbox_id = corrections.mailbox_id AND messages.gmail_id = corrections.gmail_id
WHERE corrections.mailbox_id = :mailbox_id AND (corrections.decided_at > :since OR corrections.undone_at > :since);

-- name: insert_correction(mailbox_id, correction_key, gmail_id, decision, origin, pending, moved, before, now)!
INSERT INTO corrections (mailbox_id, correction_key, gmail_id, decision, origin, pending, moved, before, decided_at)
VALUES (:mailbox_id, :correction_key, :gmail_id, :decision, :origin, :pending, :moved, :before, :now);

-- name: correction_applied(mailbox_id, correction_key, moved, before)!
UPDATE corrections SET pending = FALSE, moved = :moved, before = :before
WHERE mailbox_id = :mailbox_id AND correction_key = :correction_key;

-- name: correction_undone(mailbox_id, correction_key, undo_moved, now)!
UPDATE corrections SET pending = FALSE, undone_at = :now, undo_moved = :undo_moved
WHERE mailbox_id = :mailbox_id AND correction_key = :correction_key;

-- name: mark_decided(mailbox_id, gmail_id, decided_by, now)!
UPDATE messages SET decided_by = :decided_by, changed_at = :now
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

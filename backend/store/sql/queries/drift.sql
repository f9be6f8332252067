-- Weeks begin on Monday; 1970 began on a Thursday, three days into its week.

-- name: classes_by_week(mailbox_id, after, before)
-- Of the weeks between these two.
SELECT (decided_at + 259200000000) / 604800000000 AS week, drift_class, COUNT(*) AS n FROM messages
WHERE mailbox_id = :mailbox_id AND decided_at >= (:after + 1) * 604800000000 - 259200000000
    AND decided_at < :before * 604800000000 - 259200000000 AND drift_class <> ''
GROUP BY (decided_at + 259200000000) / 604800000000, drift_class ORDER BY 1, 2;

-- name: mail_weeks(mailbox_id)
-- Those of the model that read the last.
SELECT week, model, counts FROM mail_weeks WHERE mailbox_id = :mailbox_id AND model = (
    SELECT model FROM mail_weeks WHERE mailbox_id = :mailbox_id ORDER BY week DESC LIMIT 1
) ORDER BY week;

-- name: keep_week(mailbox_id, week, model, counts)!
INSERT INTO mail_weeks (mailbox_id, week, model, counts) VALUES (:mailbox_id, :week, :model, :counts);

-- name: drop_weeks(mailbox_id, before, model, reference)!
-- The first weeks of the model in use stay: the others are compared with them.
DELETE FROM mail_weeks
WHERE mailbox_id = :mailbox_id AND week < :before AND (model <> :model OR week > :reference);

-- name: save_drift(mailbox_id, state, change)!
UPDATE mailboxes SET drift_state = :state, drift_change = :change WHERE id = :mailbox_id;

-- name: count_drifts()
SELECT drift_state AS name, COUNT(*) AS n FROM mailboxes GROUP BY drift_state;

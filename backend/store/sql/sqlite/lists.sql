-- Queries over a list of values, handed over as one JSON text.

-- name: insert_messages(mailbox_id, rows, backlog, now)
-- Each row: [gmail id, thread id, labels as JSON text or null, stage]. Known ids and challenges of ours
-- are left out.
INSERT INTO messages (mailbox_id, gmail_id, thread_id, labels, stage, backlog, first_seen_at, changed_at, due_at)
SELECT :mailbox_id, r.value ->> 0, r.value ->> 1, r.value ->> 2, r.value ->> 3, :backlog, :now, :now, :now
FROM json_each(:rows) AS r
WHERE NOT EXISTS (
    SELECT 1 FROM challenges AS c WHERE c.mailbox_id = :mailbox_id AND c.sent_gmail_id <> ''
        AND c.sent_gmail_id = r.value ->> 0
)
ON CONFLICT DO NOTHING
RETURNING gmail_id;

-- name: end_deleted(mailbox_id, ids, now)
-- Gone from Gmail. A stage that is under way finds it ended.
UPDATE messages
SET stage = NULL, placement = NULL, set_aside = FALSE, error = 'gone', revision = revision + 1,
    changed_at = :now, due_at = NULL
WHERE mailbox_id = :mailbox_id AND gmail_id IN (SELECT value FROM json_each(:ids)) AND error <> 'gone'
RETURNING gmail_id;

-- name: ours(mailbox_id, ids)
SELECT sent_gmail_id FROM challenges
WHERE mailbox_id = :mailbox_id AND sent_gmail_id <> ''
    AND sent_gmail_id IN (SELECT value FROM json_each(:ids))
UNION ALL
SELECT gmail_id FROM digests
WHERE mailbox_id = :mailbox_id AND gmail_id <> ''
    AND gmail_id IN (SELECT value FROM json_each(:ids));

-- name: around_history(mailbox_id, ids)^
-- What a page of history is read against, but for the messages that are known.
SELECT told_to, told_at,
    (
        SELECT json_group_array(sent_gmail_id) FROM challenges
        WHERE mailbox_id = :mailbox_id AND sent_gmail_id <> ''
            AND sent_gmail_id IN (SELECT value FROM json_each(:ids))
    ) AS sent,
    (
        SELECT json_group_array(gmail_id) FROM digests
        WHERE mailbox_id = :mailbox_id AND gmail_id <> ''
            AND gmail_id IN (SELECT value FROM json_each(:ids))
    ) AS digest,
    EXISTS (SELECT 1 FROM rules WHERE mailbox_id = :mailbox_id AND kind = 'block') AS blocks
FROM mailboxes WHERE id = :mailbox_id;

-- name: messages_by_id(mailbox_id, ids)
SELECT * FROM messages
WHERE mailbox_id = :mailbox_id AND gmail_id IN (SELECT value FROM json_each(:ids));

-- name: learn_addresses(mailbox_id, addresses, now)!
INSERT INTO correspondents (mailbox_id, address, learned_at)
SELECT :mailbox_id, value, :now FROM json_each(:addresses) WHERE TRUE
ON CONFLICT DO NOTHING;

-- name: held_from(mailbox_id, addresses)
SELECT sender, MIN(gmail_id) AS gmail_id FROM messages
WHERE mailbox_id = :mailbox_id AND placement = 'held' AND decided_by = ''
    AND sender IN (SELECT value FROM json_each(:addresses))
GROUP BY sender ORDER BY sender;

-- name: decided_on(mailbox_id, ids)
SELECT gmail_id, decision FROM corrections
WHERE mailbox_id = :mailbox_id AND gmail_id IN (SELECT value FROM json_each(:ids));

-- name: insert_previews(mailbox_id, rows)!
-- Each row: [gmail id, thread id, place].
INSERT INTO previews (mailbox_id, gmail_id, thread_id, place)
SELECT :mailbox_id, r.value ->> 0, r.value ->> 1, r.value ->> 2 FROM json_each(:rows) AS r WHERE TRUE
ON CONFLICT DO NOTHING;

-- name: put_rules(mailbox_id, rows, now)!
-- Each row: [subject, kind].
INSERT INTO rules (mailbox_id, subject, kind, set_at)
SELECT :mailbox_id, r.value ->> 0, r.value ->> 1, :now FROM json_each(:rows) AS r WHERE TRUE
ON CONFLICT (mailbox_id, subject) DO UPDATE SET kind = excluded.kind, set_at = excluded.set_at;

-- name: rules_of(mailbox_id, ids)
SELECT subject, kind FROM rules
WHERE mailbox_id = :mailbox_id AND subject IN (SELECT value FROM json_each(:ids));

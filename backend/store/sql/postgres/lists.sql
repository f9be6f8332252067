-- Queries over a list of values, handed over as one JSON text.

-- name: insert_messages(mailbox_id, rows, backlog, now)
-- Each row: [gmail id, thread id, labels as JSON text or null, stage]. Known ids and challenges of ours
-- are left out.
INSERT INTO messages (mailbox_id, gmail_id, thread_id, labels, stage, backlog, first_seen_at, changed_at, due_at)
SELECT CAST(:mailbox_id AS TEXT), r.value ->> 0, r.value ->> 1, r.value ->> 2, r.value ->> 3,
    CAST(:backlog AS BOOLEAN), CAST(:now AS BIGINT), CAST(:now AS BIGINT), CAST(:now AS BIGINT)
FROM jsonb_array_elements(CAST(:rows AS JSONB)) AS r (value)
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
WHERE mailbox_id = :mailbox_id AND error <> 'gone'
    AND gmail_id = ANY (ARRAY(SELECT jsonb_array_elements_text(CAST(:ids AS JSONB))))
RETURNING gmail_id;

-- name: ours(mailbox_id, ids)
SELECT sent_gmail_id FROM challenges
WHERE mailbox_id = :mailbox_id AND sent_gmail_id <> ''
    AND sent_gmail_id = ANY (ARRAY(SELECT jsonb_array_elements_text(CAST(:ids AS JSONB))))
UNION ALL
SELECT gmail_id FROM digests
WHERE mailbox_id = :mailbox_id AND gmail_id <> ''
    AND gmail_id = ANY (ARRAY(SELECT jsonb_array_elements_text(CAST(:ids AS JSONB))));

-- name: around_history(mailbox_id, ids)^
-- What a page of history is read against, but for the messages that are known.
SELECT told_to, told_at,
    (
        SELECT COALESCE(jsonb_agg(sent_gmail_id), '[]')::TEXT FROM challenges
        WHERE mailbox_id = :mailbox_id AND sent_gmail_id <> ''
            AND sent_gmail_id = ANY (ARRAY(SELECT jsonb_array_elements_text(CAST(:ids AS JSONB))))
    ) AS sent,
    (
        SELECT COALESCE(jsonb_agg(gmail_id), '[]')::TEXT FROM digests
        WHERE mailbox_id = :mailbox_id AND gmail_id <> ''
            AND gmail_id = ANY (ARRAY(SELECT jsonb_array_elements_text(CAST(:ids AS JSONB))))
    ) AS digest,
    EXISTS (SELECT 1 FROM rules WHERE mailbox_id = :mailbox_id AND kind = 'block') AS blocks
FROM mailboxes WHERE id = :mailbox_id;

-- name: messages_by_id(mailbox_id, ids)
SELECT * FROM messages
WHERE mailbox_id = :mailbox_id AND gmail_id = ANY (ARRAY(SELECT jsonb_array_elements_text(CAST(:ids AS JSONB))));

-- name: learn_addresses(mailbox_id, addresses, now)!
-- Sorted by the caller: two transactions that learn the same addresses insert them in the same order.
INSERT INTO correspondents (mailbox_id, address, learned_at)
SELECT CAST(:mailbox_id AS TEXT), a.value, CAST(:now AS BIGINT)
FROM jsonb_array_elements_text(CAST(:addresses AS JSONB)) AS a (value)
ON CONFLICT DO NOTHING;

-- name: held_from(mailbox_id, addresses)
SELECT sender, MIN(gmail_id) AS gmail_id FROM messages
WHERE mailbox_id = :mailbox_id AND placement = 'held' AND decided_by = ''
    AND sender = ANY (ARRAY(SELECT jsonb_array_elements_text(CAST(:addresses AS JSONB))))
GROUP BY sender ORDER BY sender;

-- name: decided_on(mailbox_id, ids)
SELECT gmail_id, decision FROM corrections
WHERE mailbox_id = :mailbox_id
    AND gmail_id = ANY (ARRAY(SELECT jsonb_array_elements_text(CAST(:ids AS JSONB))));

-- name: insert_previews(mailbox_id, rows)!
-- Each row: [gmail id, thread id, place].
INSERT INTO previews (mailbox_id, gmail_id, thread_id, place)
SELECT CAST(:mailbox_id AS TEXT), r.value ->> 0, r.value ->> 1, CAST(r.value ->> 2 AS BIGINT)
FROM jsonb_array_elements(CAST(:rows AS JSONB)) AS r (value)
ON CONFLICT DO NOTHING;

-- name: put_rules(mailbox_id, rows, now)!
-- Each row: [subject, kind].
INSERT INTO rules (mailbox_id, subject, kind, set_at)
SELECT CAST(:mailbox_id AS TEXT), r.value ->> 0, r.value ->> 1, CAST(:now AS BIGINT)
FROM jsonb_array_elements(CAST(:rows AS JSONB)) AS r (value)
ON CONFLICT (mailbox_id, subject) DO UPDATE SET kind = excluded.kind, set_at = excluded.set_at;

-- name: rules_of(mailbox_id, ids)
SELECT subject, kind FROM rules
WHERE mailbox_id = :mailbox_id
    AND subject = ANY (ARRAY(SELECT jsonb_array_elements_text(CAST(:ids AS JSONB))));

-- name: preview_run(mailbox_id)^
SELECT r.*,
    (SELECT COUNT(*) FROM previews AS p WHERE p.mailbox_id = r.mailbox_id) AS total,
    (SELECT COUNT(*) FROM previews AS p WHERE p.mailbox_id = r.mailbox_id AND p.state <> '') AS done
FROM preview_runs AS r WHERE r.mailbox_id = :mailbox_id;

-- name: begin_preview(mailbox_id, now)!
INSERT INTO preview_runs (mailbox_id, run, state, asked_at) VALUES (:mailbox_id, 1, 'listing', :now)
ON CONFLICT (mailbox_id) DO UPDATE
SET run = preview_runs.run + 1, state = 'listing', asked_at = excluded.asked_at, ended_at = NULL;

-- name: save_preview_state(mailbox_id, run, state, ended_at)!
UPDATE preview_runs SET state = :state, ended_at = :ended_at WHERE mailbox_id = :mailbox_id AND run = :run;

-- name: previews_to_read(mailbox_id, limit)
SELECT gmail_id, thread_id FROM previews WHERE mailbox_id = :mailbox_id AND state = ''
ORDER BY place LIMIT :limit;

-- name: previews(mailbox_id)
-- With what is on record about each sender now: an owner's word counts at once.
SELECT p.*,
    (SELECT r.kind FROM rules AS r WHERE r.mailbox_id = p.mailbox_id AND r.subject = p.sender AND p.sender <> '')
        AS address_rule,
    (SELECT r.kind FROM rules AS r WHERE r.mailbox_id = p.mailbox_id AND r.subject = p.sender_domain
        AND p.sender_domain <> '') AS domain_rule,
    EXISTS (SELECT 1 FROM correspondents AS c WHERE c.mailbox_id = p.mailbox_id AND c.address = p.sender)
        AS corresponded,
    EXISTS (SELECT 1 FROM threads AS t WHERE t.mailbox_id = p.mailbox_id AND t.thread_id = p.thread_id)
        AND EXISTS (
            SELECT 1 FROM previews AS e
            WHERE e.mailbox_id = p.mailbox_id AND e.thread_id = p.thread_id AND e.sender = p.sender
                AND e.authenticated AND e.received_at < p.received_at
        ) AS took_part,
    COALESCE((SELECT b.balance FROM balances AS b WHERE b.mailbox_id = p.mailbox_id AND b.sender = p.sender), 0)
        AS credits
FROM previews AS p WHERE p.mailbox_id = :mailbox_id AND p.state = 'read' ORDER BY p.place;

-- name: preview_item(mailbox_id, gmail_id)^
SELECT * FROM previews WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: record_preview(mailbox_id, gmail_id, state, sender, sender_name, sender_domain, subject, received_at, labels, authenticated, form, guards, score, logit, model, reasons)!
-- Once: the second to come finds it done.
UPDATE previews
SET state = :state, sender = :sender, sender_name = :sender_name, sender_domain = :sender_domain,
    subject = :subject, received_at = :received_at, labels = :labels, authenticated = :authenticated,
    form = :form, guards = :guards, score = :score, logit = :logit, model = :model, reasons = :reasons
WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id AND state = '';

-- name: say_preview(mailbox_id, gmail_id, said, rule_before)!
UPDATE previews SET said = :said, rule_before = :rule_before WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

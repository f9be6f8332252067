-- name: latest_round(mailbox_id)$
SELECT MAX(round) FROM questions WHERE mailbox_id = :mailbox_id;

-- name: judged_in_week(mailbox_id, week, challenger, began)
-- What was decided on its score in a week (numbered as in drift.sql), by `asking.STRATA`: what was held
-- (`asking.HOLDING`); of what stayed below that, the tenth with the highest scores; and its rest. `shadow_row` is the
-- champion's own outside a trial.
SELECT gmail_id, policy_row, sender_name,
    CASE WHEN policy_row <> 'below_hold' THEN 'held'
        WHEN ROW_NUMBER() OVER (PARTITION BY policy_row ORDER BY logit DESC, gmail_id)
            <= (COUNT(*) OVER (PARTITION BY policy_row) + 9) / 10 THEN 'near'
        ELSE 'passed' END AS stratum,
    CASE WHEN shadow_model = :challenger AND decided_at >= :began THEN shadow_row ELSE policy_row END AS shadow_row
FROM messages
WHERE mailbox_id = :mailbox_id AND decided_at >= :week * 604800000000 - 259200000000
    AND decided_at < (:week + 1) * 604800000000 - 259200000000 AND logit IS NOT NULL
    AND policy_row IN ('held_with_earlier', 'observe', 'quarantine', 'challenge', 'below_hold');

-- name: ask(mailbox_id, id, kind, round, gmail_id, stratum, weight, trial_of, script, now)!
-- In a trial the model that it is about, else the one that decided.
INSERT INTO questions (
    mailbox_id, id, kind, round, gmail_id, stratum, weight, model, language, script, asked_at, score
)
SELECT :mailbox_id, :id, :kind, :round, :gmail_id, :stratum, :weight,
    CASE WHEN :trial_of = '' THEN model ELSE :trial_of END, language, :script, :now, score
FROM messages WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: decision_of(mailbox_id, gmail_id)$
SELECT decision FROM corrections WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id AND undone_at IS NULL
ORDER BY decided_at DESC, correction_key LIMIT 1;

-- name: answer_questions(mailbox_id, gmail_id, answer, now)!
UPDATE questions SET answer = :answer, answered_at = :now WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: note_act(mailbox_id, gmail_id, acted)!
-- '' takes it back.
UPDATE questions SET acted = :acted WHERE mailbox_id = :mailbox_id AND gmail_id = :gmail_id;

-- name: open_questions(mailbox_id, since)
SELECT m.* FROM messages AS m
WHERE m.mailbox_id = :mailbox_id AND m.gmail_id IN (
    SELECT q.gmail_id FROM questions AS q
    WHERE q.mailbox_id = :mailbox_id AND q.asked_at > :since AND q.answer = '' AND q.gmail_id IS NOT NULL
)
ORDER BY m.received_at DESC, m.gmail_id;

-- name: labels(mailbox_id, kind, since)
SELECT stratum, weight, model, language, answer, acted, mailbox_id AS mailbox,
    CASE WHEN script IN ('latin', 'accents', '') THEN script ELSE 'other' END AS letters
FROM questions
WHERE mailbox_id = :mailbox_id AND kind = :kind AND asked_at >= :since ORDER BY id;

-- name: answered(mailbox_id, kind, model, since)
-- Scores of one model's only can be compared. They outlive their messages.
SELECT score, answer FROM questions
WHERE mailbox_id = :mailbox_id AND kind = :kind AND model = :model AND asked_at >= :since
    AND answer IN ('yes', 'no') AND score IS NOT NULL
ORDER BY answered_at, id;

-- name: labels_in_trial(kind, challenger, since)
-- Of all mailboxes, in the order in which they were answered.
SELECT stratum, weight, model, language, answer, acted, mailbox_id AS mailbox,
    CASE WHEN script IN ('latin', 'accents', '') THEN script ELSE 'other' END AS letters
FROM questions
WHERE kind = :kind AND model = :challenger AND asked_at >= :since ORDER BY answered_at, mailbox_id, id;

-- name: labels_of_the_asked(kind, trial, challenger, since)
-- Those about all mail, of the mailboxes that are asked in a trial.
SELECT stratum, weight, model, language, answer, acted, mailbox_id AS mailbox,
    CASE WHEN script IN ('latin', 'accents', '') THEN script ELSE 'other' END AS letters
FROM questions
WHERE kind = :kind AND mailbox_id IN (
    SELECT mailbox_id FROM questions WHERE kind = :trial AND model = :challenger AND asked_at >= :since
)
ORDER BY answered_at, mailbox_id, id;

-- name: trial_pairs(challenger, since)
SELECT policy_row, shadow_row, COUNT(*) AS n FROM messages
WHERE shadow_model = :challenger AND decided_at >= :since GROUP BY policy_row, shadow_row;

-- name: retain_questions(mailbox_id)!
-- The answer stays without its message.
UPDATE questions SET gmail_id = NULL
WHERE mailbox_id = :mailbox_id AND gmail_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM messages AS m WHERE m.mailbox_id = :mailbox_id AND m.gmail_id = questions.gmail_id
);

-- name: drop_questions(mailbox_id, before)!
DELETE FROM questions WHERE mailbox_id = :mailbox_id AND asked_at < :before;

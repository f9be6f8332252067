-- Why a message could not be judged is a code now; what stood here were sentences.
UPDATE messages SET cause = CASE
    WHEN cause LIKE 'Gmail would not%' THEN 'refused'
    WHEN cause LIKE 'The model gave no%' THEN 'no_probability'
    WHEN cause LIKE 'No row of%' THEN 'no_row'
    WHEN cause LIKE 'The sender''s credits%' THEN 'unsettled'
    ELSE 'unreadable'
END
WHERE policy_row = 'fail_open';

CREATE INDEX messages_unjudged ON messages (cause) WHERE policy_row = 'fail_open';

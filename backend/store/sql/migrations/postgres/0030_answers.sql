-- What an owner did with a message unasked is no answer to the question about it; it is kept beside. The score stays with
-- the question when its message goes. The release before reads and writes by_act; nothing else does.
ALTER TABLE questions ADD COLUMN acted TEXT NOT NULL DEFAULT '';
ALTER TABLE questions ADD COLUMN score DOUBLE PRECISION;
UPDATE questions SET acted = answer, answer = '', answered_at = NULL WHERE by_act;
UPDATE questions SET score = (
    SELECT m.score FROM messages AS m
    WHERE m.mailbox_id = questions.mailbox_id AND m.gmail_id = questions.gmail_id AND m.model = questions.model
);

-- The owner's computers count the open questions: a change is told to them as one of the mailbox's state.
CREATE FUNCTION tell_question() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tell_event(NEW.mailbox_id, 'status', '', '', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER events_of_questions AFTER INSERT ON questions
FOR EACH ROW WHEN (NEW.answer = '') EXECUTE FUNCTION tell_question();

CREATE TRIGGER events_of_answers AFTER UPDATE OF answer ON questions
FOR EACH ROW WHEN (OLD.answer <> NEW.answer) EXECUTE FUNCTION tell_question();

-- Models that operators add beside the file of the settings, with their bytes: a replica needs no disk of another's.
CREATE TABLE models (
    version TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    digest TEXT COLLATE "C" NOT NULL UNIQUE,
    name TEXT COLLATE "C" NOT NULL,
    file BYTEA NOT NULL,
    added_at BIGINT NOT NULL,
    added_by TEXT COLLATE "C" NOT NULL
);

-- What operators did with them, one row an act. The last one says what is at work (backend/domain/watching/models.py);
-- a version of '' is the file of the settings.
CREATE TABLE model_acts (
    number BIGINT NOT NULL PRIMARY KEY,
    act TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    by_whom TEXT COLLATE "C" NOT NULL,
    done_at BIGINT NOT NULL,
    champion TEXT COLLATE "C" NOT NULL,
    champion_before TEXT COLLATE "C",
    challenger TEXT COLLATE "C",
    trial_since BIGINT
);

-- Every replica looks at once.
CREATE FUNCTION tell_models() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('pitchgate_changes', '*');
    RETURN NULL;
END
$$;
CREATE TRIGGER told_models AFTER INSERT ON model_acts FOR EACH ROW EXECUTE FUNCTION tell_models();

-- What a challenger would have decided about a message.
ALTER TABLE messages ADD COLUMN shadow_model TEXT COLLATE "C";
ALTER TABLE messages ADD COLUMN shadow_row TEXT COLLATE "C";
ALTER TABLE messages ADD COLUMN shadow_score DOUBLE PRECISION;

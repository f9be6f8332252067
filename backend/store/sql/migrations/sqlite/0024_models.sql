-- Models that operators add beside the file of the settings, with their bytes: a replica needs no disk of another's.
CREATE TABLE models (
    version TEXT NOT NULL PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    file BLOB NOT NULL,
    added_at INTEGER NOT NULL,
    added_by TEXT NOT NULL
) STRICT;

-- What operators did with them, one row an act. The last one says what is at work (backend/domain/watching/models.py);
-- a version of '' is the file of the settings.
CREATE TABLE model_acts (
    number INTEGER NOT NULL PRIMARY KEY,
    act TEXT NOT NULL,
    version TEXT NOT NULL,
    by_whom TEXT NOT NULL,
    done_at INTEGER NOT NULL,
    champion TEXT NOT NULL,
    champion_before TEXT,
    challenger TEXT,
    trial_since INTEGER
) STRICT;

-- What a challenger would have decided about a message.
ALTER TABLE messages ADD COLUMN shadow_model TEXT;
ALTER TABLE messages ADD COLUMN shadow_row TEXT;
ALTER TABLE messages ADD COLUMN shadow_score REAL;

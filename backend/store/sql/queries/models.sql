-- name: models_at_work()^
SELECT * FROM model_acts ORDER BY number DESC LIMIT 1;

-- name: model_acts()
SELECT * FROM model_acts ORDER BY number;

-- name: known_models()
SELECT version, digest, name, added_at, added_by FROM models ORDER BY added_at, version;

-- name: model(version)^
SELECT version, digest, name, file FROM models WHERE version = :version;

-- name: add_model(version, digest, name, file, by, now)!
INSERT INTO models (version, digest, name, file, added_at, added_by)
VALUES (:version, :digest, :name, :file, :now, :by)
ON CONFLICT DO NOTHING;

-- name: note_model_act(number, act, version, by, now, champion, before, challenger, since)!
-- Nothing where another act came first.
INSERT INTO model_acts (
    number, act, version, by_whom, done_at, champion, champion_before, challenger, trial_since
)
VALUES (:number, :act, :version, :by, :now, :champion, :before, :challenger, :since)
ON CONFLICT DO NOTHING;

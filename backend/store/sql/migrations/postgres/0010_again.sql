-- The latest time a duty was asked for that has not come yet. It may be due earlier; then it is done twice: Google
-- tells nothing of the second after a push, so a look at that time must follow an earlier one.
ALTER TABLE duties ADD COLUMN again_at BIGINT;

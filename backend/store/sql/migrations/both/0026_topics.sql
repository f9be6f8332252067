-- What a message offers, as far as an owner may welcome it. Servers of the release before never write it.
ALTER TABLE messages ADD COLUMN topics TEXT NOT NULL DEFAULT '[]';
ALTER TABLE previews ADD COLUMN topics TEXT NOT NULL DEFAULT '[]';

-- Partners of the drawing editor, their keys and their tokens. No secret in clear: keys and tokens are
-- hashes, parameters are sealed, user ids are one-way names.

CREATE TABLE partner (
    id BLOB NOT NULL PRIMARY KEY,
    app_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    settings TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE partner_key (
    id BLOB NOT NULL PRIMARY KEY,
    partner BLOB NOT NULL REFERENCES partner (id),
    hash BLOB NOT NULL UNIQUE,
    last_four TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE INDEX partner_key_by_partner ON partner_key (partner, created_at, id);

CREATE TABLE editor_token (
    hash BLOB NOT NULL PRIMARY KEY,
    partner BLOB NOT NULL REFERENCES partner (id),
    partner_key BLOB NOT NULL,
    user_hash BLOB,
    sealed BLOB NOT NULL,
    one_time INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE INDEX editor_token_by_user ON editor_token (partner, user_hash) WHERE user_hash IS NOT NULL;
CREATE INDEX editor_token_by_end ON editor_token (expires_at);

-- Distinct users of a partner in a month (year * 100 + month, UTC), counted when the editor opens.
CREATE TABLE partner_user (
    partner BLOB NOT NULL,
    month INTEGER NOT NULL,
    user_hash BLOB NOT NULL,
    first_at INTEGER NOT NULL,
    PRIMARY KEY (partner, month, user_hash)
) STRICT;

-- Who users are at the providers that they sign in at.

-- Issuer and subject together are one person, for ever; the address is only shown.
CREATE TABLE identity (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES user_account (id),
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    email TEXT,
    created_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;
CREATE UNIQUE INDEX identity_subject ON identity (issuer, subject);
CREATE INDEX identity_by_user ON identity (user_id, created_at, id);

-- Steps of signing in that were taken; each is taken once.
CREATE TABLE sign_in_step (
    id BLOB NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_in_step_by_end ON sign_in_step (expires_at);

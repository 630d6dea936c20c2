-- The set-up of an installation, applications that sign people in, and networks of access keys.

-- At most one row: the link that the last start printed. No secret: a hash.
CREATE TABLE setup_link (
    only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    hash BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

-- Registered applications. They keep no secret; redirect addresses are lines.
CREATE TABLE application (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    redirects TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- Codes of sign-ins that an application trades for tokens. sign_in: what it was traded for.
CREATE TABLE authorization_code (
    hash BLOB NOT NULL PRIMARY KEY,
    application TEXT NOT NULL,
    user_id BLOB NOT NULL REFERENCES user_account (id),
    access_key BLOB,
    redirect TEXT NOT NULL,
    challenge BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    sign_in BLOB
) STRICT;
CREATE INDEX authorization_code_by_end ON authorization_code (expires_at);
CREATE INDEX sign_in_by_client ON sign_in (client, id) WHERE ended_at IS NULL;

-- Networks from which a key is good, with blanks between them; empty: from everywhere.
ALTER TABLE access_key ADD COLUMN networks TEXT NOT NULL DEFAULT '';

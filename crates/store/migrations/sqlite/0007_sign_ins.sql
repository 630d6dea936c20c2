-- Signing in by password, and sign-ins that can be renewed and ended.

-- Argon2id in the PHC string form; null: no password opens the account.
ALTER TABLE user_account ADD COLUMN password TEXT;
ALTER TABLE user_account ADD COLUMN administrator INTEGER NOT NULL DEFAULT 0;
ALTER TABLE user_account ADD COLUMN blocked_at INTEGER;

-- No secret: tokens are signed, and known to their holders only. The three columns after the client are the
-- chain of refresh tokens; see access/src/sign_in.rs.
CREATE TABLE sign_in (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES user_account (id),
    access_key BLOB,
    client TEXT NOT NULL,
    token BLOB NOT NULL,
    token_before BLOB,
    turned_at INTEGER NOT NULL,
    renewals INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE INDEX sign_in_by_user ON sign_in (user_id, created_at, id);
CREATE INDEX sign_in_by_end ON sign_in (expires_at);
CREATE INDEX user_administrator ON user_account (administrator) WHERE administrator = 1;

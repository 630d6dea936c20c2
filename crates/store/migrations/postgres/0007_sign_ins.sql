-- Signing in by password, and sign-ins that can be renewed and ended.

-- Argon2id in the PHC string form; null: no password opens the account.
ALTER TABLE user_account ADD COLUMN password TEXT;
ALTER TABLE user_account ADD COLUMN administrator BIGINT NOT NULL DEFAULT 0;
ALTER TABLE user_account ADD COLUMN blocked_at BIGINT;

-- No secret: tokens are signed, and known to their holders only. The three columns after the client are the
-- chain of refresh tokens; see access/src/sign_in.rs.
CREATE TABLE sign_in (
    id BYTEA NOT NULL CONSTRAINT "sign_in.id" PRIMARY KEY,
    user_id BYTEA NOT NULL REFERENCES user_account (id),
    access_key BYTEA,
    client TEXT NOT NULL,
    token BYTEA NOT NULL,
    token_before BYTEA,
    turned_at BIGINT NOT NULL,
    renewals BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX sign_in_by_user ON sign_in (user_id, created_at, id);
CREATE INDEX sign_in_by_end ON sign_in (expires_at);
CREATE INDEX user_administrator ON user_account (administrator) WHERE administrator = 1;

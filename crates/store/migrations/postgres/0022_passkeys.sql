-- Passkeys: public keys that authenticators of users have made for this server. Nothing in them is secret.

-- counter: how often it has signed, as far as its authenticator counts.
CREATE TABLE passkey (
    id BYTEA NOT NULL CONSTRAINT "passkey.id" PRIMARY KEY,
    user_id BYTEA NOT NULL REFERENCES user_account (id),
    credential BYTEA NOT NULL,
    public_key BYTEA NOT NULL,
    counter BIGINT NOT NULL,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE UNIQUE INDEX passkey_credential ON passkey (credential);
CREATE INDEX passkey_by_user ON passkey (user_id, created_at, id);

-- Passkeys: public keys that authenticators of users have made for this server. Nothing in them is secret.

-- counter: how often it has signed, as far as its authenticator counts.
CREATE TABLE passkey (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES user_account (id),
    credential BLOB NOT NULL,
    public_key BLOB NOT NULL,
    counter INTEGER NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;
CREATE UNIQUE INDEX passkey_credential ON passkey (credential);
CREATE INDEX passkey_by_user ON passkey (user_id, created_at, id);

-- Rotation of keys with an overlap, accounts that demand tokens, authorization groups.

-- 0: it has signed ever since it was made.
ALTER TABLE signing_key ADD COLUMN signs_from BIGINT NOT NULL DEFAULT 0;
ALTER TABLE signing_key ADD COLUMN verifies_until BIGINT;

ALTER TABLE user_account ADD COLUMN force_require_token BIGINT NOT NULL DEFAULT 0;
ALTER TABLE organization ADD COLUMN force_require_token BIGINT NOT NULL DEFAULT 0;

-- Fingerprint of the master key that the ticket's text was sealed with; null: before it was noted.
ALTER TABLE ticket ADD COLUMN sealing_key TEXT;

CREATE TABLE auth_group (
    id BYTEA NOT NULL CONSTRAINT "auth_group.id" PRIMARY KEY,
    models TEXT NOT NULL,
    users TEXT NOT NULL,
    organizations TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

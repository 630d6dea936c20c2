-- Partners of the drawing editor, their keys and their tokens. No secret in clear: keys and tokens are
-- hashes, parameters are sealed, user ids are one-way names.

CREATE TABLE partner (
    id BYTEA NOT NULL CONSTRAINT "partner.id" PRIMARY KEY,
    app_id TEXT NOT NULL CONSTRAINT "partner.app_id" UNIQUE,
    name TEXT NOT NULL,
    settings TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE partner_key (
    id BYTEA NOT NULL CONSTRAINT "partner_key.id" PRIMARY KEY,
    partner BYTEA NOT NULL REFERENCES partner (id),
    hash BYTEA NOT NULL CONSTRAINT "partner_key.hash" UNIQUE,
    last_four TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX partner_key_by_partner ON partner_key (partner, created_at, id);

CREATE TABLE editor_token (
    hash BYTEA NOT NULL CONSTRAINT "editor_token.hash" PRIMARY KEY,
    partner BYTEA NOT NULL REFERENCES partner (id),
    partner_key BYTEA NOT NULL,
    user_hash BYTEA,
    sealed BYTEA NOT NULL,
    one_time BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX editor_token_by_user ON editor_token (partner, user_hash) WHERE user_hash IS NOT NULL;
CREATE INDEX editor_token_by_end ON editor_token (expires_at);

-- Distinct users of a partner in a month (year * 100 + month, UTC), counted when the editor opens.
CREATE TABLE partner_user (
    partner BYTEA NOT NULL,
    month BIGINT NOT NULL,
    user_hash BYTEA NOT NULL,
    first_at BIGINT NOT NULL,
    PRIMARY KEY (partner, month, user_hash)
);

-- Invitations into organizations, models shared with users or by a link, and organizations that are gone.

ALTER TABLE organization ADD COLUMN deleted_at BIGINT;

-- For one user (receiver), or for whoever holds the link (hash). No secret: a hash.
CREATE TABLE invitation (
    id BYTEA NOT NULL CONSTRAINT "invitation.id" PRIMARY KEY,
    organization BYTEA NOT NULL REFERENCES organization (id),
    role TEXT NOT NULL,
    receiver BYTEA REFERENCES user_account (id),
    email TEXT,
    hash BYTEA CONSTRAINT "invitation.hash" UNIQUE,
    created_by BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX invitation_by_receiver ON invitation (receiver, created_at, id)
    WHERE receiver IS NOT NULL AND ended_at IS NULL;
CREATE INDEX invitation_open ON invitation (organization, created_at, id) WHERE ended_at IS NULL;

-- What a model's owner lets one other user do, one right a row.
CREATE TABLE model_share (
    id BYTEA NOT NULL CONSTRAINT "model_share.id" PRIMARY KEY,
    model BYTEA NOT NULL REFERENCES model (id),
    user_id BYTEA NOT NULL REFERENCES user_account (id),
    policy TEXT NOT NULL,
    provider BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX model_share_once ON model_share (model, user_id, policy);
CREATE INDEX model_share_by_user ON model_share (user_id, model);

-- The link by which a model is seen without a sign-in is sealed with this number, and good while it is positive.
-- Switched off it is negative; switched on again it is a higher one, so that old links stay dead.
ALTER TABLE model ADD COLUMN link_generation BIGINT NOT NULL DEFAULT 0;

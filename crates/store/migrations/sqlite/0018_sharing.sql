-- Invitations into organizations, models shared with users or by a link, and organizations that are gone.

ALTER TABLE organization ADD COLUMN deleted_at INTEGER;

-- For one user (receiver), or for whoever holds the link (hash). No secret: a hash.
CREATE TABLE invitation (
    id BLOB NOT NULL PRIMARY KEY,
    organization BLOB NOT NULL REFERENCES organization (id),
    role TEXT NOT NULL,
    receiver BLOB REFERENCES user_account (id),
    email TEXT,
    hash BLOB UNIQUE,
    created_by BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE INDEX invitation_by_receiver ON invitation (receiver, created_at, id)
    WHERE receiver IS NOT NULL AND ended_at IS NULL;
CREATE INDEX invitation_open ON invitation (organization, created_at, id) WHERE ended_at IS NULL;

-- What a model's owner lets one other user do, one right a row.
CREATE TABLE model_share (
    id BLOB NOT NULL PRIMARY KEY,
    model BLOB NOT NULL REFERENCES model (id),
    user_id BLOB NOT NULL REFERENCES user_account (id),
    policy TEXT NOT NULL,
    provider BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX model_share_once ON model_share (model, user_id, policy);
CREATE INDEX model_share_by_user ON model_share (user_id, model);

-- The link by which a model is seen without a sign-in is sealed with this number, and good while it is positive.
-- Switched off it is negative; switched on again it is a higher one, so that old links stay dead.
ALTER TABLE model ADD COLUMN link_generation INTEGER NOT NULL DEFAULT 0;

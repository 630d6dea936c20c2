-- Models on the platform, organizations with roles, domains of accounts, and what adds usage up by owner.

ALTER TABLE user_account ADD COLUMN domains TEXT NOT NULL DEFAULT '';
ALTER TABLE user_account ADD COLUMN organization BYTEA REFERENCES organization (id);
ALTER TABLE user_account ADD COLUMN organization_role TEXT;
CREATE INDEX user_by_organization ON user_account (organization, id) WHERE organization IS NOT NULL;
ALTER TABLE organization ADD COLUMN domains TEXT NOT NULL DEFAULT '';

ALTER TABLE access_key ADD COLUMN scopes TEXT NOT NULL DEFAULT '*';
ALTER TABLE access_key ADD COLUMN active BIGINT NOT NULL DEFAULT 1;
ALTER TABLE access_key ADD COLUMN used_at BIGINT;

ALTER TABLE model ADD COLUMN published BIGINT NOT NULL DEFAULT 1;
ALTER TABLE model ADD COLUMN visibility TEXT NOT NULL DEFAULT 'private';
ALTER TABLE model ADD COLUMN use_account_domains BIGINT NOT NULL DEFAULT 0;
ALTER TABLE model ADD COLUMN previous BYTEA;
ALTER TABLE model ADD COLUMN listing TEXT NOT NULL DEFAULT '{}';
CREATE INDEX model_by_owner_changed ON model (owner_user, updated_at, id);
CREATE INDEX model_by_organization ON model (owner_organization, created_at, id);
CREATE INDEX model_by_organization_changed ON model (owner_organization, updated_at, id);
CREATE INDEX model_by_visibility ON model (visibility, created_at, id);
CREATE INDEX model_by_visibility_changed ON model (visibility, updated_at, id);
CREATE INDEX model_by_previous ON model (previous, created_at, id) WHERE previous IS NOT NULL;

CREATE INDEX usage_by_owner ON usage_event (owner_user, at);
CREATE INDEX usage_by_organization ON usage_event (owner_organization, at) WHERE owner_organization IS NOT NULL;

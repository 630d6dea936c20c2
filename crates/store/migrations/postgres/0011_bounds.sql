-- What a credential can make grow has an end: results of an account, jobs of one owner beside another's, and
-- rows that outlived their use.

-- Bytes of a result's blobs and of its row, and when somebody last asked for it.
ALTER TABLE result ADD COLUMN size BIGINT NOT NULL DEFAULT 0;
ALTER TABLE result ADD COLUMN used_at BIGINT NOT NULL DEFAULT 0;
UPDATE result SET used_at = created_at, size = length(content)
    + (SELECT COALESCE(SUM((item ->> 'size')::BIGINT), 0)::BIGINT FROM json_array_elements(result.content::JSON) AS item);
CREATE INDEX result_by_use ON result (model, used_at, size);

-- For whose sake: "user:ID", "organization:ID", or nobody's.
ALTER TABLE job ADD COLUMN owner TEXT NOT NULL DEFAULT '';

CREATE INDEX ticket_revoked ON ticket (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX computation_by_age ON computation (at);

-- Groups that the platform makes for a token end with it; null: kept for ever.
ALTER TABLE auth_group ADD COLUMN kept_until BIGINT;
CREATE INDEX auth_group_by_end ON auth_group (kept_until) WHERE kept_until IS NOT NULL;

-- The key of an external issuer that signed the token which a session was opened with.
ALTER TABLE session ADD COLUMN issuer_key BYTEA;

-- Released migrations are never edited: the next change is the next file.
-- Ids are raw bytes (16 for UUIDs, 32 for SHA-256), instants are milliseconds since the epoch, sets are text.
-- Constraint names are "table.column" on both databases, because conflicts are reported by that name.

CREATE TABLE user_account (
    id BLOB NOT NULL PRIMARY KEY,
    email TEXT UNIQUE,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE organization (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE access_key (
    id BLOB NOT NULL PRIMARY KEY,
    owner_user BLOB NOT NULL REFERENCES user_account (id),
    owner_organization BLOB REFERENCES organization (id),
    hash BLOB NOT NULL UNIQUE,
    last_four TEXT NOT NULL,
    label TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE INDEX access_key_by_owner ON access_key (owner_user, created_at);

CREATE TABLE model (
    id BLOB NOT NULL PRIMARY KEY,
    id2 TEXT UNIQUE,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    search_text TEXT NOT NULL,
    owner_user BLOB NOT NULL REFERENCES user_account (id),
    owner_organization BLOB REFERENCES organization (id),
    status TEXT NOT NULL,
    status_before_delete TEXT,
    message TEXT,
    filename TEXT,
    source BLOB,
    source_size INTEGER NOT NULL,
    lineage TEXT NOT NULL,
    definition TEXT,
    settings TEXT NOT NULL,
    viewer_config TEXT NOT NULL,
    thumbnail BLOB,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    revision INTEGER NOT NULL
) STRICT;
CREATE INDEX model_by_owner ON model (owner_user, created_at, id);
CREATE INDEX model_by_age ON model (created_at, id);

CREATE TABLE ticket (
    id BLOB NOT NULL PRIMARY KEY,
    model BLOB NOT NULL REFERENCES model (id),
    kind TEXT NOT NULL,
    public INTEGER NOT NULL,
    author INTEGER NOT NULL,
    use_id2 INTEGER NOT NULL,
    domains TEXT NOT NULL,
    until INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;
CREATE INDEX ticket_by_model ON ticket (model, created_at, id);
CREATE INDEX ticket_live ON ticket (until) WHERE revoked_at IS NULL;

-- No secret: the session id itself is known to its holder only.
CREATE TABLE session (
    hash BLOB NOT NULL PRIMARY KEY,
    alias BLOB NOT NULL UNIQUE,
    model BLOB NOT NULL REFERENCES model (id),
    origin TEXT,
    ticket BLOB,
    token BLOB,
    subject TEXT,
    owner_user BLOB NOT NULL,
    owner_organization BLOB,
    payer_kind TEXT NOT NULL,
    payer BLOB NOT NULL,
    class TEXT NOT NULL,
    permissions TEXT NOT NULL,
    author INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    paid_until INTEGER NOT NULL,
    ended_reason TEXT,
    ended_at INTEGER
) STRICT;
CREATE INDEX session_live_by_model ON session (model, opened_at) WHERE ended_at IS NULL;
CREATE INDEX session_by_age ON session (opened_at);

-- Money. No foreign keys: what was charged outlives what it was charged for.
CREATE TABLE usage_event (
    id BLOB NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    credits INTEGER NOT NULL,
    count INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    owner_user BLOB NOT NULL,
    owner_organization BLOB,
    payer_kind TEXT NOT NULL,
    payer BLOB NOT NULL,
    model BLOB NOT NULL,
    ticket BLOB,
    session BLOB,
    class TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX usage_by_payer ON usage_event (payer, at);
CREATE INDEX usage_by_model ON usage_event (model, at);
CREATE INDEX usage_by_ticket ON usage_event (ticket, at) WHERE ticket IS NOT NULL;
CREATE INDEX usage_by_session ON usage_event (session, at) WHERE session IS NOT NULL;

CREATE TABLE audit_event (
    id BLOB NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    request BLOB NOT NULL,
    actor TEXT NOT NULL,
    credential TEXT NOT NULL,
    address TEXT,
    operation TEXT NOT NULL,
    model BLOB,
    decision TEXT NOT NULL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_request ON audit_event (request, at);
CREATE INDEX audit_by_model ON audit_event (model, at) WHERE model IS NOT NULL;
CREATE INDEX audit_by_age ON audit_event (at);

CREATE TABLE signing_key (
    kid TEXT NOT NULL PRIMARY KEY,
    alg TEXT NOT NULL,
    sealed_private BLOB NOT NULL,
    public_jwk TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    retired_at INTEGER
) STRICT;

CREATE TABLE revoked_token (
    id BLOB NOT NULL PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT;
CREATE INDEX revoked_token_by_end ON revoked_token (until, id);

CREATE TABLE result (
    model BLOB NOT NULL REFERENCES model (id),
    kind TEXT NOT NULL,
    element TEXT NOT NULL,
    version TEXT NOT NULL,
    status TEXT NOT NULL,
    message TEXT,
    content TEXT NOT NULL,
    bbox TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (model, kind, element, version)
) STRICT;
CREATE INDEX result_by_age ON result (model, kind, element, created_at, version);

CREATE TABLE computation (
    id BLOB NOT NULL PRIMARY KEY,
    model BLOB NOT NULL,
    session BLOB,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    message TEXT,
    wall_ms INTEGER NOT NULL,
    cpu_ms INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX computation_by_model ON computation (model, at, id);

-- ready_at is when the job may be taken: its start time while it waits, the end of the lease while it runs.
CREATE TABLE job (
    id BLOB NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    ready_at INTEGER NOT NULL,
    error TEXT
) STRICT;
CREATE INDEX job_ready ON job (ready_at, id) WHERE state <> 'failed';
CREATE INDEX job_by_state ON job (state, ready_at);

-- Ids come from the counter row, whose lock is held until commit: they appear in order and without gaps.
CREATE TABLE change_counter (
    only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    last INTEGER NOT NULL
) STRICT;
INSERT INTO change_counter (only_row, last) VALUES (1, 0);

CREATE TABLE change_log (
    id INTEGER NOT NULL PRIMARY KEY,
    change TEXT NOT NULL
) STRICT;

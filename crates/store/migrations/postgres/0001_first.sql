-- Released migrations are never edited: the next change is the next file.
-- Ids are raw bytes (16 for UUIDs, 32 for SHA-256), instants are milliseconds since the epoch, sets are text.
-- Constraint names are "table.column" on both databases, because conflicts are reported by that name.

CREATE TABLE user_account (
    id BYTEA NOT NULL CONSTRAINT "user_account.id" PRIMARY KEY,
    email TEXT CONSTRAINT "user_account.email" UNIQUE,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE organization (
    id BYTEA NOT NULL CONSTRAINT "organization.id" PRIMARY KEY,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE access_key (
    id BYTEA NOT NULL CONSTRAINT "access_key.id" PRIMARY KEY,
    owner_user BYTEA NOT NULL REFERENCES user_account (id),
    owner_organization BYTEA REFERENCES organization (id),
    hash BYTEA NOT NULL CONSTRAINT "access_key.hash" UNIQUE,
    last_four TEXT NOT NULL,
    label TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX access_key_by_owner ON access_key (owner_user, created_at);

CREATE TABLE model (
    id BYTEA NOT NULL CONSTRAINT "model.id" PRIMARY KEY,
    id2 TEXT CONSTRAINT "model.id2" UNIQUE,
    slug TEXT NOT NULL CONSTRAINT "model.slug" UNIQUE,
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    search_text TEXT NOT NULL,
    owner_user BYTEA NOT NULL REFERENCES user_account (id),
    owner_organization BYTEA REFERENCES organization (id),
    status TEXT NOT NULL,
    status_before_delete TEXT,
    message TEXT,
    filename TEXT,
    source BYTEA,
    source_size BIGINT NOT NULL,
    lineage TEXT NOT NULL,
    definition TEXT,
    settings TEXT NOT NULL,
    viewer_config TEXT NOT NULL,
    thumbnail BYTEA,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    revision BIGINT NOT NULL
);
CREATE INDEX model_by_owner ON model (owner_user, created_at, id);
CREATE INDEX model_by_age ON model (created_at, id);

CREATE TABLE ticket (
    id BYTEA NOT NULL CONSTRAINT "ticket.id" PRIMARY KEY,
    model BYTEA NOT NULL REFERENCES model (id),
    kind TEXT NOT NULL,
    public BIGINT NOT NULL,
    author BIGINT NOT NULL,
    use_id2 BIGINT NOT NULL,
    domains TEXT NOT NULL,
    until BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX ticket_by_model ON ticket (model, created_at, id);
CREATE INDEX ticket_live ON ticket (until) WHERE revoked_at IS NULL;

-- No secret: the session id itself is known to its holder only.
CREATE TABLE session (
    hash BYTEA NOT NULL CONSTRAINT "session.hash" PRIMARY KEY,
    alias BYTEA NOT NULL CONSTRAINT "session.alias" UNIQUE,
    model BYTEA NOT NULL REFERENCES model (id),
    origin TEXT,
    ticket BYTEA,
    token BYTEA,
    subject TEXT,
    owner_user BYTEA NOT NULL,
    owner_organization BYTEA,
    payer_kind TEXT NOT NULL,
    payer BYTEA NOT NULL,
    class TEXT NOT NULL,
    permissions TEXT NOT NULL,
    author BIGINT NOT NULL,
    opened_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    paid_until BIGINT NOT NULL,
    ended_reason TEXT,
    ended_at BIGINT
);
CREATE INDEX session_live_by_model ON session (model, opened_at) WHERE ended_at IS NULL;
CREATE INDEX session_by_age ON session (opened_at);

-- Money. No foreign keys: what was charged outlives what it was charged for.
CREATE TABLE usage_event (
    id BYTEA NOT NULL CONSTRAINT "usage_event.id" PRIMARY KEY,
    kind TEXT NOT NULL,
    credits BIGINT NOT NULL,
    count BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    owner_user BYTEA NOT NULL,
    owner_organization BYTEA,
    payer_kind TEXT NOT NULL,
    payer BYTEA NOT NULL,
    model BYTEA NOT NULL,
    ticket BYTEA,
    session BYTEA,
    class TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX usage_by_payer ON usage_event (payer, at);
CREATE INDEX usage_by_model ON usage_event (model, at);
CREATE INDEX usage_by_ticket ON usage_event (ticket, at) WHERE ticket IS NOT NULL;
CREATE INDEX usage_by_session ON usage_event (session, at) WHERE session IS NOT NULL;

CREATE TABLE audit_event (
    id BYTEA NOT NULL CONSTRAINT "audit_event.id" PRIMARY KEY,
    at BIGINT NOT NULL,
    request BYTEA NOT NULL,
    actor TEXT NOT NULL,
    credential TEXT NOT NULL,
    address TEXT,
    operation TEXT NOT NULL,
    model BYTEA,
    decision TEXT NOT NULL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL
);
CREATE INDEX audit_by_request ON audit_event (request, at);
CREATE INDEX audit_by_model ON audit_event (model, at) WHERE model IS NOT NULL;
CREATE INDEX audit_by_age ON audit_event (at);

CREATE TABLE signing_key (
    kid TEXT NOT NULL CONSTRAINT "signing_key.kid" PRIMARY KEY,
    alg TEXT NOT NULL,
    sealed_private BYTEA NOT NULL,
    public_jwk TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    retired_at BIGINT
);

CREATE TABLE revoked_token (
    id BYTEA NOT NULL CONSTRAINT "revoked_token.id" PRIMARY KEY,
    until BIGINT NOT NULL
);
CREATE INDEX revoked_token_by_end ON revoked_token (until, id);

CREATE TABLE result (
    model BYTEA NOT NULL REFERENCES model (id),
    kind TEXT NOT NULL,
    element TEXT NOT NULL,
    version TEXT NOT NULL,
    status TEXT NOT NULL,
    message TEXT,
    content TEXT NOT NULL,
    bbox TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (model, kind, element, version)
);
CREATE INDEX result_by_age ON result (model, kind, element, created_at, version);

CREATE TABLE computation (
    id BYTEA NOT NULL CONSTRAINT "computation.id" PRIMARY KEY,
    model BYTEA NOT NULL,
    session BYTEA,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    message TEXT,
    wall_ms BIGINT NOT NULL,
    cpu_ms BIGINT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX computation_by_model ON computation (model, at, id);

-- ready_at is when the job may be taken: its start time while it waits, the end of the lease while it runs.
CREATE TABLE job (
    id BYTEA NOT NULL CONSTRAINT "job.id" PRIMARY KEY,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    ready_at BIGINT NOT NULL,
    error TEXT
);
CREATE INDEX job_ready ON job (ready_at, id) WHERE state <> 'failed';
CREATE INDEX job_by_state ON job (state, ready_at);

-- Ids come from the counter row, whose lock is held until commit: they appear in order and without gaps.
CREATE TABLE change_counter (
    only_row BIGINT NOT NULL CONSTRAINT "change_counter.only_row" PRIMARY KEY CHECK (only_row = 1),
    last BIGINT NOT NULL
);
INSERT INTO change_counter (only_row, last) VALUES (1, 0);

CREATE TABLE change_log (
    id BIGINT NOT NULL CONSTRAINT "change_log.id" PRIMARY KEY,
    change TEXT NOT NULL
);

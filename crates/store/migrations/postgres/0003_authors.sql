-- What authors change of a definition, and what erasing and tidying up need.

ALTER TABLE model ADD COLUMN overrides TEXT NOT NULL DEFAULT '{}';
CREATE INDEX model_by_source ON model (source) WHERE source IS NOT NULL;
CREATE INDEX model_by_thumbnail ON model (thumbnail) WHERE thumbnail IS NOT NULL;

-- Blobs that lost a row. They may be deleted once nobody names them any more; see store/src/doomed.rs.
CREATE TABLE doomed_blob (
    blob BYTEA NOT NULL CONSTRAINT "doomed_blob.blob" PRIMARY KEY,
    state TEXT NOT NULL,
    doomed_at BIGINT NOT NULL
);
CREATE INDEX doomed_blob_by_age ON doomed_blob (doomed_at, blob);

-- Values that a visitor saved. Whoever knows the id may read them.
CREATE TABLE model_state (
    id TEXT NOT NULL CONSTRAINT "model_state.id" PRIMARY KEY,
    model BYTEA NOT NULL REFERENCES model (id),
    parameters TEXT NOT NULL,
    data TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX model_state_by_model ON model_state (model, created_at, id);

-- Tidying up old results, for as long as it is worth telling.
CREATE TABLE cleanup (
    id BYTEA NOT NULL CONSTRAINT "cleanup.id" PRIMARY KEY,
    model BYTEA NOT NULL REFERENCES model (id),
    kind TEXT NOT NULL,
    until BIGINT NOT NULL,
    enqueued_at BIGINT NOT NULL,
    total BIGINT NOT NULL,
    deleted BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE INDEX cleanup_by_model ON cleanup (model, enqueued_at, id);

-- When a result was used last, by the hour.
ALTER TABLE result ADD COLUMN seen_at BIGINT NOT NULL DEFAULT 0;
UPDATE result SET seen_at = created_at;
CREATE INDEX result_by_use ON result (model, kind, seen_at);

-- Erasing a model looks for all its sessions, not only for those that live.
CREATE INDEX session_by_model ON session (model);

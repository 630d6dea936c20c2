-- What authors change of a definition, and what erasing models needs.

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

-- Erasing a model looks for all its sessions, not only for those that live.
CREATE INDEX session_by_model ON session (model);

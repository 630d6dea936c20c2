-- Script jobs of partners. What a token said is sealed again; a job is known by a digest of its id alone.
-- ready_at is when a waiting job may be taken, and the end of the lease of a running one. turn keeps the line
-- fair: the jobs of one partner have turns one after the other, from those on that are being done.

CREATE TABLE script_job (
    hash BYTEA NOT NULL CONSTRAINT "script_job.hash" PRIMARY KEY,
    partner BYTEA NOT NULL REFERENCES partner (id),
    partner_key BYTEA NOT NULL,
    token BYTEA NOT NULL,
    user_hash BYTEA,
    sealed BYTEA NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    turn BIGINT NOT NULL,
    ready_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    message TEXT,
    outputs TEXT
);
CREATE INDEX script_job_by_turn ON script_job (turn, created_at, hash) WHERE ended_at IS NULL;
CREATE INDEX script_job_by_partner ON script_job (partner, turn) WHERE ended_at IS NULL;
CREATE INDEX script_job_by_end ON script_job (ended_at) WHERE ended_at IS NOT NULL;

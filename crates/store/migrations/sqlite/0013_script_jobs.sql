-- Script jobs of partners. What a token said is sealed again; a job is known by a digest of its id alone.
-- ready_at is when a waiting job may be taken, and the end of the lease of a running one. turn keeps the line
-- fair: the jobs of one partner have turns one after the other, from those on that are being done.

CREATE TABLE script_job (
    hash BLOB NOT NULL PRIMARY KEY,
    partner BLOB NOT NULL REFERENCES partner (id),
    partner_key BLOB NOT NULL,
    token BLOB NOT NULL,
    user_hash BLOB,
    sealed BLOB NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    ready_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    ended_at INTEGER,
    message TEXT,
    outputs TEXT
) STRICT;
CREATE INDEX script_job_by_turn ON script_job (turn, created_at, hash) WHERE ended_at IS NULL;
CREATE INDEX script_job_by_partner ON script_job (partner, turn) WHERE ended_at IS NULL;
CREATE INDEX script_job_by_end ON script_job (ended_at) WHERE ended_at IS NOT NULL;

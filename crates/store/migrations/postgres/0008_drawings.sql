-- Editor sessions, and the drawings of partners with their versions. What a token said is sealed again.

CREATE TABLE editor_session (
    hash BYTEA NOT NULL CONSTRAINT "editor_session.hash" PRIMARY KEY,
    partner BYTEA NOT NULL REFERENCES partner (id),
    partner_key BYTEA NOT NULL,
    token BYTEA NOT NULL,
    drawing BYTEA NOT NULL,
    user_hash BYTEA,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    closed_at BIGINT
);
CREATE INDEX editor_session_by_end ON editor_session (expires_at);

-- head: the number of the version that is opened; last: the highest number that was given out; placed: the
-- digest of the file as the partner last put it there.
CREATE TABLE drawing (
    id BYTEA NOT NULL CONSTRAINT "drawing.id" PRIMARY KEY,
    partner BYTEA NOT NULL REFERENCES partner (id),
    name TEXT NOT NULL,
    head BIGINT NOT NULL,
    last BIGINT NOT NULL,
    placed BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX drawing_by_partner ON drawing (partner, name);

CREATE TABLE drawing_version (
    drawing BYTEA NOT NULL REFERENCES drawing (id),
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,
    content BYTEA NOT NULL,
    object TEXT NOT NULL,
    format TEXT NOT NULL,
    size BIGINT NOT NULL,
    base BIGINT,
    user_hash BYTEA,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (drawing, number)
);

-- Who may save at the moment.
CREATE TABLE drawing_lease (
    drawing BYTEA NOT NULL CONSTRAINT "drawing_lease.drawing" PRIMARY KEY,
    session BYTEA NOT NULL,
    until BIGINT NOT NULL
);

-- Editor sessions, and the drawings of partners with their versions. What a token said is sealed again.

CREATE TABLE editor_session (
    hash BLOB NOT NULL PRIMARY KEY,
    partner BLOB NOT NULL REFERENCES partner (id),
    partner_key BLOB NOT NULL,
    token BLOB NOT NULL,
    drawing BLOB NOT NULL,
    user_hash BLOB,
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    closed_at INTEGER
) STRICT;
CREATE INDEX editor_session_by_end ON editor_session (expires_at);

-- head: the number of the version that is opened; last: the highest number that was given out; placed: the
-- digest of the file as the partner last put it there.
CREATE TABLE drawing (
    id BLOB NOT NULL PRIMARY KEY,
    partner BLOB NOT NULL REFERENCES partner (id),
    name TEXT NOT NULL,
    head INTEGER NOT NULL,
    last INTEGER NOT NULL,
    placed BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX drawing_by_partner ON drawing (partner, name);

CREATE TABLE drawing_version (
    drawing BLOB NOT NULL REFERENCES drawing (id),
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    content BLOB NOT NULL,
    object TEXT NOT NULL,
    format TEXT NOT NULL,
    size INTEGER NOT NULL,
    base INTEGER,
    user_hash BLOB,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (drawing, number)
) STRICT;

-- Who may save at the moment.
CREATE TABLE drawing_lease (
    drawing BLOB NOT NULL PRIMARY KEY,
    session BLOB NOT NULL,
    until INTEGER NOT NULL
) STRICT;

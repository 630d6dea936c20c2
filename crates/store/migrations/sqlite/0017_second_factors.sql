-- Second factors: a secret shared with an authenticator program, sealed, and recovery codes, hashed.

-- confirmed_at: from when on a sign-in by password asks for it. last_step: the newest code that was used.
CREATE TABLE second_factor (
    user_id BLOB NOT NULL PRIMARY KEY REFERENCES user_account (id),
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    confirmed_at INTEGER,
    last_step INTEGER NOT NULL
) STRICT;

CREATE TABLE recovery_code (
    hash BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES user_account (id),
    used_at INTEGER
) STRICT;
CREATE INDEX recovery_code_by_user ON recovery_code (user_id);

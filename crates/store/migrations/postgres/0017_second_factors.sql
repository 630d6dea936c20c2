-- Second factors: a secret shared with an authenticator program, sealed, and recovery codes, hashed.

-- confirmed_at: from when on a sign-in by password asks for it. last_step: the newest code that was used.
CREATE TABLE second_factor (
    user_id BYTEA NOT NULL CONSTRAINT "second_factor.user_id" PRIMARY KEY REFERENCES user_account (id),
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    confirmed_at BIGINT,
    last_step BIGINT NOT NULL
);

CREATE TABLE recovery_code (
    hash BYTEA NOT NULL CONSTRAINT "recovery_code.hash" PRIMARY KEY,
    user_id BYTEA NOT NULL REFERENCES user_account (id),
    used_at BIGINT
);
CREATE INDEX recovery_code_by_user ON recovery_code (user_id);

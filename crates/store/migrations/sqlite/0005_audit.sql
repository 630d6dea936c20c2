-- Where a request came from beyond its address, and how many equal refusals one row stands for.
ALTER TABLE audit_event ADD COLUMN origin TEXT;
ALTER TABLE audit_event ADD COLUMN count INTEGER NOT NULL DEFAULT 1;
-- Pages of an export continue after (at, id).
CREATE INDEX audit_by_age_and_id ON audit_event (at, id);
DROP INDEX audit_by_age;

-- Tokens of a subject that were issued before this, and the sessions that they opened, are refused.
-- A row matters until every such token has expired.
CREATE TABLE revoked_subject (
    subject TEXT NOT NULL PRIMARY KEY,
    not_before INTEGER NOT NULL,
    until INTEGER NOT NULL
) STRICT;
CREATE INDEX revoked_subject_by_end ON revoked_subject (until, subject);

-- Which access token, of which subject, a charge came with.
ALTER TABLE usage_event ADD COLUMN token BYTEA;
ALTER TABLE usage_event ADD COLUMN subject TEXT;
CREATE INDEX usage_by_token ON usage_event (token, at) WHERE token IS NOT NULL;
CREATE INDEX usage_by_subject ON usage_event (subject, at) WHERE subject IS NOT NULL;

-- "used" is the sum of the usage rows of the window that begins at "window_start"; it changes in the
-- transaction that adds them.
CREATE TABLE credit_cap (
    scope TEXT NOT NULL,
    period TEXT NOT NULL,
    credits_max BIGINT NOT NULL,
    used BIGINT NOT NULL,
    window_start BIGINT NOT NULL,
    noticed_percent BIGINT NOT NULL,
    PRIMARY KEY (scope, period)
);

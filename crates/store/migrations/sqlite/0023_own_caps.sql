-- Caps that accounts set for themselves stand beside those of the operator: both hold, and nobody raises another's.

CREATE TABLE credit_cap_of_whom (
    scope TEXT NOT NULL,
    period TEXT NOT NULL,
    set_by TEXT NOT NULL DEFAULT 'operator',
    credits_max INTEGER NOT NULL,
    used INTEGER NOT NULL,
    window_start INTEGER NOT NULL,
    noticed_percent INTEGER NOT NULL,
    PRIMARY KEY (scope, period, set_by)
) STRICT;
INSERT INTO credit_cap_of_whom (scope, period, credits_max, used, window_start, noticed_percent)
    SELECT scope, period, credits_max, used, window_start, noticed_percent FROM credit_cap;
DROP TABLE credit_cap;
ALTER TABLE credit_cap_of_whom RENAME TO credit_cap;

-- Caps that accounts set for themselves stand beside those of the operator: both hold, and nobody raises another's.

ALTER TABLE credit_cap ADD COLUMN set_by TEXT NOT NULL DEFAULT 'operator';
ALTER TABLE credit_cap DROP CONSTRAINT credit_cap_pkey;
ALTER TABLE credit_cap ADD PRIMARY KEY (scope, period, set_by);

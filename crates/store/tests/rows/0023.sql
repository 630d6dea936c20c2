-- Rows as version 23 of the schema has written them, beside those of the versions before. Never edited.
INSERT INTO credit_cap (scope, period, set_by, credits_max, used, window_start, noticed_percent) VALUES ('model:44444444-4444-4444-8444-444444444444', 'month', 'owner', 100, 51, 1793491200000, 50);

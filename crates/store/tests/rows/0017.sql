-- Rows as version 17 of the schema has written them, beside those of the versions before. Never edited.
INSERT INTO second_factor (user_id, sealed, created_at, confirmed_at, last_step) VALUES (x'11111111111141118111111111111111', x'0102', 1795255200110, 1795255200111, 59841840);
INSERT INTO recovery_code (hash, user_id, used_at) VALUES (x'c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4', x'11111111111141118111111111111111', NULL);
INSERT INTO recovery_code (hash, user_id, used_at) VALUES (x'c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5', x'11111111111141118111111111111111', 1795255200112);

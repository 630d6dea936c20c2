-- Rows as version 22 of the schema has written them, beside those of the versions before. Never edited.
INSERT INTO passkey (id, user_id, credential, public_key, counter, name, created_at, used_at) VALUES (x'96969696969646968696969696969696', x'11111111111141118111111111111111', x'0a0b0c', x'a0', 7, 'Phone', 1795255200140, NULL);

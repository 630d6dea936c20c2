-- Rows as version 21 of the schema has written them, beside those of the versions before. Never edited.
INSERT INTO identity (id, user_id, issuer, subject, email, created_at, used_at) VALUES (x'94949494949444948494949494949494', x'11111111111141118111111111111111', 'https://login.example.com', '248289761001', 'ada@example.com', 1795255200130, 1795255200131);
INSERT INTO sign_in_step (id, expires_at) VALUES (x'95959595959545958595959595959595', 1795255200132);

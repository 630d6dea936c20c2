-- Rows as version 16 of the schema has written them, beside those of the versions before. Never edited.
INSERT INTO setup_link (only_row, hash, expires_at) VALUES (1, x'c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1', 1795255200100);
INSERT INTO application (id, name, redirects, created_at) VALUES ('shop', 'Shop designer', 'https://a.example/back
http://localhost:3000/', 1795255200101);
INSERT INTO authorization_code (hash, application, user_id, access_key, redirect, challenge, expires_at, sign_in) VALUES (x'c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2', 'shop', x'11111111111141118111111111111111', NULL, 'https://a.example/back', x'c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3', 1795255200102, NULL);
UPDATE access_key SET networks = '192.0.2.0/24 2001:db8::/32' WHERE owner_user = x'11111111111141118111111111111111';

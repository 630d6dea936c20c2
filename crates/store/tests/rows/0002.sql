-- Rows as version 2 of the schema has written them, beside those of version 1. Never edited.
UPDATE user_account SET force_require_token = 1 WHERE id = x'11111111111141118111111111111111';
UPDATE ticket SET sealing_key = '0011223344556677' WHERE id = x'55555555555545558555555555555555';
INSERT INTO signing_key (kid, alg, sealed_private, public_jwk, created_at, signs_from, verifies_until, retired_at) VALUES ('k2', 'EdDSA', x'01', '{}', 1795255200020, 1795255200021, 1795255200022, 1795255200023);
INSERT INTO auth_group (id, models, users, organizations, created_at) VALUES (x'14141414141444148414141414141414', '44444444-4444-4444-8444-444444444444', '', '22222222-2222-4222-8222-222222222222', 1795255200024);

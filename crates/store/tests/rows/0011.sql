-- Rows as version 11 of the schema has written them, beside those of the versions before. Never edited.
UPDATE auth_group SET kept_until = 1795255200090 WHERE id = x'14141414141444148414141414141414';
UPDATE session SET issuer_key = x'c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1';
UPDATE job SET owner = 'organization:22222222-2222-4222-8222-222222222222';
UPDATE result SET size = 2048, used_at = 1795255200091;

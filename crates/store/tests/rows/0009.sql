-- Rows as version 9 of the schema has written them, beside those of the versions before. Never edited.
UPDATE user_account SET domains = 'user.example', organization = x'22222222222242228222222222222222', organization_role = 'manager' WHERE id = x'11111111111141118111111111111111';
UPDATE organization SET domains = 'shop.example' WHERE id = x'22222222222242228222222222222222';
UPDATE access_key SET scopes = 'tokens', active = 0, used_at = 1795255200080;
UPDATE model SET published = 0, visibility = 'public', use_account_domains = 1, previous = x'44444444444444448444444444444445', listing = '{"description":"d","tags":["a"]}' WHERE id = x'44444444444444448444444444444444';

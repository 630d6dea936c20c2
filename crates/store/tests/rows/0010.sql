-- Rows as version 10 of the schema has written them, beside those of the versions before. Never edited.
UPDATE user_account SET plan = 'free' WHERE id = x'11111111111141118111111111111111';
UPDATE organization SET plan = 'business' WHERE id = x'22222222222242228222222222222222';

-- Rows as version 19 of the schema has written them, beside those of the versions before. Never edited.
INSERT INTO usage_of_model (model, period, start, owner_user, owner_organization, sums) VALUES (x'77777777777747778777777777777777', 'month', 1793491200000, x'11111111111141118111111111111111', x'', '[["export","default",0,3,3,0],["computation","limited",2,1,1,12345]]');
INSERT INTO usage_of_account (kind, account, period, start, sums) VALUES ('user', x'11111111111141118111111111111111', 'day', 1793491200000, '[["export","default",0,3,3,0]]');

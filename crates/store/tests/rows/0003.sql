-- Rows as version 3 of the schema has written them, beside those of the versions before. Never edited.
UPDATE model SET overrides = '{}' WHERE id = x'44444444444444448444444444444444';
INSERT INTO doomed_blob (blob, state, doomed_at) VALUES (x'e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1', 'doomed', 1795255200030);
INSERT INTO doomed_blob (blob, state, doomed_at) VALUES (x'e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2', 'deleting', 1795255200031);

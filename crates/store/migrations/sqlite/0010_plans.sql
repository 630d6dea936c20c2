-- What accounts may use, and how much. Empty: the plan that allows everything.
ALTER TABLE user_account ADD COLUMN plan TEXT NOT NULL DEFAULT '';
ALTER TABLE organization ADD COLUMN plan TEXT NOT NULL DEFAULT '';

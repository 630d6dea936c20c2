-- Usage rows added up by stretches of time. "rolled" says whether a row is in the sums already; whoever adds
-- usage up takes the sums and the rows that are in none, in one statement.
ALTER TABLE usage_event ADD COLUMN rolled BIGINT NOT NULL DEFAULT 0;
CREATE INDEX usage_unrolled ON usage_event (rolled, at, id) WHERE rolled = 0;
CREATE INDEX usage_unrolled_by_model ON usage_event (rolled, model, at) WHERE rolled = 0;
CREATE INDEX usage_unrolled_by_owner ON usage_event (rolled, owner_user, at) WHERE rolled = 0;
CREATE INDEX usage_unrolled_by_organization ON usage_event (rolled, owner_organization, at)
    WHERE rolled = 0 AND owner_organization IS NOT NULL;

-- Its lock keeps two nodes from rolling up at the same time.
CREATE TABLE usage_roller (
    only_row BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    rounds BIGINT NOT NULL
);
INSERT INTO usage_roller (only_row, rounds) VALUES (1, 0);

-- By model and by who owned it then; an empty organization is none. "period" is hour, day or month.
CREATE TABLE usage_of_model (
    model BYTEA NOT NULL,
    period TEXT NOT NULL,
    start BIGINT NOT NULL,
    owner_user BYTEA NOT NULL,
    owner_organization BYTEA NOT NULL,
    sums TEXT NOT NULL,
    PRIMARY KEY (model, period, start, owner_user, owner_organization)
);
CREATE INDEX usage_of_model_by_owner ON usage_of_model (owner_user, period, start, model);
CREATE INDEX usage_of_model_by_organization ON usage_of_model (owner_organization, period, start, model);

-- By account: "kind" is user, organization or system, whose id is empty.
CREATE TABLE usage_of_account (
    kind TEXT NOT NULL,
    account BYTEA NOT NULL,
    period TEXT NOT NULL,
    start BIGINT NOT NULL,
    sums TEXT NOT NULL,
    PRIMARY KEY (kind, account, period, start)
);
CREATE INDEX usage_of_account_by_time ON usage_of_account (kind, period, start, account);

-- What accounts are told, and where they want to be told it.

CREATE TABLE notification (
    id BYTEA NOT NULL PRIMARY KEY,
    receiver BYTEA NOT NULL,
    level TEXT NOT NULL,
    class TEXT NOT NULL,
    kind TEXT NOT NULL,
    description TEXT NOT NULL,
    model BYTEA,
    organization BYTEA,
    created_at BIGINT NOT NULL,
    read_at BIGINT
);
CREATE INDEX notification_by_receiver ON notification (receiver, created_at, id);
CREATE INDEX notification_unread ON notification (receiver, created_at, id) WHERE read_at IS NULL;
CREATE INDEX notification_by_age ON notification (created_at, id);

-- "secret" is sealed: it signs what is sent.
CREATE TABLE webhook (
    id BYTEA NOT NULL PRIMARY KEY,
    payer_kind TEXT NOT NULL,
    payer BYTEA NOT NULL,
    url TEXT NOT NULL,
    secret BYTEA NOT NULL,
    active BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX webhook_by_payer ON webhook (payer, payer_kind, created_at, id);

-- "ready_at" is when it may be sent: its turn while it waits, the end of the lease while somebody sends it.
CREATE TABLE webhook_delivery (
    id BYTEA NOT NULL PRIMARY KEY,
    webhook BYTEA NOT NULL REFERENCES webhook (id),
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    ready_at BIGINT NOT NULL,
    answer TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX webhook_delivery_ready ON webhook_delivery (state, ready_at, id) WHERE state = 'waiting';
CREATE INDEX webhook_delivery_by_webhook ON webhook_delivery (webhook, created_at, id);
CREATE INDEX webhook_delivery_by_age ON webhook_delivery (created_at, id);

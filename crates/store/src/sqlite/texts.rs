//! The statements whose text is particular to `SQLite`.

use crate::db::Texts;

pub(super) const TEXTS: Texts = Texts {
    database_clock: "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS now_ms",
    // BEGIN IMMEDIATE holds the only write lock already.
    migration_lock: "SELECT 1",
    // BEGIN IMMEDIATE locks everything.
    lock_caps: "SELECT scope, period, set_by, credits_max, used, window_start, noticed_percent \
        FROM credit_cap WHERE scope IN (SELECT value FROM json_each($1)) ORDER BY scope, period, set_by",
    lock_cap_table: "SELECT 1",
    take_job: "UPDATE job SET state = 'running', attempts = attempts + 1, ready_at = $2 \
        WHERE id = (SELECT id FROM job WHERE state <> 'failed' AND ready_at <= $1 \
            AND owner NOT IN (SELECT value FROM json_each($3)) \
            ORDER BY ready_at, id LIMIT 1) \
        RETURNING id, kind, owner, state, attempts, ready_at, error",
    // Every turn is at least 0: a range of the index, which ends at the first job whose time has come. Before
    // it stand only jobs that are being done or wait for another attempt.
    take_script_job: "UPDATE script_job SET state = 'running', attempts = attempts + 1, ready_at = $2 \
        WHERE hash = (SELECT hash FROM script_job WHERE ended_at IS NULL AND turn >= 0 \
            AND ready_at <= $1 \
            ORDER BY turn, created_at, hash LIMIT 1) \
        RETURNING hash, partner, partner_key, token, user_hash, sealed, state, attempts, ready_at, \
            created_at, ended_at, message, outputs",
    take_deliveries: "UPDATE webhook_delivery SET attempts = attempts + 1, ready_at = $2 \
        WHERE id IN (SELECT id FROM webhook_delivery WHERE state = 'waiting' AND ready_at <= $1 \
            ORDER BY ready_at, id LIMIT $3) \
        RETURNING id, webhook, kind, body, state, attempts, ready_at, answer, created_at",
};

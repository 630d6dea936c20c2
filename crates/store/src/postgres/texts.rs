//! The statements whose text is particular to `PostgreSQL`.

use crate::db::Texts;

pub(super) const TEXTS: Texts = Texts {
    database_clock: "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) AS now_ms",
    // An arbitrary number that nobody else should use in this database ("vitrine1" in ASCII).
    migration_lock: "SELECT pg_advisory_xact_lock(8532482741443424561)",
    lock_caps: "SELECT scope, period, set_by, credits_max, used, window_start, noticed_percent \
        FROM credit_cap WHERE scope = ANY (ARRAY(SELECT jsonb_array_elements_text($1::text::jsonb))) \
        ORDER BY scope, period, set_by FOR UPDATE",
    // Charges lock rows of the table before they add anything, and hold that until they commit.
    lock_cap_table: "LOCK TABLE credit_cap IN EXCLUSIVE MODE",
    take_job: "UPDATE job SET state = 'running', attempts = attempts + 1, ready_at = $2 \
        WHERE id = (SELECT id FROM job WHERE state <> 'failed' AND ready_at <= $1 \
            AND owner NOT IN (SELECT jsonb_array_elements_text($3::text::jsonb)) \
            ORDER BY ready_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) \
        RETURNING id, kind, owner, state, attempts, ready_at, error",
    take_script_job: "UPDATE script_job SET state = 'running', attempts = attempts + 1, ready_at = $2 \
        WHERE hash = (SELECT hash FROM script_job WHERE ended_at IS NULL AND turn >= 0 \
            AND ready_at <= $1 \
            ORDER BY turn, created_at, hash LIMIT 1 FOR UPDATE SKIP LOCKED) \
        RETURNING hash, partner, partner_key, token, user_hash, sealed, state, attempts, ready_at, \
            created_at, ended_at, message, outputs",
    take_deliveries: "UPDATE webhook_delivery SET attempts = attempts + 1, ready_at = $2 \
        WHERE id IN (SELECT id FROM webhook_delivery WHERE state = 'waiting' AND ready_at <= $1 \
            ORDER BY ready_at, id LIMIT $3 FOR UPDATE SKIP LOCKED) \
        RETURNING id, webhook, kind, body, state, attempts, ready_at, answer, created_at",
};

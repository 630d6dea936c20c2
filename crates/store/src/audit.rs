//! The audit trail.

use vitrine_access::{AuditEvent, AuditId, ModelId, RequestId, Timestamp};

use crate::Store;
use crate::appender::HotWrite;
use crate::db::{Handle, Query, Row};
use crate::error::StoreError;
use crate::limits::{AUDIT_ROWS_PER_REQUEST_MAX, LIST_ROWS_MAX};
use crate::store::{finders, writers};

/// Where a page of the trail continues: after this instant and id.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct AuditCursor {
    /// Instant of the last line seen.
    pub at: Timestamp,
    /// Its id.
    pub id: AuditId,
}

impl AuditCursor {
    /// Before every line of this instant.
    #[must_use]
    pub const fn from_instant(at: Timestamp) -> Self {
        Self {
            at,
            id: AuditId::from_bytes([0; 16]),
        }
    }
}

finders! {
    /// Decisions after a cursor and before an instant, oldest first, at most `limit`
    /// ([`LIST_ROWS_MAX`]).
    audit_page(after: AuditCursor, until: Timestamp, limit: u32) -> Vec<AuditEvent>;
    /// The same of one model.
    audit_page_of_model(
        model: ModelId, after: AuditCursor, until: Timestamp, limit: u32
    ) -> Vec<AuditEvent>;
    /// Decisions about one model before a cursor, newest first, at most `limit` ([`LIST_ROWS_MAX`]).
    audit_before_of_model(model: ModelId, before: AuditCursor, limit: u32) -> Vec<AuditEvent>;
    /// Decisions of one request, oldest first, at most [`AUDIT_ROWS_PER_REQUEST_MAX`].
    audit_by_request(request: RequestId) -> Vec<AuditEvent>;
    /// Decisions about one model since an instant, oldest first, at most `limit`
    /// ([`LIST_ROWS_MAX`]).
    audit_by_model(model: ModelId, since: Timestamp, limit: u32) -> Vec<AuditEvent>;
}

writers! {
    /// Deletes decisions older than this, at most `limit` ([`LIST_ROWS_MAX`]); returns how many.
    forget_audit(before: Timestamp, limit: u32) -> u64;
}

impl Store {
    /// Adds decisions to the trail, together with others in one flush. Durable when it returns.
    /// Repeating the call with the same ids changes nothing.
    ///
    /// # Errors
    /// When the database fails or the list is longer than [`crate::limits::APPEND_ROWS_MAX`].
    pub async fn append_audit(&self, events: Vec<AuditEvent>) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        self.appender()
            .append(HotWrite::Audit(events))
            .await
            .map(drop)
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, at, request, actor, credential, address, origin, operation, model, \
             decision, reason, message, count FROM audit_event ",
            $rest
        )
    };
}

pub(crate) async fn insert(handle: &mut Handle, event: &AuditEvent) -> Result<(), StoreError> {
    let sql = "INSERT INTO audit_event (id, at, request, actor, credential, address, operation, \
        model, decision, reason, message, origin, count) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
        ON CONFLICT (id) DO NOTHING";
    let query = Query::new(sql)
        .bind(&event.id)
        .bind(&event.at)
        .bind(&event.request)
        .bind(&event.actor)
        .bind(&event.credential)
        .bind_option(event.address.as_ref())
        .bind(&event.operation)
        .bind_option(event.model.as_ref())
        .bind(&event.decision)
        .bind(&event.reason)
        .bind(&event.message)
        .bind_option(event.origin.as_ref())
        .bind(&event.count);
    handle.execute(query).await.map(drop)
}

async fn audit_by_request(
    handle: &mut Handle,
    request: RequestId,
) -> Result<Vec<AuditEvent>, StoreError> {
    let sql = select!("WHERE request = $1 ORDER BY at LIMIT $2");
    let query = Query::new(sql)
        .bind(&request)
        .bind(&AUDIT_ROWS_PER_REQUEST_MAX);
    handle.all(query).await?.iter().map(read).collect()
}

async fn audit_by_model(
    handle: &mut Handle,
    model: ModelId,
    since: Timestamp,
    limit: u32,
) -> Result<Vec<AuditEvent>, StoreError> {
    let sql = select!("WHERE model = $1 AND at >= $2 ORDER BY at LIMIT $3");
    let query = Query::new(sql)
        .bind(&model)
        .bind(&since)
        .bind(&limit.min(LIST_ROWS_MAX));
    handle.all(query).await?.iter().map(read).collect()
}

async fn audit_page(
    handle: &mut Handle,
    after: AuditCursor,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<AuditEvent>, StoreError> {
    let sql = select!("WHERE (at, id) > ($1, $2) AND at < $3 ORDER BY at, id LIMIT $4");
    let query = Query::new(sql)
        .bind(&after.at)
        .bind(&after.id)
        .bind(&until)
        .bind(&limit.min(LIST_ROWS_MAX));
    handle.all(query).await?.iter().map(read).collect()
}

async fn audit_page_of_model(
    handle: &mut Handle,
    model: ModelId,
    after: AuditCursor,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<AuditEvent>, StoreError> {
    let sql =
        select!("WHERE model = $5 AND (at, id) > ($1, $2) AND at < $3 ORDER BY at, id LIMIT $4");
    let query = Query::new(sql)
        .bind(&after.at)
        .bind(&after.id)
        .bind(&until)
        .bind(&limit.min(LIST_ROWS_MAX))
        .bind(&model);
    handle.all(query).await?.iter().map(read).collect()
}

async fn audit_before_of_model(
    handle: &mut Handle,
    model: ModelId,
    before: AuditCursor,
    limit: u32,
) -> Result<Vec<AuditEvent>, StoreError> {
    let sql =
        select!("WHERE model = $4 AND (at, id) < ($1, $2) ORDER BY at DESC, id DESC LIMIT $3");
    let query = Query::new(sql)
        .bind(&before.at)
        .bind(&before.id)
        .bind(&limit.min(LIST_ROWS_MAX))
        .bind(&model);
    handle.all(query).await?.iter().map(read).collect()
}

async fn forget_audit(
    handle: &mut Handle,
    before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    let sql = "DELETE FROM audit_event WHERE id IN (\
        SELECT id FROM audit_event WHERE at < $1 ORDER BY at LIMIT $2)";
    handle
        .execute(
            Query::new(sql)
                .bind(&before)
                .bind(&limit.min(LIST_ROWS_MAX)),
        )
        .await
}

fn read(row: &Row) -> Result<AuditEvent, StoreError> {
    Ok(AuditEvent {
        id: row.get("id")?,
        at: row.get("at")?,
        request: row.get("request")?,
        actor: row.get("actor")?,
        credential: row.get("credential")?,
        address: row.get_option("address")?,
        operation: row.get("operation")?,
        model: row.get_option("model")?,
        decision: row.get("decision")?,
        reason: row.get("reason")?,
        message: row.get("message")?,
        origin: row.get_option("origin")?,
        count: row.get("count")?,
    })
}

//! How much the results of one account take, and making room: those that nobody asked for the longest go.

use vitrine_access::{Payer, Timestamp};

use crate::db::{Handle, Query};
use crate::doomed::{ResultPlace, drop_results};
use crate::error::StoreError;
use crate::limits::LIST_ROWS_MAX;
use crate::store::{finders, writers};

/// What was deleted to make room.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Results.
    pub results: u64,
    /// Bytes that they took, blobs and rows.
    pub bytes: u64,
}

/// The models of an account.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// How many.
    pub models: u64,
    /// Bytes of their files.
    pub bytes: u64,
}

finders! {
    /// Bytes that the results of an account's models take, blobs and rows. A blob that two results
    /// name counts twice.
    result_bytes(account: &Payer) -> u64;
    /// The models of an account, deleted ones included, and what their files take.
    files_of(account: &Payer) -> Files;
}

writers! {
    /// Deletes results of an account, those first that were not asked for the longest, until at least
    /// `bytes` are free or `limit` ([`LIST_ROWS_MAX`]) results are gone, and dooms their blobs.
    drop_unused_results(account: &Payer, bytes: u64, now: Timestamp, limit: u32) -> Dropped;
    /// Notes that these results were asked for. Times only move forward; results that are gone are
    /// passed over.
    note_results_used(results: &[ResultPlace], at: Timestamp) -> ();
}

/// The models that an account pays for: those of the organization, or of the user alone.
macro_rules! of_account {
    ($columns:literal, $rest:literal) => {
        (
            concat!(
                "SELECT ",
                $columns,
                " FROM model AS m JOIN result AS r ON r.model = m.id \
                 WHERE m.owner_user = $1 AND m.owner_organization IS NULL ",
                $rest
            ),
            concat!(
                "SELECT ",
                $columns,
                " FROM model AS m JOIN result AS r ON r.model = m.id \
                 WHERE m.owner_organization = $1 ",
                $rest
            ),
        )
    };
}

fn of(account: &Payer, (user, organization): (&'static str, &'static str)) -> Query {
    match account {
        Payer::User(id) => Query::new(user).bind(id),
        Payer::Organization(id) => Query::new(organization).bind(id),
    }
}

async fn result_bytes(handle: &mut Handle, account: &Payer) -> Result<u64, StoreError> {
    let sql = of_account!("CAST(COALESCE(SUM(r.size), 0) AS BIGINT) AS bytes", "");
    handle.one(of(account, sql)).await?.get("bytes")
}

async fn files_of(handle: &mut Handle, account: &Payer) -> Result<Files, StoreError> {
    let query = match account {
        Payer::User(id) => Query::new(
            "SELECT COUNT(*) AS models, CAST(COALESCE(SUM(source_size), 0) AS BIGINT) AS bytes \
             FROM model WHERE owner_user = $1 AND owner_organization IS NULL",
        )
        .bind(id),
        Payer::Organization(id) => Query::new(
            "SELECT COUNT(*) AS models, CAST(COALESCE(SUM(source_size), 0) AS BIGINT) AS bytes \
             FROM model WHERE owner_organization = $1",
        )
        .bind(id),
    };
    let row = handle.one(query).await?;
    Ok(Files {
        models: row.get("models")?,
        bytes: row.get("bytes")?,
    })
}

async fn drop_unused_results(
    handle: &mut Handle,
    account: &Payer,
    bytes: u64,
    now: Timestamp,
    limit: u32,
) -> Result<Dropped, StoreError> {
    let sql = of_account!(
        "r.model, r.kind, r.element, r.version, r.content, r.size",
        "ORDER BY r.used_at, r.model, r.kind, r.element, r.version LIMIT $2"
    );
    let query = of(account, sql).bind(&limit.min(LIST_ROWS_MAX));
    let mut rows = handle.all(query).await?;
    let mut dropped = Dropped::default();
    let mut enough = rows.len();
    for (at, row) in rows.iter().enumerate() {
        if dropped.bytes >= bytes {
            enough = at;
            break;
        }
        dropped.bytes = dropped.bytes.saturating_add(row.get("size")?);
    }
    rows.truncate(enough);
    dropped.results = drop_results(handle, &rows, now).await?;
    Ok(dropped)
}

async fn note_results_used(
    handle: &mut Handle,
    results: &[ResultPlace],
    at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE result SET used_at = $5 \
        WHERE model = $1 AND kind = $2 AND element = $3 AND version = $4 AND used_at < $5";
    for place in results {
        let query = Query::new(sql)
            .bind(&place.model)
            .bind(&place.kind)
            .bind_text(&place.element)
            .bind_text(&place.version)
            .bind(&at);
        handle.execute(query).await?;
    }
    Ok(())
}

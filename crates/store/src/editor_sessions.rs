//! Editor session rows, and the users that partners are counted by.

use vitrine_access::{
    DrawingId, EditorSessionHash, EditorTokenHash, EditorUserHash, PartnerId, PartnerKeyId,
    Timestamp,
};

use crate::db::{Handle, Query, Row};
use crate::error::StoreError;
use crate::limits::LIST_ROWS_MAX;
use crate::store::{finders, writers};

/// What is kept of an editor session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditorSessionRecord {
    /// Digest of the session's secret.
    pub hash: EditorSessionHash,
    /// Whose drawing it has open.
    pub partner: PartnerId,
    /// The key that made its token.
    pub key: PartnerKeyId,
    /// The token that opened it; it ends with that token's revocation.
    pub token: EditorTokenHash,
    /// The drawing.
    pub drawing: DrawingId,
    /// The partner's user, where the token names one.
    pub user: Option<EditorUserHash>,
    /// The token's parameters, sealed by the caller.
    pub sealed: Vec<u8>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// From when on it is over.
    pub expires_at: Timestamp,
    /// When its page closed it.
    pub closed_at: Option<Timestamp>,
}

/// A calendar month in UTC, as year times 100 plus month.
#[must_use]
pub fn month_of(at: Timestamp) -> u32 {
    at.to_digits14()
        .get(..6)
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_default()
}

finders! {
    /// The session of this hash, whatever became of it and whoever's it is.
    editor_session_unscoped(hash: EditorSessionHash) -> Option<EditorSessionRecord>;
    /// How many distinct users of a partner opened the editor in a month ([`month_of`]).
    partner_users(partner: PartnerId, month: u32) -> u64;
}

writers! {
    /// Adds a session.
    insert_editor_session(session: &EditorSessionRecord) -> ();
    /// Closes a session; `true` for the caller that did it.
    close_editor_session(hash: EditorSessionHash, at: Timestamp) -> bool;
    /// Counts a user of a partner in the month of this instant, once.
    note_partner_user(partner: PartnerId, user: EditorUserHash, at: Timestamp) -> ();
    /// Deletes sessions that ended before this, at most `limit` ([`LIST_ROWS_MAX`]); returns how many.
    forget_editor_sessions(ended_before: Timestamp, limit: u32) -> u64;
}

async fn editor_session_unscoped(
    handle: &mut Handle,
    hash: EditorSessionHash,
) -> Result<Option<EditorSessionRecord>, StoreError> {
    let sql = "SELECT hash, partner, partner_key, token, drawing, user_hash, sealed, created_at, \
        expires_at, closed_at FROM editor_session WHERE hash = $1";
    let query = Query::new(sql).bind(&hash);
    handle.optional(query).await?.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<EditorSessionRecord, StoreError> {
    Ok(EditorSessionRecord {
        hash: row.get("hash")?,
        partner: row.get("partner")?,
        key: row.get("partner_key")?,
        token: row.get("token")?,
        drawing: row.get("drawing")?,
        user: row.get_option("user_hash")?,
        sealed: row.get("sealed")?,
        created_at: row.get("created_at")?,
        expires_at: row.get("expires_at")?,
        closed_at: row.get_option("closed_at")?,
    })
}

async fn partner_users(
    handle: &mut Handle,
    partner: PartnerId,
    month: u32,
) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) AS users FROM partner_user WHERE partner = $1 AND month = $2";
    let query = Query::new(sql).bind(&partner).bind(&month);
    handle.one(query).await?.get("users")
}

async fn insert_editor_session(
    handle: &mut Handle,
    session: &EditorSessionRecord,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO editor_session (hash, partner, partner_key, token, drawing, user_hash, \
        sealed, created_at, expires_at, closed_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let query = Query::new(sql)
        .bind(&session.hash)
        .bind(&session.partner)
        .bind(&session.key)
        .bind(&session.token)
        .bind(&session.drawing)
        .bind_option(session.user.as_ref())
        .bind(&session.sealed)
        .bind(&session.created_at)
        .bind(&session.expires_at)
        .bind_option(session.closed_at.as_ref());
    handle.execute(query).await.map(drop)
}

async fn close_editor_session(
    handle: &mut Handle,
    hash: EditorSessionHash,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE editor_session SET closed_at = $2 WHERE hash = $1 AND closed_at IS NULL";
    let query = Query::new(sql).bind(&hash).bind(&at);
    Ok(handle.execute(query).await? == 1)
}

async fn note_partner_user(
    handle: &mut Handle,
    partner: PartnerId,
    user: EditorUserHash,
    at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO partner_user (partner, month, user_hash, first_at) \
        VALUES ($1, $2, $3, $4) ON CONFLICT (partner, month, user_hash) DO NOTHING";
    let query = Query::new(sql)
        .bind(&partner)
        .bind(&month_of(at))
        .bind(&user)
        .bind(&at);
    handle.execute(query).await.map(drop)
}

async fn forget_editor_sessions(
    handle: &mut Handle,
    ended_before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    let sql = "DELETE FROM editor_session WHERE hash IN (\
        SELECT hash FROM editor_session WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)";
    let query = Query::new(sql)
        .bind(&ended_before)
        .bind(&limit.min(LIST_ROWS_MAX));
    handle.execute(query).await
}

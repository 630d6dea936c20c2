//! Editor token rows: hashes and sealed parameters, never a token.

use vitrine_access::{Change, EditorTokenHash, EditorUserHash, PartnerId, PartnerKeyId, Timestamp};

use crate::appender::HotWrite;
use crate::db::{Handle, Query, Row};
use crate::error::StoreError;
use crate::limits::LIST_ROWS_MAX;
use crate::store::{finders, writers};
use crate::{Store, Tx, changes};

/// What is kept of an editor token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditorTokenRecord {
    /// SHA-256 of the token.
    pub hash: EditorTokenHash,
    /// Whose back end asked for it.
    pub partner: PartnerId,
    /// By which of its keys.
    pub key: PartnerKeyId,
    /// For which of its users, where the parameters name one.
    pub user: Option<EditorUserHash>,
    /// The parameters, sealed by the caller.
    pub sealed: Vec<u8>,
    /// Whether it is good for one use only.
    pub one_time: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Timestamp,
    /// When its one use was.
    pub used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

finders! {
    /// The token of this hash, whatever became of it and whoever's it is.
    editor_token_unscoped(hash: EditorTokenHash) -> Option<EditorTokenRecord>;
}

writers! {
    /// Revokes a token of exactly this partner; `true` for the caller that did it. Note the change in
    /// the same transaction.
    revoke_editor_token(partner: PartnerId, hash: EditorTokenHash, at: Timestamp) -> bool;
    /// Revokes all tokens of one user of this partner that are not over yet; returns how many. Note
    /// the change in the same transaction.
    revoke_editor_tokens_of_user(
        partner: PartnerId, user: EditorUserHash, at: Timestamp
    ) -> u64;
    /// Deletes tokens that ended before this, at most `limit` ([`LIST_ROWS_MAX`]); returns how many.
    forget_editor_tokens(ended_before: Timestamp, limit: u32) -> u64;
}

impl Store {
    /// Adds a token, together with others in one flush. Durable when it returns.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the token exists, [`StoreError::MissingReference`] when its
    /// partner does not.
    pub async fn append_editor_token(&self, token: EditorTokenRecord) -> Result<(), StoreError> {
        let write = HotWrite::EditorToken(Box::new(token));
        self.appender().append(write).await.map(drop)
    }

    /// Uses a one-time token up and notes the change, together with others in one flush. Durable when
    /// it returns: `true` for the one caller that used it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn use_editor_token(
        &self,
        hash: EditorTokenHash,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let write = HotWrite::UseEditorToken(hash, at);
        Ok(self.appender().append(write).await?.changed())
    }
}

impl Tx {
    /// See [`Store::use_editor_token`]: in the transaction of what the token is used for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn use_editor_token(
        &mut self,
        hash: EditorTokenHash,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        use_up(&mut self.handle, hash, at).await
    }
}

async fn editor_token_unscoped(
    handle: &mut Handle,
    hash: EditorTokenHash,
) -> Result<Option<EditorTokenRecord>, StoreError> {
    let sql = "SELECT hash, partner, partner_key, user_hash, sealed, one_time, created_at, \
        expires_at, used_at, revoked_at FROM editor_token WHERE hash = $1";
    let query = Query::new(sql).bind(&hash);
    handle.optional(query).await?.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<EditorTokenRecord, StoreError> {
    Ok(EditorTokenRecord {
        hash: row.get("hash")?,
        partner: row.get("partner")?,
        key: row.get("partner_key")?,
        user: row.get_option("user_hash")?,
        sealed: row.get("sealed")?,
        one_time: row.get("one_time")?,
        created_at: row.get("created_at")?,
        expires_at: row.get("expires_at")?,
        used_at: row.get_option("used_at")?,
        revoked_at: row.get_option("revoked_at")?,
    })
}

pub(crate) async fn insert(
    handle: &mut Handle,
    token: &EditorTokenRecord,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO editor_token (hash, partner, partner_key, user_hash, sealed, one_time, \
        created_at, expires_at, used_at, revoked_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let query = Query::new(sql)
        .bind(&token.hash)
        .bind(&token.partner)
        .bind(&token.key)
        .bind_option(token.user.as_ref())
        .bind(&token.sealed)
        .bind(&token.one_time)
        .bind(&token.created_at)
        .bind(&token.expires_at)
        .bind_option(token.used_at.as_ref())
        .bind_option(token.revoked_at.as_ref());
    handle.execute(query).await.map(drop)
}

pub(crate) async fn use_up(
    handle: &mut Handle,
    hash: EditorTokenHash,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE editor_token SET used_at = $2 WHERE hash = $1 AND one_time = 1 \
        AND used_at IS NULL AND revoked_at IS NULL AND expires_at > $2";
    let used = handle
        .execute(Query::new(sql).bind(&hash).bind(&at))
        .await?
        == 1;
    if used {
        changes::note(handle, &Change::EditorToken(hash)).await?;
    }
    Ok(used)
}

async fn revoke_editor_token(
    handle: &mut Handle,
    partner: PartnerId,
    hash: EditorTokenHash,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE editor_token SET revoked_at = $3 \
        WHERE hash = $2 AND partner = $1 AND revoked_at IS NULL";
    let query = Query::new(sql).bind(&partner).bind(&hash).bind(&at);
    Ok(handle.execute(query).await? == 1)
}

async fn revoke_editor_tokens_of_user(
    handle: &mut Handle,
    partner: PartnerId,
    user: EditorUserHash,
    at: Timestamp,
) -> Result<u64, StoreError> {
    let sql = "UPDATE editor_token SET revoked_at = $3 WHERE partner = $1 AND user_hash = $2 \
        AND revoked_at IS NULL AND expires_at > $3";
    let query = Query::new(sql).bind(&partner).bind(&user).bind(&at);
    handle.execute(query).await
}

async fn forget_editor_tokens(
    handle: &mut Handle,
    ended_before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    let sql = "DELETE FROM editor_token WHERE hash IN (\
        SELECT hash FROM editor_token WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)";
    handle
        .execute(
            Query::new(sql)
                .bind(&ended_before)
                .bind(&limit.min(LIST_ROWS_MAX)),
        )
        .await
}

//! Sign-ins on the platform, and the passwords that they begin with.

use std::fmt;

use vitrine_access::{AccessKeyId, RefreshChain, Timestamp, TokenId, UserId};

use crate::db::{Handle, Query, Row};
use crate::error::StoreError;
use crate::limits::LIST_ROWS_MAX;
use crate::store::{finders, writers};

/// A password's hash in the PHC string form. `Debug` does not show it: guessing begins with it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// From the PHC string.
    #[must_use]
    pub const fn new(phc: String) -> Self {
        Self(phc)
    }

    /// The PHC string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// One sign-in of a user's, by password or by access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInRecord {
    /// Id, which all its tokens name.
    pub id: TokenId,
    /// Who signed in.
    pub user: UserId,
    /// The access key, unless it was a password.
    pub key: Option<AccessKeyId>,
    /// The client's id.
    pub client: String,
    /// Which refresh tokens are good.
    pub chain: RefreshChain,
    /// How often it was renewed.
    pub renewals: u32,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was renewed last.
    pub used_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
}

finders! {
    /// The hash of a user's password, if one opens the account.
    password_of(user: UserId) -> Option<PasswordHash>;
    /// The sign-in of this id, whose ever it is: the token that names it has been verified.
    sign_in_unscoped(id: TokenId) -> Option<SignInRecord>;
    /// A user's sign-ins that have not ended, newest first, at most `limit` ([`LIST_ROWS_MAX`]).
    sign_ins(user: UserId, now: Timestamp, limit: u32) -> Vec<SignInRecord>;
    /// Whether anybody is an administrator who may sign in.
    has_administrator() -> bool;
}

writers! {
    /// Sets a user's password; `false` when there is no such user.
    set_password(user: UserId, hash: &PasswordHash) -> bool;
    /// Sets a user's address. [`StoreError::Conflict`] names `user_account.email` when it is taken.
    set_email(user: UserId, email: &str) -> bool;
    /// Blocks a user since this instant, or no longer.
    block_user(user: UserId, since: Option<Timestamp>) -> bool;
    /// Makes a user an administrator, or no longer.
    set_administrator(user: UserId, on: bool) -> bool;
    /// Adds a sign-in.
    insert_sign_in(sign_in: &SignInRecord) -> ();
    /// Notes that a sign-in was renewed, unless it ended or was renewed by somebody else since it was read
    /// with `shown_before` as its token; then `false`.
    renew_sign_in(id: TokenId, shown_before: TokenId, chain: &RefreshChain, at: Timestamp) -> bool;
    /// Ends a sign-in of exactly this user's; `true` for the caller that did it.
    end_sign_in(user: UserId, id: TokenId, at: Timestamp) -> bool;
    /// Ends all sign-ins of a user's but one.
    end_sign_ins_but(user: UserId, kept: Option<TokenId>, at: Timestamp) -> u64;
    /// Deletes sign-ins of a user beyond so many, a hundred at most: those that have ended first, then those
    /// that were not renewed the longest.
    forget_sign_ins_of(user: UserId, kept: u32) -> u64;
    /// Deletes sign-ins that expired before this, at most `limit`.
    forget_sign_ins(before: Timestamp, limit: u32) -> u64;
}

async fn password_of(
    handle: &mut Handle,
    user: UserId,
) -> Result<Option<PasswordHash>, StoreError> {
    let query = Query::new("SELECT password FROM user_account WHERE id = $1").bind(&user);
    let row = handle.optional(query).await?;
    let phc = row.map(|row| row.get_option("password")).transpose()?;
    Ok(phc.flatten().map(PasswordHash))
}

const SIGN_IN: &str = "SELECT id, user_id, access_key, client, token, token_before, turned_at, \
    renewals, created_at, used_at, expires_at, ended_at FROM sign_in WHERE id = $1";
const SIGN_INS: &str = "SELECT id, user_id, access_key, client, token, token_before, turned_at, \
    renewals, created_at, used_at, expires_at, ended_at FROM sign_in \
    WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 \
    ORDER BY created_at DESC, id DESC LIMIT $3";

async fn forget_sign_ins_of(
    handle: &mut Handle,
    user: UserId,
    kept: u32,
) -> Result<u64, StoreError> {
    let sql = "DELETE FROM sign_in WHERE id IN (SELECT id FROM sign_in WHERE user_id = $1 \
        ORDER BY CASE WHEN ended_at IS NULL THEN 0 ELSE 1 END, used_at DESC, id \
        LIMIT 100 OFFSET $2)";
    handle
        .execute(Query::new(sql).bind(&user).bind(&kept))
        .await
}

async fn sign_in_unscoped(
    handle: &mut Handle,
    id: TokenId,
) -> Result<Option<SignInRecord>, StoreError> {
    let row = handle.optional(Query::new(SIGN_IN).bind(&id)).await?;
    row.as_ref().map(read).transpose()
}

async fn sign_ins(
    handle: &mut Handle,
    user: UserId,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<SignInRecord>, StoreError> {
    let query = Query::new(SIGN_INS)
        .bind(&user)
        .bind(&now)
        .bind(&limit.min(LIST_ROWS_MAX));
    handle.all(query).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<SignInRecord, StoreError> {
    Ok(SignInRecord {
        id: row.get("id")?,
        user: row.get("user_id")?,
        key: row.get_option("access_key")?,
        client: row.get("client")?,
        chain: RefreshChain {
            current: row.get("token")?,
            previous: row.get_option("token_before")?,
            turned_at: row.get("turned_at")?,
        },
        renewals: row.get("renewals")?,
        created_at: row.get("created_at")?,
        used_at: row.get("used_at")?,
        expires_at: row.get("expires_at")?,
        ended_at: row.get_option("ended_at")?,
    })
}

async fn has_administrator(handle: &mut Handle) -> Result<bool, StoreError> {
    let sql = "SELECT 1 AS one FROM user_account \
        WHERE administrator = 1 AND password IS NOT NULL AND blocked_at IS NULL LIMIT 1";
    Ok(handle.optional(Query::new(sql)).await?.is_some())
}

async fn set_password(
    handle: &mut Handle,
    user: UserId,
    hash: &PasswordHash,
) -> Result<bool, StoreError> {
    let query = Query::new("UPDATE user_account SET password = $2 WHERE id = $1")
        .bind(&user)
        .bind_text(hash.as_str());
    Ok(handle.execute(query).await? == 1)
}

async fn set_email(handle: &mut Handle, user: UserId, email: &str) -> Result<bool, StoreError> {
    let query = Query::new("UPDATE user_account SET email = $2 WHERE id = $1")
        .bind(&user)
        .bind_text(email);
    Ok(handle.execute(query).await? == 1)
}

async fn block_user(
    handle: &mut Handle,
    user: UserId,
    since: Option<Timestamp>,
) -> Result<bool, StoreError> {
    let query = Query::new("UPDATE user_account SET blocked_at = $2 WHERE id = $1")
        .bind(&user)
        .bind_option(since.as_ref());
    Ok(handle.execute(query).await? == 1)
}

async fn set_administrator(
    handle: &mut Handle,
    user: UserId,
    on: bool,
) -> Result<bool, StoreError> {
    let query = Query::new("UPDATE user_account SET administrator = $2 WHERE id = $1")
        .bind(&user)
        .bind(&on);
    Ok(handle.execute(query).await? == 1)
}

async fn insert_sign_in(handle: &mut Handle, sign_in: &SignInRecord) -> Result<(), StoreError> {
    let sql = "INSERT INTO sign_in (id, user_id, access_key, client, token, token_before, \
        turned_at, renewals, created_at, used_at, expires_at, ended_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let query = Query::new(sql)
        .bind(&sign_in.id)
        .bind(&sign_in.user)
        .bind_option(sign_in.key.as_ref())
        .bind(&sign_in.client)
        .bind(&sign_in.chain.current)
        .bind_option(sign_in.chain.previous.as_ref())
        .bind(&sign_in.chain.turned_at)
        .bind(&sign_in.renewals)
        .bind(&sign_in.created_at)
        .bind(&sign_in.used_at)
        .bind(&sign_in.expires_at)
        .bind_option(sign_in.ended_at.as_ref());
    handle.execute(query).await.map(drop)
}

async fn renew_sign_in(
    handle: &mut Handle,
    id: TokenId,
    shown_before: TokenId,
    chain: &RefreshChain,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE sign_in SET token = $3, token_before = $4, turned_at = $5, used_at = $6, \
        renewals = renewals + 1 WHERE id = $1 AND token = $2 AND ended_at IS NULL";
    let query = Query::new(sql)
        .bind(&id)
        .bind(&shown_before)
        .bind(&chain.current)
        .bind_option(chain.previous.as_ref())
        .bind(&chain.turned_at)
        .bind(&at);
    Ok(handle.execute(query).await? == 1)
}

async fn end_sign_in(
    handle: &mut Handle,
    user: UserId,
    id: TokenId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE sign_in SET ended_at = $3 \
        WHERE id = $2 AND user_id = $1 AND ended_at IS NULL";
    let query = Query::new(sql).bind(&user).bind(&id).bind(&at);
    Ok(handle.execute(query).await? == 1)
}

async fn end_sign_ins_but(
    handle: &mut Handle,
    user: UserId,
    kept: Option<TokenId>,
    at: Timestamp,
) -> Result<u64, StoreError> {
    let sql = "UPDATE sign_in SET ended_at = $3 \
        WHERE user_id = $1 AND ended_at IS NULL AND id IS DISTINCT FROM $2";
    let query = Query::new(sql)
        .bind(&user)
        .bind_option(kept.as_ref())
        .bind(&at);
    handle.execute(query).await
}

async fn forget_sign_ins(
    handle: &mut Handle,
    before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    let sql = "DELETE FROM sign_in WHERE id IN \
        (SELECT id FROM sign_in WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)";
    let query = Query::new(sql).bind(&before).bind(&limit);
    handle.execute(query).await
}

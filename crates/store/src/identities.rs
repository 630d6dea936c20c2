//! Who users are at the providers that they sign in at, and steps of signing in that are taken once.

use vitrine_access::{IdentityId, Timestamp, TokenId, UserId};

use crate::db::{Handle, Query, Row};
use crate::error::StoreError;
use crate::limits::LIST_ROWS_MAX;
use crate::store::{finders, writers};

/// Who a user is at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityRecord {
    /// Id.
    pub id: IdentityId,
    /// Which user.
    pub user: UserId,
    /// The provider's own name, `iss`.
    pub issuer: String,
    /// Who they are there, `sub`. With the issuer it is theirs for ever.
    pub subject: String,
    /// The address by which they know it again; nothing is decided by it.
    pub email: Option<String>,
    /// When it was linked.
    pub created_at: Timestamp,
    /// When it signed in last.
    pub used_at: Option<Timestamp>,
}

finders! {
    /// The identity of this subject at this issuer, whose ever it is: the provider has proved it.
    identity_unscoped(issuer: &str, subject: &str) -> Option<IdentityRecord>;
    /// A user's identities, oldest first, at most [`LIST_ROWS_MAX`].
    identities(user: UserId) -> Vec<IdentityRecord>;
}

writers! {
    /// Adds an identity; `false` when its subject has one already.
    insert_identity(identity: &IdentityRecord) -> bool;
    /// Notes that an identity signed in.
    note_identity_used(id: IdentityId, email: Option<&str>, at: Timestamp) -> ();
    /// Takes an identity of exactly this user's away; `false` when there is none.
    delete_identity(user: UserId, id: IdentityId) -> bool;
    /// Holds a user until the transaction ends, so that what opens the account is counted by one at a
    /// time; `false` when there is none.
    hold_user(user: UserId) -> bool;
    /// Takes a step of signing in; `true` for the one caller that is first.
    take_sign_in_step(id: TokenId, expires_at: Timestamp) -> bool;
    /// Deletes steps that expired before this, at most `limit`.
    forget_sign_in_steps(before: Timestamp, limit: u32) -> u64;
}

const IDENTITY: &str = "SELECT id, user_id, issuer, subject, email, created_at, used_at FROM identity \
    WHERE issuer = $1 AND subject = $2";
const IDENTITIES: &str = "SELECT id, user_id, issuer, subject, email, created_at, used_at FROM identity \
    WHERE user_id = $1 ORDER BY created_at, id LIMIT $2";

async fn identity_unscoped(
    handle: &mut Handle,
    issuer: &str,
    subject: &str,
) -> Result<Option<IdentityRecord>, StoreError> {
    let query = Query::new(IDENTITY).bind_text(issuer).bind_text(subject);
    let row = handle.optional(query).await?;
    row.as_ref().map(read).transpose()
}

async fn identities(handle: &mut Handle, user: UserId) -> Result<Vec<IdentityRecord>, StoreError> {
    let query = Query::new(IDENTITIES).bind(&user).bind(&LIST_ROWS_MAX);
    handle.all(query).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<IdentityRecord, StoreError> {
    Ok(IdentityRecord {
        id: row.get("id")?,
        user: row.get("user_id")?,
        issuer: row.get("issuer")?,
        subject: row.get("subject")?,
        email: row.get_option("email")?,
        created_at: row.get("created_at")?,
        used_at: row.get_option("used_at")?,
    })
}

async fn insert_identity(
    handle: &mut Handle,
    identity: &IdentityRecord,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO identity (id, user_id, issuer, subject, email, created_at, used_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (issuer, subject) DO NOTHING";
    let query = Query::new(sql)
        .bind(&identity.id)
        .bind(&identity.user)
        .bind(&identity.issuer)
        .bind(&identity.subject)
        .bind_option(identity.email.as_ref())
        .bind(&identity.created_at)
        .bind_option(identity.used_at.as_ref());
    Ok(handle.execute(query).await? == 1)
}

async fn note_identity_used(
    handle: &mut Handle,
    id: IdentityId,
    email: Option<&str>,
    at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE identity SET used_at = $3, email = COALESCE($2, email) WHERE id = $1";
    let email = email.map(ToOwned::to_owned);
    let query = Query::new(sql)
        .bind(&id)
        .bind_option(email.as_ref())
        .bind(&at);
    handle.execute(query).await.map(drop)
}

async fn delete_identity(
    handle: &mut Handle,
    user: UserId,
    id: IdentityId,
) -> Result<bool, StoreError> {
    let query = Query::new("DELETE FROM identity WHERE id = $2 AND user_id = $1")
        .bind(&user)
        .bind(&id);
    Ok(handle.execute(query).await? == 1)
}

async fn hold_user(handle: &mut Handle, user: UserId) -> Result<bool, StoreError> {
    let query = Query::new("UPDATE user_account SET name = name WHERE id = $1").bind(&user);
    Ok(handle.execute(query).await? == 1)
}

async fn take_sign_in_step(
    handle: &mut Handle,
    id: TokenId,
    expires_at: Timestamp,
) -> Result<bool, StoreError> {
    let sql =
        "INSERT INTO sign_in_step (id, expires_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING";
    let query = Query::new(sql).bind(&id).bind(&expires_at);
    Ok(handle.execute(query).await? == 1)
}

async fn forget_sign_in_steps(
    handle: &mut Handle,
    before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    let sql = "DELETE FROM sign_in_step WHERE id IN \
        (SELECT id FROM sign_in_step WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)";
    let query = Query::new(sql).bind(&before).bind(&limit);
    handle.execute(query).await
}

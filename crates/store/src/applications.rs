//! Applications that sign people in, the codes of such sign-ins, and the link that sets an installation up.

use std::collections::BTreeSet;

use vitrine_access::oauth::Challenge;
use vitrine_access::{AccessKeyId, SecretHash, Timestamp, TokenId, UserId};

use crate::db::{Handle, Query, Row};
use crate::error::StoreError;
use crate::limits::LIST_ROWS_MAX;
use crate::store::{finders, writers};

/// A registered application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationRecord {
    /// Its client id.
    pub id: String,
    /// What people are shown.
    pub name: String,
    /// Where it may be called back, letter by letter.
    pub redirects: Vec<String>,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// A code of a sign-in: its hash, never the code.
#[derive(Clone, Debug)]
pub struct AuthorizationCodeRecord {
    /// SHA-256 of the code.
    pub hash: SecretHash,
    /// The application that may trade it.
    pub application: String,
    /// Who signs in.
    pub user: UserId,
    /// The access key that they were signed in with themselves, if it was one: with it all of it ends.
    pub key: Option<AccessKeyId>,
    /// The address that it was sent to.
    pub redirect: String,
    /// What the application has to know.
    pub challenge: Challenge,
    /// From when on it is refused.
    pub expires_at: Timestamp,
    /// What it was traded for.
    pub sign_in: Option<TokenId>,
}

finders! {
    /// The application of this client id.
    application(id: &str) -> Option<ApplicationRecord>;
    /// Every application by its id, at most `limit` ([`LIST_ROWS_MAX`]).
    applications(limit: u32) -> Vec<ApplicationRecord>;
    /// The code with this hash, whose ever it is: the code itself is the right.
    authorization_code_unscoped(hash: &SecretHash) -> Option<AuthorizationCodeRecord>;
    /// The hash of the link that sets this installation up, and its end.
    setup_link() -> Option<(SecretHash, Timestamp)>;
}

writers! {
    /// Registers an application. [`StoreError::Conflict`] names `application.id` when there is one.
    insert_application(application: &ApplicationRecord) -> ();
    /// Changes name and addresses; `false` when there is no such application.
    update_application(application: &ApplicationRecord) -> bool;
    /// Forgets an application and ends its sign-ins; `false` when there is no such.
    delete_application(id: &str, at: Timestamp) -> Option<Vec<UserId>>;
    /// Adds a code.
    insert_authorization_code(code: &AuthorizationCodeRecord) -> ();
    /// Uses a code up; `true` for the one caller that did it.
    use_authorization_code(hash: &SecretHash, sign_in: TokenId) -> bool;
    /// Deletes codes that expired before this, at most `limit`.
    forget_authorization_codes(before: Timestamp, limit: u32) -> u64;
    /// Puts a link in the place of the one before.
    set_setup_link(hash: &SecretHash, expires_at: Timestamp) -> ();
    /// Uses the link up; `true` for the one caller that did it.
    use_setup_link(hash: &SecretHash) -> bool;
}

const APPLICATION: &str = "SELECT id, name, redirects, created_at FROM application WHERE id = $1";
const APPLICATIONS: &str =
    "SELECT id, name, redirects, created_at FROM application ORDER BY id LIMIT $1";

async fn application(
    handle: &mut Handle,
    id: &str,
) -> Result<Option<ApplicationRecord>, StoreError> {
    let row = handle
        .optional(Query::new(APPLICATION).bind_text(id))
        .await?;
    row.as_ref().map(read).transpose()
}

async fn applications(
    handle: &mut Handle,
    limit: u32,
) -> Result<Vec<ApplicationRecord>, StoreError> {
    let query = Query::new(APPLICATIONS).bind(&limit.min(LIST_ROWS_MAX));
    handle.all(query).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<ApplicationRecord, StoreError> {
    let lines: String = row.get("redirects")?;
    Ok(ApplicationRecord {
        id: row.get("id")?,
        name: row.get("name")?,
        redirects: lines.lines().map(str::to_owned).collect(),
        created_at: row.get("created_at")?,
    })
}

async fn insert_application(
    handle: &mut Handle,
    application: &ApplicationRecord,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO application (id, name, redirects, created_at) VALUES ($1, $2, $3, $4)";
    let query = Query::new(sql)
        .bind(&application.id)
        .bind(&application.name)
        .bind(&application.redirects.join("\n"))
        .bind(&application.created_at);
    handle.execute(query).await.map(drop)
}

async fn update_application(
    handle: &mut Handle,
    application: &ApplicationRecord,
) -> Result<bool, StoreError> {
    let query = Query::new("UPDATE application SET name = $2, redirects = $3 WHERE id = $1")
        .bind(&application.id)
        .bind(&application.name)
        .bind(&application.redirects.join("\n"));
    Ok(handle.execute(query).await? == 1)
}

async fn delete_application(
    handle: &mut Handle,
    id: &str,
    at: Timestamp,
) -> Result<Option<Vec<UserId>>, StoreError> {
    let query = Query::new("DELETE FROM application WHERE id = $1").bind_text(id);
    let deleted = handle.execute(query).await? == 1;
    let sql = "UPDATE sign_in SET ended_at = $2 WHERE client = $1 AND ended_at IS NULL \
        RETURNING user_id";
    let ended = handle.all(Query::new(sql).bind_text(id).bind(&at)).await?;
    let users: Result<BTreeSet<UserId>, _> = ended.iter().map(|row| row.get("user_id")).collect();
    Ok(deleted.then_some(users?.into_iter().collect()))
}

const CODE: &str = "SELECT hash, application, user_id, access_key, redirect, challenge, expires_at, \
    sign_in FROM authorization_code WHERE hash = $1";

async fn authorization_code_unscoped(
    handle: &mut Handle,
    hash: &SecretHash,
) -> Result<Option<AuthorizationCodeRecord>, StoreError> {
    let Some(row) = handle.optional(Query::new(CODE).bind(hash)).await? else {
        return Ok(None);
    };
    Ok(Some(AuthorizationCodeRecord {
        hash: row.get("hash")?,
        application: row.get("application")?,
        user: row.get("user_id")?,
        key: row.get_option("access_key")?,
        redirect: row.get("redirect")?,
        challenge: row.get("challenge")?,
        expires_at: row.get("expires_at")?,
        sign_in: row.get_option("sign_in")?,
    }))
}

async fn insert_authorization_code(
    handle: &mut Handle,
    code: &AuthorizationCodeRecord,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO authorization_code (hash, application, user_id, access_key, redirect, \
        challenge, expires_at, sign_in) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let query = Query::new(sql)
        .bind(&code.hash)
        .bind(&code.application)
        .bind(&code.user)
        .bind_option(code.key.as_ref())
        .bind(&code.redirect)
        .bind(&code.challenge)
        .bind(&code.expires_at)
        .bind_option(code.sign_in.as_ref());
    handle.execute(query).await.map(drop)
}

async fn use_authorization_code(
    handle: &mut Handle,
    hash: &SecretHash,
    sign_in: TokenId,
) -> Result<bool, StoreError> {
    let sql = "UPDATE authorization_code SET sign_in = $2 WHERE hash = $1 AND sign_in IS NULL";
    let query = Query::new(sql).bind(hash).bind(&sign_in);
    Ok(handle.execute(query).await? == 1)
}

async fn forget_authorization_codes(
    handle: &mut Handle,
    before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    let sql = "DELETE FROM authorization_code WHERE hash IN \
        (SELECT hash FROM authorization_code WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)";
    handle
        .execute(Query::new(sql).bind(&before).bind(&limit))
        .await
}

async fn setup_link(handle: &mut Handle) -> Result<Option<(SecretHash, Timestamp)>, StoreError> {
    let sql = "SELECT hash, expires_at FROM setup_link WHERE only_row = 1";
    let Some(row) = handle.optional(Query::new(sql)).await? else {
        return Ok(None);
    };
    Ok(Some((row.get("hash")?, row.get("expires_at")?)))
}

async fn set_setup_link(
    handle: &mut Handle,
    hash: &SecretHash,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO setup_link (only_row, hash, expires_at) VALUES (1, $1, $2) \
        ON CONFLICT (only_row) DO UPDATE SET hash = excluded.hash, expires_at = excluded.expires_at";
    let query = Query::new(sql).bind(hash).bind(&expires_at);
    handle.execute(query).await.map(drop)
}

async fn use_setup_link(handle: &mut Handle, hash: &SecretHash) -> Result<bool, StoreError> {
    let sql = "DELETE FROM setup_link WHERE only_row = 1 AND hash = $1";
    Ok(handle.execute(Query::new(sql).bind(hash)).await? == 1)
}

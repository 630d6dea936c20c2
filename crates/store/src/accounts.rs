//! Users, organizations and their access keys.

use vitrine_access::plan::{Plan, UNLIMITED};
use vitrine_access::{
    AccessKeyId, AllowedDomains, OrganizationId, Owner, SecretHash, Timestamp, UserId,
};

use crate::db::{Handle, Query, Row};
use crate::error::StoreError;
use crate::limits::LIST_ROWS_MAX;
use crate::members::Membership;
use crate::settings::read_domain_lines;
use crate::store::{finders, writers};

/// Name of the built-in operator.
const OPERATOR_NAME: &str = "Operator";

/// A person with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRecord {
    /// Id.
    pub id: UserId,
    /// Address, unique; the built-in operator has none.
    pub email: Option<String>,
    /// Display name.
    pub name: String,
    /// Whether they may do what concerns everybody.
    pub administrator: bool,
    /// Since when they may not sign in, if so.
    pub blocked_at: Option<Timestamp>,
    /// Where they belong. Set by a call of its own, as are the two that follow.
    pub member: Option<Membership>,
    /// Domains that may embed those of their models that say so.
    pub domains: AllowedDomains,
    /// Whether all their models demand tokens.
    pub force_require_token: bool,
    /// What they may use, where they belong to no organization. Set by a call of its own.
    pub plan: &'static Plan,
    /// When the account was made.
    pub created_at: Timestamp,
}

impl UserRecord {
    /// An ordinary user.
    #[must_use]
    pub fn new(id: UserId, email: Option<String>, name: String, now: Timestamp) -> Self {
        Self {
            id,
            email,
            name,
            administrator: false,
            blocked_at: None,
            member: None,
            domains: AllowedDomains::default(),
            force_require_token: false,
            plan: &UNLIMITED,
            created_at: now,
        }
    }
}

/// Users that own and pay together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationRecord {
    /// Id.
    pub id: OrganizationId,
    /// Display name.
    pub name: String,
    /// Domains that may embed those of its models that say so. Set by a call of its own.
    pub domains: AllowedDomains,
    /// Whether all its models demand tokens. Set by a call of its own.
    pub force_require_token: bool,
    /// What its members may use. Set by a call of its own.
    pub plan: &'static Plan,
    /// When it was made.
    pub created_at: Timestamp,
}

impl OrganizationRecord {
    /// An ordinary organization.
    #[must_use]
    pub fn new(id: OrganizationId, name: String, now: Timestamp) -> Self {
        Self {
            id,
            name,
            domains: AllowedDomains::default(),
            force_require_token: false,
            plan: &UNLIMITED,
            created_at: now,
        }
    }
}

/// An access key of an account: its hash, never the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKeyRecord {
    /// Public half.
    pub id: AccessKeyId,
    /// Whom it stands for.
    pub owner: Owner,
    /// SHA-256 of the secret half, unique.
    pub hash: SecretHash,
    /// Last four characters of the secret, for display.
    pub last_four: String,
    /// What the owner calls it.
    pub label: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused, if ever.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// What it is good for: words with blanks between them, `*` for everything.
    pub scopes: String,
    /// Whether the owner has it switched on.
    pub active: bool,
    /// When it signed in last.
    pub used_at: Option<Timestamp>,
    /// Networks from which it is good, with blanks between them; empty: from everywhere.
    pub networks: String,
}

finders! {
    /// The user of this id.
    user(id: UserId) -> Option<UserRecord>;
    /// The user of this address, exactly as it was stored.
    user_by_email(email: &str) -> Option<UserRecord>;
    /// The organization of this id.
    organization(id: OrganizationId) -> Option<OrganizationRecord>;
    /// The keys of exactly this owner, revoked ones included, newest first, at most `limit`
    /// ([`LIST_ROWS_MAX`]).
    access_keys(owner: &Owner, limit: u32) -> Vec<AccessKeyRecord>;
    /// The key of this id, whoever owns it: for sign-in, where the key itself tells the owner.
    access_key_unscoped(id: AccessKeyId) -> Option<AccessKeyRecord>;
    /// The key with this hash, whoever owns it.
    access_key_by_hash_unscoped(hash: &SecretHash) -> Option<AccessKeyRecord>;
}

writers! {
    /// Adds a user. [`StoreError::Conflict`] names `user_account.email` when the address is taken.
    insert_user(user: &UserRecord) -> ();
    /// Makes sure that the built-in operator exists. Changes nothing when it does.
    ensure_operator(id: UserId, now: Timestamp) -> ();
    /// Lets a user's models all demand tokens, or not; `false` when there is no such user. Note the
    /// change in the same transaction.
    force_token_of_user(id: UserId, on: bool) -> bool;
    /// The same for an organization.
    force_token_of_organization(id: OrganizationId, on: bool) -> bool;
    /// Adds an organization.
    insert_organization(organization: &OrganizationRecord) -> ();
    /// Adds an access key.
    insert_access_key(key: &AccessKeyRecord) -> ();
    /// Changes label, end, switch and networks of a key of exactly this owner; `false` when they have no such key or
    /// it is revoked.
    update_access_key(owner: &Owner, key: &AccessKeyRecord) -> bool;
    /// Notes that a key signed in.
    note_access_key_used(id: AccessKeyId, at: Timestamp) -> ();
    /// Revokes a key of exactly this owner; `true` for the caller that did it.
    revoke_access_key(owner: &Owner, id: AccessKeyId, at: Timestamp) -> bool;
}

/// The columns of every query for users.
macro_rules! users {
    ($rest:literal) => {
        concat!(
            "SELECT id, email, name, administrator, blocked_at, organization, organization_role, \
             domains, force_require_token, plan, created_at FROM user_account ",
            $rest
        )
    };
}

const USER: &str = users!("WHERE id = $1");
const USER_BY_EMAIL: &str = users!("WHERE email = $1");
pub(crate) const MEMBERS: &str = users!("WHERE organization = $1 ORDER BY id LIMIT $2");

async fn user(handle: &mut Handle, id: UserId) -> Result<Option<UserRecord>, StoreError> {
    let query = Query::new(USER);
    handle
        .optional(query.bind(&id))
        .await?
        .as_ref()
        .map(read_user)
        .transpose()
}

async fn user_by_email(handle: &mut Handle, email: &str) -> Result<Option<UserRecord>, StoreError> {
    let query = Query::new(USER_BY_EMAIL);
    handle
        .optional(query.bind_text(email))
        .await?
        .as_ref()
        .map(read_user)
        .transpose()
}

pub(crate) fn read_user(row: &Row) -> Result<UserRecord, StoreError> {
    Ok(UserRecord {
        id: row.get("id")?,
        email: row.get_option("email")?,
        name: row.get("name")?,
        administrator: row.get("administrator")?,
        blocked_at: row.get_option("blocked_at")?,
        member: member(row)?,
        domains: read_domain_lines(&row.get::<String>("domains")?)?,
        force_require_token: row.get("force_require_token")?,
        plan: read_plan(row, "plan")?,
        created_at: row.get("created_at")?,
    })
}

/// The plan that a column names.
pub(crate) fn read_plan(row: &Row, column: &'static str) -> Result<&'static Plan, StoreError> {
    let name: String = row.get(column)?;
    Plan::named(&name).ok_or_else(|| StoreError::corrupt("plan", "there is no such plan"))
}

fn member(row: &Row) -> Result<Option<Membership>, StoreError> {
    let organization = row.get_option("organization")?;
    match (organization, row.get_option("organization_role")?) {
        (Some(organization), Some(role)) => Ok(Some((organization, role))),
        (None, None) => Ok(None),
        _ => Err(StoreError::corrupt(
            "organization_role",
            "it stands without an organization, or the other way round",
        )),
    }
}

const ORGANIZATION: &str = "SELECT id, name, domains, force_require_token, plan, created_at \
    FROM organization WHERE id = $1 AND deleted_at IS NULL";

async fn organization(
    handle: &mut Handle,
    id: OrganizationId,
) -> Result<Option<OrganizationRecord>, StoreError> {
    let query = Query::new(ORGANIZATION);
    let Some(row) = handle.optional(query.bind(&id)).await? else {
        return Ok(None);
    };
    Ok(Some(OrganizationRecord {
        id: row.get("id")?,
        name: row.get("name")?,
        domains: read_domain_lines(&row.get::<String>("domains")?)?,
        force_require_token: row.get("force_require_token")?,
        plan: read_plan(&row, "plan")?,
        created_at: row.get("created_at")?,
    }))
}

const ACCESS_KEYS: &str = "SELECT id, owner_user, owner_organization, hash, last_four, label, \
    created_at, expires_at, revoked_at, scopes, active, used_at, networks FROM access_key \
    WHERE owner_user = $1 AND owner_organization IS NOT DISTINCT FROM $2 \
    ORDER BY created_at DESC LIMIT $3";
const ACCESS_KEY: &str = "SELECT id, owner_user, owner_organization, hash, last_four, label, \
    created_at, expires_at, revoked_at, scopes, active, used_at, networks FROM access_key WHERE id = $1";
const ACCESS_KEY_BY_HASH: &str = "SELECT id, owner_user, owner_organization, hash, last_four, \
    label, created_at, expires_at, revoked_at, scopes, active, used_at, networks FROM access_key \
    WHERE hash = $1";

async fn access_keys(
    handle: &mut Handle,
    owner: &Owner,
    limit: u32,
) -> Result<Vec<AccessKeyRecord>, StoreError> {
    let query = Query::new(ACCESS_KEYS)
        .bind_owner(owner)
        .bind(&limit.min(LIST_ROWS_MAX));
    handle
        .all(query)
        .await?
        .iter()
        .map(read_access_key)
        .collect()
}

async fn access_key_unscoped(
    handle: &mut Handle,
    id: AccessKeyId,
) -> Result<Option<AccessKeyRecord>, StoreError> {
    let query = Query::new(ACCESS_KEY).bind(&id);
    handle
        .optional(query)
        .await?
        .as_ref()
        .map(read_access_key)
        .transpose()
}

async fn access_key_by_hash_unscoped(
    handle: &mut Handle,
    hash: &SecretHash,
) -> Result<Option<AccessKeyRecord>, StoreError> {
    let query = Query::new(ACCESS_KEY_BY_HASH).bind(hash);
    handle
        .optional(query)
        .await?
        .as_ref()
        .map(read_access_key)
        .transpose()
}

fn read_access_key(row: &Row) -> Result<AccessKeyRecord, StoreError> {
    Ok(AccessKeyRecord {
        id: row.get("id")?,
        owner: row.owner()?,
        hash: row.get("hash")?,
        last_four: row.get("last_four")?,
        label: row.get("label")?,
        created_at: row.get("created_at")?,
        expires_at: row.get_option("expires_at")?,
        revoked_at: row.get_option("revoked_at")?,
        scopes: row.get("scopes")?,
        active: row.get("active")?,
        used_at: row.get_option("used_at")?,
        networks: row.get("networks")?,
    })
}

async fn insert_user(handle: &mut Handle, user: &UserRecord) -> Result<(), StoreError> {
    let sql = "INSERT INTO user_account (id, email, name, administrator, blocked_at, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6)";
    let query = Query::new(sql)
        .bind(&user.id)
        .bind_option(user.email.as_ref())
        .bind(&user.name)
        .bind(&user.administrator)
        .bind_option(user.blocked_at.as_ref())
        .bind(&user.created_at);
    handle.execute(query).await.map(drop)
}

async fn ensure_operator(
    handle: &mut Handle,
    id: UserId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO user_account (id, name, created_at) VALUES ($1, $2, $3) \
        ON CONFLICT (id) DO NOTHING";
    let query = Query::new(sql)
        .bind(&id)
        .bind_text(OPERATOR_NAME)
        .bind(&now);
    handle.execute(query).await.map(drop)
}

async fn insert_organization(
    handle: &mut Handle,
    organization: &OrganizationRecord,
) -> Result<(), StoreError> {
    let query = Query::new("INSERT INTO organization (id, name, created_at) VALUES ($1, $2, $3)")
        .bind(&organization.id)
        .bind(&organization.name)
        .bind(&organization.created_at);
    handle.execute(query).await.map(drop)
}

async fn force_token_of_user(
    handle: &mut Handle,
    id: UserId,
    on: bool,
) -> Result<bool, StoreError> {
    let sql = "UPDATE user_account SET force_require_token = $2 WHERE id = $1";
    Ok(handle.execute(Query::new(sql).bind(&id).bind(&on)).await? == 1)
}

async fn force_token_of_organization(
    handle: &mut Handle,
    id: OrganizationId,
    on: bool,
) -> Result<bool, StoreError> {
    let sql = "UPDATE organization SET force_require_token = $2 WHERE id = $1";
    Ok(handle.execute(Query::new(sql).bind(&id).bind(&on)).await? == 1)
}

async fn insert_access_key(handle: &mut Handle, key: &AccessKeyRecord) -> Result<(), StoreError> {
    let sql = "INSERT INTO access_key (id, owner_user, owner_organization, hash, last_four, \
        label, created_at, expires_at, revoked_at, scopes, active, used_at, networks) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    let query = Query::new(sql)
        .bind(&key.id)
        .bind_owner(&key.owner)
        .bind(&key.hash)
        .bind(&key.last_four)
        .bind(&key.label)
        .bind(&key.created_at)
        .bind_option(key.expires_at.as_ref())
        .bind_option(key.revoked_at.as_ref())
        .bind(&key.scopes)
        .bind(&key.active)
        .bind_option(key.used_at.as_ref())
        .bind(&key.networks);
    handle.execute(query).await.map(drop)
}

async fn revoke_access_key(
    handle: &mut Handle,
    owner: &Owner,
    id: AccessKeyId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE access_key SET revoked_at = $4 WHERE id = $3 AND revoked_at IS NULL \
        AND owner_user = $1 AND owner_organization IS NOT DISTINCT FROM $2";
    let query = Query::new(sql).bind_owner(owner).bind(&id).bind(&at);
    Ok(handle.execute(query).await? == 1)
}

async fn update_access_key(
    handle: &mut Handle,
    owner: &Owner,
    key: &AccessKeyRecord,
) -> Result<bool, StoreError> {
    let sql = "UPDATE access_key SET label = $4, expires_at = $5, active = $6, networks = $7 \
        WHERE id = $3 AND revoked_at IS NULL \
        AND owner_user = $1 AND owner_organization IS NOT DISTINCT FROM $2";
    let query = Query::new(sql)
        .bind_owner(owner)
        .bind(&key.id)
        .bind(&key.label)
        .bind_option(key.expires_at.as_ref())
        .bind(&key.active)
        .bind(&key.networks);
    Ok(handle.execute(query).await? == 1)
}

async fn note_access_key_used(
    handle: &mut Handle,
    id: AccessKeyId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let query = Query::new("UPDATE access_key SET used_at = $2 WHERE id = $1")
        .bind(&id)
        .bind(&at);
    handle.execute(query).await.map(drop)
}

//! Partners of the drawing editor and their keys.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vitrine_access::api_server::ApiServer;
use vitrine_access::limits::{EDITOR_TOKEN_TTL_DEFAULT, EDITOR_TOKEN_TTL_MAX};
use vitrine_access::{AllowedDomains, AppId, PartnerId, PartnerKeyId, SecretHash, Timestamp};

use crate::db::{Handle, Query, Row};
use crate::error::StoreError;
use crate::limits::LIST_ROWS_MAX;
use crate::store::{finders, writers};

/// A partner: somebody whose back end asks for editor tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct PartnerRecord {
    /// Id.
    pub id: PartnerId,
    /// Public name, unique; `auth` of what its tokens verify to.
    pub app_id: AppId,
    /// Name for people.
    pub name: String,
    /// What the operator has set.
    pub settings: PartnerSettings,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What an operator may set for a partner.
#[derive(Clone, Debug, PartialEq)]
pub struct PartnerSettings {
    /// Whether keys and tokens are refused.
    pub blocked: bool,
    /// Pages that may frame the editor and talk to it.
    pub origins: AllowedDomains,
    /// URL of the bucket with drawings.
    pub content: Option<String>,
    /// URL of the bucket with customization.
    pub customization: Option<String>,
    /// Hosts that the parameter `server` may name.
    pub servers: Vec<String>,
    /// How those servers are asked.
    pub api_server: ApiServer,
    /// How long a token holds when the request does not say, seconds.
    pub token_lifetime_s: u64,
    /// The longest life that a request may ask for, seconds.
    pub token_lifetime_max_s: u64,
    /// Whether verifying a token needs a key beside it.
    pub require_key_on_verify: bool,
    /// Tokens that may be made in an hour, on each node.
    pub tokens_per_hour: Option<u32>,
    /// Whether pages of the editor may be opened by parameters in their address.
    pub plain_parameters: bool,
}

impl Default for PartnerSettings {
    fn default() -> Self {
        Self {
            blocked: false,
            origins: AllowedDomains::default(),
            content: None,
            customization: None,
            servers: Vec::new(),
            api_server: ApiServer::default(),
            token_lifetime_s: EDITOR_TOKEN_TTL_DEFAULT.as_secs(),
            token_lifetime_max_s: EDITOR_TOKEN_TTL_MAX.as_secs().min(24 * 3600),
            require_key_on_verify: false,
            tokens_per_hour: None,
            plain_parameters: false,
        }
    }
}

/// The stored form. Members are only ever added, with a default.
#[derive(Serialize, Deserialize)]
struct SettingsForm {
    blocked: bool,
    origins: Vec<String>,
    content: Option<String>,
    customization: Option<String>,
    servers: Vec<String>,
    token_lifetime_s: u64,
    token_lifetime_max_s: u64,
    require_key_on_verify: bool,
    tokens_per_hour: Option<u32>,
    #[serde(default)]
    plain_parameters: bool,
    /// What is not as usual of how API servers are asked.
    #[serde(default)]
    api_server: BTreeMap<String, String>,
}

impl PartnerSettings {
    fn to_storage(&self) -> Result<String, StoreError> {
        let form = SettingsForm {
            blocked: self.blocked,
            origins: self.origins.iter().map(ToString::to_string).collect(),
            content: self.content.clone(),
            customization: self.customization.clone(),
            servers: self.servers.clone(),
            token_lifetime_s: self.token_lifetime_s,
            token_lifetime_max_s: self.token_lifetime_max_s,
            require_key_on_verify: self.require_key_on_verify,
            tokens_per_hour: self.tokens_per_hour,
            plain_parameters: self.plain_parameters,
            api_server: self
                .api_server
                .changes()
                .map(|(name, text)| (name.to_owned(), text))
                .collect(),
        };
        serde_json::to_string(&form).map_err(|error| StoreError::Unstorable {
            what: "partner settings",
            why: error.to_string(),
        })
    }

    fn from_storage(text: &str) -> Result<Self, StoreError> {
        let form: SettingsForm =
            serde_json::from_str(text).map_err(|error| StoreError::corrupt("settings", error))?;
        let mut api_server = ApiServer::default();
        for (name, text) in &form.api_server {
            api_server
                .set(name, text)
                .map_err(|error| StoreError::corrupt("settings.api_server", error))?;
        }
        Ok(Self {
            blocked: form.blocked,
            origins: AllowedDomains::parse_all(&form.origins)
                .map_err(|error| StoreError::corrupt("settings.origins", error))?,
            content: form.content,
            customization: form.customization,
            servers: form.servers,
            api_server,
            token_lifetime_s: form.token_lifetime_s,
            token_lifetime_max_s: form.token_lifetime_max_s,
            require_key_on_verify: form.require_key_on_verify,
            tokens_per_hour: form.tokens_per_hour,
            plain_parameters: form.plain_parameters,
        })
    }
}

/// A partner's key: its hash, never the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerKeyRecord {
    /// Id, for people and logs.
    pub id: PartnerKeyId,
    /// Whose it is.
    pub partner: PartnerId,
    /// SHA-256 of the key, unique.
    pub hash: SecretHash,
    /// Last four characters of the key, for display.
    pub last_four: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused, if ever. What it made stays good.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked, and with it whatever it made.
    pub revoked_at: Option<Timestamp>,
}

finders! {
    /// The partner of this id.
    partner(id: PartnerId) -> Option<PartnerRecord>;
    /// The partner of this application id.
    partner_by_app_id(app_id: &AppId) -> Option<PartnerRecord>;
    /// Partners whose application id comes after this text, in that order, at most `limit`
    /// ([`LIST_ROWS_MAX`]).
    partners_after(app_id: &str, limit: u32) -> Vec<PartnerRecord>;
    /// A partner's keys, revoked ones included, newest first, at most `limit` ([`LIST_ROWS_MAX`]).
    partner_keys(partner: PartnerId, limit: u32) -> Vec<PartnerKeyRecord>;
    /// The key of this id.
    partner_key(id: PartnerKeyId) -> Option<PartnerKeyRecord>;
    /// The key with this hash, whoever owns it: the key itself tells the partner.
    partner_key_by_hash_unscoped(hash: &SecretHash) -> Option<PartnerKeyRecord>;
}

writers! {
    /// Adds a partner. [`StoreError::Conflict`] names `partner.app_id` when that is taken.
    insert_partner(partner: &PartnerRecord) -> ();
    /// Changes name, settings and the time of the change; `false` when there is no such partner.
    update_partner(partner: &PartnerRecord) -> bool;
    /// Adds a key.
    insert_partner_key(key: &PartnerKeyRecord) -> ();
    /// Lets a partner's keys that are neither revoked nor end earlier end at this instant; returns how
    /// many.
    expire_partner_keys(partner: PartnerId, at: Timestamp) -> u64;
    /// Revokes a partner's key; `true` for the caller that did it.
    revoke_partner_key(partner: PartnerId, id: PartnerKeyId, at: Timestamp) -> bool;
}

macro_rules! select_partner {
    ($rest:literal) => {
        concat!(
            "SELECT id, app_id, name, settings, created_at, updated_at FROM partner ",
            $rest
        )
    };
}

macro_rules! select_key {
    ($rest:literal) => {
        concat!(
            "SELECT id, partner, hash, last_four, created_at, expires_at, revoked_at \
             FROM partner_key ",
            $rest
        )
    };
}

async fn partner(handle: &mut Handle, id: PartnerId) -> Result<Option<PartnerRecord>, StoreError> {
    let query = Query::new(select_partner!("WHERE id = $1")).bind(&id);
    handle
        .optional(query)
        .await?
        .as_ref()
        .map(read_partner)
        .transpose()
}

async fn partner_by_app_id(
    handle: &mut Handle,
    app_id: &AppId,
) -> Result<Option<PartnerRecord>, StoreError> {
    let query = Query::new(select_partner!("WHERE app_id = $1")).bind(app_id);
    handle
        .optional(query)
        .await?
        .as_ref()
        .map(read_partner)
        .transpose()
}

async fn partners_after(
    handle: &mut Handle,
    app_id: &str,
    limit: u32,
) -> Result<Vec<PartnerRecord>, StoreError> {
    let query = Query::new(select_partner!(
        "WHERE app_id > $1 ORDER BY app_id LIMIT $2"
    ))
    .bind_text(app_id)
    .bind(&limit.min(LIST_ROWS_MAX));
    handle.all(query).await?.iter().map(read_partner).collect()
}

fn read_partner(row: &Row) -> Result<PartnerRecord, StoreError> {
    let settings: String = row.get("settings")?;
    Ok(PartnerRecord {
        id: row.get("id")?,
        app_id: row.get("app_id")?,
        name: row.get("name")?,
        settings: PartnerSettings::from_storage(&settings)?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}

async fn partner_keys(
    handle: &mut Handle,
    partner: PartnerId,
    limit: u32,
) -> Result<Vec<PartnerKeyRecord>, StoreError> {
    let query = Query::new(select_key!(
        "WHERE partner = $1 ORDER BY created_at DESC, id DESC LIMIT $2"
    ))
    .bind(&partner)
    .bind(&limit.min(LIST_ROWS_MAX));
    handle.all(query).await?.iter().map(read_key).collect()
}

async fn partner_key(
    handle: &mut Handle,
    id: PartnerKeyId,
) -> Result<Option<PartnerKeyRecord>, StoreError> {
    let query = Query::new(select_key!("WHERE id = $1")).bind(&id);
    handle
        .optional(query)
        .await?
        .as_ref()
        .map(read_key)
        .transpose()
}

async fn partner_key_by_hash_unscoped(
    handle: &mut Handle,
    hash: &SecretHash,
) -> Result<Option<PartnerKeyRecord>, StoreError> {
    let query = Query::new(select_key!("WHERE hash = $1")).bind(hash);
    handle
        .optional(query)
        .await?
        .as_ref()
        .map(read_key)
        .transpose()
}

fn read_key(row: &Row) -> Result<PartnerKeyRecord, StoreError> {
    Ok(PartnerKeyRecord {
        id: row.get("id")?,
        partner: row.get("partner")?,
        hash: row.get("hash")?,
        last_four: row.get("last_four")?,
        created_at: row.get("created_at")?,
        expires_at: row.get_option("expires_at")?,
        revoked_at: row.get_option("revoked_at")?,
    })
}

async fn insert_partner(handle: &mut Handle, partner: &PartnerRecord) -> Result<(), StoreError> {
    let sql = "INSERT INTO partner (id, app_id, name, settings, created_at, updated_at) \
        VALUES ($1, $2, $3, $4, $5, $6)";
    let query = Query::new(sql)
        .bind(&partner.id)
        .bind(&partner.app_id)
        .bind(&partner.name)
        .bind(&partner.settings.to_storage()?)
        .bind(&partner.created_at)
        .bind(&partner.updated_at);
    handle.execute(query).await.map(drop)
}

async fn update_partner(handle: &mut Handle, partner: &PartnerRecord) -> Result<bool, StoreError> {
    let sql = "UPDATE partner SET name = $2, settings = $3, updated_at = $4 WHERE id = $1";
    let query = Query::new(sql)
        .bind(&partner.id)
        .bind(&partner.name)
        .bind(&partner.settings.to_storage()?)
        .bind(&partner.updated_at);
    Ok(handle.execute(query).await? == 1)
}

async fn insert_partner_key(handle: &mut Handle, key: &PartnerKeyRecord) -> Result<(), StoreError> {
    let sql = "INSERT INTO partner_key (id, partner, hash, last_four, created_at, expires_at, \
        revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let query = Query::new(sql)
        .bind(&key.id)
        .bind(&key.partner)
        .bind(&key.hash)
        .bind(&key.last_four)
        .bind(&key.created_at)
        .bind_option(key.expires_at.as_ref())
        .bind_option(key.revoked_at.as_ref());
    handle.execute(query).await.map(drop)
}

async fn expire_partner_keys(
    handle: &mut Handle,
    partner: PartnerId,
    at: Timestamp,
) -> Result<u64, StoreError> {
    let sql = "UPDATE partner_key SET expires_at = $2 WHERE partner = $1 \
        AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)";
    handle
        .execute(Query::new(sql).bind(&partner).bind(&at))
        .await
}

async fn revoke_partner_key(
    handle: &mut Handle,
    partner: PartnerId,
    id: PartnerKeyId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE partner_key SET revoked_at = $3 \
        WHERE id = $2 AND partner = $1 AND revoked_at IS NULL";
    let query = Query::new(sql).bind(&partner).bind(&id).bind(&at);
    Ok(handle.execute(query).await? == 1)
}

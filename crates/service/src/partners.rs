//! Partners of the drawing editor: making them, setting them up, their keys, and who asks by one.

use std::sync::Arc;
use std::time::Duration;

use vitrine_access::change::Change;
use vitrine_access::editor_token::AppId;
use vitrine_access::ids::{EditorTokenHash, PartnerId, PartnerKeyId};
use vitrine_access::limits::EDITOR_TOKEN_TTL_MAX;
use vitrine_access::origin::AllowedDomains;
use vitrine_access::permissions::Credential;
use vitrine_access::refusal::RefusalKind;
use vitrine_access::secret::{ApiKey, PartnerKeyKind, SecretError, SecretHash};
use vitrine_access::time::Timestamp;
use vitrine_store::{PartnerKeyRecord, PartnerRecord, PartnerSettings, StoreError};

use crate::Services;
use crate::audit::Actor;
use crate::editor_tokens::TokenEntry;
use crate::error::{Error, ErrorKind, Result};
use crate::limiter::{self, Cells, Quota};
use crate::remembered::Remembered;
use crate::who::{Caller, refuse, row};

/// Partners kept in memory.
const PARTNERS_CACHED_MAX: usize = 10_000;
/// Keys kept in memory; a partner has a few.
const KEYS_CACHED_MAX: usize = 20_000;
/// Bytes of editor tokens kept in memory: a hundred thousand with ordinary parameters.
const TOKENS_CACHED_BYTES_MAX: u64 = 64 << 20;
/// Characters of a partner's name.
const NAME_CHARS_MAX: usize = 200;
/// Bytes of a bucket's URL.
const BUCKET_BYTES_MAX: usize = 1_024;
/// Servers that a partner's parameters may name.
const SERVERS_MAX: usize = 50;
/// Keys of a partner that are good at the same time: rotation needs two.
const LIVE_KEYS_MAX: usize = 20;
/// Keys that are looked through for the live ones.
const KEYS_LISTED_MAX: u32 = 1_000;
/// Keys of a partner that a list shows, the newest ones.
const KEYS_SHOWN_MAX: u32 = 50;
/// The longest overlap of an old key and the one that follows it.
pub const OVERLAP_MAX: Duration = Duration::from_hours(90 * 24);

/// What is remembered of partners.
pub(crate) struct Partners {
    records: Remembered<PartnerId, PartnerRecord>,
    keys: Remembered<PartnerKeyId, PartnerKeyRecord>,
    keys_by_hash: Remembered<[u8; 32], PartnerKeyRecord>,
    pub(crate) tokens: Remembered<EditorTokenHash, TokenEntry>,
    quotas: Cells<PartnerId>,
}

impl Partners {
    pub(crate) fn new() -> Self {
        Self {
            records: Remembered::new("partners", PARTNERS_CACHED_MAX),
            keys: Remembered::new("partner_keys", KEYS_CACHED_MAX),
            keys_by_hash: Remembered::new("partner_key_hashes", KEYS_CACHED_MAX),
            tokens: Remembered::weighed(
                "editor_tokens",
                TOKENS_CACHED_BYTES_MAX,
                TokenEntry::bytes,
            ),
            quotas: Cells::new(),
        }
    }

    /// One more token of a partner that may make `per_hour` of them.
    pub(crate) fn count_token(
        &self,
        partner: PartnerId,
        per_hour: u32,
        now: Timestamp,
    ) -> Result<()> {
        let quota = Quota::per_hour("editor-tokens", per_hour);
        self.quotas.take(&partner, quota, now).map_err(|limited| {
            let what =
                format!("The partner may make {per_hour} tokens in an hour and has made them.");
            limiter::refused(limited, &what)
        })
    }

    /// What its caches hold.
    pub(crate) fn sizes(&self) -> [(&'static str, u64); 4] {
        [
            self.records.size(),
            self.keys.size(),
            self.keys_by_hash.size(),
            self.tokens.size(),
        ]
    }

    pub(crate) fn forget_token(&self, token: &EditorTokenHash) {
        self.tokens.forget(token);
    }

    pub(crate) fn forget_all(&self) {
        self.records.forget_all();
        self.keys.forget_all();
        self.keys_by_hash.forget_all();
        self.tokens.forget_all();
    }
}

/// The right to act for a partner, by one of its keys.
#[derive(Clone, Debug)]
pub struct PartnerAccess {
    /// The partner.
    pub partner: Arc<PartnerRecord>,
    /// The key.
    pub key: Arc<PartnerKeyRecord>,
}

impl PartnerAccess {
    pub(crate) fn actor(&self) -> Actor {
        actor(&self.partner, &self.key)
    }
}

pub(crate) fn actor(partner: &PartnerRecord, key: &PartnerKeyRecord) -> Actor {
    let known = (
        format!("partner:{}", partner.app_id),
        format!("partner-key {}", key.id),
    );
    Actor { known: Some(known) }
}

/// The key that a request carries.
#[derive(Clone, Copy, Default)]
pub struct PresentedKey<'a> {
    /// The key's text.
    pub key: Option<&'a str>,
    /// The application id that came along with it, where the form of authentication has one.
    pub app_id: Option<&'a str>,
}

impl std::fmt::Debug for PresentedKey<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PresentedKey(hidden)")
    }
}

/// A partner to be made.
#[derive(Clone, Debug)]
pub struct NewPartner {
    /// Name for people.
    pub name: String,
    /// Public name; made from the name when absent.
    pub app_id: Option<String>,
    /// What the operator sets.
    pub settings: PartnerSettings,
}

impl Services {
    /// Checks a request that comes with a partner's key, and notes a refusal.
    ///
    /// # Errors
    /// `PartnerKeyMissing`, `PartnerKeyInvalid`, `PartnerKeyExpired`, `PartnerKeyRevoked` or
    /// `PartnerBlocked`, each with a sentence.
    pub async fn partner_access(
        &self,
        operation: &str,
        presented: PresentedKey<'_>,
        caller: &Caller,
    ) -> Result<PartnerAccess> {
        self.trusted()?;
        if row(operation)?.credential != Credential::PartnerKey {
            return Err(Error::internal(format!("{operation} takes no partner key")));
        }
        let mut who = Actor::default();
        let outcome = self.partner_of_key(presented, &mut who).await;
        self.audited_as(operation, caller, &who, outcome)
    }

    /// The partner behind a key that may be used now.
    pub(crate) async fn partner_of_key(
        &self,
        presented: PresentedKey<'_>,
        who: &mut Actor,
    ) -> Result<PartnerAccess> {
        let text = presented.key.ok_or_else(|| {
            refuse(
                RefusalKind::PartnerKeyMissing,
                "Missing api key. Send the partner's key in the header x-api-key.",
            )
        })?;
        let hash = ApiKey::<PartnerKeyKind>::parse(text)
            .map_err(|error| unreadable(&error))?
            .hash();
        let key = self
            .partner_key_by_hash(&hash)
            .await?
            .ok_or_else(wrong_key)?;
        let partner = self
            .partner_record(key.partner)
            .await?
            .ok_or_else(wrong_key)?;
        *who = actor(&partner, &key);
        if presented
            .app_id
            .is_some_and(|app_id| app_id != partner.app_id.as_str())
        {
            return Err(refuse(
                RefusalKind::PartnerKeyInvalid,
                "Wrong api key: it does not belong to this application id.",
            ));
        }
        if key.revoked_at.is_some() {
            return Err(refuse(
                RefusalKind::PartnerKeyRevoked,
                "Wrong api key: it was revoked. Use the partner's present key.",
            ));
        }
        if key.expires_at.is_some_and(|end| self.now() >= end) {
            return Err(refuse(
                RefusalKind::PartnerKeyExpired,
                "Wrong api key: its time is over. Use the partner's present key.",
            ));
        }
        if partner.settings.blocked {
            return Err(blocked());
        }
        Ok(PartnerAccess { partner, key })
    }

    async fn partner_key_by_hash(
        &self,
        hash: &SecretHash,
    ) -> Result<Option<Arc<PartnerKeyRecord>>> {
        let load = || async { Ok(self.inner.store.partner_key_by_hash_unscoped(hash).await?) };
        let found = self
            .inner
            .partners
            .keys_by_hash
            .get_or_load(*hash.as_bytes(), load)
            .await?;
        // The look-up found a row by a digest; only an equal one, compared in constant time, counts.
        Ok(found.filter(|key| key.hash == *hash))
    }

    pub(crate) async fn partner_key_record(
        &self,
        id: PartnerKeyId,
    ) -> Result<Option<Arc<PartnerKeyRecord>>> {
        let load = || async { Ok(self.inner.store.partner_key(id).await?) };
        self.inner.partners.keys.get_or_load(id, load).await
    }

    pub(crate) async fn partner_record(&self, id: PartnerId) -> Result<Option<Arc<PartnerRecord>>> {
        let load = || async { Ok(self.inner.store.partner(id).await?) };
        self.inner.partners.records.get_or_load(id, load).await
    }

    /// A partner by its application id or its id, for the command line.
    ///
    /// # Errors
    /// `EntityUnknown` when there is none.
    pub async fn find_partner(&self, named: &str) -> Result<PartnerRecord> {
        let store = &self.inner.store;
        let mut found = match named.parse::<AppId>() {
            Ok(app_id) => store.partner_by_app_id(&app_id).await?,
            Err(_) => None,
        };
        if found.is_none()
            && let Ok(id) = named.parse::<PartnerId>()
        {
            found = store.partner(id).await?;
        }
        found.ok_or_else(|| {
            Error::new(
                ErrorKind::EntityUnknown,
                "There is no such partner. `vitrine partner list` shows those that there are.",
            )
        })
    }

    /// A page of the partners whose application id comes after this text, each with its keys, and what
    /// the next page comes after.
    ///
    /// # Errors
    /// Database failures.
    pub async fn partners_page(
        &self,
        after: &str,
        limit: u32,
    ) -> Result<(Vec<(PartnerRecord, Vec<PartnerKeyRecord>)>, Option<String>)> {
        let store = &self.inner.store;
        let mut partners = store.partners_after(after, limit.saturating_add(1)).await?;
        let more = partners.len() > limit as usize;
        partners.truncate(limit as usize);
        let next = partners.last().filter(|_| more);
        let next = next.map(|last| last.app_id.to_string());
        let mut page = Vec::with_capacity(partners.len());
        for partner in partners {
            let keys = store.partner_keys(partner.id, KEYS_SHOWN_MAX).await?;
            page.push((partner, keys));
        }
        Ok((page, next))
    }

    /// Makes a partner with its first key, which is shown this once.
    ///
    /// # Errors
    /// `RequestInvalid` for a name, application id or setting that cannot be taken.
    pub async fn create_partner(
        &self,
        new: NewPartner,
    ) -> Result<(PartnerRecord, PartnerKeyRecord, ApiKey<PartnerKeyKind>)> {
        check_name(&new.name)?;
        check_settings(&new.settings)?;
        let id = PartnerId::new(&*self.inner.entropy);
        let app_id = match new.app_id {
            Some(text) => text.parse::<AppId>().map_err(invalid)?,
            None => id.to_string().parse::<AppId>().map_err(invalid)?,
        };
        let now = self.now();
        let partner = PartnerRecord {
            id,
            app_id,
            name: new.name,
            settings: new.settings,
            created_at: now,
            updated_at: now,
        };
        let (record, key) = self.new_key(id);
        let mut tx = self.inner.store.begin().await?;
        match tx.insert_partner(&partner).await {
            Err(StoreError::Conflict { .. }) => {
                return Err(Error::new(
                    ErrorKind::RequestInvalid,
                    "Another partner has this application id. Choose another one.",
                ));
            }
            outcome => outcome?,
        }
        tx.insert_partner_key(&record).await?;
        tx.note_change(&Change::Partner(id)).await?;
        tx.commit().await?;
        Ok((partner, record, key))
    }

    /// Changes a partner's name and settings, at once on every node.
    ///
    /// # Errors
    /// `RequestInvalid` for what cannot be taken, `EntityUnknown` when the partner is gone.
    pub async fn update_partner(&self, mut partner: PartnerRecord) -> Result<PartnerRecord> {
        check_name(&partner.name)?;
        check_settings(&partner.settings)?;
        partner.updated_at = self.now();
        let mut tx = self.inner.store.begin().await?;
        if !tx.update_partner(&partner).await? {
            return Err(Error::new(
                ErrorKind::EntityUnknown,
                "There is no such partner.",
            ));
        }
        tx.note_change(&Change::Partner(partner.id)).await?;
        tx.commit().await?;
        self.inner.partners.forget_all();
        Ok(partner)
    }

    /// Makes another key for a partner, which is shown this once.
    ///
    /// # Errors
    /// `RequestInvalid` when the partner has too many live keys.
    pub async fn create_partner_key(
        &self,
        partner: PartnerId,
    ) -> Result<(PartnerKeyRecord, ApiKey<PartnerKeyKind>)> {
        self.add_key(partner, None).await
    }

    /// Makes a new key and lets the present ones end after `overlap`; what they made stays good.
    ///
    /// # Errors
    /// `RequestInvalid` when the overlap is too long or the partner has too many live keys.
    pub async fn rotate_partner_key(
        &self,
        partner: PartnerId,
        overlap: Duration,
    ) -> Result<(PartnerKeyRecord, ApiKey<PartnerKeyKind>)> {
        if overlap > OVERLAP_MAX {
            return Err(Error::new(
                ErrorKind::RequestInvalid,
                format!("An overlap has at most {} seconds.", OVERLAP_MAX.as_secs()),
            ));
        }
        self.add_key(partner, Some(overlap)).await
    }

    async fn add_key(
        &self,
        partner: PartnerId,
        overlap: Option<Duration>,
    ) -> Result<(PartnerKeyRecord, ApiKey<PartnerKeyKind>)> {
        let now = self.now();
        let (record, key) = self.new_key(partner);
        let mut tx = self.inner.store.begin().await?;
        let live = tx
            .partner_keys(partner, KEYS_LISTED_MAX)
            .await?
            .iter()
            .filter(|key| key.revoked_at.is_none() && key.expires_at.is_none_or(|end| now < end))
            .count();
        if live >= LIVE_KEYS_MAX {
            return Err(Error::new(
                ErrorKind::RequestInvalid,
                format!("The partner has {live} keys that are good; revoke one first."),
            ));
        }
        if let Some(overlap) = overlap {
            tx.expire_partner_keys(partner, now.plus(overlap)).await?;
        }
        tx.insert_partner_key(&record).await?;
        tx.note_change(&Change::Partner(partner)).await?;
        tx.commit().await?;
        self.inner.partners.forget_all();
        Ok((record, key))
    }

    /// Revokes a key at once, and with it every token that it made.
    ///
    /// # Errors
    /// `EntityUnknown` when the partner has no such key that is not revoked already.
    pub async fn revoke_partner_key(&self, partner: PartnerId, id: PartnerKeyId) -> Result<()> {
        let mut tx = self.inner.store.begin().await?;
        if !tx.revoke_partner_key(partner, id, self.now()).await? {
            return Err(Error::new(
                ErrorKind::EntityUnknown,
                "The partner has no such key, or it was revoked before.",
            ));
        }
        tx.note_change(&Change::Partner(partner)).await?;
        tx.commit().await?;
        self.inner.partners.forget_all();
        Ok(())
    }

    fn new_key(&self, partner: PartnerId) -> (PartnerKeyRecord, ApiKey<PartnerKeyKind>) {
        let entropy = &*self.inner.entropy;
        let key = ApiKey::<PartnerKeyKind>::new(entropy);
        let record = PartnerKeyRecord {
            id: PartnerKeyId::new(entropy),
            partner,
            hash: key.hash(),
            last_four: key.last_four(),
            created_at: self.now(),
            expires_at: None,
            revoked_at: None,
        };
        (record, key)
    }
}

/// The pages of a list, as the settings keep them.
///
/// # Errors
/// `RequestInvalid` naming the entry.
pub fn origins(entries: &[String]) -> Result<AllowedDomains> {
    AllowedDomains::parse_all(entries).map_err(invalid)
}

fn invalid(fault: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::RequestInvalid, format!("{fault}."))
}

fn check_name(name: &str) -> Result<()> {
    let length = name.chars().count();
    if (1..=NAME_CHARS_MAX).contains(&length) && !name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(invalid(format!(
        "a partner's name has 1 to {NAME_CHARS_MAX} characters and no control characters"
    )))
}

fn check_settings(settings: &PartnerSettings) -> Result<()> {
    let longest = EDITOR_TOKEN_TTL_MAX.as_secs();
    let (usual, most) = (settings.token_lifetime_s, settings.token_lifetime_max_s);
    if usual == 0 || usual > most {
        return Err(invalid(format!(
            "tokens would hold for {usual} seconds by default, but that is 1 to {most}, the longest life \
             that a request may ask for; change both together"
        )));
    }
    if most > longest {
        return Err(invalid(format!(
            "the longest life that a request may ask for is at most {longest} seconds"
        )));
    }
    for bucket in [&settings.content, &settings.customization]
        .into_iter()
        .flatten()
    {
        let known = ["file:///", "s3://"]
            .iter()
            .any(|scheme| bucket.starts_with(scheme));
        if !known || bucket.len() > BUCKET_BYTES_MAX {
            return Err(invalid(
                "a bucket is file:///folder or s3://bucket/prefix".to_owned(),
            ));
        }
    }
    if settings.servers.len() > SERVERS_MAX {
        return Err(invalid(format!(
            "a partner has at most {SERVERS_MAX} servers"
        )));
    }
    // A server is named like an allowed page; that form also refuses user names and paths.
    origins(&settings.servers)?;
    settings.api_server.check().map_err(invalid)
}

pub(crate) fn blocked() -> Error {
    refuse(
        RefusalKind::PartnerBlocked,
        "The partner is blocked. Ask the operator of this server.",
    )
}

fn wrong_key() -> Error {
    refuse(
        RefusalKind::PartnerKeyInvalid,
        "Wrong api key: it is not one of this server's. Use the partner's present key.",
    )
}

fn unreadable(error: &SecretError) -> Error {
    let why = match error {
        SecretError::Checksum => "its checksum is wrong; it was probably mistyped or cut off",
        _ => "a partner's key begins with vit_pk_ and has 38 letters and digits after it",
    };
    refuse(
        RefusalKind::PartnerKeyInvalid,
        format!("Wrong api key: {why}."),
    )
}

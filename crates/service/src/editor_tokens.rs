//! Editor tokens: made for a partner's key, verified by whoever holds them, revoked at once.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use vitrine_access::change::Change;
use vitrine_access::editor_token::{EditorParameters, EditorToken, user_hash};
use vitrine_access::ids::{EditorTokenHash, PartnerId};
use vitrine_access::permissions::Credential;
use vitrine_access::refusal::RefusalKind;
use vitrine_access::seal::Purpose;
use vitrine_access::time::Timestamp;
use vitrine_store::{EditorTokenRecord, PartnerRecord};

use crate::Services;
use crate::audit::Actor;
use crate::error::{Error, ErrorKind, Result};
use crate::partners::{PartnerAccess, PresentedKey, blocked};
use crate::who::{Caller, refuse, row};

/// What one remembered token costs beside its answer: row, keys and the cache's own bookkeeping.
const ENTRY_BYTES: usize = 512;

/// What a request may say about the token that it wants.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokenWish {
    /// How long it shall hold, seconds; the partner's usual time when absent.
    pub lifetime_s: Option<u64>,
    /// Whether it shall be good for one use only.
    pub one_time: bool,
}

/// A new token.
#[derive(Debug)]
pub struct GeneratedToken {
    /// The token, to be shown this once.
    pub token: EditorToken,
    /// From when on it is refused; a whole second.
    pub expires_at: Timestamp,
}

/// What a partner may know of a live token of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFacts {
    /// The partner's application id.
    pub app_id: String,
    /// The user that the parameters name.
    pub user: Option<String>,
    /// When it was made.
    pub issued_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Timestamp,
    /// Whether it is good for one use only.
    pub one_time: bool,
}

/// A token in memory.
#[derive(Debug)]
pub(crate) struct TokenEntry {
    pub(crate) row: EditorTokenRecord,
    user: Option<String>,
    answer: Bytes,
}

impl TokenEntry {
    pub(crate) fn bytes(&self) -> usize {
        ENTRY_BYTES + self.answer.len()
    }
}

/// A token that may be used now.
pub(crate) struct Live {
    pub(crate) entry: Arc<TokenEntry>,
    pub(crate) partner: Arc<PartnerRecord>,
}

impl Services {
    /// Makes a token for parameters. Durable when it returns. A refusal is noted.
    ///
    /// # Errors
    /// `RequestInvalid` when the lifetime is not between one second and the partner's longest;
    /// `RateLimited` when the partner has made its tokens of the hour.
    pub async fn generate_editor_token(
        &self,
        operation: &str,
        access: &PartnerAccess,
        caller: &Caller,
        parameters: &EditorParameters,
        wish: TokenWish,
    ) -> Result<GeneratedToken> {
        let settings = &access.partner.settings;
        let lifetime_s = wish.lifetime_s.unwrap_or(settings.token_lifetime_s);
        if lifetime_s == 0 || lifetime_s > settings.token_lifetime_max_s {
            return Err(Error::new(
                ErrorKind::RequestInvalid,
                format!(
                    "A token of this partner holds for 1 to {} seconds. Ask for a lifetime in that \
                     range.",
                    settings.token_lifetime_max_s
                ),
            ));
        }
        let now = self.now();
        if let Some(per_hour) = settings.tokens_per_hour {
            let partners = &self.inner.partners;
            let counted = partners.count_token(access.partner.id, per_hour, now);
            self.audited_as(operation, caller, &access.actor(), counted)?;
        }
        let token = EditorToken::new(&*self.inner.entropy);
        let partner = &access.partner;
        let row = EditorTokenRecord {
            hash: token.hash(),
            partner: partner.id,
            key: access.key.id,
            user: parameters.user().map(|user| user_hash(partner.id, user)),
            sealed: self.seal_parameters(Purpose::EditorToken, token.hash().as_bytes(), parameters),
            one_time: wish.one_time,
            created_at: now,
            expires_at: whole_second(now.plus(Duration::from_secs(lifetime_s))),
            used_at: None,
            revoked_at: None,
        };
        let expires_at = row.expires_at;
        self.inner.store.append_editor_token(row).await?;
        Ok(GeneratedToken { token, expires_at })
    }

    /// What a token stands for, as the JSON text of its parameters with `auth`. A one-time token is
    /// used up by it. Refusals are noted.
    ///
    /// # Errors
    /// `EditorTokenMissing`, `…Invalid`, `…Expired`, `…Revoked`, `…Used`, and those of a key where the
    /// partner wants one.
    pub async fn verify_editor_token(
        &self,
        operation: &str,
        token: Option<&str>,
        key: PresentedKey<'_>,
        caller: &Caller,
    ) -> Result<Bytes> {
        self.trusted()?;
        if row(operation)?.credential != Credential::EditorToken {
            return Err(Error::internal(format!(
                "{operation} takes no editor token"
            )));
        }
        let mut who = Actor::default();
        let outcome = self.use_token(token, key, &mut who).await;
        self.audited_as(operation, caller, &who, outcome)
    }

    /// Notes that a browser asked, and refuses it.
    ///
    /// # Errors
    /// Always `BrowserRefused`.
    pub fn refuse_browser<T>(&self, operation: &str, caller: &Caller) -> Result<T> {
        let refused = refuse(
            RefusalKind::BrowserRefused,
            "Browsers may not ask this. Verify tokens from your back end.",
        );
        self.audited_as(operation, caller, &Actor::default(), Err(refused))
    }

    async fn use_token(
        &self,
        token: Option<&str>,
        key: PresentedKey<'_>,
        who: &mut Actor,
    ) -> Result<Bytes> {
        let text = token.ok_or_else(|| {
            refuse(
                RefusalKind::EditorTokenMissing,
                "Wrong token: there is none. Send it in the header x-api-token.",
            )
        })?;
        let token: EditorToken = text.parse().map_err(|_| wrong_token())?;
        let live = self.live_token(token.hash(), who).await?;
        if live.partner.settings.require_key_on_verify {
            let access = self.partner_of_key(key, who).await?;
            if access.partner.id != live.partner.id {
                return Err(wrong_token());
            }
        }
        self.use_up(&live).await?;
        Ok(live.entry.answer.clone())
    }

    /// Uses a one-time token up, for the one caller that is first.
    pub(crate) async fn use_up(&self, live: &Live) -> Result<()> {
        let row = &live.entry.row;
        if !row.one_time {
            return Ok(());
        }
        let used = self.inner.store.use_editor_token(row.hash, self.now());
        let used = used.await?;
        self.inner.partners.forget_token(&row.hash);
        if used { Ok(()) } else { Err(used_token()) }
    }

    /// A token that is neither over, revoked nor used, of a partner that is not blocked.
    pub(crate) async fn live_token(&self, hash: EditorTokenHash, who: &mut Actor) -> Result<Live> {
        let load = || self.load_token(hash);
        let entry = self.inner.partners.tokens.get_or_load(hash, load).await?;
        let entry = entry.ok_or_else(wrong_token)?;
        let partner = self.partner_record(entry.row.partner).await?;
        let partner = partner.ok_or_else(wrong_token)?;
        let key = self.partner_key_record(entry.row.key).await?;
        let key = key.ok_or_else(wrong_token)?;
        who.known = Some((
            "anonymous".to_owned(),
            format!("editor-token of partner:{}", partner.app_id),
        ));
        if entry.row.revoked_at.is_some() || key.revoked_at.is_some() {
            return Err(refuse(
                RefusalKind::EditorTokenRevoked,
                "Wrong token: it was revoked. Ask for a new one.",
            ));
        }
        if entry.row.used_at.is_some() {
            return Err(used_token());
        }
        if self.now() >= entry.row.expires_at {
            return Err(refuse(
                RefusalKind::EditorTokenExpired,
                "Wrong token: its time is over. Ask for a new one.",
            ));
        }
        if partner.settings.blocked {
            return Err(blocked());
        }
        Ok(Live { entry, partner })
    }

    pub(crate) async fn load_token(&self, hash: EditorTokenHash) -> Result<Option<TokenEntry>> {
        let Some(row) = self.inner.store.editor_token_unscoped(hash).await? else {
            return Ok(None);
        };
        let Some(partner) = self.partner_record(row.partner).await? else {
            return Ok(None);
        };
        let parameters = self.open_parameters(&row)?;
        Ok(Some(TokenEntry {
            user: parameters.user().map(str::to_owned),
            answer: Bytes::from(parameters.to_answer(&partner.app_id)),
            row,
        }))
    }

    /// RFC 7662: what a partner may know of a token; `None` for one that is not live or not its own.
    ///
    /// # Errors
    /// Database failures.
    pub async fn introspect_editor_token(
        &self,
        access: &PartnerAccess,
        token: &str,
    ) -> Result<Option<TokenFacts>> {
        let Ok(token) = token.parse::<EditorToken>() else {
            return Ok(None);
        };
        let live = match self.live_token(token.hash(), &mut Actor::default()).await {
            Ok(live) if live.partner.id == access.partner.id => live,
            Ok(_) => return Ok(None),
            Err(error) if matches!(error.kind(), ErrorKind::Refused(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let row = &live.entry.row;
        Ok(Some(TokenFacts {
            app_id: live.partner.app_id.to_string(),
            user: live.entry.user.clone(),
            issued_at: row.created_at,
            expires_at: row.expires_at,
            one_time: row.one_time,
        }))
    }

    /// RFC 7009: revokes a token of this partner's, durably and at once. A token that is unknown or
    /// another's changes nothing and is no error.
    ///
    /// # Errors
    /// Database failures.
    pub async fn revoke_editor_token_as(
        &self,
        operation: &str,
        access: &PartnerAccess,
        token: &str,
        caller: &Caller,
    ) -> Result<()> {
        if let Ok(token) = token.parse::<EditorToken>()
            && self
                .revoke_editor_token(access.partner.id, token.hash())
                .await?
        {
            self.note_allowed_as(operation, caller, &access.actor());
        }
        Ok(())
    }

    /// Revokes a token of this partner's, durably and at once; `true` when there was one to revoke.
    ///
    /// # Errors
    /// Database failures; nothing is revoked then.
    pub async fn revoke_editor_token(
        &self,
        partner: PartnerId,
        hash: EditorTokenHash,
    ) -> Result<bool> {
        let mut tx = self.inner.store.begin().await?;
        if !tx.revoke_editor_token(partner, hash, self.now()).await? {
            return Ok(false);
        }
        tx.note_change(&Change::EditorToken(hash)).await?;
        tx.commit().await?;
        self.inner.partners.forget_token(&hash);
        Ok(true)
    }

    /// Revokes a token whoever's it is: for the operator, who may not know the partner.
    ///
    /// # Errors
    /// `EntityUnknown` when there is none that could be revoked.
    pub async fn revoke_editor_token_unscoped(&self, token: &str) -> Result<()> {
        let unknown = || {
            Error::new(
                ErrorKind::EntityUnknown,
                "There is no such token, or it was revoked before.",
            )
        };
        let hash = token.parse::<EditorToken>().map_err(|_| unknown())?.hash();
        let row = self.inner.store.editor_token_unscoped(hash).await?;
        let row = row.ok_or_else(unknown)?;
        if self.revoke_editor_token(row.partner, hash).await? {
            Ok(())
        } else {
            Err(unknown())
        }
    }

    /// Revokes all live tokens of one of a partner's users, durably and at once; returns how many.
    ///
    /// # Errors
    /// Database failures; nothing is revoked then.
    pub async fn revoke_editor_tokens_of_user(
        &self,
        partner: PartnerId,
        user: &str,
    ) -> Result<u64> {
        let mut tx = self.inner.store.begin().await?;
        let count = tx
            .revoke_editor_tokens_of_user(partner, user_hash(partner, user), self.now())
            .await?;
        tx.note_change(&Change::Partner(partner)).await?;
        tx.commit().await?;
        self.inner.partners.forget_all();
        Ok(count)
    }

    /// Revokes all live tokens of one of this partner's users, durably and at once; returns how many. A user
    /// that there is not has none, and another partner's has others.
    ///
    /// # Errors
    /// Database failures; nothing is revoked then.
    pub async fn revoke_editor_tokens_of_user_as(
        &self,
        operation: &str,
        access: &PartnerAccess,
        user: &str,
        caller: &Caller,
    ) -> Result<u64> {
        let count = self
            .revoke_editor_tokens_of_user(access.partner.id, user)
            .await?;
        if count > 0 {
            self.note_allowed_as(operation, caller, &access.actor());
        }
        Ok(count)
    }

    /// Parameters at rest. The digest of whose they are is sealed in front of them, so that nobody who writes
    /// rows can hang one's parameters on another.
    pub(crate) fn seal_parameters(
        &self,
        purpose: Purpose,
        whose: &[u8; 32],
        parameters: &EditorParameters,
    ) -> Vec<u8> {
        let mut nonce = [0; 12];
        self.inner.entropy.fill(&mut nonce);
        let mut plain = whose.to_vec();
        plain.extend_from_slice(parameters.to_json().as_bytes());
        self.inner.sealer.seal(purpose, &plain, nonce)
    }

    pub(crate) fn open_sealed(
        &self,
        purpose: Purpose,
        whose: &[u8; 32],
        sealed: &[u8],
    ) -> Result<EditorParameters> {
        let plain = self.inner.sealer.open(purpose, sealed);
        let plain = plain.map_err(Error::internal)?;
        let json = plain
            .strip_prefix(whose)
            .ok_or_else(|| Error::internal("the parameters belong to another one"))?;
        EditorParameters::parse(json).map_err(Error::internal)
    }

    pub(crate) fn open_parameters(&self, row: &EditorTokenRecord) -> Result<EditorParameters> {
        self.open_sealed(Purpose::EditorToken, row.hash.as_bytes(), &row.sealed)
    }
}

/// The next whole second: the contract counts in seconds, and a token never holds for less than asked.
fn whole_second(at: Timestamp) -> Timestamp {
    let up = at.plus(Duration::from_millis(999));
    Timestamp::from_unix_ms(up.unix_s() * 1_000)
}

pub(crate) fn wrong_token() -> Error {
    refuse(
        RefusalKind::EditorTokenInvalid,
        "Wrong token: there is no such token. Ask for a new one.",
    )
}

pub(crate) fn used_token() -> Error {
    refuse(
        RefusalKind::EditorTokenUsed,
        "Wrong token: it was good for one use and has been used. Ask for a new one.",
    )
}

//! Accounts on the platform: their access keys, signing in with one, and who asks by a token that a
//! sign-in gave.

use std::time::Duration;

use vitrine_access::change::Change;
use vitrine_access::grant::Subject;
use vitrine_access::ids::{AccessKeyId, KeyMark, TokenId, UserId};
use vitrine_access::jwt::{PlatformToken, PlatformUse};
use vitrine_access::limits::TOKEN_TTL_MAX;
use vitrine_access::owner::Owner;
use vitrine_access::permissions::Credential;
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_access::secret::{AccessKeyKind, ApiKey};
use vitrine_access::time::Timestamp;
use vitrine_store::{AccessKeyRecord, UserRecord};

use crate::Services;
use crate::audit::Actor;
use crate::error::{Error, ErrorKind, Result};
use crate::models::OPERATOR;
use crate::who::{Caller, refuse, row};

/// The client id that is documented for access keys.
pub const ACCESS_KEY_CLIENT: &str = "827bcbdc-8a5c-481a-b09a-e498074d91ca";
/// How long an access token holds. Long, because programs without storage for refresh tokens cannot
/// renew it; its key is looked at on each request, so that revoking the key ends it at once.
const ACCESS_TTL: Duration = Duration::from_hours(24);
/// How long a sign-in can be renewed. Whatever revokes it is remembered for longer.
const REFRESH_TTL: Duration = TOKEN_TTL_MAX;
/// Characters of a key's label.
const LABEL_CHARS_MAX: usize = 200;
/// Keys of an account that are good at the same time.
const LIVE_KEYS_MAX: usize = 50;
/// Keys that are looked through and listed.
const KEYS_LISTED_MAX: u32 = 1_000;

/// How somebody signs in.
#[derive(Clone, Copy)]
pub enum SignIn<'a> {
    /// By an access key.
    Key {
        /// The key's id.
        id: &'a str,
        /// Its secret.
        secret: &'a str,
    },
    /// By a refresh token.
    Refresh(&'a str),
}

/// What a sign-in gives.
#[derive(Clone)]
pub struct SignedIn {
    /// For requests.
    pub access_token: String,
    /// For the next access token. May be used more than once until it ends.
    pub refresh_token: String,
    /// Seconds that the access token holds; at least 1.
    pub expires_in_s: u64,
}

/// The right to act for an account.
#[derive(Clone, Debug)]
pub struct PlatformAccess {
    /// Who.
    pub user: UserRecord,
    /// For whom: only what exactly this owner has is seen.
    pub owner: Owner,
    pub(crate) operation: &'static str,
    pub(crate) caller: Caller,
    key: AccessKeyId,
}

impl PlatformAccess {
    pub(crate) fn actor(&self) -> Actor {
        actor(self.user.id, self.key)
    }
}

fn actor(user: UserId, key: AccessKeyId) -> Actor {
    let known = (format!("user:{user}"), format!("access-key {key}"));
    Actor { known: Some(known) }
}

impl Services {
    /// Makes an access key of a user's, which is shown this once.
    ///
    /// # Errors
    /// `RequestInvalid` for a label that is too long, an end that is past, or too many live keys.
    pub async fn create_access_key(
        &self,
        user: &UserRecord,
        label: String,
        expires_at: Option<Timestamp>,
    ) -> Result<(AccessKeyRecord, ApiKey<AccessKeyKind>)> {
        let invalid = |message: String| Error::new(ErrorKind::RequestInvalid, message);
        let now = self.now();
        if label.chars().count() > LABEL_CHARS_MAX {
            return Err(invalid(format!(
                "A key's label has at most {LABEL_CHARS_MAX} characters."
            )));
        }
        if expires_at.is_some_and(|end| end <= now) {
            return Err(invalid("The key's end lies in the past.".to_owned()));
        }
        let owner = alone(user.id);
        let live = |key: &&AccessKeyRecord| {
            key.revoked_at.is_none() && key.expires_at.is_none_or(|end| now < end)
        };
        let known = self.access_keys(user.id).await?;
        if known.iter().filter(live).count() >= LIVE_KEYS_MAX {
            return Err(invalid(format!(
                "An account has at most {LIVE_KEYS_MAX} live keys. Revoke one that is not used."
            )));
        }
        let key = ApiKey::<AccessKeyKind>::new(&*self.inner.entropy);
        let record = AccessKeyRecord {
            id: AccessKeyId::new(&*self.inner.entropy),
            owner,
            hash: key.hash(),
            last_four: key.last_four(),
            label,
            created_at: now,
            expires_at,
            revoked_at: None,
        };
        let mut tx = self.inner.store.begin().await?;
        tx.insert_access_key(&record).await?;
        tx.commit().await?;
        Ok((record, key))
    }

    /// A user's keys, revoked ones included, newest first.
    ///
    /// # Errors
    /// Database failures.
    pub async fn access_keys(&self, user: UserId) -> Result<Vec<AccessKeyRecord>> {
        let store = &self.inner.store;
        Ok(store.access_keys(&alone(user), KEYS_LISTED_MAX).await?)
    }

    /// Revokes a key; whatever it signed in is refused from the next request on.
    ///
    /// # Errors
    /// `EntityUnknown` when the user has no such key or it was revoked before.
    pub async fn revoke_access_key(&self, user: UserId, id: AccessKeyId) -> Result<()> {
        let owner = alone(user);
        let mut tx = self.inner.store.begin().await?;
        if !tx.revoke_access_key(&owner, id, self.now()).await? {
            return Err(Error::new(
                ErrorKind::EntityUnknown,
                "The user has no such key, or it was revoked before.",
            ));
        }
        tx.note_change(&Change::Account(owner)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// A user by id or address; the operator when none is named.
    ///
    /// # Errors
    /// `EntityUnknown` when there is none.
    pub async fn find_user(&self, named: Option<&str>) -> Result<UserRecord> {
        let store = &self.inner.store;
        let found = match named {
            None => {
                let mut tx = store.begin().await?;
                tx.ensure_operator(OPERATOR, self.now()).await?;
                tx.commit().await?;
                store.user(OPERATOR).await?
            }
            Some(text) => match text.parse::<UserId>() {
                Ok(id) => store.user(id).await?,
                Err(_) => store.user_by_email(text).await?,
            },
        };
        found.ok_or_else(|| {
            Error::new(
                ErrorKind::EntityUnknown,
                "There is no such user. Name an id or an address.",
            )
        })
    }

    /// `POST /oauth/token`. Refusals and sign-ins are noted.
    ///
    /// # Errors
    /// `ClientUnknown`, `AccessKeyInvalid`; for refresh tokens `TokenInvalid`, `TokenExpired` or
    /// `TokenRevoked`.
    pub async fn platform_sign_in(
        &self,
        operation: &str,
        client: &str,
        how: SignIn<'_>,
        caller: &Caller,
    ) -> Result<SignedIn> {
        self.trusted()?;
        if row(operation)?.credential != Credential::AccessKey {
            return Err(Error::internal(format!("{operation} takes no access key")));
        }
        let mut who = Actor::default();
        let outcome = self.sign_in(client, how, &mut who).await;
        let signed_in = self.audited_as(operation, caller, &who, outcome)?;
        self.note_allowed_as(operation, caller, &who);
        Ok(signed_in)
    }

    async fn sign_in(&self, client: &str, how: SignIn<'_>, who: &mut Actor) -> Result<SignedIn> {
        if !client.eq_ignore_ascii_case(ACCESS_KEY_CLIENT) {
            return Err(refuse(
                RefusalKind::ClientUnknown,
                format!("The client id is unknown. For access keys it is {ACCESS_KEY_CLIENT}."),
            ));
        }
        let now = self.now();
        match how {
            SignIn::Key { id, secret } => {
                let key = self.key_of_pair(id, secret).await?;
                *who = actor(key.owner.user, key.id);
                let sign_in = self.marked_id()?;
                let refresh = self.platform_token(&key, sign_in, sign_in, now.plus(REFRESH_TTL));
                let refresh_token = self.sign_platform(&refresh, PlatformUse::Refresh)?;
                self.signed_in(&refresh, &key, refresh_token)
            }
            SignIn::Refresh(text) => {
                let (refresh, key) = self.platform_token_of(text, PlatformUse::Refresh).await?;
                *who = actor(key.owner.user, key.id);
                self.signed_in(&refresh, &key, text.to_owned())
            }
        }
    }

    /// The access token ends with its sign-in at the latest.
    fn signed_in(
        &self,
        refresh: &PlatformToken,
        key: &AccessKeyRecord,
        refresh_token: String,
    ) -> Result<SignedIn> {
        let now = self.now();
        let ends = [
            Some(now.plus(ACCESS_TTL)),
            Some(refresh.expires_at),
            key.expires_at,
        ];
        let expires_at = ends.into_iter().flatten().min().unwrap_or(now);
        let expires_in_s = expires_at.since(now).as_secs().max(1);
        let expires_at = now.plus(Duration::from_secs(expires_in_s));
        let access = self.platform_token(key, self.marked_id()?, refresh.sign_in, expires_at);
        Ok(SignedIn {
            access_token: self.sign_platform(&access, PlatformUse::Access)?,
            refresh_token,
            expires_in_s,
        })
    }

    fn marked_id(&self) -> Result<TokenId> {
        let ring = self.inner.tokens.ring();
        let mark = KeyMark::of(ring.signing(self.now())?.kid());
        Ok(TokenId::marked(mark, &*self.inner.entropy))
    }

    fn platform_token(
        &self,
        key: &AccessKeyRecord,
        id: TokenId,
        sign_in: TokenId,
        expires_at: Timestamp,
    ) -> PlatformToken {
        PlatformToken {
            id,
            sign_in,
            issuer: self.inner.settings.issuer.clone(),
            user: key.owner.user,
            key: key.id,
            issued_at: self.now(),
            expires_at,
        }
    }

    fn sign_platform(&self, token: &PlatformToken, purpose: PlatformUse) -> Result<String> {
        let ring = self.inner.tokens.ring();
        let key = ring.signing(self.now())?;
        token.sign(purpose, key).map_err(Error::internal)
    }

    /// Ids and secrets that do not fit are answered alike, whatever is wrong with them.
    async fn key_of_pair(&self, id: &str, secret: &str) -> Result<AccessKeyRecord> {
        let wrong = || {
            refuse(
                RefusalKind::AccessKeyInvalid,
                "There is no such pair of access key id and secret, or the key is no longer good.",
            )
        };
        let id = id.parse::<AccessKeyId>().map_err(|_| wrong())?;
        let hash = ApiKey::<AccessKeyKind>::parse(secret)
            .map_err(|_| wrong())?
            .hash();
        let key = self.inner.store.access_key_unscoped(id).await?;
        key.filter(|key| key.hash == hash && self.is_live(key))
            .ok_or_else(wrong)
    }

    fn is_live(&self, key: &AccessKeyRecord) -> bool {
        key.revoked_at.is_none() && key.expires_at.is_none_or(|end| self.now() < end)
    }

    /// A token of the platform that may be used now, and the key behind it.
    async fn platform_token_of(
        &self,
        text: &str,
        purpose: PlatformUse,
    ) -> Result<(PlatformToken, AccessKeyRecord)> {
        let tokens = &self.inner.tokens;
        let ring = tokens.ring();
        let issuer = &self.inner.settings.issuer;
        let token = PlatformToken::verify(ring.verifying(), text, purpose, issuer, self.now())
            .map_err(Refusal::from)?;
        let ended = || {
            refuse(
                RefusalKind::TokenRevoked,
                "The sign-in has ended, or its access key was revoked. Sign in again.",
            )
        };
        let subject = Subject::User(token.user);
        if tokens.is_revoked(token.id)
            || tokens.is_revoked(token.sign_in)
            || tokens.is_subject_revoked(&subject, token.issued_at)
        {
            return Err(ended());
        }
        let key = self.inner.store.access_key_unscoped(token.key).await?;
        let key = key
            .filter(|key| key.owner.user == token.user && self.is_live(key))
            .ok_or_else(ended)?;
        Ok((token, key))
    }

    /// Checks a request that comes with an access token of the platform, and notes a refusal.
    ///
    /// # Errors
    /// `TokenMissing`, `TokenInvalid`, `TokenExpired` or `TokenRevoked`.
    pub async fn platform_access(
        &self,
        operation: &str,
        caller: &Caller,
    ) -> Result<PlatformAccess> {
        self.trusted()?;
        let row = row(operation)?;
        if row.credential != Credential::Account {
            return Err(Error::internal(format!("{operation} takes no account")));
        }
        let mut who = Actor::default();
        let outcome = self.account_of_caller(row.id, caller, &mut who).await;
        self.audited_as(operation, caller, &who, outcome)
    }

    async fn account_of_caller(
        &self,
        operation: &'static str,
        caller: &Caller,
        who: &mut Actor,
    ) -> Result<PlatformAccess> {
        let bearer = caller.bearer.as_deref().ok_or_else(|| {
            refuse(
                RefusalKind::TokenMissing,
                "Sign in first: POST /oauth/token gives the access token for this request.",
            )
        })?;
        let (token, key) = self.platform_token_of(bearer, PlatformUse::Access).await?;
        *who = actor(token.user, key.id);
        self.limit_account(None, Subject::User(token.user), caller)?;
        let user = self.inner.store.user(token.user).await?;
        let user = user.ok_or_else(|| {
            refuse(
                RefusalKind::TokenRevoked,
                "The account is gone. Sign in again.",
            )
        })?;
        Ok(PlatformAccess {
            user,
            owner: key.owner,
            operation,
            caller: caller.clone(),
            key: key.id,
        })
    }

    /// `POST /oauth/logout`: ends the sign-ins behind the tokens that are shown. What is none of ours
    /// or has ended before changes nothing and is no error.
    ///
    /// # Errors
    /// Database failures.
    pub async fn platform_sign_out(
        &self,
        operation: &str,
        refresh_token: Option<&str>,
        caller: &Caller,
    ) -> Result<()> {
        self.trusted()?;
        let shown = [
            (refresh_token, PlatformUse::Refresh),
            (caller.bearer.as_deref(), PlatformUse::Access),
        ];
        for (text, purpose) in shown {
            let Some(text) = text else { continue };
            let (token, key) = match self.platform_token_of(text, purpose).await {
                Ok(found) => found,
                Err(error) if matches!(error.kind(), ErrorKind::Refused(_)) => continue,
                Err(error) => return Err(error),
            };
            self.revoke_token(token.sign_in).await?;
            self.note_allowed_as(operation, caller, &actor(token.user, key.id));
        }
        Ok(())
    }
}

fn alone(user: UserId) -> Owner {
    Owner {
        user,
        organization: None,
    }
}

//! Signing in to the platform: by password, by access key, by a refresh token; and signing out.

use std::time::Duration;

use vitrine_access::grant::Subject;
use vitrine_access::ids::{AccessKeyId, KeyMark, TokenId, UserId};
use vitrine_access::jwt::{PlatformToken, PlatformUse};
use vitrine_access::limits::TOKEN_TTL_MAX;
use vitrine_access::network::Network;
use vitrine_access::permissions::Credential;
use vitrine_access::platform::Role;
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_access::secret::{AccessKeyKind, ApiKey, SecretHash};
use vitrine_access::sign_in::RefreshChain;
use vitrine_access::time::Timestamp;
use vitrine_store::{AccessKeyRecord, SignInRecord, UserRecord};

use crate::Services;
use crate::audit::Actor;
use crate::error::{Error, ErrorKind, Result};
use crate::passkeys::PasskeyProof;
use crate::platform::{PlatformAccess, actor, client_id, own_client};
use crate::users::email;
use crate::who::{Caller, refuse, row};

/// How long an access token holds. Long, because programs without storage for refresh tokens cannot
/// renew it; sign-in and key are looked at on each request, so that ending either ends it at once.
const ACCESS_TTL: Duration = Duration::from_hours(24);
/// How long a sign-in can be renewed.
const REFRESH_TTL: Duration = TOKEN_TTL_MAX;
/// How often a renewal is tried again when another one came first.
const RENEWAL_TRIES: u32 = 5;
/// Sign-ins of an account that are kept. Programs that sign in for each run need far fewer at a time; of more,
/// those that were not used the longest end.
const KEPT_MAX: u32 = 500;
/// Sign-ins of an account that are listed.
const LISTED_MAX: u32 = 200;

/// How somebody signs in.
#[derive(Clone, Copy)]
pub enum SignIn<'a> {
    /// By a name and what belongs to it: an access key's id and secret, or an address and its password.
    Pair {
        /// The key's id, or the address.
        name: &'a str,
        /// The key's secret, or the password.
        secret: &'a str,
        /// Beside a password: the second factor.
        second: Option<&'a str>,
    },
    /// By the cookie of a browser whose provider has said who it is.
    Provider {
        /// The cookie's value.
        cookie: Option<&'a str>,
        /// The account's own second factor.
        second: Option<&'a str>,
    },
    /// By what a passkey has signed.
    Passkey(&'a PasskeyProof<'a>),
    /// By a refresh token.
    Refresh(&'a str),
    /// By a code that a person gave the application.
    Code {
        /// The code.
        code: &'a str,
        /// What the application proves itself by.
        verifier: &'a str,
        /// Where the code was sent.
        redirect: &'a str,
    },
}

/// What a sign-in gives.
#[derive(Clone)]
pub struct SignedIn {
    /// For requests.
    pub access_token: String,
    /// For the next access token.
    pub refresh_token: String,
    /// Seconds that the access token holds; at least 1.
    pub expires_in_s: u64,
    /// Seconds that the refresh token holds.
    pub refresh_in_s: u64,
}

/// Who signed in, by what.
pub(crate) struct Signed {
    pub(crate) sign_in: SignInRecord,
    pub(crate) user: UserRecord,
    pub(crate) key: Option<AccessKeyRecord>,
}

impl Services {
    /// `POST /oauth/token`. Refusals and sign-ins are noted.
    ///
    /// # Errors
    /// `ClientUnknown`, `AccessKeyInvalid`, `PasswordInvalid`, `RateLimited`; for refresh tokens
    /// `TokenInvalid`, `TokenExpired` or `TokenRevoked`.
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
        let outcome = self.sign_in(client, how, &mut who, caller).await;
        let signed_in = self.audited_as(operation, caller, &who, outcome)?;
        self.note_allowed_as(operation, caller, &who);
        Ok(signed_in)
    }

    async fn sign_in(
        &self,
        client: &str,
        how: SignIn<'_>,
        who: &mut Actor,
        caller: &Caller,
    ) -> Result<SignedIn> {
        let client = self.client_of(client).await?;
        match how {
            SignIn::Pair {
                name,
                secret,
                second,
            } => {
                // Whoever types a password into an application of others has given it away.
                let client = own_client(&client).ok_or_else(|| {
                    refuse(
                        RefusalKind::ClientUnauthorized,
                        "Registered applications sign people in by authorization_code with PKCE, not by \
                         their passwords.",
                    )
                })?;
                let (user, key) = match name.parse::<AccessKeyId>() {
                    Ok(id) => {
                        let key = self.key_of_pair(id, secret, caller).await?;
                        (key.owner.user, Some(key))
                    }
                    Err(_) => (self.user_of_pair(name, secret, second, caller).await?, None),
                };
                *who = actor(user, key.as_ref().map(|key| key.id));
                let begun = self.begin_sign_in(client, user, key, None).await?;
                begun.ok_or_else(ended)
            }
            SignIn::Passkey(proof) => {
                let own = own_page(&client)?;
                self.user_of_passkey(own, proof, who, caller).await
            }
            SignIn::Provider { cookie, second } => {
                let own = own_page(&client)?;
                self.user_of_provider(own, cookie, second, who, caller)
                    .await
            }
            SignIn::Refresh(text) => {
                let (token, signed) = self.signed_by(text, PlatformUse::Refresh).await?;
                *who = actor(token.user, token.key);
                let theirs = &signed.sign_in.client;
                if *theirs != client
                    && (own_client(theirs).is_none() || own_client(&client).is_none())
                {
                    return Err(refuse(
                        RefusalKind::TokenInvalid,
                        "This refresh token was given to another application.",
                    ));
                }
                if let Some(key) = &signed.key {
                    check_network(key, caller)?;
                }
                self.renew(&token, signed).await
            }
            SignIn::Code {
                code,
                verifier,
                redirect,
            } => {
                self.trade_code(&client, code, verifier, redirect, who)
                    .await
            }
        }
    }

    /// The one form of a client's id: one of our own, or a registered application's.
    async fn client_of(&self, text: &str) -> Result<String> {
        let unknown = match client_id(text) {
            Ok(own) => return Ok(own.to_owned()),
            Err(unknown) => unknown,
        };
        let found = self.inner.store.application(&text.to_lowercase()).await?;
        found.map(|found| found.id).ok_or(unknown)
    }

    /// Begins a sign-in; `None` when the code that it is for was used by somebody else meanwhile.
    pub(crate) async fn begin_sign_in(
        &self,
        client: &str,
        user: UserId,
        key: Option<AccessKeyRecord>,
        code: Option<&SecretHash>,
    ) -> Result<Option<SignedIn>> {
        let (now, id) = (self.now(), self.marked_id()?);
        let ends = [
            Some(now.plus(REFRESH_TTL)),
            key.as_ref().and_then(|key| key.expires_at),
        ];
        let sign_in = SignInRecord {
            id,
            user,
            key: key.as_ref().map(|key| key.id),
            client: client.to_owned(),
            chain: RefreshChain::new(self.marked_id()?, now),
            renewals: 0,
            created_at: now,
            used_at: now,
            expires_at: ends.into_iter().flatten().min().unwrap_or(now),
            ended_at: None,
        };
        let mut tx = self.inner.store.begin().await?;
        if let Some(code) = code
            && !tx.use_authorization_code(code, id).await?
        {
            return Ok(None);
        }
        tx.insert_sign_in(&sign_in).await?;
        tx.forget_sign_ins_of(user, KEPT_MAX).await?;
        if let Some(key) = sign_in.key {
            tx.note_access_key_used(key, now).await?;
        }
        tx.commit().await?;
        let first = PlatformToken {
            id: sign_in.chain.current,
            ..self.platform_token(&sign_in, now)?
        };
        self.tokens_of(&sign_in, &first).map(Some)
    }

    /// The chain moves in one statement, whichever node does it.
    async fn renew(&self, shown: &PlatformToken, mut signed: Signed) -> Result<SignedIn> {
        for _ in 0..RENEWAL_TRIES {
            let (now, sign_in) = (self.now(), &signed.sign_in);
            let Ok(chain) = sign_in.chain.show(shown.id, shown.parent, now) else {
                let (user, id) = (sign_in.user, sign_in.id);
                self.end_sign_in_of_others(user, id).await?;
                tracing::warn!(%user, "a refresh token was used again after its successor");
                return Err(refuse(
                    RefusalKind::TokenRevoked,
                    "This refresh token was replaced long ago. Somebody may hold a copy of it, so \
                     the sign-in has ended. Sign in again.",
                ));
            };
            let before = sign_in.chain.current;
            let renewed = self
                .inner
                .store
                .renew_sign_in(sign_in.id, before, &chain, now);
            if renewed.await? {
                let next = PlatformToken {
                    parent: Some(chain.current),
                    ..self.platform_token(sign_in, now)?
                };
                return self.tokens_of(sign_in, &next);
            }
            // Another renewal of the same moment, or the end.
            let again = self.inner.store.sign_in_unscoped(signed.sign_in.id).await?;
            signed.sign_in = again
                .filter(|again| again.ended_at.is_none())
                .ok_or_else(ended)?;
        }
        Err(Error::new(
            ErrorKind::Busy,
            "The sign-in is being renewed by others at the same moment. Try again.",
        )
        .retry_after_s(1))
    }

    /// The access token ends with its sign-in at the latest.
    fn tokens_of(&self, sign_in: &SignInRecord, refresh: &PlatformToken) -> Result<SignedIn> {
        let now = self.now();
        let expires_at = sign_in.expires_at.min(now.plus(ACCESS_TTL));
        let expires_in_s = expires_at.since(now).as_secs().max(1);
        let access = PlatformToken {
            expires_at: now.plus(Duration::from_secs(expires_in_s)),
            ..self.platform_token(sign_in, now)?
        };
        Ok(SignedIn {
            access_token: self.sign_platform(&access, PlatformUse::Access)?,
            refresh_token: self.sign_platform(refresh, PlatformUse::Refresh)?,
            expires_in_s,
            refresh_in_s: sign_in.expires_at.since(now).as_secs(),
        })
    }

    fn marked_id(&self) -> Result<TokenId> {
        let ring = self.inner.tokens.ring();
        let mark = KeyMark::of(ring.signing(self.now())?.kid());
        Ok(TokenId::marked(mark, &*self.inner.entropy))
    }

    /// A token of the sign-in that lives as long as it does.
    fn platform_token(&self, sign_in: &SignInRecord, now: Timestamp) -> Result<PlatformToken> {
        // Whole seconds on the wire: a token never lives less than one.
        let least = now.plus(Duration::from_secs(1));
        Ok(PlatformToken {
            id: self.marked_id()?,
            sign_in: sign_in.id,
            issuer: self.inner.settings.issuer.clone(),
            user: sign_in.user,
            key: sign_in.key,
            parent: None,
            issued_at: now,
            expires_at: sign_in.expires_at.max(least),
        })
    }

    fn sign_platform(&self, token: &PlatformToken, purpose: PlatformUse) -> Result<String> {
        let ring = self.inner.tokens.ring();
        let key = ring.signing(self.now())?;
        token.sign(purpose, key).map_err(Error::internal)
    }

    /// Ids and secrets that do not fit are answered alike, whatever is wrong with them.
    async fn key_of_pair(
        &self,
        id: AccessKeyId,
        secret: &str,
        caller: &Caller,
    ) -> Result<AccessKeyRecord> {
        let wrong = || {
            refuse(
                RefusalKind::AccessKeyInvalid,
                "There is no such pair of access key id and secret, or the key is no longer good.",
            )
        };
        let hash = ApiKey::<AccessKeyKind>::parse(secret)
            .map_err(|_| wrong())?
            .hash();
        let key = self.inner.store.access_key_unscoped(id).await?;
        let key = key
            .filter(|key| key.hash == hash && self.is_live(key))
            .ok_or_else(wrong)?;
        check_network(&key, caller)?;
        Ok(key)
    }

    /// Whether a user may sign in at the moment.
    pub(crate) async fn may_sign_in(&self, user: UserId) -> Result<bool> {
        let user = self.inner.store.user(user).await?;
        Ok(user.as_ref().is_some_and(may_sign_in))
    }

    /// Every way of being wrong takes the same work and gets the same answer.
    async fn user_of_pair(
        &self,
        name: &str,
        password: &str,
        second: Option<&str>,
        caller: &Caller,
    ) -> Result<UserId> {
        let name = email(name);
        self.limit_sign_in(&name, caller)?;
        let store = &self.inner.store;
        let user = store.user_by_email(&name).await?;
        let hash = match &user {
            Some(user) => store.password_of(user.id).await?,
            None => None,
        };
        let fits = self.inner.passwords.verify(password, hash).await?;
        let user = user.filter(|user| fits && may_sign_in(user));
        let user = user.ok_or_else(|| {
            refuse(
                RefusalKind::PasswordInvalid,
                "Name and password do not belong together, or the account is blocked.",
            )
        })?;
        self.check_second_factor(user.id, second).await?;
        self.note_signed_in(&name, caller);
        Ok(user.id)
    }

    pub(crate) fn is_live(&self, key: &AccessKeyRecord) -> bool {
        key.active && key.revoked_at.is_none() && key.expires_at.is_none_or(|end| self.now() < end)
    }

    /// A token of the platform that may be used now, and who is behind it.
    pub(crate) async fn signed_by(
        &self,
        text: &str,
        purpose: PlatformUse,
    ) -> Result<(PlatformToken, Signed)> {
        let (tokens, store) = (&self.inner.tokens, &self.inner.store);
        let ring = tokens.ring();
        let issuer = &self.inner.settings.issuer;
        let token = PlatformToken::verify(ring.verifying(), text, purpose, issuer, self.now())
            .map_err(Refusal::from)?;
        let subject = Subject::User(token.user);
        if tokens.is_revoked(token.id)
            || tokens.is_revoked(token.sign_in)
            || tokens.is_subject_revoked(&subject, token.issued_at)
        {
            return Err(ended());
        }
        let sign_in = store.sign_in_unscoped(token.sign_in).await?;
        let sign_in = sign_in
            .filter(|one| one.ended_at.is_none() && one.user == token.user && one.key == token.key)
            .ok_or_else(ended)?;
        let key = match token.key {
            None => None,
            Some(id) => {
                let key = store.access_key_unscoped(id).await?;
                let live =
                    |key: &AccessKeyRecord| key.owner.user == token.user && self.is_live(key);
                Some(key.filter(live).ok_or_else(ended)?)
            }
        };
        let user = store.user(token.user).await?;
        let user = user.filter(may_sign_in).ok_or_else(ended)?;
        Ok((token, Signed { sign_in, user, key }))
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
            let token = match self.signed_by(text, purpose).await {
                Ok((token, _)) => token,
                Err(error) if matches!(error.kind(), ErrorKind::Refused(_)) => {
                    let invalid = error.kind() == ErrorKind::Refused(RefusalKind::TokenInvalid);
                    if let (true, Some(address)) = (invalid, caller.address) {
                        self.note_failure(address)?;
                    }
                    continue;
                }
                Err(error) => return Err(error),
            };
            let store = &self.inner.store;
            store
                .end_sign_in(token.user, token.sign_in, self.now())
                .await?;
            self.note_allowed_as(operation, caller, &actor(token.user, token.key));
        }
        Ok(())
    }

    /// Ends a sign-in of the account's, and notes it; `false` when it has none such that lasts.
    ///
    /// # Errors
    /// Database failures.
    pub async fn platform_end_sign_in(
        &self,
        access: &PlatformAccess,
        sign_in: TokenId,
    ) -> Result<bool> {
        let ended = self.end_sign_in_of_others(access.user.id, sign_in).await?;
        if ended {
            self.note_allowed_as(access.operation, &access.caller, &access.actor());
        }
        Ok(ended)
    }

    /// A user's sign-ins that can still be renewed, newest first.
    ///
    /// # Errors
    /// Database failures.
    pub async fn sign_ins(&self, user: UserId) -> Result<Vec<SignInRecord>> {
        let now = self.now();
        Ok(self.inner.store.sign_ins(user, now, LISTED_MAX).await?)
    }
}

/// Refuses a key at an address outside its networks. Only its holder gets so far.
pub(crate) fn check_network(key: &AccessKeyRecord, caller: &Caller) -> Result<()> {
    if key.networks.is_empty() {
        return Ok(());
    }
    let address = caller.address.map(|address| address.to_canonical());
    let inside = address.is_some_and(|address| {
        let mut networks = key.networks.split(' ').filter_map(Network::parse);
        networks.any(|network| network.contains(address))
    });
    if inside {
        return Ok(());
    }
    Err(refuse(
        RefusalKind::AddressNotAllowed,
        format!(
            "The access key is not good at {}, only in the networks that its owner named.",
            address.map_or_else(|| "an unknown address".to_owned(), |one| one.to_string())
        ),
    ))
}

/// A client whose pages sign people in otherwise than by codes.
fn own_page(client: &str) -> Result<&'static str> {
    own_client(client).ok_or_else(|| {
        refuse(
            RefusalKind::ClientUnauthorized,
            "Registered applications sign people in by authorization_code with PKCE.",
        )
    })
}

fn may_sign_in(user: &UserRecord) -> bool {
    let suspended = matches!(user.member, Some((_, Role::Suspended)));
    user.blocked_at.is_none() && !suspended
}

fn ended() -> Error {
    refuse(
        RefusalKind::TokenRevoked,
        "The sign-in has ended, or its access key was revoked. Sign in again.",
    )
}

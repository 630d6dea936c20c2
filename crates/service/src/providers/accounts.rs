//! Which account an identity at a provider is, and the identities of an account.

use vitrine_access::ids::{IdentityId, TokenId, UserId};
use vitrine_access::jwt::IdToken;
use vitrine_access::provider::ProviderSignIn;
use vitrine_access::refusal::RefusalKind;
use vitrine_store::{IdentityRecord, StoreError, Tx, UserRecord};

use super::SignInProvider;
use super::steps::{ProviderBeginning, ProviderEnd, by_provider};
use crate::Services;
use crate::audit::Actor;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::PlatformAccess;
use crate::users::{NAME_CHARS_MAX, checked_email};
use crate::who::refuse;

/// Identities of one account. People have one or two.
pub const IDENTITIES_MAX: usize = 10;

/// An identity of an account, as it is shown.
pub struct LinkedIdentity {
    /// What is stored.
    pub record: IdentityRecord,
    /// The provider's name in addresses; none when it signs nobody in any more.
    pub provider: Option<String>,
}

impl Services {
    /// Finds, links or makes the account of somebody whom a provider knows. Only issuer and subject say
    /// which one it is; an address only brings them together for the first time, and only where the
    /// operator wants it.
    pub(super) async fn account_of_identity(
        &self,
        settings: &SignInProvider,
        token: &IdToken,
        linking: Option<(UserId, TokenId)>,
        who: &mut Actor,
    ) -> Result<(ProviderEnd, String)> {
        let (store, now) = (&self.inner.store, self.now());
        let known = store
            .identity_unscoped(&settings.issuer, &token.subject)
            .await?;
        if let Some((user, sign_in)) = linking {
            *who = by_provider(user, &settings.name);
            return self
                .link_identity(settings, token, known, (user, sign_in))
                .await;
        }
        let (user, identity, about) = match known {
            Some(known) => {
                let email = token.verified_email.as_deref();
                store.note_identity_used(known.id, email, now).await?;
                (known.user, known.id, String::new())
            }
            None => self.first_sign_in(settings, token).await?,
        };
        *who = by_provider(user, &settings.name);
        if !self.may_sign_in(user).await? {
            return Err(refuse(
                RefusalKind::IdentityUnknown,
                "The account here is blocked. Ask whoever runs this server.",
            ));
        }
        let entropy = &*self.inner.entropy;
        let next = ProviderSignIn::known(&settings.name, (user, identity), now, entropy);
        let cookie = next.seal(&self.inner.sealer, entropy);
        Ok((ProviderEnd::Known(cookie), about))
    }

    /// Somebody whom nobody here knows by subject.
    async fn first_sign_in(
        &self,
        settings: &SignInProvider,
        token: &IdToken,
    ) -> Result<(UserId, IdentityId, String)> {
        let title = &settings.title;
        let stranger = |why: String| refuse(RefusalKind::IdentityUnknown, why);
        let email = token.verified_email.as_deref();
        let email = email.and_then(|email| checked_email(email).ok());
        let email = email.filter(|email| takes(&settings.email_domains, email));
        let Some(email) = email.filter(|_| settings.link_by_email || settings.create_users) else {
            return Err(stranger(format!(
                "Nobody here is known as the person that {title} names. Sign in with your password and link \
                 {title} in your account, or ask whoever runs this server for an account."
            )));
        };
        let mut tx = self.inner.store.begin().await?;
        let (user, about) = match tx.user_by_email(&email).await? {
            Some(user) if !settings.link_by_email || user.administrator => {
                return Err(stranger(format!(
                    "An account with your address is here, and is not linked with {title}. Sign in with your \
                     password and link it in your account."
                )));
            }
            Some(user) => (user.id, "linked by its address"),
            None if settings.create_users => {
                let user = self.user_of_token(email, token);
                tx.insert_user(&user).await.map_err(meanwhile)?;
                (user.id, "a new account")
            }
            None => {
                return Err(stranger(format!(
                    "Nobody here has the address that {title} names. Ask whoever runs this server for an \
                     account."
                )));
            }
        };
        let identity = self.add_identity(&mut tx, settings, token, user).await?;
        tx.commit().await?;
        Ok((user, identity, about.to_owned()))
    }

    fn user_of_token(&self, email: String, token: &IdToken) -> UserRecord {
        let name = token.name.as_deref().unwrap_or_default();
        let plain = name.chars().filter(|c| !c.is_control());
        let name = plain.take(NAME_CHARS_MAX).collect();
        let id = UserId::new(&*self.inner.entropy);
        UserRecord::new(id, Some(email), name, self.now())
    }

    async fn link_identity(
        &self,
        settings: &SignInProvider,
        token: &IdToken,
        known: Option<IdentityRecord>,
        (user, sign_in): (UserId, TokenId),
    ) -> Result<(ProviderEnd, String)> {
        let asked = self.inner.store.sign_in_unscoped(sign_in).await?;
        let lasts = asked.is_some_and(|one| one.ended_at.is_none() && one.user == user);
        if !lasts || !self.may_sign_in(user).await? {
            return Err(refuse(
                RefusalKind::TokenRevoked,
                "The sign-in that began this has ended. Sign in again.",
            ));
        }
        match known {
            Some(known) if known.user == user => {
                return Ok((ProviderEnd::Linked, "linked before".to_owned()));
            }
            Some(_) => return Err(taken(settings)),
            None => {}
        }
        let mut tx = self.inner.store.begin().await?;
        self.add_identity(&mut tx, settings, token, user).await?;
        tx.commit().await?;
        Ok((ProviderEnd::Linked, "linked".to_owned()))
    }

    async fn add_identity(
        &self,
        tx: &mut Tx,
        settings: &SignInProvider,
        token: &IdToken,
        user: UserId,
    ) -> Result<IdentityId> {
        tx.hold_user(user).await?;
        if tx.identities(user).await?.len() >= IDENTITIES_MAX {
            return Err(Error::new(
                ErrorKind::RequestInvalid,
                format!("An account is linked with {IDENTITIES_MAX} at most. Remove one first."),
            ));
        }
        let now = self.now();
        let record = IdentityRecord {
            id: IdentityId::new(&*self.inner.entropy),
            user,
            issuer: settings.issuer.clone(),
            subject: token.subject.clone(),
            email: token.verified_email.clone(),
            created_at: now,
            used_at: Some(now),
        };
        if !tx.insert_identity(&record).await? {
            return Err(taken(settings));
        }
        Ok(record.id)
    }

    /// The identities of an account, and whether it has a password.
    ///
    /// # Errors
    /// Database failures.
    pub async fn linked_identities(&self, user: UserId) -> Result<(Vec<LinkedIdentity>, bool)> {
        let store = &self.inner.store;
        let records = store.identities(user).await?;
        let providers = &self.inner.settings.sign_in_providers;
        let name = |issuer: &str| {
            let found = providers.iter().find(|one| one.issuer == issuer);
            found.map(|one| one.name.clone())
        };
        let linked = records.into_iter().map(|record| LinkedIdentity {
            provider: name(&record.issuer),
            record,
        });
        let has_password = store.password_of(user).await?.is_some();
        Ok((linked.collect(), has_password))
    }

    /// Sends a signed-in browser to a provider, to link what it is there with the account.
    ///
    /// # Errors
    /// `ProviderUnknown`; `PasswordInvalid` or `SignInStale`; `ConnectorFailed` when the provider does not
    /// answer.
    pub async fn platform_link_identity(
        &self,
        access: &PlatformAccess,
        provider: &str,
        password: Option<&str>,
    ) -> Result<ProviderBeginning> {
        let provider = self.inner.providers.find(provider)?;
        self.again(access, password).await?;
        let linking = Some((access.user.id, access.sign_in));
        let begun = self.begin_at_provider(&provider, linking).await?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(begun)
    }

    /// Takes an identity away, and ends every other sign-in: they may have begun with it.
    ///
    /// # Errors
    /// `EntityUnknown`; `PasswordInvalid` or `SignInStale`; `LastWayIn`.
    pub async fn platform_unlink_identity(
        &self,
        access: &PlatformAccess,
        id: IdentityId,
        password: Option<&str>,
    ) -> Result<()> {
        let user = access.user.id;
        let unlinked = async {
            let unknown = || {
                let message = "The account has no such identity.";
                Error::new(ErrorKind::EntityUnknown, message)
            };
            let linked = self.inner.store.identities(user).await?;
            if !linked.iter().any(|one| one.id == id) {
                return Err(unknown());
            }
            self.again(access, password).await?;
            let mut tx = self.inner.store.begin().await?;
            tx.hold_user(user).await?;
            if !tx.delete_identity(user, id).await? {
                return Err(unknown());
            }
            self.way_in_removed(tx, access).await
        };
        let unlinked = unlinked.await;
        self.audited_as(access.operation, &access.caller, &access.actor(), unlinked)?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(())
    }

    /// Commits that a way in is gone, unless it was the last one, and ends every other sign-in with all that the
    /// account was given: they may have begun with it.
    ///
    /// # Errors
    /// `LastWayIn`; database failures. Nothing is removed then.
    pub(crate) async fn way_in_removed(&self, mut tx: Tx, access: &PlatformAccess) -> Result<()> {
        let user = access.user.id;
        self.check_way_in(&mut tx, user).await?;
        tx.end_sign_ins_but(user, Some(access.sign_in), self.now())
            .await?;
        let withdrawn = self.withdraw_from(&mut tx, user).await?;
        tx.commit().await?;
        self.apply_change(&withdrawn).await
    }

    /// Refuses what would leave nothing that opens the account. A provider that signs nobody in any more
    /// opens none.
    pub(crate) async fn check_way_in(&self, tx: &mut Tx, user: UserId) -> Result<()> {
        if tx.password_of(user).await?.is_some() {
            return Ok(());
        }
        let linked = tx.identities(user).await?;
        if linked.iter().any(|one| self.signs_in(&one.issuer)) {
            return Ok(());
        }
        if self.inner.settings.relying_party().is_some() && !tx.passkeys(user).await?.is_empty() {
            return Ok(());
        }
        Err(refuse(
            RefusalKind::LastWayIn,
            "Without this nothing would open your account any more. Add another way to sign in first.",
        ))
    }
}

/// Whether an address is of one of these domains.
fn takes(domains: &[String], email: &str) -> bool {
    let Some((_, domain)) = email.rsplit_once('@') else {
        return false;
    };
    domains.iter().any(|one| one == "*" || one == domain)
}

fn taken(settings: &SignInProvider) -> Error {
    refuse(
        RefusalKind::IdentityTaken,
        format!(
            "Who you are at {} is linked with another account here. Sign in to that one and remove it there \
             first.",
            settings.title
        ),
    )
}

/// Somebody else took the address between our look and our write.
fn meanwhile(error: StoreError) -> Error {
    match error {
        StoreError::Conflict { .. } => Error::new(
            ErrorKind::Busy,
            "The account is being made at this moment. Try again.",
        )
        .retry_after_s(1),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_count_by_their_whole_domain() {
        let domains = ["example.com".to_owned()];
        assert!(takes(&domains, "ada@example.com"));
        for email in [
            "ada@sub.example.com",
            "ada@evilexample.com",
            "ada@example.com.evil",
            "example.com",
        ] {
            assert!(!takes(&domains, email), "{email}");
        }
        assert!(takes(&["*".to_owned()], "ada@anywhere.example"));
        assert!(!takes(&[], "ada@example.com"));
    }
}

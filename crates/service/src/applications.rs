//! Applications of others that sign people in: registering them, and the codes that they trade for tokens
//! (RFC 6749, section 4.1, with RFC 7636).

use std::time::Duration;

use vitrine_access::ids::RequestId;
use vitrine_access::oauth::{Challenge, check_redirect};
use vitrine_access::refusal::RefusalKind;
use vitrine_access::secret::{ApiKey, CodeKind};
use vitrine_store::{ApplicationRecord, AuthorizationCodeRecord, StoreError};

use crate::Services;
use crate::audit::Actor;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::{PlatformAccess, actor};
use crate::sign_ins::SignedIn;
use crate::who::refuse;

/// How long a code is good: the application trades it at once.
const CODE_TTL: Duration = Duration::from_mins(1);
/// Applications of an installation; the table is read as a whole.
const APPLICATIONS_MAX: u32 = 500;
/// Addresses of one application.
const REDIRECTS_MAX: usize = 20;
const NAME_CHARS: std::ops::RangeInclusive<usize> = 1..=100;
const ID_BYTES_MAX: usize = 64;

/// What an application asks a person for.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    /// The application's client id.
    pub client: String,
    /// Where to send the code.
    pub redirect: String,
    /// What the application will prove itself by.
    pub challenge: Challenge,
}

/// What shall be registered, or shall change; `None` leaves a member as it is.
#[derive(Clone, Debug, Default)]
pub struct ApplicationPatch {
    /// The client id, of a new one only.
    pub id: Option<String>,
    /// What people are shown.
    pub name: Option<String>,
    /// Where it may be called back.
    pub redirects: Option<Vec<String>>,
}

impl ApplicationPatch {
    fn check(&self) -> Result<()> {
        if let Some(id) = &self.id {
            let plain = |byte: u8| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte)
            };
            if id.is_empty() || id.len() > ID_BYTES_MAX || !id.bytes().all(plain) {
                return Err(invalid(format!(
                    "'client_id' has 1 to {ID_BYTES_MAX} lower-case letters, digits, dashes, dots and \
                     underscores."
                )));
            }
        }
        if let Some(name) = &self.name {
            let chars = NAME_CHARS.contains(&name.chars().count());
            if !chars || name.chars().any(char::is_control) {
                return Err(invalid("'client_name' has 1 to 100 characters."));
            }
        }
        let redirects = self.redirects.as_deref().unwrap_or_default();
        if redirects.len() > REDIRECTS_MAX {
            return Err(invalid(format!(
                "'redirect_uris' has at most {REDIRECTS_MAX} entries."
            )));
        }
        for redirect in redirects {
            check_redirect(redirect)
                .map_err(|error| invalid(format!("'redirect_uris': {redirect:?}: {error}.")))?;
        }
        Ok(())
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::RequestInvalid, message)
}

fn unknown() -> Error {
    Error::new(
        ErrorKind::EntityUnknown,
        "There is no application with this client id.",
    )
}

/// Every way of being wrong gets the same answer.
fn wrong_code() -> Error {
    refuse(
        RefusalKind::CodeInvalid,
        "The code is not good: never given out, used before, over, or for another application, redirect_uri \
         or code_verifier. Begin again at /oauth/authorize.",
    )
}

impl Services {
    /// Every registered application.
    ///
    /// # Errors
    /// Database failures.
    pub async fn platform_applications(&self) -> Result<Vec<ApplicationRecord>> {
        Ok(self.inner.store.applications(APPLICATIONS_MAX).await?)
    }

    /// One application, for the page that asks a person whether it may act for them.
    ///
    /// # Errors
    /// `EntityUnknown`.
    pub async fn platform_application(&self, id: &str) -> Result<ApplicationRecord> {
        let found = self.inner.store.application(&id.to_lowercase()).await?;
        found.ok_or_else(unknown)
    }

    /// Registers an application, and notes it.
    ///
    /// # Errors
    /// `RequestInvalid` naming the member.
    pub async fn platform_create_application(
        &self,
        access: &PlatformAccess,
        patch: ApplicationPatch,
    ) -> Result<ApplicationRecord> {
        patch.check()?;
        let store = &self.inner.store;
        if store.applications(APPLICATIONS_MAX).await?.len() >= APPLICATIONS_MAX as usize {
            return Err(invalid(format!(
                "A server has at most {APPLICATIONS_MAX} applications."
            )));
        }
        let record = ApplicationRecord {
            id: patch
                .id
                .unwrap_or_else(|| RequestId::new(&*self.inner.entropy).to_string()),
            name: patch
                .name
                .ok_or_else(|| invalid("'client_name' has to be given."))?,
            redirects: patch.redirects.unwrap_or_default(),
            created_at: self.now(),
        };
        store
            .insert_application(&record)
            .await
            .map_err(|error| match error {
                StoreError::Conflict { column } if column == "application.id" => {
                    invalid("'client_id' is taken.")
                }
                other => other.into(),
            })?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(record)
    }

    /// Changes an application, and notes it.
    ///
    /// # Errors
    /// `EntityUnknown`; `RequestInvalid` naming the member.
    pub async fn platform_update_application(
        &self,
        access: &PlatformAccess,
        id: &str,
        patch: ApplicationPatch,
    ) -> Result<ApplicationRecord> {
        patch.check()?;
        let mut record = self.platform_application(id).await?;
        record.name = patch.name.unwrap_or(record.name);
        record.redirects = patch.redirects.unwrap_or(record.redirects);
        if !self.inner.store.update_application(&record).await? {
            return Err(unknown());
        }
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(record)
    }

    /// Forgets an application, ends every sign-in by it with all that the platform gave to its users until now, which
    /// the application may have asked for, and notes it.
    ///
    /// # Errors
    /// `EntityUnknown`.
    pub async fn platform_delete_application(
        &self,
        access: &PlatformAccess,
        id: &str,
    ) -> Result<()> {
        let mut tx = self.inner.store.begin().await?;
        let users = tx
            .delete_application(&id.to_lowercase(), self.now())
            .await?
            .ok_or_else(unknown)?;
        let mut changes = Vec::with_capacity(users.len());
        for user in users {
            changes.push(self.withdraw_from(&mut tx, user).await?);
        }
        tx.commit().await?;
        for change in &changes {
            self.apply_change(change).await?;
        }
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(())
    }

    /// The application behind a request, where it may be called back at the address that it names. Before
    /// this is known nobody is sent there.
    ///
    /// # Errors
    /// `ClientUnknown`; `RedirectInvalid`.
    pub async fn platform_asking_application(
        &self,
        client: &str,
        redirect: &str,
    ) -> Result<ApplicationRecord> {
        let found = self.inner.store.application(&client.to_lowercase()).await?;
        let application = found.ok_or_else(|| {
            refuse(
                RefusalKind::ClientUnknown,
                "There is no application with this client_id here. The operator registers them.",
            )
        })?;
        if !application.redirects.iter().any(|known| known == redirect) {
            return Err(refuse(
                RefusalKind::RedirectInvalid,
                "The redirect_uri is not one that the application was registered with. It has to be the \
                 same letter by letter.",
            ));
        }
        Ok(application)
    }

    /// A code for an application, by somebody who is signed in and agrees.
    ///
    /// # Errors
    /// As [`Services::platform_asking_application`].
    pub async fn platform_give_code(
        &self,
        access: &PlatformAccess,
        asked: &AuthorizationRequest,
    ) -> Result<ApiKey<CodeKind>> {
        let found = self
            .platform_asking_application(&asked.client, &asked.redirect)
            .await;
        let application =
            self.audited_as(access.operation, &access.caller, &access.actor(), found)?;
        let code = ApiKey::<CodeKind>::new(&*self.inner.entropy);
        let row = AuthorizationCodeRecord {
            hash: code.hash(),
            application: application.id,
            user: access.user.id,
            key: access.key,
            redirect: asked.redirect.clone(),
            challenge: asked.challenge,
            expires_at: self.now().plus(CODE_TTL),
            sign_in: None,
        };
        self.inner.store.insert_authorization_code(&row).await?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(code)
    }

    /// Tokens for a code. A code that comes twice ends what it was traded for: somebody has a copy.
    pub(crate) async fn trade_code(
        &self,
        client: &str,
        code: &str,
        verifier: &str,
        redirect: &str,
        who: &mut Actor,
    ) -> Result<SignedIn> {
        let (store, now) = (&self.inner.store, self.now());
        let hash = ApiKey::<CodeKind>::parse(code)
            .map_err(|_| wrong_code())?
            .hash();
        let found = store.authorization_code_unscoped(&hash).await?;
        let row = found.ok_or_else(wrong_code)?;
        *who = actor(row.user, row.key);
        if let Some(traded) = row.sign_in {
            self.end_sign_in_of_others(row.user, traded).await?;
            tracing::warn!(user = %row.user, "a code was shown again after it was used");
            return Err(wrong_code());
        }
        let fits = row.application == client
            && row.redirect == redirect
            && row.challenge.fits(verifier)
            && now < row.expires_at;
        if !fits {
            return Err(wrong_code());
        }
        let key = match row.key {
            None => None,
            Some(id) => {
                let key = store.access_key_unscoped(id).await?;
                Some(key.filter(|key| self.is_live(key)).ok_or_else(wrong_code)?)
            }
        };
        if !self.may_sign_in(row.user).await? {
            return Err(wrong_code());
        }
        self.begin_sign_in(client, row.user, key, Some(&hash))
            .await?
            .ok_or_else(wrong_code)
    }
}

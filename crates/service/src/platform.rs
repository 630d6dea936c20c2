//! Accounts on the platform: their access keys, and who asks by a token that a sign-in gave.

use vitrine_access::change::Change;
use vitrine_access::grant::Subject;
use vitrine_access::ids::{AccessKeyId, TokenId, UserId};
use vitrine_access::jwt::PlatformUse;
use vitrine_access::owner::Owner;
use vitrine_access::permissions::{Credential, EVERY_SCOPE, account_scope, scopes_cover};
use vitrine_access::platform::Viewer;
use vitrine_access::refusal::RefusalKind;
use vitrine_access::secret::{AccessKeyKind, ApiKey};
use vitrine_access::time::Timestamp;
use vitrine_store::{AccessKeyRecord, UserRecord};

use crate::Services;
use crate::audit::Actor;
use crate::error::{Error, ErrorKind, Result};
use crate::models::OPERATOR;
pub use crate::sign_ins::{SignIn, SignedIn};
pub use crate::users::NewUser;
use crate::users::email;
use crate::who::{Caller, refuse, row};

/// The client id that is documented for access keys.
pub const ACCESS_KEY_CLIENT: &str = "827bcbdc-8a5c-481a-b09a-e498074d91ca";
/// The client id of the console.
pub const CONSOLE_CLIENT: &str = "vitrine-console";
/// Client ids that sign in, and what they are called. All are public: they identify, and prove nothing.
const CLIENTS: [(&str, &str); 6] = [
    (ACCESS_KEY_CLIENT, "Access keys"),
    (CONSOLE_CLIENT, "Console"),
    ("920794fa-245a-487d-8abe-af569a97da42", "App Builder"),
    (
        "cab26d46-f4c7-4f16-8f44-6c801e917d22",
        "Command-line helpers",
    ),
    ("a085fcc5-6eeb-46a6-a381-adcedb6e59d6", "Desktop client"),
    (
        "660310c8-50f4-4f47-bd78-9c7ede8e659b",
        "Desktop client, beta",
    ),
];
/// Characters of a key's label.
const LABEL_CHARS_MAX: usize = 200;
/// Keys of an account that are good at the same time.
const LIVE_KEYS_MAX: usize = 50;
/// Keys that are looked through and listed.
const KEYS_LISTED_MAX: u32 = 1_000;

/// The right to act for an account.
#[derive(Clone, Debug)]
pub struct PlatformAccess {
    /// Who.
    pub user: UserRecord,
    pub(crate) operation: &'static str,
    pub(crate) caller: Caller,
    pub(crate) sign_in: TokenId,
    key: Option<AccessKeyId>,
}

impl PlatformAccess {
    pub(crate) fn actor(&self) -> Actor {
        actor(self.user.id, self.key)
    }

    /// Who looks.
    #[must_use]
    pub fn viewer(&self) -> Viewer {
        Viewer {
            user: Some(self.user.id),
            member: self.user.member,
        }
    }
}

/// Whoever asks for what can be seen without signing in.
#[derive(Clone, Debug)]
pub struct PlatformGuest {
    /// The account, if one is signed in.
    pub account: Option<PlatformAccess>,
    pub(crate) operation: &'static str,
    pub(crate) caller: Caller,
}

impl PlatformGuest {
    /// Somebody who is not signed in.
    #[must_use]
    pub fn nobody(operation: &'static str, caller: &Caller) -> Self {
        Self {
            account: None,
            operation,
            caller: caller.clone(),
        }
    }

    /// An account as a guest.
    #[must_use]
    pub fn of(access: PlatformAccess) -> Self {
        Self {
            operation: access.operation,
            caller: access.caller.clone(),
            account: Some(access),
        }
    }

    /// Who looks.
    #[must_use]
    pub fn viewer(&self) -> Viewer {
        self.account
            .as_ref()
            .map(PlatformAccess::viewer)
            .unwrap_or_default()
    }

    pub(crate) fn actor(&self) -> Actor {
        self.account
            .as_ref()
            .map(PlatformAccess::actor)
            .unwrap_or_default()
    }

    /// What those are told who may not see something: to sign in, or that it is unknown.
    pub(crate) fn unknown(&self, unknown: impl FnOnce() -> Error) -> Error {
        match self.account {
            Some(_) => unknown(),
            None => not_signed_in(),
        }
    }
}

fn not_signed_in() -> Error {
    refuse(
        RefusalKind::TokenMissing,
        "Sign in first: POST /oauth/token gives the access token for this request.",
    )
}

pub(crate) fn actor(user: UserId, key: Option<AccessKeyId>) -> Actor {
    let credential = match key {
        Some(key) => format!("access-key {key}"),
        None => "password".to_owned(),
    };
    Actor {
        known: Some((format!("user:{user}"), credential)),
    }
}

/// The one form of a client's id: clients write it in capitals too.
pub(crate) fn client_id(text: &str) -> Result<&'static str> {
    CLIENTS
        .iter()
        .map(|(id, _)| *id)
        .find(|id| id.eq_ignore_ascii_case(text))
        .ok_or_else(|| {
            refuse(
                RefusalKind::ClientUnknown,
                format!("The client id is unknown. For access keys it is {ACCESS_KEY_CLIENT}."),
            )
        })
}

/// What a client is called.
#[must_use]
pub fn client_name(id: &str) -> Option<&'static str> {
    let found = CLIENTS.iter().find(|(known, _)| *known == id);
    found.map(|(_, name)| *name)
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
        self.create_scoped_key(user, label, EVERY_SCOPE.to_owned(), expires_at)
            .await
    }

    /// The same for some scopes.
    pub(crate) async fn create_scoped_key(
        &self,
        user: &UserRecord,
        label: String,
        scopes: String,
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
            scopes,
            active: true,
            used_at: None,
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
                Err(_) => store.user_by_email(&email(text)).await?,
            },
        };
        found.ok_or_else(|| {
            Error::new(
                ErrorKind::EntityUnknown,
                "There is no such user. Name an id or an address.",
            )
        })
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
        if !matches!(row.credential, Credential::Account | Credential::Operator) {
            return Err(Error::internal(format!("{operation} takes no account")));
        }
        let mut who = Actor::default();
        let outcome = self.account_of_caller(row.id, caller, &mut who).await;
        let outcome = outcome.and_then(|access| match row.credential {
            Credential::Operator if !access.user.administrator => Err(refuse(
                RefusalKind::PermissionMissing,
                "Only administrators of this server may do this. Ask whoever runs it.",
            )),
            _ => Ok(access),
        });
        self.audited_as(operation, caller, &who, outcome)
    }

    /// Notes what an account did, or why it could not.
    ///
    /// # Errors
    /// Those of the outcome.
    pub fn noted<T>(&self, access: &PlatformAccess, outcome: Result<T>) -> Result<T> {
        let actor = access.actor();
        let done = self.audited_as(access.operation, &access.caller, &actor, outcome)?;
        self.note_allowed_as(access.operation, &access.caller, &actor);
        Ok(done)
    }

    async fn account_of_caller(
        &self,
        operation: &'static str,
        caller: &Caller,
        who: &mut Actor,
    ) -> Result<PlatformAccess> {
        let bearer = caller.bearer.as_deref().ok_or_else(not_signed_in)?;
        let (token, signed) = self.signed_by(bearer, PlatformUse::Access).await?;
        *who = actor(token.user, token.key);
        self.limit_account(None, Subject::User(token.user), caller)?;
        if let Some(key) = &signed.key {
            let wanted = account_scope(operation).unwrap_or(EVERY_SCOPE);
            if !scopes_cover(&key.scopes, wanted) {
                return Err(refuse(
                    RefusalKind::PermissionMissing,
                    format!("The access key is not good for this: it lacks the scope {wanted}."),
                ));
            }
        }
        Ok(PlatformAccess {
            user: signed.user,
            operation,
            caller: caller.clone(),
            sign_in: token.sign_in,
            key: token.key,
        })
    }

    /// The same where nobody has to be signed in; a token that is shown has to be good all the same.
    ///
    /// # Errors
    /// As [`Services::platform_access`], but for a missing token.
    pub async fn platform_guest(&self, operation: &str, caller: &Caller) -> Result<PlatformGuest> {
        if caller.bearer.is_some() {
            let access = self.platform_access(operation, caller).await?;
            return Ok(PlatformGuest::of(access));
        }
        self.trusted()?;
        Ok(PlatformGuest {
            account: None,
            operation: row(operation)?.id,
            caller: caller.clone(),
        })
    }
}

pub(crate) fn alone(user: UserId) -> Owner {
    Owner {
        user,
        organization: None,
    }
}

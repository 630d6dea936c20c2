//! Accounts on the platform: their access keys, and who asks by a token that a sign-in gave.

use vitrine_access::change::Change;
use vitrine_access::grant::Subject;
use vitrine_access::ids::{AccessKeyId, TokenId, UserId};
use vitrine_access::jwt::PlatformUse;
use vitrine_access::owner::Owner;
use vitrine_access::permissions::{
    Credential, EVERY_SCOPE, Operation, account_scope, scopes_cover,
};
use vitrine_access::platform::Viewer;
use vitrine_access::refusal::RefusalKind;
use vitrine_access::secret::{AccessKeyKind, ApiKey};
use vitrine_access::time::Timestamp;
use vitrine_store::{AccessKeyRecord, UserRecord};

use crate::Services;
use crate::audit::Actor;
use crate::error::{Error, ErrorKind, Result};
use crate::models::OPERATOR;
use crate::sign_ins::check_network;
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

/// What a new access key shall be.
pub(crate) struct NewKey {
    pub(crate) label: String,
    pub(crate) scopes: String,
    pub(crate) expires_at: Option<Timestamp>,
    /// With blanks between them.
    pub(crate) networks: String,
}

/// The right to act for an account.
#[derive(Clone, Debug)]
pub struct PlatformAccess {
    /// Who.
    pub user: UserRecord,
    pub(crate) operation: &'static str,
    pub(crate) caller: Caller,
    pub(crate) sign_in: TokenId,
    pub(crate) key: Option<AccessKeyId>,
    /// Before the account was looked at.
    pub(crate) asked_at: Timestamp,
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
    /// Before anything was looked at.
    pub(crate) asked_at: Timestamp,
}

impl PlatformGuest {
    /// Somebody who is not signed in, and asks now.
    #[must_use]
    pub fn nobody(operation: &'static str, caller: &Caller, now: Timestamp) -> Self {
        Self {
            account: None,
            operation,
            caller: caller.clone(),
            asked_at: now,
        }
    }

    /// An account as a guest.
    #[must_use]
    pub fn of(access: PlatformAccess) -> Self {
        Self {
            operation: access.operation,
            caller: access.caller.clone(),
            asked_at: access.asked_at,
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

/// Lets administrators of the server through, by their own sign-in only: a key lies in files and programs, and what is
/// done here concerns everybody.
fn check_operates(user: &UserRecord, key: Option<AccessKeyId>) -> Result<()> {
    let refused = |message| Err(refuse(RefusalKind::PermissionMissing, message));
    if !user.administrator {
        return refused("Only administrators of this server may do this. Ask whoever runs it.");
    }
    if key.is_some() {
        return refused("An access key does not operate the server. Sign in with your password.");
    }
    Ok(())
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

/// A client of our own, which signs in by passwords and may all that its user may.
pub(crate) fn own_client(id: &str) -> Option<&'static str> {
    let found = CLIENTS.iter().find(|(known, _)| *known == id);
    found.map(|(known, _)| *known)
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
        let wanted = NewKey {
            label,
            scopes: EVERY_SCOPE.to_owned(),
            expires_at,
            networks: String::new(),
        };
        self.create_key(user, wanted, None).await
    }

    /// Makes a key, and in the same transaction gives the one that it takes the place of an end.
    pub(crate) async fn create_key(
        &self,
        user: &UserRecord,
        new: NewKey,
        replaced: Option<&AccessKeyRecord>,
    ) -> Result<(AccessKeyRecord, ApiKey<AccessKeyKind>)> {
        let NewKey {
            label,
            scopes,
            expires_at,
            networks,
        } = new;
        let invalid = |message: String| Error::new(ErrorKind::RequestInvalid, message);
        let now = self.now();
        check_label(&label)?;
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
            networks,
        };
        let mut tx = self.inner.store.begin().await?;
        tx.insert_access_key(&record).await?;
        let mut change = None;
        if let Some(replaced) = replaced {
            tx.update_access_key(&replaced.owner, replaced).await?;
            // Whoever knew a key that ends at once may have asked for tokens of models, which do not name it.
            if replaced.expires_at.is_some_and(|end| end <= now) {
                change = Some(self.withdraw_from(&mut tx, user.id).await?);
            }
        }
        tx.commit().await?;
        if let Some(change) = change {
            self.apply_change(&change).await?;
        }
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

    /// Revokes a key; whatever it signed in is refused from the next request on, and so is what the platform
    /// gave to its user until now.
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
        // Whoever knew the key may have asked for tokens of models, which do not name it.
        let change = self.withdraw_from(&mut tx, user).await?;
        tx.commit().await?;
        self.apply_change(&change).await
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
        let outcome = self.account_of_caller(row, caller, &mut who).await;
        self.audited_as(operation, caller, &who, outcome)
    }

    /// Notes what an administrator of the server did, and to what. Never a secret.
    pub fn note_operated(&self, access: &PlatformAccess, about: &str) {
        self.note_allowed_about(access.operation, &access.caller, &access.actor(), about);
    }

    async fn account_of_caller(
        &self,
        row: &'static Operation,
        caller: &Caller,
        who: &mut Actor,
    ) -> Result<PlatformAccess> {
        let asked_at = self.now();
        let bearer = caller.bearer.as_deref().ok_or_else(not_signed_in)?;
        let (token, signed) = self.signed_by(bearer, PlatformUse::Access).await?;
        *who = actor(token.user, token.key);
        self.limit_account(None, Subject::User(token.user), caller)?;
        let wanted = account_scope(row.id).unwrap_or(EVERY_SCOPE);
        if wanted == EVERY_SCOPE && own_client(&signed.sign_in.client).is_none() {
            return Err(refuse(
                RefusalKind::PermissionMissing,
                "An application cannot do this for somebody. Sign in to the console.",
            ));
        }
        if row.credential == Credential::Operator {
            check_operates(&signed.user, token.key)?;
        }
        if let Some(key) = &signed.key {
            check_network(key, caller)?;
            if !scopes_cover(&key.scopes, wanted) {
                return Err(refuse(
                    RefusalKind::PermissionMissing,
                    format!("The access key is not good for this: it lacks the scope {wanted}."),
                ));
            }
        }
        Ok(PlatformAccess {
            user: signed.user,
            operation: row.id,
            caller: caller.clone(),
            sign_in: token.sign_in,
            key: token.key,
            asked_at,
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
        Ok(PlatformGuest::nobody(
            row(operation)?.id,
            caller,
            self.now(),
        ))
    }
}

/// Refuses a key's label that is too long.
pub(crate) fn check_label(label: &str) -> Result<()> {
    if label.chars().count() <= LABEL_CHARS_MAX {
        return Ok(());
    }
    let message = format!("A key's label has at most {LABEL_CHARS_MAX} characters.");
    Err(Error::new(ErrorKind::RequestInvalid, message))
}

pub(crate) fn alone(user: UserId) -> Owner {
    Owner {
        user,
        organization: None,
    }
}

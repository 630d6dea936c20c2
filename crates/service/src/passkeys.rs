//! Passkeys: adding and removing them, and signing in by one. Whoever signs in so has the authenticator and
//! has unlocked it, which are two factors: no other one is asked for.

use vitrine_access::ids::{PasskeyId, UserId};
use vitrine_access::passkey::{
    Ceremony, ClientData, NewPasskey, PasskeyChallenge, PasskeyError, PasskeyKey, PasskeyPurpose,
    RelyingParty,
};
use vitrine_access::refusal::RefusalKind;
use vitrine_store::PasskeyRecord;

use crate::Services;
use crate::audit::Actor;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::{PlatformAccess, SignedIn};
use crate::settings::Settings;
use crate::who::{Caller, refuse};

/// Passkeys of one account: a phone, a computer or two, a key on the ring and one in a drawer.
pub const PASSKEYS_MAX: usize = 20;
/// Characters of what an owner calls one.
const NAME_CHARS_MAX: usize = 100;

/// What an authenticator is asked for.
pub struct PasskeyQuestion {
    /// To be signed, in base64url.
    pub challenge: String,
    /// For whom.
    pub party: RelyingParty,
}

/// What an authenticator has made.
pub struct PasskeyAnswer<'a> {
    /// The client data, as it was signed.
    pub client: &'a [u8],
    /// The authenticator data.
    pub data: &'a [u8],
}

/// What an authenticator has signed, by which of its keys.
pub struct PasskeyProof<'a> {
    /// Its id of the key.
    pub credential: &'a [u8],
    /// What was signed.
    pub answer: PasskeyAnswer<'a>,
    /// The signature.
    pub signature: &'a [u8],
    /// Whose the authenticator says the key is.
    pub user: &'a [u8],
}

impl Settings {
    /// For whom passkeys are made here; none under an address without a name, for which no browser makes any.
    #[must_use]
    pub fn relying_party(&self) -> Option<RelyingParty> {
        let url = url::Url::parse(&self.public_url).ok()?;
        let url::Host::Domain(host) = url.host()? else {
            return None;
        };
        Some(RelyingParty {
            id: host.to_owned(),
            origin: url.origin().ascii_serialization(),
        })
    }
}

impl Services {
    fn party(&self) -> Result<RelyingParty> {
        self.inner.settings.relying_party().ok_or_else(|| {
            Error::new(
                ErrorKind::RequestInvalid,
                "Browsers make passkeys for names only, and this server stands under a bare address.",
            )
        })
    }

    fn question(&self, purpose: PasskeyPurpose) -> Result<PasskeyQuestion> {
        let entropy = &*self.inner.entropy;
        let challenge = PasskeyChallenge::new(purpose, self.now(), entropy);
        Ok(PasskeyQuestion {
            party: self.party()?,
            challenge: challenge.seal(&self.inner.sealer, entropy),
        })
    }

    /// What whoever signs in by a passkey has to sign. Nothing is kept of it.
    ///
    /// # Errors
    /// `RequestInvalid` under an address without a name.
    pub fn ask_for_passkey(&self) -> Result<PasskeyQuestion> {
        self.trusted()?;
        self.question(PasskeyPurpose::SignIn)
    }

    /// Whose passkey has signed what was asked, and the tokens for them.
    pub(crate) async fn user_of_passkey(
        &self,
        client: &str,
        proof: &PasskeyProof<'_>,
        who: &mut Actor,
        caller: &Caller,
    ) -> Result<SignedIn> {
        self.limit_signing_in(caller)?;
        let party = self.party()?;
        let (store, now) = (&self.inner.store, self.now());
        let said =
            ClientData::read(proof.answer.client, Ceremony::SignIn, &party).map_err(unfit)?;
        let challenge = PasskeyChallenge::open(&self.inner.sealer, &said.challenge, now)
            .filter(|one| one.purpose == PasskeyPurpose::SignIn)
            .ok_or_else(|| unfit(PasskeyError::Challenge))?;
        let known = store.passkey_unscoped(proof.credential).await?;
        let known = known.filter(|known| known.user.as_bytes() == proof.user);
        let known = known.ok_or_else(|| unfit(PasskeyError::Key))?;
        *who = by_passkey(known.user, known.id);
        let key = PasskeyKey::from_cose(&known.key).map_err(Error::internal)?;
        let data = proof.answer.data;
        let counter = key.verify(data, proof.signature, &said, &party, known.counter);
        let counter = counter.map_err(unfit)?;
        if !self.may_sign_in(known.user).await? {
            return Err(refuse(
                RefusalKind::PasskeyInvalid,
                "The account is blocked. Ask whoever runs this server.",
            ));
        }
        if !store
            .take_sign_in_step(challenge.id, challenge.expires_at)
            .await?
        {
            return Err(unfit(PasskeyError::Challenge));
        }
        let noted = store.note_passkey_used(known.id, known.counter, counter, now);
        if !noted.await? {
            return Err(unfit(PasskeyError::Counter));
        }
        let begun = self.begin_sign_in(client, known.user, None, None).await?;
        begun.ok_or_else(|| Error::internal("a sign-in without a code waits for none"))
    }

    /// A user's passkeys, oldest first.
    ///
    /// # Errors
    /// Database failures.
    pub async fn passkeys(&self, user: UserId) -> Result<Vec<PasskeyRecord>> {
        Ok(self.inner.store.passkeys(user).await?)
    }

    /// What an authenticator has to be asked for, to add a passkey.
    ///
    /// # Errors
    /// `PasswordInvalid` or `SignInStale`; `RequestInvalid` under an address without a name, and when there
    /// are as many as there may be.
    pub async fn platform_begin_passkey(
        &self,
        access: &PlatformAccess,
        password: Option<&str>,
    ) -> Result<PasskeyQuestion> {
        self.again(access, password).await?;
        check_room(self.inner.store.passkeys(access.user.id).await?.len())?;
        let question = self.question(PasskeyPurpose::Add(access.user.id, access.sign_in))?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(question)
    }

    /// Adds the passkey that an authenticator has made.
    ///
    /// # Errors
    /// `PasskeyInvalid`; `RequestInvalid` for a name that is too long or none.
    pub async fn platform_add_passkey(
        &self,
        access: &PlatformAccess,
        name: &str,
        answer: &PasskeyAnswer<'_>,
    ) -> Result<PasskeyRecord> {
        let added = self.add_passkey(access, name.trim(), answer).await;
        let added = self.audited_as(access.operation, &access.caller, &access.actor(), added)?;
        let about = format!("passkey {}", added.id);
        self.note_allowed_about(access.operation, &access.caller, &access.actor(), &about);
        Ok(added)
    }

    async fn add_passkey(
        &self,
        access: &PlatformAccess,
        name: &str,
        answer: &PasskeyAnswer<'_>,
    ) -> Result<PasskeyRecord> {
        if name.is_empty() || name.chars().count() > NAME_CHARS_MAX {
            return Err(Error::new(
                ErrorKind::RequestInvalid,
                format!("'name' has 1 to {NAME_CHARS_MAX} characters."),
            ));
        }
        let (party, now) = (self.party()?, self.now());
        let said = ClientData::read(answer.client, Ceremony::Add, &party).map_err(unfit)?;
        let wanted = PasskeyPurpose::Add(access.user.id, access.sign_in);
        let challenge = PasskeyChallenge::open(&self.inner.sealer, &said.challenge, now)
            .filter(|one| one.purpose == wanted)
            .ok_or_else(|| unfit(PasskeyError::Challenge))?;
        let made = NewPasskey::read(answer.data, &party).map_err(unfit)?;
        let record = PasskeyRecord {
            id: PasskeyId::new(&*self.inner.entropy),
            user: access.user.id,
            credential: made.credential,
            key: made.key.as_cose().to_vec(),
            counter: made.counter,
            name: name.to_owned(),
            created_at: now,
            used_at: None,
        };
        let mut tx = self.inner.store.begin().await?;
        tx.hold_user(record.user).await?;
        if !tx
            .take_sign_in_step(challenge.id, challenge.expires_at)
            .await?
        {
            return Err(unfit(PasskeyError::Challenge));
        }
        check_room(tx.passkeys(record.user).await?.len())?;
        if !tx.insert_passkey(&record).await? {
            return Err(unfit(PasskeyError::Key));
        }
        tx.commit().await?;
        Ok(record)
    }

    /// Takes a passkey away, and ends every other sign-in: they may have begun with it.
    ///
    /// # Errors
    /// `EntityUnknown`; `PasswordInvalid` or `SignInStale`; `LastWayIn`.
    pub async fn platform_remove_passkey(
        &self,
        access: &PlatformAccess,
        id: PasskeyId,
        password: Option<&str>,
    ) -> Result<()> {
        let user = access.user.id;
        let unknown = || Error::new(ErrorKind::EntityUnknown, "The account has no such passkey.");
        let removed = async {
            let known = self.inner.store.passkeys(user).await?;
            if !known.iter().any(|one| one.id == id) {
                return Err(unknown());
            }
            self.again(access, password).await?;
            let mut tx = self.inner.store.begin().await?;
            tx.hold_user(user).await?;
            if !tx.delete_passkey(user, id).await? {
                return Err(unknown());
            }
            self.way_in_removed(tx, access).await
        };
        let removed = removed.await;
        self.audited_as(access.operation, &access.caller, &access.actor(), removed)?;
        let about = format!("passkey {id}");
        self.note_allowed_about(access.operation, &access.caller, &access.actor(), &about);
        Ok(())
    }
}

fn check_room(passkeys: usize) -> Result<()> {
    if passkeys < PASSKEYS_MAX {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::RequestInvalid,
        format!("An account has {PASSKEYS_MAX} passkeys at most. Remove one that is not used."),
    ))
}

fn by_passkey(user: UserId, id: PasskeyId) -> Actor {
    Actor {
        known: Some((format!("user:{user}"), format!("passkey {id}"))),
    }
}

/// Whatever is wrong with it: whoever tries one out learns nothing.
fn unfit(why: PasskeyError) -> Error {
    tracing::info!(cause = %why, "a passkey is refused");
    refuse(
        RefusalKind::PasskeyInvalid,
        "This passkey does not fit: it is not known here, was asked for elsewhere or too long ago, or nobody \
         unlocked it. Try again, or sign in another way.",
    )
}

//! Users as the operator makes them: accounts, passwords, who is an administrator.

use vitrine_access::ids::UserId;
use vitrine_access::limits::EMAIL_BYTES_MAX;
use vitrine_store::{PasswordHash, StoreError, Tx, UserRecord};

use crate::Services;
use crate::error::{Error, ErrorKind, Result};

/// Characters of a display name.
pub(crate) const NAME_CHARS_MAX: usize = 200;

/// What a new user is.
pub struct NewUser {
    /// Address, with which they sign in.
    pub email: String,
    /// Display name.
    pub name: String,
    /// What they sign in with.
    pub password: String,
    /// Whether they may do what concerns everybody.
    pub administrator: bool,
}

/// The one form of an address: people write it in capitals, and with spaces around it.
pub(crate) fn email(text: &str) -> String {
    text.trim().to_lowercase()
}

pub(crate) fn checked_email(text: &str) -> Result<String> {
    let email = email(text);
    let well_formed = email.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.contains('@')
    });
    let plain = !email.chars().any(|c| c.is_whitespace() || c.is_control());
    if well_formed && plain && email.len() <= EMAIL_BYTES_MAX {
        return Ok(email);
    }
    Err(invalid(
        "Give an e-mail address, as ada@example.com, of at most 254 bytes.",
    ))
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::RequestInvalid, message)
}

impl Services {
    /// Makes a user who can sign in.
    ///
    /// # Errors
    /// `RequestInvalid` for an address that is none or is taken, and for a password that is too short.
    pub async fn create_user(&self, new: NewUser) -> Result<UserRecord> {
        let (user, password) = self.prepare_user(new).await?;
        let mut tx = self.inner.store.begin().await?;
        Self::add_user(&mut tx, &user, &password).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Checks what a new user shall be and hashes the password: the slow part, before a transaction.
    pub(crate) async fn prepare_user(&self, new: NewUser) -> Result<(UserRecord, PasswordHash)> {
        let email = checked_email(&new.email)?;
        if new.name.chars().count() > NAME_CHARS_MAX {
            return Err(invalid(format!(
                "A name has at most {NAME_CHARS_MAX} characters."
            )));
        }
        let entropy = &*self.inner.entropy;
        let hash = self.inner.passwords.hash(&new.password, entropy).await?;
        let mut user = UserRecord::new(UserId::new(entropy), Some(email), new.name, self.now());
        user.administrator = new.administrator;
        Ok((user, hash))
    }

    pub(crate) async fn add_user(
        tx: &mut Tx,
        user: &UserRecord,
        password: &PasswordHash,
    ) -> Result<()> {
        tx.insert_user(user).await.map_err(taken)?;
        tx.set_password(user.id, password).await?;
        Ok(())
    }

    /// Sets what a user signs in with, and ends every sign-in of theirs and what they were given. The first
    /// password replaces none that somebody could have known, so that it ends nothing that was given.
    ///
    /// # Errors
    /// `RequestInvalid` for a password that is too short; `EntityUnknown`.
    pub async fn set_password(&self, user: UserId, password: &str) -> Result<()> {
        let hash = self.inner.passwords.hash(password, &*self.inner.entropy);
        let hash = hash.await?;
        let before = self.inner.store.password_of(user).await?;
        let mut tx = self.inner.store.begin().await?;
        if !tx.set_password(user, &hash).await? {
            return Err(Error::new(
                ErrorKind::EntityUnknown,
                "There is no such user.",
            ));
        }
        tx.end_sign_ins_but(user, None, self.now()).await?;
        let withdrawn = match before {
            Some(_) => Some(self.withdraw_from(&mut tx, user).await?),
            None => None,
        };
        tx.commit().await?;
        match withdrawn {
            Some(change) => self.apply_change(&change).await,
            None => Ok(()),
        }
    }

    /// Lets a user sign in with this address and password, as an administrator.
    ///
    /// # Errors
    /// As [`Services::set_password`]; `RequestInvalid` for an address that is none or is taken.
    pub async fn appoint(&self, user: UserId, email: &str, password: &str) -> Result<()> {
        let email = checked_email(email)?;
        self.set_password(user, password).await?;
        let mut tx = self.inner.store.begin().await?;
        tx.set_email(user, &email).await.map_err(taken)?;
        tx.set_administrator(user, true).await?;
        tx.commit().await?;
        Ok(())
    }
}

fn taken(error: StoreError) -> Error {
    match error {
        StoreError::Conflict { column } if column == "user_account.email" => {
            invalid("Another user has this address.")
        }
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_form_and_what_is_none_is_refused() {
        assert_eq!(
            checked_email(" Ada@Example.COM ").unwrap(),
            "ada@example.com"
        );
        for text in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "a@b@c",
            "a b@c",
            "a\u{0}@c",
        ] {
            assert!(checked_email(text).is_err(), "{text:?}");
        }
        let long = |length: usize| format!("{}@c", "a".repeat(length - 2));
        assert!(checked_email(&long(EMAIL_BYTES_MAX)).is_ok());
        assert!(checked_email(&long(EMAIL_BYTES_MAX + 1)).is_err());
    }
}

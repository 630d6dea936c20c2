//! Passwords: Argon2id, a few at a time, and as slow for names that nobody has as for those that exist.

use argon2::password_hash::{PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use vitrine_access::limits::{PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN};
use vitrine_access::random::Entropy;
use vitrine_store::PasswordHash;

use crate::error::{Error, ErrorKind, Result};

/// Memory of one hash in KiB, and passes over it: the first of OWASP's equal choices for Argon2id.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
/// Passwords that are hashed at once: each takes a core for some ten milliseconds and 19 MiB.
const AT_ONCE: usize = 2;
/// Sign-ins that may wait; a second of work or so.
const WAITING_MAX: usize = 64;
const SALT_BYTES: usize = 16;

pub(crate) struct Passwords {
    at_once: Semaphore,
    waiting: Semaphore,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        Self {
            at_once: Semaphore::new(AT_ONCE),
            waiting: Semaphore::new(WAITING_MAX),
        }
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// `RequestInvalid` when it is too short or too long.
    pub(crate) async fn hash(&self, password: &str, entropy: &dyn Entropy) -> Result<PasswordHash> {
        if password.chars().count() < PASSWORD_CHARS_MIN || password.len() > PASSWORD_BYTES_MAX {
            return Err(Error::new(
                ErrorKind::RequestInvalid,
                format!(
                    "A password has at least {PASSWORD_CHARS_MIN} characters and at most \
                     {PASSWORD_BYTES_MAX} bytes."
                ),
            ));
        }
        let mut salt = [0; SALT_BYTES];
        entropy.fill(&mut salt);
        let salt = SaltString::encode_b64(&salt)
            .map_err(|error| Error::internal(format!("no salt: {error}")))?;
        let password = password.to_owned();
        let phc = self.work(move || hashed(&password, &salt)).await??;
        Ok(PasswordHash::new(phc))
    }

    /// Whether the password is the one behind the hash. Without a hash it takes as long to say no.
    ///
    /// # Errors
    /// `Busy` when too many sign-ins wait.
    pub(crate) async fn verify(&self, password: &str, hash: Option<PasswordHash>) -> Result<bool> {
        let password = if password.len() > PASSWORD_BYTES_MAX {
            // Nobody has such a one.
            String::new()
        } else {
            password.to_owned()
        };
        self.work(move || {
            if let Some(hash) = hash {
                let parsed = argon2::PasswordHash::new(hash.as_str())
                    .map_err(|error| Error::internal(format!("a stored password: {error}")))?;
                let argon2 = Argon2::default();
                return Ok(argon2.verify_password(password.as_bytes(), &parsed).is_ok());
            }
            let salt = SaltString::encode_b64(&[0; SALT_BYTES])
                .map_err(|error| Error::internal(format!("no salt: {error}")))?;
            hashed(&password, &salt).map(|_| false)
        })
        .await?
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let _waits = self.waiting.try_acquire().map_err(|_| {
            let busy = "Too many sign-ins at the same moment. Try again in a second.";
            Error::new(ErrorKind::Busy, busy).retry_after_s(1)
        })?;
        let _works = self.at_once.acquire().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(work)
            .await
            .map_err(Error::internal)
    }
}

fn hashed(password: &str, salt: &SaltString) -> Result<String> {
    let failed = |error: argon2::password_hash::Error| {
        Error::internal(format!("a password could not be hashed: {error}"))
    };
    let params = Params::new(MEMORY_KIB, PASSES, 1, None)
        .map_err(|error| Error::internal(format!("parameters of Argon2: {error}")))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = argon2
        .hash_password(password.as_bytes(), salt)
        .map_err(failed)?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Entropy for Fixed {
        fn fill(&self, out: &mut [u8]) {
            out.fill(7);
        }
    }

    #[tokio::test]
    async fn a_password_opens_its_own_hash_only() {
        let passwords = Passwords::new();
        let hash = passwords.hash("correct horse", &Fixed).await.unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(
            passwords
                .verify("correct horse", Some(hash.clone()))
                .await
                .unwrap()
        );
        assert!(!passwords.verify("correct hors", Some(hash)).await.unwrap());
        assert!(!passwords.verify("correct horse", None).await.unwrap());
    }

    #[tokio::test]
    async fn the_length_of_passwords_is_bounded_on_both_sides() {
        let passwords = Passwords::new();
        let hash = async |length: usize| passwords.hash(&"a".repeat(length), &Fixed).await.is_ok();
        assert!(!hash(PASSWORD_CHARS_MIN - 1).await);
        assert!(hash(PASSWORD_CHARS_MIN).await);
        assert!(hash(PASSWORD_BYTES_MAX).await);
        assert!(!hash(PASSWORD_BYTES_MAX + 1).await);
    }
}

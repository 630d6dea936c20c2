//! Second factors of sign-ins by password: codes of an authenticator program (RFC 6238), and recovery codes
//! for whoever has lost it. Access keys are a factor of their own and ask for none.

use std::time::Duration;

use totp_rs::{Builder, Secret, Totp};
use vitrine_access::ids::UserId;
use vitrine_access::refusal::RefusalKind;
use vitrine_access::seal::Purpose;
use vitrine_access::secret::RecoveryCode;
use vitrine_access::time::Timestamp;
use vitrine_store::SecondFactorRecord;

use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::PlatformAccess;
use crate::who::refuse;

/// Bytes of the shared secret: as many as SHA-1 takes in (RFC 4226, section 4).
const SECRET_BYTES: usize = 20;
/// Codes are good for this long, and for the step before and after (RFC 6238, section 5.2).
const STEP_S: u64 = 30;
const SKEW_STEPS: u16 = 1;
/// How long a sign-in stands in for the password that an account does not have.
const SIGN_IN_FRESH: Duration = Duration::from_mins(10);
const NONCE_BYTES: usize = 12;
/// What authenticator programs show as the name of the service.
const ISSUER: &str = "Vitrine";
/// Recovery codes that are made at once.
const RECOVERY_CODES: usize = 10;

/// What an authenticator program needs.
pub struct SharedSecret {
    /// In base 32, to be typed in.
    pub base32: String,
    /// The address that such programs read from a picture.
    pub url: String,
}

fn totp(secret: [u8; SECRET_BYTES]) -> Result<Totp> {
    Builder::new()
        .with_secret(Secret::new_stack(secret))
        .with_step_duration(STEP_S)
        .with_skew(SKEW_STEPS)
        .build()
        .map_err(|error| Error::internal(format!("an authenticator's secret: {error}")))
}

fn in_s(now: Timestamp) -> u64 {
    u64::try_from(now.unix_s()).unwrap_or_default()
}

fn wrong() -> Error {
    refuse(
        RefusalKind::SecondFactorInvalid,
        "The second factor is wrong, or this code was used before. Wait for the next code.",
    )
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::RequestInvalid, message)
}

impl Services {
    /// Whether a user's sign-ins by password ask for a second factor, and how many recovery codes are left.
    ///
    /// # Errors
    /// Database failures.
    pub async fn second_factor(&self, user: UserId) -> Result<Option<u64>> {
        let store = &self.inner.store;
        let factor = store.second_factor(user).await?;
        match factor.and_then(|factor| factor.confirmed_at) {
            None => Ok(None),
            Some(_) => Ok(Some(store.recovery_codes_left(user).await?)),
        }
    }

    /// Makes a secret for an authenticator program; it counts once its first code was shown.
    ///
    /// # Errors
    /// `PasswordInvalid`; `RequestInvalid` when a second factor is on already.
    pub async fn platform_begin_second_factor(
        &self,
        access: &PlatformAccess,
        password: Option<&str>,
    ) -> Result<SharedSecret> {
        self.again(access, password).await?;
        let mut secret = [0; SECRET_BYTES];
        self.inner.entropy.fill(&mut secret);
        let mut nonce = [0; NONCE_BYTES];
        self.inner.entropy.fill(&mut nonce);
        let record = SecondFactorRecord {
            user: access.user.id,
            sealed: self
                .inner
                .sealer
                .seal(Purpose::SecondFactor, &secret, nonce),
            created_at: self.now(),
            confirmed_at: None,
            last_step: 0,
        };
        if !self.inner.store.begin_second_factor(&record).await? {
            return Err(invalid(
                "A second factor is on already. Remove it first: then another one can take its place.",
            ));
        }
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        let base32 = Secret::new_stack(secret).to_base32();
        let name = access.user.email.as_deref().unwrap_or("account");
        let label = url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>();
        Ok(SharedSecret {
            url: format!(
                "otpauth://totp/{ISSUER}:{label}?secret={base32}&issuer={ISSUER}&algorithm=SHA1&digits=6\
                 &period={STEP_S}"
            ),
            base32,
        })
    }

    /// Switches the second factor on by its first code, and ends every other sign-in: they began without.
    /// The recovery codes are shown this once.
    ///
    /// # Errors
    /// `SecondFactorInvalid`; `RequestInvalid` when there is nothing to confirm.
    pub async fn platform_confirm_second_factor(
        &self,
        access: &PlatformAccess,
        code: &str,
    ) -> Result<Vec<RecoveryCode>> {
        let user = access.user.id;
        let confirmed = async {
            self.limit_second_factor(user)?;
            let factor = self.inner.store.second_factor(user).await?;
            let factor = factor.filter(|factor| factor.confirmed_at.is_none());
            let factor = factor.ok_or_else(|| {
                invalid("There is no second factor that waits for its first code.")
            })?;
            let step = self.step_of(&factor, code)?.ok_or_else(wrong)?;
            let codes: Vec<RecoveryCode> = (0..RECOVERY_CODES)
                .map(|_| RecoveryCode::new(&*self.inner.entropy))
                .collect();
            let hashes: Vec<_> = codes.iter().map(RecoveryCode::hash).collect();
            let now = self.now();
            let mut tx = self.inner.store.begin().await?;
            if !tx.confirm_second_factor(user, step, now).await? {
                return Err(wrong());
            }
            tx.set_recovery_codes(user, &hashes).await?;
            tx.end_sign_ins_but(user, Some(access.sign_in), now).await?;
            let withdrawn = self.withdraw_from(&mut tx, user).await?;
            tx.commit().await?;
            self.apply_change(&withdrawn).await?;
            Ok(codes)
        };
        let confirmed = confirmed.await;
        let codes =
            self.audited_as(access.operation, &access.caller, &access.actor(), confirmed)?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(codes)
    }

    /// Switches the second factor off, by the password and the factor itself.
    ///
    /// # Errors
    /// `PasswordInvalid`, `SecondFactorMissing` or `SecondFactorInvalid`; `RequestInvalid` when there is none.
    pub async fn platform_remove_second_factor(
        &self,
        access: &PlatformAccess,
        password: Option<&str>,
        code: Option<&str>,
    ) -> Result<()> {
        let user = access.user.id;
        self.again(access, password).await?;
        let removed = async {
            if self.second_factor(user).await?.is_none() {
                return Err(invalid("There is no second factor to be removed."));
            }
            self.check_second_factor(user, code).await?;
            self.inner.store.delete_second_factor(user).await?;
            Ok(())
        };
        let removed = removed.await;
        self.audited_as(access.operation, &access.caller, &access.actor(), removed)?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(())
    }

    /// Takes a user's second factor away, for the command line; `false` when there is none.
    ///
    /// # Errors
    /// Database failures.
    pub async fn forget_second_factor(&self, user: UserId) -> Result<bool> {
        Ok(self.inner.store.delete_second_factor(user).await?)
    }

    /// What a sign-in by the right password has to show besides.
    ///
    /// # Errors
    /// `SecondFactorMissing`; `SecondFactorInvalid`, also for a code that was used before; `RateLimited`.
    pub(crate) async fn check_second_factor(&self, user: UserId, code: Option<&str>) -> Result<()> {
        let store = &self.inner.store;
        let factor = store.second_factor(user).await?;
        let Some(factor) = factor.filter(|factor| factor.confirmed_at.is_some()) else {
            return Ok(());
        };
        let code = code.filter(|code| !code.is_empty()).ok_or_else(|| {
            refuse(
                RefusalKind::SecondFactorMissing,
                "The account asks for a second factor. Send the same with otp: the code of your \
                 authenticator program, or a recovery code.",
            )
        })?;
        self.limit_second_factor(user)?;
        if let Some(recovery) = RecoveryCode::parse(code) {
            let (hash, now) = (recovery.hash(), self.now());
            let taken = store.use_recovery_code(user, &hash, now).await?;
            return if taken { Ok(()) } else { Err(wrong()) };
        }
        let step = self.step_of(&factor, code)?.ok_or_else(wrong)?;
        // One code opens once, whichever node is asked and however many ask.
        if store.take_second_factor_step(user, step).await? {
            return Ok(());
        }
        Err(wrong())
    }

    /// The step of time that a code is of, within the tolerance.
    fn step_of(&self, factor: &SecondFactorRecord, code: &str) -> Result<Option<u64>> {
        let opened = self
            .inner
            .sealer
            .open(Purpose::SecondFactor, &factor.sealed);
        let opened = opened.map_err(Error::internal)?;
        let secret: [u8; SECRET_BYTES] = opened.as_slice().try_into().map_err(|_| {
            Error::internal("a sealed secret of an authenticator has another length")
        })?;
        let plain: String = code.chars().filter(|c| *c != ' ').take(10).collect();
        Ok(totp(secret)?.check(&plain, in_s(self.now())))
    }

    /// Whoever changes how they sign in shows once more who they are: by the present password, or where the
    /// account has none by a sign-in of their own that is a few minutes old.
    pub(crate) async fn again(
        &self,
        access: &PlatformAccess,
        password: Option<&str>,
    ) -> Result<()> {
        let store = &self.inner.store;
        if password.is_some() || store.password_of(access.user.id).await?.is_some() {
            let password = password.unwrap_or_default();
            return self.again_by_password(access, password).await;
        }
        let sign_in = store.sign_in_unscoped(access.sign_in).await?;
        let fresh = access.key.is_none()
            && sign_in.is_some_and(|one| self.now() < one.created_at.plus(SIGN_IN_FRESH));
        if fresh {
            return Ok(());
        }
        let refused = refuse(
            RefusalKind::SignInStale,
            "Your account has no password to ask for. Sign out, sign in again, and do this within ten minutes.",
        );
        self.audited_as(
            access.operation,
            &access.caller,
            &access.actor(),
            Err(refused),
        )
    }

    /// The present password of whoever changes how they sign in.
    async fn again_by_password(&self, access: &PlatformAccess, password: &str) -> Result<()> {
        self.limit_sign_in(&access.user.id.to_string(), &access.caller)?;
        let present = self.inner.store.password_of(access.user.id).await?;
        if self.inner.passwords.verify(password, present).await? {
            return Ok(());
        }
        let refused = refuse(
            RefusalKind::PasswordInvalid,
            "The present password is wrong.",
        );
        self.audited_as(
            access.operation,
            &access.caller,
            &access.actor(),
            Err(refused),
        )
    }
}

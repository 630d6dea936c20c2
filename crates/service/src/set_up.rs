//! Setting an installation up in a browser: the link for the first administrator.

use std::time::Duration;

use vitrine_access::refusal::RefusalKind;
use vitrine_access::secret::{ApiKey, SetUpKind};
use vitrine_store::UserRecord;

use crate::Services;
use crate::audit::Actor;
use crate::error::Result;
use crate::platform::actor;
use crate::users::NewUser;
use crate::who::{Caller, refuse};

/// How long the link is good: whoever starts a server is about to use it, and may start it again.
const LINK_TTL: Duration = Duration::from_hours(24);

impl Services {
    /// A fresh link's secret, where nobody is an administrator yet; it takes the place of the one before.
    ///
    /// # Errors
    /// Database failures.
    pub async fn new_set_up_link(&self) -> Result<Option<ApiKey<SetUpKind>>> {
        let store = &self.inner.store;
        if store.has_administrator().await? {
            return Ok(None);
        }
        let secret = ApiKey::<SetUpKind>::new(&*self.inner.entropy);
        let until = self.now().plus(LINK_TTL);
        store.set_setup_link(&secret.hash(), until).await?;
        Ok(Some(secret))
    }

    /// Makes the first administrator by the link, which is used up. Noted either way.
    ///
    /// # Errors
    /// `LinkInvalid` when the secret is not the newest link's or was used; `LinkExpired`; and as
    /// [`Services::create_user`], which leaves the link good.
    pub async fn set_up(
        &self,
        operation: &str,
        secret: &str,
        mut new: NewUser,
        caller: &Caller,
    ) -> Result<UserRecord> {
        self.trusted()?;
        let made = async {
            let invalid = || {
                refuse(
                    RefusalKind::LinkInvalid,
                    "This link does not set the server up: it was used, or the server was started \
                     again since. The newest start printed the link that does.",
                )
            };
            let hash = ApiKey::<SetUpKind>::parse(secret)
                .map_err(|_| invalid())?
                .hash();
            let known = self.inner.store.setup_link().await?;
            let (_, until) = known
                .filter(|(known, _)| *known == hash)
                .ok_or_else(invalid)?;
            if self.now() >= until {
                return Err(refuse(
                    RefusalKind::LinkExpired,
                    "The link is over. Start the server again: it prints a new one.",
                ));
            }
            new.administrator = true;
            let (user, password) = self.prepare_user(new).await?;
            let mut tx = self.inner.store.begin().await?;
            if !tx.use_setup_link(&hash).await? || tx.has_administrator().await? {
                return Err(invalid());
            }
            Self::add_user(&mut tx, &user, &password).await?;
            tx.commit().await?;
            Ok(user)
        };
        let made = made.await;
        let made = self.audited_as(operation, caller, &Actor::default(), made)?;
        self.note_allowed_as(operation, caller, &actor(made.id, None));
        Ok(made)
    }
}

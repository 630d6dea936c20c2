//! Signing in at a provider that the operator names (`OpenID` Connect: authorization code with PKCE).
//!
//! The steps go through the `oauth2` crate, every request through our one way out, and the ID token
//! through our own strict verification. Who somebody is there, and which account that is here, are
//! two questions: only issuer and subject answer the second one, once they are linked.

mod accounts;
mod metadata;
mod steps;

use std::sync::Arc;

use oauth2::ClientSecret;
use tokio::sync::Mutex;
use vitrine_access::refusal::RefusalKind;

use crate::Services;
use crate::error::{Error, Result};
use crate::who::refuse;

pub use accounts::{IDENTITIES_MAX, LinkedIdentity};
use metadata::Known;
pub use metadata::PROVIDER_RETRY;
pub use steps::{ProviderAnswer, ProviderBeginning, ProviderEnd};

/// A provider at which people sign in.
#[derive(Clone, Debug)]
pub struct SignInProvider {
    /// Its name in addresses.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// `iss`, exactly; where its own description lies follows from it.
    pub issuer: String,
    /// Our name there.
    pub client: String,
    /// What we prove ourselves by; none for a public client, which has PKCE alone.
    pub secret: Option<ClientKey>,
    /// Whether the account of a verified address is linked at the first sign-in.
    pub link_by_email: bool,
    /// Whether an account is made for a verified address that nobody has.
    pub create_users: bool,
    /// Domains whose addresses count for both, in lower case; `*` is all.
    pub email_domains: Vec<String>,
}

/// What we prove ourselves by at a provider. `Debug` does not show it.
#[derive(Clone, Debug)]
pub struct ClientKey(ClientSecret);

impl ClientKey {
    /// From the text that the provider gave.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(ClientSecret::new(text))
    }
}

/// A provider and what is known of it.
pub(crate) struct Provider {
    settings: SignInProvider,
    known: Mutex<Known>,
}

/// All providers.
pub(crate) struct Providers {
    list: Vec<Arc<Provider>>,
}

impl Providers {
    pub(crate) fn new(settings: &[SignInProvider]) -> Self {
        let provider = |settings: &SignInProvider| {
            Arc::new(Provider {
                settings: settings.clone(),
                known: Mutex::default(),
            })
        };
        Self {
            list: settings.iter().map(provider).collect(),
        }
    }

    fn find(&self, name: &str) -> Result<Arc<Provider>> {
        let found = self.list.iter().find(|one| one.settings.name == name);
        found.map(Arc::clone).ok_or_else(unknown)
    }
}

impl Services {
    /// Whether an issuer is one of the providers.
    fn signs_in(&self, issuer: &str) -> bool {
        let providers = &self.inner.settings.sign_in_providers;
        providers.iter().any(|one| one.issuer == issuer)
    }
}

fn unknown() -> Error {
    refuse(
        RefusalKind::ProviderUnknown,
        "No provider of this name signs anybody in here. Open the sign-in page again.",
    )
}

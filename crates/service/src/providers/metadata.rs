//! What a provider says of itself (`OpenID` Connect Discovery 1.0), and its keys. Asked when somebody
//! signs in there and what is known is old; one asks, and whoever comes meanwhile waits for the answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use url::Url;
use vitrine_access::egress::EgressPurpose;
use vitrine_access::jwt::{Algorithm, ExpectedId, IdToken, JwtError, KeySet};
use vitrine_access::time::Timestamp;

use super::{Provider, SignInProvider};
use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::outgoing::OutgoingRequest;

/// How long a description and its keys are taken as they are.
const FRESH: Duration = Duration::from_hours(1);
/// Shortest time between two tries, whatever browsers and tokens ask for.
pub const PROVIDER_RETRY: Duration = Duration::from_secs(30);
/// Without a new answer for so long, what was known counts no more.
const STALE_MAX: Duration = Duration::from_hours(24);
/// Bytes of a description or a key set; those of large providers have some thousand.
const BYTES_MAX: usize = 256 << 10;
/// Time for one fetch: a person waits for it.
const FETCH_MAX: Duration = Duration::from_secs(5);

/// What is known of a provider.
#[derive(Default)]
pub(super) struct Known {
    found: Option<Arc<Metadata>>,
    tried_at: Option<Timestamp>,
}

/// What a provider says of itself.
pub(super) struct Metadata {
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    /// Whether its answers name it (RFC 9207).
    pub(super) names_itself: bool,
    /// Whether it wants our secret in the form, and not in a header.
    pub(super) secret_in_form: bool,
    keys: KeySet,
    read_at: Timestamp,
}

/// The members that matter.
#[derive(Deserialize)]
struct Description {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    id_token_signing_alg_values_supported: Vec<String>,
}

/// Why a provider cannot be used, for the operator.
type Fault = String;

impl Description {
    fn read(text: &[u8], settings: &SignInProvider) -> std::result::Result<Self, Fault> {
        let read: Self = serde_json::from_slice(text)
            .map_err(|error| format!("its description cannot be read: {error}"))?;
        if read.issuer != settings.issuer {
            return Err("its description is another issuer's".to_owned());
        }
        if !is_safe(&read.authorization_endpoint) {
            return Err("its authorization_endpoint is no https address".to_owned());
        }
        let known = |name: &String| name.parse::<Algorithm>().is_ok();
        let named = &read.id_token_signing_alg_values_supported;
        if !named.is_empty() && !named.iter().any(known) {
            return Err("it signs ID tokens neither by RS256, ES256 nor EdDSA".to_owned());
        }
        Ok(read)
    }

    /// RFC 6749, section 2.3.1 prefers the header, and so does who says nothing.
    fn secret_in_form(&self) -> std::result::Result<bool, Fault> {
        let Some(methods) = &self.token_endpoint_auth_methods_supported else {
            return Ok(false);
        };
        let has = |name: &str| methods.iter().any(|method| method == name);
        match (has("client_secret_basic"), has("client_secret_post")) {
            (true, _) => Ok(false),
            (false, true) => Ok(true),
            // It may still take clients without a secret, which stand in the form.
            (false, false) if has("none") => Ok(true),
            (false, false) => Err("it takes no secret in a header or a form".to_owned()),
        }
    }
}

/// A place to send a browser to: over plain http anybody on the way could ask for the password, so that
/// only this machine may be named so.
fn is_safe(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else {
        return false;
    };
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let loopback = bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    plain && (url.scheme() == "https" || (url.scheme() == "http" && loopback))
}

impl Services {
    /// What a provider says of itself now.
    ///
    /// # Errors
    /// `ConnectorFailed` when it cannot be asked, with the cause for the log.
    pub(super) async fn provider_metadata(&self, provider: &Provider) -> Result<Arc<Metadata>> {
        self.metadata_newer_than(provider, FRESH).await
    }

    async fn metadata_newer_than(
        &self,
        provider: &Provider,
        age_max: Duration,
    ) -> Result<Arc<Metadata>> {
        let mut known = provider.known.lock().await;
        let now = self.now();
        if let Some(found) = &known.found
            && now < found.read_at.plus(age_max)
        {
            return Ok(Arc::clone(found));
        }
        if known
            .tried_at
            .is_none_or(|at| now >= at.plus(PROVIDER_RETRY))
        {
            known.tried_at = Some(now);
            match self.ask_provider(&provider.settings, now).await {
                Ok(found) => {
                    let found = Arc::new(found);
                    known.found = Some(Arc::clone(&found));
                    return Ok(found);
                }
                Err(cause) => {
                    let provider = &provider.settings.name;
                    tracing::warn!(provider, cause, "a provider cannot be asked");
                }
            }
        }
        known
            .found
            .as_ref()
            .filter(|found| now < found.read_at.plus(STALE_MAX))
            .map(Arc::clone)
            .ok_or_else(|| unavailable(&provider.settings.title))
    }

    async fn ask_provider(
        &self,
        settings: &SignInProvider,
        now: Timestamp,
    ) -> std::result::Result<Metadata, Fault> {
        let base = settings.issuer.trim_end_matches('/');
        let place = format!("{base}/.well-known/openid-configuration");
        let text = self.fetch_of_provider(&place).await?;
        let description = Description::read(&text, settings)?;
        let text = self.fetch_of_provider(&description.jwks_uri).await?;
        let keys = KeySet::from_jwks(&text).map_err(|error| format!("its keys: {error}"))?;
        Ok(Metadata {
            names_itself: description.authorization_response_iss_parameter_supported,
            secret_in_form: description.secret_in_form()?,
            authorization_endpoint: description.authorization_endpoint,
            token_endpoint: description.token_endpoint,
            keys,
            read_at: now,
        })
    }

    async fn fetch_of_provider(&self, url: &str) -> std::result::Result<bytes::Bytes, Fault> {
        let request = OutgoingRequest::get(EgressPurpose::OpenId, url)
            .bytes_max(BYTES_MAX)
            .time_max(FETCH_MAX)
            .redirects_max(0);
        let answer = self.inner.outgoing.fetch(request).await;
        let answer = answer.map_err(|error| error.to_string())?;
        if answer.status.as_u16() != 200 {
            return Err(format!("it answers {}", answer.status));
        }
        Ok(answer.body)
    }

    /// Verifies an ID token by the provider's keys; by newer ones where its key is not known yet.
    pub(super) async fn verify_id_token(
        &self,
        provider: &Provider,
        metadata: &Metadata,
        token: &str,
        expected: &ExpectedId<'_>,
    ) -> Result<std::result::Result<IdToken, JwtError>> {
        let verified = IdToken::verify(&metadata.keys, token, expected, self.now());
        if verified != Err(JwtError::KeyUnknown) {
            return Ok(verified);
        }
        let newer = self.metadata_newer_than(provider, PROVIDER_RETRY).await?;
        Ok(IdToken::verify(&newer.keys, token, expected, self.now()))
    }
}

/// What is said while a provider does not answer as it should.
pub(super) fn unavailable(title: &str) -> Error {
    Error::new(
        ErrorKind::ConnectorFailed,
        format!(
            "{title} does not answer as it should. Try again in a minute, or sign in another way."
        ),
    )
    .retry_after_s(PROVIDER_RETRY.as_secs())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn settings() -> SignInProvider {
        SignInProvider {
            name: "acme".to_owned(),
            title: "Acme".to_owned(),
            issuer: "https://login.example.com".to_owned(),
            client: "vitrine".to_owned(),
            secret: None,
            link_by_email: false,
            create_users: false,
            email_domains: Vec::new(),
        }
    }

    fn read(member: &str, value: Value) -> std::result::Result<Description, Fault> {
        let mut text = json!({
            "issuer": "https://login.example.com",
            "authorization_endpoint": "https://login.example.com/authorize",
            "token_endpoint": "https://login.example.com/token",
            "jwks_uri": "https://login.example.com/keys",
        });
        text[member] = value;
        Description::read(text.to_string().as_bytes(), &settings())
    }

    #[test]
    fn a_description_is_its_own_issuers_and_sends_browsers_to_safe_places() {
        assert!(read("x", json!(1)).is_ok());
        for (member, value) in [
            ("issuer", json!("https://login.example.com/")),
            ("issuer", json!("https://evil.example")),
            (
                "authorization_endpoint",
                json!("http://login.example.com/a"),
            ),
            ("authorization_endpoint", json!("javascript:alert(1)")),
            (
                "authorization_endpoint",
                json!("https://a@login.example.com/"),
            ),
            ("authorization_endpoint", json!("/authorize")),
            ("id_token_signing_alg_values_supported", json!(["HS256"])),
            ("token_endpoint", json!(null)),
        ] {
            assert!(read(member, value.clone()).is_err(), "{member} {value}");
        }
        let here = json!("http://127.0.0.1:4000/authorize");
        assert!(read("authorization_endpoint", here).is_ok());
    }

    #[test]
    fn the_secret_goes_where_the_provider_takes_it() {
        const MEMBER: &str = "token_endpoint_auth_methods_supported";
        let place = |methods: Value| read(MEMBER, methods).unwrap().secret_in_form();
        assert_eq!(place(json!(null)), Ok(false));
        assert_eq!(
            place(json!(["client_secret_post", "client_secret_basic"])),
            Ok(false)
        );
        assert_eq!(place(json!(["client_secret_post"])), Ok(true));
        assert_eq!(place(json!(["none"])), Ok(true));
        assert!(place(json!(["private_key_jwt"])).is_err());
    }
}

//! The steps of a sign-in at a provider: the browser is sent there, comes back with an answer, and the
//! console then asks for the tokens.

use std::future::Future;
use std::pin::Pin;

use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
    BasicTokenType,
};
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, CsrfToken, EndpointNotSet,
    EndpointSet, ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RequestTokenError, Scope, StandardRevocableToken, StandardTokenResponse,
    TokenResponse as _, TokenUrl,
};
use serde::{Deserialize, Serialize};
use vitrine_access::egress::EgressPurpose;
use vitrine_access::ids::{TokenId, UserId};
use vitrine_access::jwt::{ExpectedId, IdToken};
use vitrine_access::provider::{Challenges, ProviderSignIn, ProviderStep};
use vitrine_access::refusal::RefusalKind;

use super::metadata::{Metadata, unavailable};
use super::{Provider, SignInProvider};
use crate::Services;
use crate::audit::Actor;
use crate::error::{Error, Result};
use crate::outgoing::{Outgoing, OutgoingError, OutgoingRequest};
use crate::platform::SignedIn;
use crate::who::{Caller, printable, refuse};

/// Bytes of the answer with the tokens.
const TOKENS_BYTES_MAX: usize = 64 << 10;
/// What is asked for: who it is, and an address that may be vouched for.
const SCOPES: [&str; 3] = ["openid", "email", "profile"];

/// A browser's sign-in that begins: where it goes, and what it keeps in its cookie meanwhile.
pub struct ProviderBeginning {
    /// The provider's page.
    pub location: String,
    /// The cookie's value.
    pub cookie: String,
}

/// What came back with a browser, by its address and its cookie.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProviderAnswer<'a> {
    /// `code`.
    pub code: Option<&'a str>,
    /// `state`.
    pub state: Option<&'a str>,
    /// `iss` (RFC 9207).
    pub issuer: Option<&'a str>,
    /// `error`.
    pub error: Option<&'a str>,
    /// The cookie's value.
    pub cookie: Option<&'a str>,
}

/// What an answer leads to.
pub enum ProviderEnd {
    /// It is a user; the cookie's new value asks for their tokens.
    Known(String),
    /// The identity belongs to the account that asked for it.
    Linked,
}

/// The ID token of a token answer.
#[derive(Deserialize, Serialize)]
struct WithIdToken {
    id_token: Option<String>,
}

impl std::fmt::Debug for WithIdToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WithIdToken(hidden)")
    }
}

impl ExtraTokenFields for WithIdToken {}

type Tokens = StandardTokenResponse<WithIdToken, BasicTokenType>;
type Client = oauth2::Client<
    BasicErrorResponse,
    Tokens,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// Our one way out, as the crate asks for it.
struct Wire<'a>(&'a dyn Outgoing);

impl<'c> AsyncHttpClient<'c> for Wire<'_> {
    type Error = OutgoingError;
    type Future =
        Pin<Box<dyn Future<Output = std::result::Result<HttpResponse, OutgoingError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let url = parts.uri.to_string();
            let mut outgoing = OutgoingRequest::new(EgressPurpose::OpenId, parts.method, url)
                .body(body)
                .bytes_max(TOKENS_BYTES_MAX)
                // Whoever redirected this could have the code and our secret sent elsewhere.
                .redirects_max(0);
            outgoing.headers = parts.headers;
            let answer = self.0.fetch(outgoing).await?;
            let mut response = HttpResponse::new(answer.body.to_vec());
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            Ok(response)
        })
    }
}

impl Services {
    /// `POST /oauth/providers/{name}`: begins a sign-in there. Nothing is kept of it here.
    ///
    /// # Errors
    /// `ProviderUnknown`, `RateLimited`; `ConnectorFailed` when the provider does not answer.
    pub async fn platform_begin_provider(
        &self,
        operation: &str,
        name: &str,
        caller: &Caller,
    ) -> Result<ProviderBeginning> {
        self.trusted()?;
        let begun = async {
            let provider = self.inner.providers.find(name)?;
            self.limit_signing_in(caller)?;
            self.begin_at_provider(&provider, None).await
        };
        let begun = begun.await;
        self.audited_as(operation, caller, &Actor::default(), begun)
    }

    pub(super) async fn begin_at_provider(
        &self,
        provider: &Provider,
        linking: Option<(UserId, TokenId)>,
    ) -> Result<ProviderBeginning> {
        let metadata = self.provider_metadata(provider).await?;
        let entropy = &*self.inner.entropy;
        let name = &provider.settings.name;
        let begun = ProviderSignIn::asked(name, linking, self.now(), entropy);
        let ProviderStep::Asked { challenges, .. } = &begun.step else {
            return Err(Error::internal("a sign-in that begins has asked nothing"));
        };
        let client = self.client_at(provider, &metadata)?;
        let verifier = PkceCodeVerifier::new(challenges.verifier());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        let state = challenges.state();
        let (location, _) = client
            .authorize_url(|| CsrfToken::new(state))
            .add_scopes(SCOPES.map(|scope| Scope::new(scope.to_owned())))
            .add_extra_param("nonce", challenges.nonce())
            .set_pkce_challenge(challenge)
            .url();
        Ok(ProviderBeginning {
            location: location.into(),
            cookie: begun.seal(&self.inner.sealer, entropy),
        })
    }

    /// `GET /oauth/providers/{name}/callback`: takes the provider's answer, once, in the browser that was
    /// sent there. Noted either way.
    ///
    /// # Errors
    /// `ProviderUnknown`, `ProviderSignInInvalid`, `ProviderDenied`, `ProviderAnswerInvalid`,
    /// `IdentityUnknown`, `IdentityTaken`; `ConnectorFailed` when the provider does not answer.
    pub async fn platform_end_provider(
        &self,
        operation: &str,
        name: &str,
        answer: ProviderAnswer<'_>,
        caller: &Caller,
    ) -> Result<ProviderEnd> {
        self.trusted()?;
        let mut who = Actor::default();
        let ended = self.end_at_provider(name, answer, &mut who).await;
        let (end, about) = self.audited_as(operation, caller, &who, ended)?;
        self.note_allowed_about(operation, caller, &who, &about);
        Ok(end)
    }

    async fn end_at_provider(
        &self,
        name: &str,
        answer: ProviderAnswer<'_>,
        who: &mut Actor,
    ) -> Result<(ProviderEnd, String)> {
        let provider = self.inner.providers.find(name)?;
        let open = self
            .provider_sign_in(answer.cookie)
            .filter(|one| one.provider == name);
        let begun = open.ok_or_else(not_begun)?;
        let ProviderStep::Asked {
            challenges,
            linking,
        } = &begun.step
        else {
            return Err(not_begun());
        };
        if !challenges.fits(answer.state.unwrap_or_default()) {
            return Err(not_begun());
        }
        // From here on the state is used up, whatever comes of it.
        let store = &self.inner.store;
        if !store.take_sign_in_step(begun.id, begun.expires_at).await? {
            return Err(not_begun());
        }
        let identity = self.identity_of(&provider, challenges, answer).await?;
        self.account_of_identity(&provider.settings, &identity, *linking, who)
            .await
    }

    /// Who the provider says it is.
    async fn identity_of(
        &self,
        provider: &Provider,
        challenges: &Challenges,
        answer: ProviderAnswer<'_>,
    ) -> Result<IdToken> {
        let settings = &provider.settings;
        let metadata = self.provider_metadata(provider).await?;
        // RFC 9207: an answer of another provider would make us show its code to this one.
        let named = match answer.issuer {
            Some(issuer) => issuer == settings.issuer,
            None => !metadata.names_itself,
        };
        if !named {
            return Err(unproven(settings, "the answer names another issuer"));
        }
        if let Some(word) = answer.error {
            let word = printable(word);
            tracing::info!(
                provider = settings.name,
                word,
                "a provider signed nobody in"
            );
            return Err(refuse(
                RefusalKind::ProviderDenied,
                format!(
                    "{} did not sign you in. Try again, or sign in another way.",
                    settings.title
                ),
            ));
        }
        let code = answer
            .code
            .ok_or_else(|| unproven(settings, "the answer has no code"))?;
        let client = self.client_at(provider, &metadata)?;
        let tokens = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(challenges.verifier()))
            .request_async(&Wire(&*self.inner.outgoing))
            .await
            .map_err(|error| untraded(settings, &error))?;
        let compact = tokens.extra_fields().id_token.as_deref();
        let compact = compact.ok_or_else(|| unproven(settings, "there is no ID token"))?;
        let expected = ExpectedId {
            issuer: &settings.issuer,
            client: &settings.client,
            nonce: &challenges.nonce(),
            access_token: tokens.access_token().secret(),
        };
        self.verify_id_token(provider, &metadata, compact, &expected)
            .await?
            .map_err(|error| unproven(settings, &format!("the ID token: {error}")))
    }

    fn client_at(&self, provider: &Provider, metadata: &Metadata) -> Result<Client> {
        let settings = &provider.settings;
        let broken = |error: url::ParseError| {
            unavailable(&settings.title).caused_by(format!("an address of it: {error}"))
        };
        let own = format!(
            "{}/oauth/providers/{}/callback",
            self.inner.settings.public_url, settings.name
        );
        let place = AuthUrl::new(metadata.authorization_endpoint.clone()).map_err(broken)?;
        let tokens = TokenUrl::new(metadata.token_endpoint.clone()).map_err(broken)?;
        let client = oauth2::Client::new(ClientId::new(settings.client.clone()))
            .set_auth_uri(place)
            .set_token_uri(tokens)
            .set_redirect_uri(RedirectUrl::new(own).map_err(Error::internal)?)
            .set_auth_type(if metadata.secret_in_form {
                AuthType::RequestBody
            } else {
                AuthType::BasicAuth
            });
        Ok(match &settings.secret {
            Some(secret) => client.set_client_secret(secret.0.clone()),
            None => client,
        })
    }

    fn provider_sign_in(&self, cookie: Option<&str>) -> Option<ProviderSignIn> {
        ProviderSignIn::open(&self.inner.sealer, cookie?, self.now())
    }

    /// Gives the tokens of a sign-in whose provider has said who it is. The account's own second factor is
    /// asked for as beside a password: a provider says nothing of what it asked for.
    pub(crate) async fn user_of_provider(
        &self,
        client: &str,
        cookie: Option<&str>,
        second: Option<&str>,
        who: &mut Actor,
        caller: &Caller,
    ) -> Result<SignedIn> {
        let open = self.provider_sign_in(cookie).ok_or_else(not_begun)?;
        let ProviderStep::Known(user, identity) = open.step else {
            return Err(not_begun());
        };
        *who = by_provider(user, &open.provider);
        self.limit_sign_in(&user.to_string(), caller)?;
        let issuer = self.inner.providers.find(&open.provider)?;
        let issuer = &issuer.settings.issuer;
        let linked = self.inner.store.identities(user).await?;
        let linked = linked
            .iter()
            .any(|one| one.id == identity && one.issuer == *issuer);
        if !linked || !self.may_sign_in(user).await? {
            return Err(not_begun());
        }
        self.check_second_factor(user, second).await?;
        let store = &self.inner.store;
        if !store.take_sign_in_step(open.id, open.expires_at).await? {
            return Err(not_begun());
        }
        let begun = self.begin_sign_in(client, user, None, None).await?;
        begun.ok_or_else(|| Error::internal("a sign-in without a code waits for none"))
    }
}

/// Somebody whom a provider knows.
pub(super) fn by_provider(user: UserId, provider: &str) -> Actor {
    Actor {
        known: Some((format!("user:{user}"), format!("provider {provider}"))),
    }
}

/// Whatever is wrong with it: whoever has not begun it learns nothing.
fn not_begun() -> Error {
    refuse(
        RefusalKind::ProviderSignInInvalid,
        "This browser has no such sign-in under way: it was begun elsewhere, took more than ten minutes, \
         or is finished. Begin it again from the sign-in page.",
    )
}

fn unproven(settings: &SignInProvider, why: &str) -> Error {
    tracing::warn!(
        provider = settings.name,
        cause = why,
        "an answer of a provider is refused"
    );
    refuse(
        RefusalKind::ProviderAnswerInvalid,
        format!(
            "What {} sent does not prove who you are. Try again; if it stays so, tell whoever runs this \
             server.",
            settings.title
        ),
    )
}

/// The provider did not give tokens for a code. Never says what was sent.
fn untraded(
    settings: &SignInProvider,
    error: &RequestTokenError<OutgoingError, BasicErrorResponse>,
) -> Error {
    match error {
        RequestTokenError::ServerResponse(answer) => {
            let word = printable(answer.error().as_ref());
            unproven(settings, &format!("the code gave no tokens: {word}"))
        }
        RequestTokenError::Request(cause) => {
            unavailable(&settings.title).caused_by(format!("{}: {cause}", settings.name))
        }
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            unproven(settings, "the answer with the tokens cannot be read")
        }
    }
}

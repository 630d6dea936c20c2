//! `/authorize`: forward-auth for other people's back ends.
//!
//! nginx (`auth_request`), Traefik (`forwardAuth`) and Envoy (`ext_authz` over HTTP) ask here before
//! they pass a request on. Only trusted proxies are answered, because everything that decides (which
//! model, which permission, which method) is their word. Whatever is not clear is refused with 403:
//! nginx turns other statuses into its own 500, and some proxies let requests pass on a 5xx.

mod answer;
mod credentials;
mod route;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::response::Response;
use vitrine_access::ids::RequestId;
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_service::authorize::{Authorized, Question};
use vitrine_service::who::Caller;
use vitrine_service::{Error, Services};

use crate::error::{ApiError, ErrorKind};
use crate::extract::{Page, Peer, bearer};
use credentials::Credentials;
pub(crate) use route::PATH;
use route::Route;

/// Whether a path is that of a proxy's question. Some proxies append the path of the original request.
pub(crate) fn is_question(path: &str) -> bool {
    path.strip_prefix(PATH)
        .is_some_and(|below| below.is_empty() || below.starts_with('/'))
}

/// Decides for a proxy whether it may pass a request on. Any method is taken; a proxy may append the
/// original path.
#[utoipa::path(
    get, path = "/authorize", operation_id = "Authorize", tag = "forward-auth",
    params(
        ("model" = Option<String>, Query, description = "Id of the route's model, unless \
         X-Vitrine-Model names it"),
        ("permission" = Option<String>, Query, description = "The permission that the route needs, \
         unless X-Vitrine-Permission names it"),
        ("cookie" = Option<String>, Query, description = "Name of the cookie that may hold the \
         credential"),
        ("query" = Option<String>, Query, description = "Name of the member of the original query \
         that may hold the credential")
    ),
    responses(
        (status = 204, description = "Pass it on; X-Vitrine-… headers say who it is"),
        (status = 401, description = "No credential, or one that is over; X-Vitrine-Reason says why"),
        (status = 403, description = "Not allowed; X-Vitrine-Reason says why")
    )
)]
pub(crate) async fn check(State(services): State<Services>, request: Request) -> Response {
    // The body, if a proxy sends one at all, is not looked at.
    let (parts, _) = request.into_parts();
    let asker = Asker {
        peer: Peer::of(&parts.extensions),
        request: parts.extensions.get().copied(),
    };
    answer(&services, asker, &parts).await
}

/// Who asks, as the layers found out.
#[derive(Clone, Copy)]
pub(crate) struct Asker {
    pub(crate) peer: Option<Peer>,
    pub(crate) request: Option<RequestId>,
}

/// Answers a question.
pub(crate) async fn answer(services: &Services, asker: Asker, parts: &Parts) -> Response {
    match decide(services, asker, parts).await {
        Ok(authorized) => answer::let_through(authorized),
        Err(error) => answer::refused(&error, asker.request),
    }
}

async fn decide(services: &Services, asker: Asker, parts: &Parts) -> Result<Authorized, Error> {
    let Asker { peer, request } = asker;
    let anonymous = Caller {
        bearer: None,
        session: None,
        address: peer.map(|peer| peer.address),
        request,
    };
    let refuse = |refusal| services.refused_to_authorize(&anonymous, refusal);
    if !peer.is_some_and(|peer| peer.via_trusted_proxy) {
        return Err(refuse(Refusal::new(
            RefusalKind::ProxyUntrusted,
            "This address answers trusted proxies only. Name yours in 'trusted_proxies'.",
        )));
    }
    let bearer = bearer(&parts.headers).map_err(|error| refuse(refusal_of(&error)))?;
    let route = Route::read(parts).map_err(refuse)?;
    let found = Credentials::read(&parts.headers, &route, bearer).map_err(refuse)?;
    let page = Page::of(&parts.headers);
    let question = Question {
        sent: found.sent(&route),
        need: &route.need.route,
        presented: found.presented,
        page: page.evidence(),
    };
    let caller = Caller {
        bearer: found.bearer,
        ..anonymous
    };
    services.authorize(question, &caller).await
}

/// What an extractor refused, for the trail.
fn refusal_of(error: &ApiError) -> Refusal {
    let kind = match error.kind() {
        ErrorKind::Refused(kind) => kind,
        _ => RefusalKind::CredentialUnclear,
    };
    Refusal::new(kind, error.message())
}

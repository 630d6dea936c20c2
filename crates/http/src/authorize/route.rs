//! What the proxy says: which model and permission the route needs, where the credential may stand,
//! and what the original request was.

use std::cell::RefCell;
use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use vitrine_access::permissions::WantedPermission;
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_service::authorize::RouteNeed;

use crate::limits::CREDENTIAL_NAME_BYTES_MAX;

/// Where the operation stands; what follows is the original path.
pub(crate) const PATH: &str = "/authorize";

/// How many things a route names.
const NAMED: usize = 4;
/// The members of the auth URL's query, and the header that stands for each.
static NAMES: [(&str, HeaderName); NAMED] = [
    ("model", HeaderName::from_static("x-vitrine-model")),
    (
        "permission",
        HeaderName::from_static("x-vitrine-permission"),
    ),
    ("cookie", HeaderName::from_static("x-vitrine-cookie")),
    ("query", HeaderName::from_static("x-vitrine-query")),
];

/// Headers in which proxies say the original method.
static METHOD_HEADERS: [HeaderName; 2] = [
    HeaderName::from_static("x-original-method"),
    HeaderName::from_static("x-forwarded-method"),
];
/// Headers in which proxies say the original path and query.
static URI_HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("x-original-uri"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-forwarded-uri"),
];
/// What auth URLs name, as a thread keeps it: they stand in configurations, so that there are a few and each
/// comes again with every request.
const QUERIES_KEPT_MAX: usize = 32;
const QUERY_KEPT_BYTES_MAX: usize = 512;

thread_local! {
    static KNOWN: RefCell<Vec<(Box<str>, Arc<Need>)>> = const { RefCell::new(Vec::new()) };
}

/// Methods that change nothing (RFC 9110, section 9.2.1).
const SAFE_METHODS: [&str; 3] = ["GET", "HEAD", "OPTIONS"];
/// Stands in every handshake of a web socket, over HTTP/1.1 and HTTP/2 alike.
static WEB_SOCKET: HeaderName = HeaderName::from_static("sec-websocket-version");

/// Everything about a question that only a trusted proxy may say. The query may hold a credential, so
/// there is no `Debug`.
pub(super) struct Route<'a> {
    /// What the proxy's configuration names.
    pub(super) need: Arc<Need>,
    /// The original query.
    pub(super) original_query: Option<&'a str>,
    /// Whether the original request is known to change nothing.
    pub(super) effect: Effect,
}

/// What the proxy's configuration names for a route.
#[derive(Debug)]
pub(super) struct Need {
    /// Model and permission.
    pub(super) route: RouteNeed,
    /// The cookie that may hold the credential.
    pub(super) cookie: Option<String>,
    /// The member of the original query that may hold the credential.
    pub(super) query: Option<String>,
}

/// What a request may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// It reads.
    Safe,
    /// It may change something, or nobody said what it is.
    Unsafe,
}

pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(RefusalKind::RouteInvalid, message)
}

impl<'a> Route<'a> {
    pub(super) fn read(parts: &'a Parts) -> Result<Self, Refusal> {
        let below = parts.uri.path().strip_prefix(PATH).unwrap_or_default();
        let need = if below.is_empty() {
            needed(parts.uri.query(), &parts.headers)?
        } else {
            // With the path the client's query is appended too: it must not name anything.
            Arc::new(Need::of(from_headers(&parts.headers)?)?)
        };
        let (method, original_query) = if below.is_empty() {
            let uri = said(&parts.headers, &URI_HEADERS)?;
            let query = uri
                .and_then(|uri| uri.split_once('?'))
                .map(|(_, query)| query);
            (said(&parts.headers, &METHOD_HEADERS)?, query)
        } else {
            (Some(parts.method.as_str()), parts.uri.query())
        };
        let safe = method.is_some_and(|method| SAFE_METHODS.contains(&method))
            && !parts.headers.contains_key(&WEB_SOCKET);
        Ok(Self {
            need,
            original_query,
            effect: if safe { Effect::Safe } else { Effect::Unsafe },
        })
    }
}

impl Need {
    fn of([model, permission, cookie, query]: Named) -> Result<Self, Refusal> {
        let model = named(model, "model")?
            .parse()
            .map_err(|_| invalid("The route's model is not named by a model id."))?;
        let permission = WantedPermission::parse(&named(permission, "permission")?);
        let permission = permission.ok_or_else(|| {
            invalid(
                "The route's permission is none of the table. Name one, as 'cache.output.get.*' or \
                 'compute.output.<id>'.",
            )
        })?;
        Ok(Self {
            route: RouteNeed { model, permission },
            cookie: cookie.map(credential_name).transpose()?,
            query: query.map(credential_name).transpose()?,
        })
    }
}

type Named = [Option<String>; NAMED];

fn named(value: Option<String>, what: &str) -> Result<String, Refusal> {
    value.filter(|text| !text.is_empty()).ok_or_else(|| {
        invalid(format!(
            "The proxy's configuration does not name the route's {what}."
        ))
    })
}

/// Everything from the auth URL's query, or everything from headers: with both, a client could add
/// what the configuration left out.
fn needed(query: Option<&str>, headers: &HeaderMap) -> Result<Arc<Need>, Refusal> {
    let Some(query) = query.filter(|query| !query.is_empty()) else {
        return Ok(Arc::new(Need::of(from_headers(headers)?)?));
    };
    if NAMES.iter().any(|(_, header)| headers.contains_key(header)) {
        return Err(invalid(
            "The route is named in the auth URL, and an X-Vitrine header that names it came along \
             too. Let the proxy remove such headers.",
        ));
    }
    let known = KNOWN.with_borrow(|known| {
        let found = known.iter().find(|(text, _)| **text == *query);
        found.map(|(_, need)| Arc::clone(need))
    });
    if let Some(need) = known {
        return Ok(need);
    }
    let need = Arc::new(Need::of(names(query)?)?);
    if query.len() <= QUERY_KEPT_BYTES_MAX {
        KNOWN.with_borrow_mut(|known| {
            if known.len() >= QUERIES_KEPT_MAX {
                known.remove(0);
            }
            known.push((query.into(), Arc::clone(&need)));
        });
    }
    Ok(need)
}

fn names(query: &str) -> Result<Named, Refusal> {
    let mut found = Named::default();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let Some(at) = NAMES.iter().position(|(known, _)| *known == name) else {
            return Err(invalid(
                "The auth URL has a member other than model, permission, cookie and query.",
            ));
        };
        if found[at].replace(value.into_owned()).is_some() {
            return Err(invalid(format!("The auth URL says '{name}' twice.")));
        }
    }
    Ok(found)
}

fn from_headers(headers: &HeaderMap) -> Result<Named, Refusal> {
    let mut found = Named::default();
    for (at, (_, header)) in NAMES.iter().enumerate() {
        found[at] = one(headers, header)?.map(str::to_owned);
    }
    Ok(found)
}

/// The value of a header that stands there at most once.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() {
        return Err(invalid(format!("The header {name} stands there twice.")));
    }
    value
        .map(|value| {
            value
                .to_str()
                .map_err(|_| invalid(format!("The header {name} is not plain text.")))
        })
        .transpose()
}

/// What one of several headers says; two that differ say nothing.
fn said<'a>(headers: &'a HeaderMap, names: &[HeaderName]) -> Result<Option<&'a str>, Refusal> {
    let mut said: Option<&str> = None;
    for name in names {
        let Some(value) = one(headers, name)? else {
            continue;
        };
        if said.is_some_and(|before| before != value) {
            return Err(invalid(format!(
                "The header {name} contradicts another about the original request."
            )));
        }
        said = Some(value);
    }
    Ok(said)
}

/// The name of a cookie or query member: a short word, so that nothing has to be decoded.
fn credential_name(name: String) -> Result<String, Refusal> {
    let plain = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if plain && (1..=CREDENTIAL_NAME_BYTES_MAX).contains(&name.len()) {
        return Ok(name);
    }
    Err(invalid(format!(
        "A cookie or query member is named by up to {CREDENTIAL_NAME_BYTES_MAX} letters, digits, \
         dots, dashes and underscores."
    )))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    const MODEL: &str = "6f1d2c3e-4b5a-4987-8d6c-0123456789ab";

    /// A route as the tests look at it.
    struct Read {
        need: Arc<Need>,
        original_query: Option<String>,
        effect: Effect,
    }

    /// Twice: what is known already is answered like what is new.
    fn read(method: &str, uri: &str, headers: &[(&str, &str)]) -> Result<Read, Refusal> {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let first = Route::read(&parts).map(|route| route.need);
        let second = Route::read(&parts)?;
        assert_eq!(first?.route.model, second.need.route.model);
        Ok(Read {
            need: second.need,
            original_query: second.original_query.map(str::to_owned),
            effect: second.effect,
        })
    }

    fn url(more: &str) -> String {
        format!("/authorize?model={MODEL}&permission=get.output.*{more}")
    }

    const HEADERS: [(&str, &str); 2] = [
        ("x-vitrine-model", MODEL),
        ("x-vitrine-permission", "get.output.*"),
    ];

    #[test]
    fn a_route_is_named_by_the_auth_urls_query_or_by_headers() {
        for route in [
            read("GET", &url("&cookie=sid&query=token"), &[]).unwrap(),
            read(
                "GET",
                "/authorize",
                &[
                    &HEADERS[..],
                    &[("x-vitrine-cookie", "sid"), ("x-vitrine-query", "token")],
                ]
                .concat(),
            )
            .unwrap(),
        ] {
            assert_eq!(route.need.route.model.to_string(), MODEL);
            assert_eq!(route.need.route.permission.to_string(), "get.output.*");
            assert_eq!(route.need.cookie.as_deref(), Some("sid"));
            assert_eq!(route.need.query.as_deref(), Some("token"));
        }
    }

    #[test]
    fn whatever_does_not_name_the_route_in_exactly_one_way_is_refused() {
        let long = format!("&cookie={}", "a".repeat(CREDENTIAL_NAME_BYTES_MAX + 1));
        for (uri, headers) in [
            ("/authorize".to_owned(), vec![]),
            ("/authorize".to_owned(), vec![HEADERS[0]]),
            ("/authorize".to_owned(), vec![HEADERS[1]]),
            (
                "/authorize".to_owned(),
                vec![HEADERS[0], HEADERS[1], HEADERS[1]],
            ),
            (format!("/authorize?model={MODEL}"), vec![]),
            (format!("/authorize?model={MODEL}"), vec![HEADERS[1]]),
            (url(""), vec![HEADERS[1]]),
            (url(""), vec![("x-vitrine-cookie", "sid")]),
            (url("&permission=get.output.*"), vec![]),
            (url("&x=1"), vec![]),
            (url("&cookie="), vec![]),
            (url("&cookie=a%20b"), vec![]),
            (url(&long), vec![]),
            (
                format!("/authorize?model={MODEL}&permission=group.view"),
                vec![],
            ),
            (format!("/authorize?model={MODEL}&permission="), vec![]),
            (
                "/authorize?model=lamp&permission=get.output.*".to_owned(),
                vec![],
            ),
            (
                url(""),
                vec![("x-original-method", "GET"), ("x-original-method", "GET")],
            ),
            (
                url(""),
                vec![("x-original-method", "GET"), ("x-forwarded-method", "PUT")],
            ),
        ] {
            let refusal = read("GET", &uri, &headers).err().unwrap();
            assert_eq!(refusal.kind, RefusalKind::RouteInvalid, "{uri} {headers:?}");
        }
        let most = format!("&cookie={}", "a".repeat(CREDENTIAL_NAME_BYTES_MAX));
        assert!(read("GET", &url(&most), &[]).is_ok());
    }

    #[test]
    fn a_clients_query_behind_an_appended_path_names_nothing() {
        for uri in ["/authorize/", "/authorize/a"] {
            let with_query = format!("{uri}?model={MODEL}&permission=get.output.*");
            assert!(read("GET", &with_query, &[]).is_err(), "{uri}");
            assert!(read("GET", uri, &HEADERS).is_ok(), "{uri}");
        }
        let other = "/authorize/a?model=other&permission=*&sid=1";
        let route = read("GET", other, &HEADERS).unwrap();
        assert_eq!(route.need.route.model.to_string(), MODEL);
        assert!(route.original_query.unwrap().ends_with("sid=1"));
    }

    #[test]
    fn only_a_method_that_was_said_to_be_safe_is_safe() {
        let exact = |headers: &[(&str, &str)]| read("GET", &url(""), headers).unwrap().effect;
        assert_eq!(exact(&[]), Effect::Unsafe);
        assert_eq!(exact(&[("x-original-method", "GET")]), Effect::Safe);
        assert_eq!(exact(&[("x-forwarded-method", "HEAD")]), Effect::Safe);
        for method in ["POST", "DELETE", "get", "TRACE", ""] {
            assert_eq!(
                exact(&[("x-original-method", method)]),
                Effect::Unsafe,
                "{method}"
            );
        }
        let socket = [
            ("x-original-method", "GET"),
            ("sec-websocket-version", "13"),
        ];
        assert_eq!(exact(&socket), Effect::Unsafe);
        for (method, effect) in [("GET", Effect::Safe), ("POST", Effect::Unsafe)] {
            let said = [HEADERS[0], HEADERS[1], ("x-original-method", "GET")];
            let route = read(method, "/authorize/a", &said).unwrap();
            assert_eq!(route.effect, effect, "the request's own method counts");
        }
    }
}

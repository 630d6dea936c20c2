//! How a partner's API server is asked: its routes, and the headers that say for whom.
//!
//! The contract names two routes and two headers; a partner whose back end is older has others. What an
//! operator sets leads to no other server: a route is a path below the base address of the token.

use std::fmt::Write as _;

use thiserror::Error;

use crate::limits::{API_HEADER_BYTES_MAX, API_ROUTE_BYTES_MAX};

/// What stands for the file in a route.
const FILE: &str = "{file}";

/// What a route is for.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum ApiRoute {
    /// The bytes of a file.
    Read,
    /// A new version of a file.
    Write,
    /// A new file.
    Add,
    /// Facts about a file.
    Info,
}

impl ApiRoute {
    const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Add, Self::Info];

    const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Add => "add",
            Self::Info => "info",
        }
    }

    /// The words that may stand before the path, the usual one first.
    const fn methods(self) -> &'static [&'static str] {
        match self {
            Self::Read | Self::Info => &["GET"],
            Self::Write => &["PUT", "POST", "PATCH"],
            Self::Add => &["POST", "PUT"],
        }
    }

    const fn usual(self) -> &'static str {
        match self {
            Self::Read | Self::Write => "/files/{file}/diffs",
            Self::Add => "/files",
            Self::Info => "/files/{file}/info",
        }
    }
}

/// The names of the two headers, as operators set them.
const SESSION_HEADER: &str = "session-header";
const TOKEN_HEADER: &str = "token-header";

/// Headers of ours, and of the connection: none of them carries what a user is known by.
const TAKEN_HEADERS: [&str; 16] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "idempotency-key",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// Why an entry cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ApiServerError {
    /// No such entry.
    #[error(
        "an API server has the entries read, write, add, info, session-header and token-header, and no {0:?}"
    )]
    Unknown(String),
    /// The word before the path is none of those that the route takes.
    #[error(
        "the route {route} begins with one of {methods}, a blank and the path, or with the path"
    )]
    Method {
        /// The route.
        route: &'static str,
        /// The words.
        methods: String,
    },
    /// The path is none, or leads elsewhere.
    #[error(
        "the route {0} is a path of at most {API_ROUTE_BYTES_MAX} bytes that begins with /, of letters, digits \
         and -._~!$'()*,;=:@ between slashes, none of its parts empty, . or ..; a query may follow behind ?"
    )]
    Path(&'static str),
    /// The file stands in a route too often, or not at all, or something else stands there in braces.
    #[error("the route {0}")]
    Place(&'static str),
    /// The header's name is none, or one that has another use.
    #[error(
        "{0} is the name of a header of at most {API_HEADER_BYTES_MAX} letters, digits and -, and none that \
         every request has"
    )]
    Header(&'static str),
    /// Both credentials in one header.
    #[error("session-header and token-header are two headers")]
    SameHeader,
}

/// One route: how it is asked, and its path with the file's place in it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Route {
    method: &'static str,
    template: String,
}

/// How a partner's API server is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiServer {
    routes: [Route; 4],
    session_header: String,
    token_header: String,
}

impl Default for ApiServer {
    fn default() -> Self {
        Self {
            routes: ApiRoute::ALL.map(usual),
            session_header: "sessionid".to_owned(),
            token_header: "token".to_owned(),
        }
    }
}

fn usual(route: ApiRoute) -> Route {
    Route {
        method: route.methods()[0],
        template: route.usual().to_owned(),
    }
}

impl ApiServer {
    /// Sets an entry by its name; an empty text sets what is usual.
    ///
    /// # Errors
    /// [`ApiServerError`], and nothing is changed.
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), ApiServerError> {
        let usual_one = Self::default();
        match name {
            SESSION_HEADER if text.is_empty() => self.session_header = usual_one.session_header,
            SESSION_HEADER => self.session_header = header(SESSION_HEADER, text)?,
            TOKEN_HEADER if text.is_empty() => self.token_header = usual_one.token_header,
            TOKEN_HEADER => self.token_header = header(TOKEN_HEADER, text)?,
            _ => {
                let found = ApiRoute::ALL.into_iter().find(|route| route.name() == name);
                let route = found.ok_or_else(|| ApiServerError::Unknown(name.to_owned()))?;
                self.routes[route as usize] = if text.is_empty() {
                    usual(route)
                } else {
                    read(route, text)?
                };
            }
        }
        Ok(())
    }

    /// Checks what concerns entries together.
    ///
    /// # Errors
    /// When both credentials would stand in one header.
    pub fn check(&self) -> Result<(), ApiServerError> {
        if self.session_header == self.token_header {
            return Err(ApiServerError::SameHeader);
        }
        Ok(())
    }

    /// All entries by their names, in the form that [`Self::set`] reads.
    #[must_use]
    pub fn entries(&self) -> [(&'static str, String); 6] {
        let [read, write, add, info] = ApiRoute::ALL.map(|route| {
            let Route { method, template } = &self.routes[route as usize];
            (route.name(), format!("{method} {template}"))
        });
        [
            read,
            write,
            add,
            info,
            (SESSION_HEADER, self.session_header.clone()),
            (TOKEN_HEADER, self.token_header.clone()),
        ]
    }

    /// The entries that are not as usual.
    pub fn changes(&self) -> impl Iterator<Item = (&'static str, String)> {
        let usual = Self::default().entries();
        let entries = self.entries().into_iter().zip(usual);
        entries.filter_map(|(entry, usual)| (entry != usual).then_some(entry))
    }

    /// The method of a route.
    #[must_use]
    pub fn method(&self, route: ApiRoute) -> &'static str {
        self.routes[route as usize].method
    }

    /// The path of a route, and its query, with the file in its place; begins with a slash. `None` when
    /// the file's name would be a way up.
    #[must_use]
    pub fn path(&self, route: ApiRoute, file: &str) -> Option<String> {
        let filled = self.routes[route as usize]
            .template
            .replace(FILE, &encoded(file));
        let path = filled.split('?').next().unwrap_or_default();
        let leads_down = path.split('/').all(|part| part != "." && part != "..");
        leads_down.then_some(filled)
    }

    /// The header with the user's session, in lower case.
    #[must_use]
    pub fn session_header(&self) -> &str {
        &self.session_header
    }

    /// The header with the second credential, in lower case.
    #[must_use]
    pub fn token_header(&self) -> &str {
        &self.token_header
    }
}

fn header(entry: &'static str, text: &str) -> Result<String, ApiServerError> {
    let name = text.to_ascii_lowercase();
    let is_name = name.len() <= API_HEADER_BYTES_MAX
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !TAKEN_HEADERS.contains(&name.as_str());
    is_name.then_some(name).ok_or(ApiServerError::Header(entry))
}

fn read(route: ApiRoute, text: &str) -> Result<Route, ApiServerError> {
    let name = route.name();
    let (method, template) = match text.split_once(' ') {
        Some((word, path)) => {
            let known = route.methods().iter().find(|method| **method == word);
            let method = known.ok_or_else(|| ApiServerError::Method {
                route: name,
                methods: route.methods().join(", "),
            })?;
            (*method, path)
        }
        None => (route.methods()[0], text),
    };
    let (path, query) = match template.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (template, None),
    };
    let is_plain = |text: &str| {
        let text = text.replace(FILE, "");
        text.chars()
            .all(|c| c.is_ascii_alphanumeric() || "-._~!$'()*,;=:@{}".contains(c))
    };
    let parts = path.strip_prefix('/').ok_or(ApiServerError::Path(name))?;
    let is_path = template.len() <= API_ROUTE_BYTES_MAX
        && parts
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != ".." && is_plain(part))
        && query.is_none_or(|query| query.split('&').all(is_plain));
    if !is_path {
        return Err(ApiServerError::Path(name));
    }
    let times = template.matches(FILE).count();
    if template.replace(FILE, "").contains(['{', '}']) {
        return Err(ApiServerError::Place(
            "has nothing in braces but {file}, the file's place",
        ));
    }
    match (route, times) {
        (ApiRoute::Add, 0) | (ApiRoute::Read | ApiRoute::Write | ApiRoute::Info, 1) => Ok(Route {
            method,
            template: template.to_owned(),
        }),
        (ApiRoute::Add, _) => Err(ApiServerError::Place(
            "add makes a file that has no name yet: {file} does not stand there",
        )),
        _ => Err(ApiServerError::Place(
            "is of one file: {file} stands there once",
        )),
    }
}

/// One part of a path or query, whatever the server calls its files (RFC 3986, section 2.1).
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, text: &str) -> Result<ApiServer, ApiServerError> {
        let mut api = ApiServer::default();
        api.set(name, text)?;
        api.check()?;
        Ok(api)
    }

    #[test]
    fn without_a_setting_it_is_as_the_contract_says() {
        let api = ApiServer::default();
        assert_eq!(
            api.path(ApiRoute::Read, "a/../b c%").unwrap(),
            "/files/a%2F..%2Fb%20c%25/diffs"
        );
        assert_eq!(api.path(ApiRoute::Add, "x").unwrap(), "/files");
        assert_eq!(api.path(ApiRoute::Info, "ü").unwrap(), "/files/%C3%BC/info");
        assert_eq!(
            (api.method(ApiRoute::Write), api.method(ApiRoute::Add)),
            ("PUT", "POST")
        );
        assert_eq!(
            (api.session_header(), api.token_header()),
            ("sessionid", "token")
        );
        assert_eq!(api.changes().count(), 0);
        api.check().unwrap();
    }

    #[test]
    fn what_is_set_is_read_back_and_an_empty_text_takes_it_back() {
        for (name, text) in [
            ("read", "GET /drawings/content?name={file}&raw=1"),
            ("write", "POST /v2/{file}.dxf/versions"),
            ("add", "PUT /new"),
            ("info", "GET /meta/{file}"),
            ("session-header", "x-acme-session"),
            ("token-header", "authorization"),
        ] {
            let mut api = with(name, text).unwrap();
            let changed: Vec<_> = api.changes().collect();
            assert_eq!(changed, [(name, text.to_owned())]);
            api.set(name, "").unwrap();
            assert_eq!(api, ApiServer::default());
        }
        let api = with("read", "/drawings/content?name={file}&raw=1").unwrap();
        assert_eq!(
            api.path(ApiRoute::Read, "a&b?c#d").unwrap(),
            "/drawings/content?name=a%26b%3Fc%23d&raw=1"
        );
    }

    #[test]
    fn what_is_no_route_or_header_is_refused() {
        for (name, text) in [
            ("read", "files/{file}"),
            ("read", "//evil.example/{file}"),
            ("read", "/../{file}"),
            ("read", "/./{file}"),
            ("read", "/files/"),
            ("read", "/files/{file}/{file}"),
            ("read", "/files/{id}"),
            ("read", "/files/{file}{"),
            ("read", "/files/%2e%2e/{file}"),
            ("read", "/files/{file}#x"),
            ("read", "/files/{file}\r\nx: y"),
            ("read", "/files/{file}\\x"),
            ("read", "https://evil.example/{file}"),
            ("read", "PUT /files/{file}"),
            ("write", "GET /files/{file}"),
            ("write", "DELETE /files/{file}"),
            ("add", "/files/{file}"),
            ("erase", "/files/{file}"),
            ("session-header", "host"),
            ("session-header", "Content-Length"),
            ("session-header", "x y"),
            ("session-header", "x:y"),
            ("session-header", "-x"),
            ("session-header", "Token"),
            ("token-header", "sessionId"),
        ] {
            assert!(with(name, text).is_err(), "{name} {text}");
        }
        let long = |bytes: usize| format!("/{}{FILE}", "x".repeat(bytes - 1 - FILE.len()));
        assert!(with("read", &long(API_ROUTE_BYTES_MAX)).is_ok());
        assert!(with("read", &long(API_ROUTE_BYTES_MAX + 1)).is_err());
        assert!(with("token-header", &"x".repeat(API_HEADER_BYTES_MAX)).is_ok());
        assert!(with("token-header", &"x".repeat(API_HEADER_BYTES_MAX + 1)).is_err());
    }

    #[test]
    fn no_file_leads_up() {
        let usual = ApiServer::default();
        let hidden = with("read", "/files/.{file}").unwrap();
        for (api, file) in [(&usual, "."), (&usual, ".."), (&hidden, "."), (&hidden, "")] {
            assert_eq!(api.path(ApiRoute::Read, file), None, "{file:?}");
        }
        let query = with("read", "/content?name={file}").unwrap();
        assert_eq!(
            query.path(ApiRoute::Read, "..").unwrap(),
            "/content?name=.."
        );
    }
}

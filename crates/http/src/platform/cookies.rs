//! The cookie in which browsers keep a refresh token out of reach of scripts.

use axum::http::HeaderMap;
use axum::http::header::{COOKIE, ORIGIN};
use vitrine_access::limits::PROVIDER_SIGN_IN_TTL;
use vitrine_access::origin::{AllowedDomains, Origin};
use vitrine_service::Services;

/// Official clients know the name.
const NAME: &str = "refresh_token";

/// What a request says by cookies, and how ours are set in its answer.
pub(super) struct Cookies {
    /// The refresh token, where the page that sends it may.
    pub(super) refresh_token: Option<String>,
    attributes: &'static str,
}

impl Cookies {
    /// A cookie counts only for pages of our own origin and of those that the operator named: what a page
    /// of anybody else makes a browser send says nothing.
    pub(super) fn of(services: &Services, headers: &HeaderMap) -> Self {
        let settings = services.settings();
        let secure = settings.public_url.starts_with("https://");
        let foreign = !settings.platform_origins.is_empty();
        Self {
            refresh_token: read(headers, NAME)
                .filter(|_| trusted(headers, &settings.public_url, &settings.platform_origins)),
            attributes: match (secure, foreign) {
                // Pages of other sites may use it, and browsers then ask for TLS.
                (true, true) => "; Path=/oauth; HttpOnly; Secure; SameSite=None",
                (true, false) => "; Path=/oauth; HttpOnly; Secure; SameSite=Strict",
                (false, _) => "; Path=/oauth; HttpOnly; SameSite=Strict",
            },
        }
    }

    /// The header that sets the token for so many seconds; 0 takes it away.
    pub(super) fn set(&self, token: &str, seconds: u64) -> String {
        format!("{NAME}={token}; Max-Age={seconds}{}", self.attributes)
    }
}

/// The cookie in which a browser keeps a sign-in at a provider that is under way. The provider sends the browser
/// back from its own site, so that it is not as strict as the other one; what it is good for is asked for by
/// our own page.
pub(super) struct ProviderCookie {
    secure: bool,
}

impl ProviderCookie {
    /// Under https the name keeps neighbouring hosts from setting it.
    const SECURE: &'static str = "__Host-vitrine-sign-in";
    const PLAIN: &'static str = "vitrine-sign-in";

    pub(super) fn of(services: &Services) -> Self {
        let secure = services.settings().public_url.starts_with("https://");
        Self { secure }
    }

    fn name(&self) -> &'static str {
        if self.secure {
            Self::SECURE
        } else {
            Self::PLAIN
        }
    }

    /// Its value, whichever page sends it.
    pub(super) fn read(&self, headers: &HeaderMap) -> Option<String> {
        read(headers, self.name())
    }

    /// Its value, where the page that sends it may.
    pub(super) fn read_trusted(&self, services: &Services, headers: &HeaderMap) -> Option<String> {
        let settings = services.settings();
        let trusted = trusted(headers, &settings.public_url, &settings.platform_origins);
        self.read(headers).filter(|_| trusted)
    }

    /// The header that sets it for as long as a sign-in may take.
    pub(super) fn set(&self, value: &str) -> String {
        self.header(value, PROVIDER_SIGN_IN_TTL.as_secs())
    }

    /// The header that takes it away.
    pub(super) fn clear(&self) -> String {
        self.header("", 0)
    }

    fn header(&self, value: &str, seconds: u64) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        let name = self.name();
        format!("{name}={value}; Max-Age={seconds}; Path=/; HttpOnly{secure}; SameSite=Lax")
    }
}

/// Two cookies of the name say nothing that could be believed.
fn read(headers: &HeaderMap, wanted: &str) -> Option<String> {
    let mut found = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, value)| *name == wanted && !value.is_empty())
        .map(|(_, value)| value.to_owned());
    match (found.next(), found.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    }
}

fn trusted(headers: &HeaderMap, public_url: &str, named: &AllowedDomains) -> bool {
    let values: Vec<&[u8]> = headers
        .get_all(ORIGIN)
        .iter()
        .map(axum::http::HeaderValue::as_bytes)
        .collect();
    match Origin::from_header_values(&values) {
        Ok(None) => true,
        Ok(Some(origin)) => origin.to_string() == own_origin(public_url) || named.allows(&origin),
        Err(_) => false,
    }
}

/// The origin of a base URL, as browsers write it.
fn own_origin(public_url: &str) -> String {
    url::Url::parse(public_url)
        .map(|url| url.origin().ascii_serialization())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &[&str], origin: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(COOKIE, cookie.parse().unwrap());
        }
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        headers
    }

    #[test]
    fn one_cookie_is_read_and_two_are_not() {
        let read = |cookies: &[&str]| read(&headers(cookies, None), NAME);
        assert_eq!(
            read(&["a=b; refresh_token=x.y; c=d"]).as_deref(),
            Some("x.y")
        );
        assert_eq!(read(&["refresh_token=x; refresh_token=y"]), None);
        assert_eq!(read(&["refresh_token=x", "refresh_token=y"]), None);
        assert_eq!(read(&["xrefresh_token=x", "refresh_token="]), None);
    }

    #[test]
    fn cookies_count_for_our_own_pages_and_those_that_were_named() {
        let named = AllowedDomains::parse_all(&["console.example.com"]).unwrap();
        let counts = |origin| trusted(&headers(&[], origin), "https://vitrine.example", &named);
        assert!(counts(None));
        assert!(counts(Some("https://vitrine.example")));
        assert!(counts(Some("https://console.example.com")));
        for foreign in [
            "https://rival.example",
            "http://vitrine.example",
            "null",
            "x",
        ] {
            assert!(!counts(Some(foreign)), "{foreign}");
        }
    }
}

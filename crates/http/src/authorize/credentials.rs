//! The client's credential: where it may stand, and what kind it is by its form.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderName};
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_service::authorize::{Presented, Sent};

use super::route::{Effect, Route};

/// Where clients that choose their headers put a session id.
static X_SESSION: HeaderName = HeaderName::from_static("x-vitrine-session");
/// Where clients that choose their headers put a ticket.
static X_TICKET: HeaderName = HeaderName::from_static("x-vitrine-ticket");
/// Digits of a session id.
const SESSION_DIGITS: usize = 32;

/// What came along: one session or one ticket, one token, or none of them. Secrets, so no `Debug`.
pub(super) struct Credentials {
    pub(super) presented: Presented,
    pub(super) bearer: Option<String>,
    /// Whether all of it was put there by whoever made the request.
    deliberate: bool,
}

/// One credential on its way in.
struct Found {
    text: String,
    /// A browser does not add it by itself.
    deliberate: bool,
}

#[derive(Default)]
struct Kinds {
    session: Option<Found>,
    ticket: Option<Found>,
    token: Option<Found>,
}

fn unclear(message: impl Into<String>) -> Refusal {
    Refusal::new(RefusalKind::CredentialUnclear, message)
}

impl Credentials {
    pub(super) fn read(
        headers: &HeaderMap,
        route: &Route<'_>,
        bearer: Option<String>,
    ) -> Result<Self, Refusal> {
        let mut kinds = Kinds::default();
        let on_purpose = |text: String| Found {
            text,
            deliberate: true,
        };
        if let Some(text) = bearer {
            put(&mut kinds.token, on_purpose(text))?;
        }
        if let Some(text) = header(headers, &X_SESSION)? {
            put(&mut kinds.session, on_purpose(text))?;
        }
        if let Some(text) = header(headers, &X_TICKET)? {
            put(&mut kinds.ticket, on_purpose(text))?;
        }
        if let (Some(name), Some(query)) = (&route.need.query, route.original_query)
            && let Some(text) = single(query.split('&'), name)?
        {
            kinds.sort_in(on_purpose(text), name)?;
        }
        if let Some(name) = &route.need.cookie {
            let lines = headers.get_all(COOKIE).iter();
            let pairs = lines.filter_map(|line| line.to_str().ok());
            let pairs = pairs.flat_map(|line| line.split(';')).map(str::trim);
            if let Some(text) = single(pairs, name)? {
                let found = Found {
                    text,
                    deliberate: false,
                };
                kinds.sort_in(found, name)?;
            }
        }
        kinds.settle()
    }

    /// Whether the page behind the request has to be an allowed one.
    pub(super) fn sent(&self, route: &Route<'_>) -> Sent {
        if self.deliberate || route.effect == Effect::Safe {
            Sent::OnPurpose
        } else {
            Sent::ByTheBrowser
        }
    }
}

impl Kinds {
    /// By its form: session ids are hexadecimal, tokens have two dots, tickets one dash.
    fn sort_in(&mut self, found: Found, name: &str) -> Result<(), Refusal> {
        let text = found.text.as_str();
        let hex = |part: &str| part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let slot = if text.len() == SESSION_DIGITS && hex(text) {
            &mut self.session
        } else if text.bytes().filter(|&b| b == b'.').count() == 2 {
            &mut self.token
        } else if text.split_once('-').is_some_and(|(a, b)| hex(a) && hex(b)) {
            &mut self.ticket
        } else {
            return Err(unclear(format!(
                "What stands in '{name}' is neither a session id, nor a ticket, nor a token."
            )));
        };
        put(slot, found)
    }

    fn settle(self) -> Result<Credentials, Refusal> {
        let Self {
            session,
            ticket,
            token,
        } = self;
        let all = [&session, &ticket, &token];
        let deliberate = all.into_iter().flatten().all(|found| found.deliberate);
        let presented = match (session, ticket) {
            (Some(_), Some(_)) => {
                return Err(unclear(
                    "A session and a ticket came along. Send one of them.",
                ));
            }
            (Some(session), None) => Presented::Session(session.text),
            (None, Some(ticket)) => Presented::Ticket(ticket.text),
            (None, None) => Presented::Nothing,
        };
        Ok(Credentials {
            presented,
            bearer: token.map(|token| token.text),
            deliberate,
        })
    }
}

/// Puts a credential into its place. The same one may come in two ways; two that differ may not.
fn put(slot: &mut Option<Found>, found: Found) -> Result<(), Refusal> {
    match slot {
        None => *slot = Some(found),
        Some(before) if before.text == found.text => before.deliberate |= found.deliberate,
        Some(_) => return Err(unclear("Two credentials of one kind came along. Send one.")),
    }
    Ok(())
}

fn header(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() {
        return Err(unclear(format!("The header {name} stands there twice.")));
    }
    let text = value.map(|value| {
        value
            .to_str()
            .map_err(|_| unclear(format!("The header {name} is not plain text.")))
    });
    Ok(text
        .transpose()?
        .filter(|text| !text.is_empty())
        .map(str::to_owned))
}

/// The value of the one `name=value` among pairs; an empty one is none.
fn single<'a>(pairs: impl Iterator<Item = &'a str>, name: &str) -> Result<Option<String>, Refusal> {
    let mut values = pairs
        .filter_map(|pair| pair.split_once('='))
        .filter(|(own, _)| *own == name)
        .map(|(_, value)| value);
    let value = values.next();
    if values.next().is_some() {
        return Err(unclear(format!("'{name}' stands there twice.")));
    }
    Ok(value.filter(|text| !text.is_empty()).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, Request};

    use super::*;

    const SESSION: &str = "0123456789abcdef0123456789abcdef";
    const OTHER: &str = "ffffffffffffffffffffffffffffffff";
    const TOKEN: &str = "a.b.c";
    const TICKET: &str = "0123-abcd";

    fn read(
        method: &str,
        query: &str,
        headers: &[(&str, &str)],
        bearer: Option<&str>,
    ) -> Result<(Presented, Option<String>, Sent), Refusal> {
        let request = Request::builder()
            .method(method)
            .uri(format!("/authorize/x?{query}"))
            .header("x-vitrine-model", "6f1d2c3e-4b5a-4987-8d6c-0123456789ab")
            .header("x-vitrine-permission", "get.output.*")
            .header("x-vitrine-cookie", "c")
            .header("x-vitrine-query", "q")
            .body(())
            .unwrap();
        let (parts, ()) = request.into_parts();
        let route = Route::read(&parts).unwrap();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(
                HeaderName::try_from(*name).unwrap(),
                HeaderValue::try_from(*value).unwrap(),
            );
        }
        let found = Credentials::read(&map, &route, bearer.map(str::to_owned))?;
        let sent = found.sent(&route);
        Ok((found.presented, found.bearer, sent))
    }

    fn shown(presented: &Presented) -> (&'static str, &str) {
        match presented {
            Presented::Nothing => ("nothing", ""),
            Presented::Session(text) => ("session", text),
            Presented::Ticket(text) => ("ticket", text),
        }
    }

    #[test]
    fn each_place_gives_each_kind_by_its_form() {
        for (text, kind) in [(SESSION, "session"), (TICKET, "ticket"), (TOKEN, "nothing")] {
            let query = format!("a=1&q={text}&b");
            let cookie = format!("a=1; c={text}; b");
            for found in [
                read("GET", &query, &[], None).unwrap(),
                read("GET", "", &[("cookie", &cookie)], None).unwrap(),
            ] {
                assert_eq!(shown(&found.0).0, kind);
                assert_eq!(found.1.is_some(), text == TOKEN);
            }
        }
        let session = read("GET", "", &[(X_SESSION.as_str(), SESSION)], Some(TOKEN)).unwrap();
        assert_eq!(shown(&session.0), ("session", SESSION));
        assert_eq!(session.1.as_deref(), Some(TOKEN));
        let ticket = read("GET", "", &[(X_TICKET.as_str(), TICKET)], None).unwrap();
        assert_eq!(shown(&ticket.0), ("ticket", TICKET));
        let nothing = read("GET", "q=", &[("cookie", "c=")], None).unwrap();
        assert_eq!(shown(&nothing.0).0, "nothing");
    }

    #[test]
    fn credentials_that_contradict_each_other_are_refused() {
        let pair = format!("c={SESSION}; c={OTHER}");
        let one = format!("c={SESSION}");
        let two = format!("q={SESSION}&q={OTHER}");
        for (query, headers, bearer) in [
            (
                "",
                vec![(X_SESSION.as_str(), SESSION), (X_SESSION.as_str(), OTHER)],
                None,
            ),
            (
                "",
                vec![(X_SESSION.as_str(), SESSION), (X_TICKET.as_str(), TICKET)],
                None,
            ),
            (
                "",
                vec![(X_SESSION.as_str(), OTHER), ("cookie", &one)],
                None,
            ),
            ("", vec![("cookie", &pair)], None),
            ("", vec![("cookie", &one), ("cookie", "c=x")], None),
            (two.as_str(), vec![], None),
            ("q=d.e.f", vec![], Some(TOKEN)),
            ("q=neither", vec![], None),
            ("", vec![("cookie", "c=%30%31")], None),
        ] {
            let refusal = read("GET", query, &headers, bearer).unwrap_err();
            assert_eq!(
                refusal.kind,
                RefusalKind::CredentialUnclear,
                "{query} {headers:?}"
            );
            assert!(!refusal.message.contains(OTHER), "{refusal}");
        }
    }

    #[test]
    fn a_browser_sends_cookies_by_itself_and_nothing_else() {
        let cookie = format!("c={SESSION}");
        let sent = |method, query: &str, headers: &[(&str, &str)]| {
            read(method, query, headers, None).unwrap().2
        };
        assert_eq!(sent("POST", "", &[("cookie", &cookie)]), Sent::ByTheBrowser);
        assert_eq!(sent("GET", "", &[("cookie", &cookie)]), Sent::OnPurpose);
        let both = [("cookie", cookie.as_str()), (X_SESSION.as_str(), SESSION)];
        assert_eq!(sent("POST", "", &both), Sent::OnPurpose);
        assert_eq!(
            sent("POST", "", &[(X_SESSION.as_str(), SESSION)]),
            Sent::OnPurpose
        );
        assert_eq!(sent("POST", &format!("q={SESSION}"), &[]), Sent::OnPurpose);
        // A token in a header does not make the cookie beside it deliberate.
        let beside = read("POST", "", &[("cookie", &cookie)], Some(TOKEN)).unwrap();
        assert_eq!(beside.2, Sent::ByTheBrowser);
    }
}

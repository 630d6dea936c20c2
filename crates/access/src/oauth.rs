//! Applications that sign people in (RFC 6749) and prove themselves by a key for each sign-in (PKCE,
//! RFC 7636). Only `S256`: the plain method proves nothing to somebody who reads along.

use std::fmt;

use aws_lc_rs::constant_time;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use thiserror::Error;
use url::{Host, Url};

use crate::ids::sha256;
use crate::limits::REDIRECT_BYTES_MAX;

/// Characters of a verifier, RFC 7636 section 4.1.
const VERIFIER_CHARS: std::ops::RangeInclusive<usize> = 43..=128;
/// What a browser runs or shows by itself, and so can be no place of an application's.
const SCHEMES_REFUSED: [&str; 8] = [
    "javascript",
    "data",
    "vbscript",
    "blob",
    "file",
    "about",
    "ftp",
    "ws",
];

/// What an application sends ahead: the SHA-256 of a verifier that it keeps.
#[derive(Copy, Clone)]
pub struct Challenge([u8; 32]);

impl Challenge {
    /// Reads `BASE64URL-ENCODE(SHA256(verifier))` without padding: exactly 43 characters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// The challenge of a verifier, or nothing where it is none.
    #[must_use]
    pub fn of(verifier: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let fits = VERIFIER_CHARS.contains(&verifier.len()) && verifier.bytes().all(plain);
        fits.then(|| Self(sha256(&[verifier.as_bytes()])))
    }

    /// Whether this verifier is the one behind the challenge.
    #[must_use]
    pub fn fits(&self, verifier: &str) -> bool {
        Self::of(verifier)
            .is_some_and(|own| constant_time::verify_slices_are_equal(&own.0, &self.0).is_ok())
    }

    /// The text on the wire.
    #[must_use]
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The raw bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// From the raw bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenge(hidden)")
    }
}

/// Why an address can be no place to go back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RedirectError {
    /// Not a whole address, too long, or not written as browsers write it.
    #[error("it is no complete address of at most 2,000 characters")]
    Form,
    /// It has a fragment, a name or a password in it, or a wildcard.
    #[error("it has a fragment, a user name or a wildcard in it")]
    Part,
    /// Its scheme is not one that applications have.
    #[error(
        "its scheme is neither https, nor http of this machine, nor one of an application's own (as \
         com.example.app)"
    )]
    Scheme,
}

/// Checks an address that an application is registered with (RFC 9700, section 2.1; RFC 8252 for those on
/// devices). Whatever is asked for later has to be the same text.
///
/// # Errors
/// [`RedirectError`].
pub fn check_redirect(text: &str) -> Result<(), RedirectError> {
    if text.len() > REDIRECT_BYTES_MAX || text.bytes().any(|byte| !(0x21..=0x7e).contains(&byte)) {
        return Err(RedirectError::Form);
    }
    let url = Url::parse(text).map_err(|_| RedirectError::Form)?;
    // What a browser would write differently is compared differently by somebody.
    if text.contains('\\') || url.as_str() != text && url.as_str() != format!("{text}/") {
        return Err(RedirectError::Form);
    }
    let parts = url.fragment().is_some() || !url.username().is_empty() || url.password().is_some();
    if parts || text.contains('*') {
        return Err(RedirectError::Part);
    }
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" if url.has_host() => Ok(()),
        "http" if loopback => Ok(()),
        scheme if scheme.contains('.') && !SCHEMES_REFUSED.contains(&scheme) => Ok(()),
        _ => Err(RedirectError::Scheme),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7636_fits_and_its_neighbours_do_not() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = Challenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();
        assert!(challenge.fits(verifier));
        assert_eq!(
            challenge.to_text(),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
        for wrong in [
            "",
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXK",
            &verifier[1..],
            &format!("{verifier}="),
        ] {
            assert!(!challenge.fits(wrong), "{wrong}");
        }
    }

    #[test]
    fn the_length_of_verifiers_is_bounded_on_both_sides() {
        for (length, fits) in [(42, false), (43, true), (128, true), (129, false)] {
            assert_eq!(
                Challenge::of(&"a".repeat(length)).is_some(),
                fits,
                "{length}"
            );
        }
    }

    #[test]
    fn a_challenge_has_one_text() {
        let text = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        for wrong in [
            "",
            &text[1..],
            &format!("{text}="),
            &format!("{text}A"),
            // The last character has two bits that stand for nothing.
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM",
        ] {
            assert!(Challenge::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn an_application_is_called_back_at_places_of_its_own_only() {
        use RedirectError as E;
        for (text, expected) in [
            ("https://app.example.com/back", Ok(())),
            ("https://app.example.com", Ok(())),
            ("https://app.example.com/back?x=1", Ok(())),
            ("http://localhost:3000/back", Ok(())),
            ("http://127.0.0.1:3000/back", Ok(())),
            ("http://[::1]/back", Ok(())),
            ("com.example.app:/back", Ok(())),
            ("http://app.example.com/back", Err(E::Scheme)),
            ("http://localhost.example.com/", Err(E::Scheme)),
            ("javascript:alert(1)", Err(E::Scheme)),
            ("data:text/html,x", Err(E::Scheme)),
            ("https://app.example.com/#x", Err(E::Part)),
            ("https://a@app.example.com/", Err(E::Part)),
            ("https://*.example.com/", Err(E::Part)),
            ("/back", Err(E::Form)),
            ("//app.example.com/back", Err(E::Form)),
            ("https:\\\\app.example.com/", Err(E::Form)),
            ("https://APP.example.com/", Err(E::Form)),
            ("https://app.example.com/a/../b", Err(E::Form)),
            ("https://app.example.com/\n", Err(E::Form)),
            ("", Err(E::Form)),
        ] {
            assert_eq!(check_redirect(text), expected, "{text}");
        }
        let long = |length: usize| {
            let start = "https://app.example.com/";
            format!("{start}{}", "a".repeat(length - start.len()))
        };
        assert_eq!(check_redirect(&long(REDIRECT_BYTES_MAX)), Ok(()));
        assert_eq!(check_redirect(&long(REDIRECT_BYTES_MAX + 1)), Err(E::Form));
    }
}

//! Signatures of webhooks, in the form of Standard Webhooks 1.0: HMAC-SHA-256 over id, instant and body.
//!
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::random::{self, Entropy};
use crate::time::Timestamp;

/// Bytes of a secret; the specification asks for 24 to 64.
const SECRET_BYTES: usize = 32;
/// What the text of a secret begins with, so that leaks can be scanned for.
const SECRET_PREFIX: &str = "whsec_";
/// The version of the signature.
const VERSION: &str = "v1";

/// The secret that a receiver of webhooks checks signatures with.
pub struct WebhookSecret(Zeroizing<[u8; SECRET_BYTES]>);

impl WebhookSecret {
    /// A fresh secret.
    #[must_use]
    pub fn new(entropy: &dyn Entropy) -> Self {
        Self(Zeroizing::new(random::bytes(entropy)))
    }

    /// From the bytes that [`Self::to_bytes`] gave.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }

    /// Its bytes, to be sealed and stored.
    #[must_use]
    pub fn to_bytes(&self) -> &[u8] {
        &*self.0
    }

    /// The text that its owner is shown once.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{SECRET_PREFIX}{}", STANDARD.encode(self.0.as_slice()))
    }

    /// The value of the header `webhook-signature`. `id` has no dot in it.
    #[must_use]
    pub fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &*self.0);
        let mut context = hmac::Context::with_key(&key);
        context.update(id.as_bytes());
        context.update(format!(".{}.", at.unix_s()).as_bytes());
        context.update(body);
        format!("{VERSION},{}", STANDARD.encode(context.sign().as_ref()))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::testing::Seeded;

    #[test]
    fn the_signature_is_the_one_that_another_program_makes() {
        // printf 'msg_1.1795255200.{"a":1}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0707…07 -binary | base64
        let secret = WebhookSecret::from_bytes(&[7; SECRET_BYTES]).unwrap();
        let at = Timestamp::from_unix_ms(1_795_255_200_999);
        assert_eq!(
            secret.sign("msg_1", at, br#"{"a":1}"#),
            "v1,lPBcZuwoCLGyOqFb/WxQr9OQG+lEJffvcnQLyC+Go4o="
        );
    }

    #[test]
    fn id_instant_and_body_are_all_signed() {
        let secret = WebhookSecret::new(&Seeded::new(1));
        let at = Timestamp::from_unix_ms(1_000);
        let signed = secret.sign("a", at, b"b");
        assert_ne!(signed, secret.sign("c", at, b"b"));
        assert_ne!(
            signed,
            secret.sign("a", Timestamp::from_unix_ms(2_000), b"b")
        );
        assert_ne!(signed, secret.sign("a", at, b"c"));
        assert_ne!(
            signed,
            WebhookSecret::new(&Seeded::new(2)).sign("a", at, b"b")
        );
    }

    #[test]
    fn a_secret_survives_its_bytes_and_hides_in_debug() {
        let secret = WebhookSecret::new(&Seeded::new(1));
        let again = WebhookSecret::from_bytes(secret.to_bytes()).unwrap();
        assert_eq!(secret.reveal(), again.reveal());
        assert!(secret.reveal().starts_with("whsec_"));
        assert_eq!(format!("{secret:?}"), "WebhookSecret(hidden)");
        assert!(WebhookSecret::from_bytes(&[1; 31]).is_none());
    }
}

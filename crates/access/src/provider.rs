//! Signing in at a provider (`OpenID` Connect): what one browser is doing, sealed into its cookie.
//!
//! Nothing is kept of a sign-in until it ends, so that whoever begins many fills nothing. What is kept
//! then is its id, once: the row is what makes it good for one use, on whichever node.

use std::fmt;

use aws_lc_rs::constant_time;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::ids::{IdentityId, TokenId, UserId};
use crate::limits::{LINK_CHARS_MAX, PROVIDER_NAME_BYTES_MAX, PROVIDER_SIGN_IN_TTL};
use crate::random::{self, Entropy};
use crate::seal::{Purpose, Sealer};
use crate::time::Timestamp;
use crate::wire::{Reader, Writer};

const ASKED: u8 = 1;
const LINKING: u8 = 2;
const KNOWN: u8 = 3;

/// The name of a provider in addresses: lower-case letters, digits and dashes.
#[must_use]
pub fn is_provider_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=PROVIDER_NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(plain)
}

/// What is random in a request to a provider. As texts in base64url, as RFC 7636 wants its verifier.
#[derive(Clone, PartialEq, Eq)]
pub struct Challenges {
    state: [u8; 32],
    nonce: [u8; 32],
    verifier: [u8; 32],
}

impl Challenges {
    fn new(entropy: &dyn Entropy) -> Self {
        Self {
            state: random::bytes(entropy),
            nonce: random::bytes(entropy),
            verifier: random::bytes(entropy),
        }
    }

    /// Comes back in the address of the answer.
    #[must_use]
    pub fn state(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.state)
    }

    /// Comes back in the ID token.
    #[must_use]
    pub fn nonce(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.nonce)
    }

    /// Goes to the provider by ourselves; its hash went through the browser.
    #[must_use]
    pub fn verifier(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.verifier)
    }

    /// Whether an answer is to this request.
    #[must_use]
    pub fn fits(&self, state: &str) -> bool {
        constant_time::verify_slices_are_equal(self.state().as_bytes(), state.as_bytes()).is_ok()
    }
}

impl fmt::Debug for Challenges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenges(hidden)")
    }
}

/// How far a sign-in at a provider is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderStep {
    /// The browser was sent to the provider.
    Asked {
        /// What the answer has to fit.
        challenges: Challenges,
        /// The account that the identity shall be linked to, and its sign-in; none begins one.
        linking: Option<(UserId, TokenId)>,
    },
    /// The provider has said who it is, and it is this user, by this identity.
    Known(UserId, IdentityId),
}

/// A sign-in at a provider that is under way in one browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderSignIn {
    /// Good for one use.
    pub id: TokenId,
    /// The provider's name in addresses.
    pub provider: String,
    /// How far it is.
    pub step: ProviderStep,
    /// From when on it is refused.
    pub expires_at: Timestamp,
}

impl ProviderSignIn {
    /// A browser is sent to the provider.
    #[must_use]
    pub fn asked(
        provider: &str,
        linking: Option<(UserId, TokenId)>,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Self {
        let challenges = Challenges::new(entropy);
        let step = ProviderStep::Asked {
            challenges,
            linking,
        };
        Self::at(provider, step, now, entropy)
    }

    /// The provider said who it is.
    #[must_use]
    pub fn known(
        provider: &str,
        (user, identity): (UserId, IdentityId),
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Self {
        Self::at(provider, ProviderStep::Known(user, identity), now, entropy)
    }

    fn at(provider: &str, step: ProviderStep, now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self {
            id: TokenId::new(entropy),
            provider: provider.to_owned(),
            step,
            expires_at: now.plus(PROVIDER_SIGN_IN_TTL),
        }
    }

    /// Seals into a text that a cookie can hold.
    #[must_use]
    pub fn seal(&self, sealer: &Sealer, entropy: &dyn Entropy) -> String {
        let mut out = Writer::default();
        out.raw(self.id.as_bytes())
            .text(&self.provider)
            .i64(self.expires_at.unix_ms());
        match &self.step {
            ProviderStep::Asked {
                challenges,
                linking,
            } => {
                match linking {
                    None => out.u8(ASKED),
                    Some((user, sign_in)) => {
                        out.u8(LINKING).raw(user.as_bytes()).raw(sign_in.as_bytes())
                    }
                };
                out.raw(&challenges.state)
                    .raw(&challenges.nonce)
                    .raw(&challenges.verifier)
            }
            ProviderStep::Known(user, identity) => {
                out.u8(KNOWN).raw(user.as_bytes()).raw(identity.as_bytes())
            }
        };
        let bytes = out.finish();
        let nonce = random::bytes(entropy);
        URL_SAFE_NO_PAD.encode(sealer.seal(Purpose::ProviderSignIn, &bytes, nonce))
    }

    /// Opens what [`Self::seal`] made, unless its time is over.
    #[must_use]
    pub fn open(sealer: &Sealer, text: &str, now: Timestamp) -> Option<Self> {
        if text.len() > LINK_CHARS_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let bytes = sealer.open(Purpose::ProviderSignIn, &bytes).ok()?;
        Self::from_bytes(&bytes).filter(|open| now < open.expires_at)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut input = Reader::new(bytes);
        let id = TokenId::from_bytes(input.array()?);
        let provider = input.text()?.to_owned();
        let expires_at = Timestamp::from_unix_ms(input.i64()?);
        let step = match input.u8()? {
            KNOWN => {
                let user = UserId::from_bytes(input.array()?);
                ProviderStep::Known(user, IdentityId::from_bytes(input.array()?))
            }
            kind @ (ASKED | LINKING) => {
                let linking = if kind == LINKING {
                    let user = UserId::from_bytes(input.array()?);
                    Some((user, TokenId::from_bytes(input.array()?)))
                } else {
                    None
                };
                let challenges = Challenges {
                    state: input.array()?,
                    nonce: input.array()?,
                    verifier: input.array()?,
                };
                ProviderStep::Asked {
                    challenges,
                    linking,
                }
            }
            _ => return None,
        };
        input.end()?;
        Some(Self {
            id,
            provider,
            step,
            expires_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::MasterKey;

    struct Counting(std::sync::atomic::AtomicU8);

    impl Entropy for Counting {
        fn fill(&self, out: &mut [u8]) {
            for byte in out {
                *byte = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        }
    }

    const NOW: Timestamp = Timestamp::from_unix_ms(1_795_255_200_000);

    fn chance() -> Counting {
        Counting(std::sync::atomic::AtomicU8::new(0))
    }

    fn sealer() -> Sealer {
        Sealer::new(&MasterKey::from_text(&"7".repeat(64)).unwrap())
    }

    #[test]
    fn every_step_survives_its_cookie_until_its_last_moment() {
        let (sealer, chance) = (sealer(), chance());
        let user = UserId::from_bytes([1; 16]);
        let linking = Some((user, TokenId::from_bytes([2; 16])));
        for sign_in in [
            ProviderSignIn::asked("acme", None, NOW, &chance),
            ProviderSignIn::asked("acme", linking, NOW, &chance),
            ProviderSignIn::known(
                "acme",
                (user, IdentityId::from_bytes([3; 16])),
                NOW,
                &chance,
            ),
        ] {
            let text = sign_in.seal(&sealer, &chance);
            let over = NOW.plus(PROVIDER_SIGN_IN_TTL);
            let last = Timestamp::from_unix_ms(over.unix_ms() - 1);
            assert_eq!(
                ProviderSignIn::open(&sealer, &text, last),
                Some(sign_in.clone())
            );
            assert_eq!(ProviderSignIn::open(&sealer, &text, over), None);
            let other = Sealer::new(&MasterKey::from_text(&"8".repeat(64)).unwrap());
            assert_eq!(ProviderSignIn::open(&other, &text, NOW), None);
            for at in (0..text.len()).step_by(5) {
                let mut altered = text.clone().into_bytes();
                altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
                let altered = String::from_utf8(altered).unwrap();
                assert_eq!(ProviderSignIn::open(&sealer, &altered, NOW), None, "{at}");
            }
        }
    }

    #[test]
    fn an_answer_fits_its_own_request_only_and_nothing_random_is_shared() {
        let chance = chance();
        let challenges = Challenges::new(&chance);
        let other = Challenges::new(&chance);
        assert!(challenges.fits(&challenges.state()));
        for state in [other.state(), challenges.nonce(), String::new()] {
            assert!(!challenges.fits(&state));
        }
        assert_eq!(challenges.verifier().len(), 43);
        assert_ne!(challenges.state(), challenges.verifier());
        assert_eq!(format!("{challenges:?}"), "Challenges(hidden)");
    }

    #[test]
    fn a_providers_name_is_one_word_of_an_address() {
        for name in ["acme", "a", "acme-2"] {
            assert!(is_provider_name(name), "{name}");
        }
        for name in ["", "Acme", "a/b", "a.b", "ä", "a b", "..", "a%2f"] {
            assert!(!is_provider_name(name), "{name}");
        }
        assert!(is_provider_name(&"a".repeat(PROVIDER_NAME_BYTES_MAX)));
        assert!(!is_provider_name(&"a".repeat(PROVIDER_NAME_BYTES_MAX + 1)));
    }
}

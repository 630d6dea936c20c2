//! The proof that our own iframe page was loaded inside a page that may show the model.
//!
//! The page is sent with a [`Fence`], which the browser holds around it, and with a sealed
//! [`PageLoad`], which only scripts of its own origin can read. Whoever presents the page load and
//! comes from that origin therefore stands inside the fence. Outside browsers anybody can fetch the
//! page and write any `Origin`: like every origin rule this one binds browsers, not machines.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::digest;

use crate::ids::{ModelId, SessionId};
use crate::limits::{EMBED_NONCE_TTL, EMBED_PAGE_AGE_MAX, LINK_CHARS_MAX};
use crate::link::LinkError;
use crate::origin::AllowedDomains;
use crate::random::{self, Entropy};
use crate::seal::{Purpose, Sealer};
use crate::time::Timestamp;
use crate::wire::{Reader, Writer, decode_lower_hex};

/// What a model with `pub` may be framed by: what [`crate::Origin::is_ordinary_web`] takes, as far
/// as CSP can say it.
const ORDINARY_WEB: &str = "https: http://localhost:* http://*.localhost:* http://127.0.0.1:*";

/// Before the digits of a fence where an origin is recorded.
const RECORDED: &str = "embed:";

/// Keeps the ids of sessions apart from all other digests.
const SESSION_LABEL: &[u8] = b"vitrine embed session v1";

/// The pages that the browser lets stand around our iframe page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    sources: String,
    exact: bool,
}

/// A fence in 16 bytes, to tell whether it still stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FenceMark([u8; 16]);

impl Fence {
    /// The fence of a model: its allowed domains, or with `pub` every ordinary page.
    #[must_use]
    pub fn of(public: bool, domains: &AllowedDomains) -> Self {
        if public {
            return Self {
                sources: ORDINARY_WEB.to_owned(),
                exact: true,
            };
        }
        Self {
            sources: domains.to_frame_ancestors(),
            exact: domains.frame_ancestors_are_exact(),
        }
    }

    /// The sources of the CSP directive `frame-ancestors`.
    #[must_use]
    pub fn sources(&self) -> &str {
        &self.sources
    }

    /// Whether every page inside the fence may show the model. A star of CSP covers more than ours.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// Its mark.
    #[must_use]
    pub fn mark(&self) -> FenceMark {
        let digest = digest::digest(&digest::SHA256, self.sources.as_bytes());
        let mut mark = [0; 16];
        for (to, from) in mark.iter_mut().zip(digest.as_ref()) {
            *to = *from;
        }
        FenceMark(mark)
    }
}

impl FenceMark {
    /// The mark in a recorded origin; `None` when an ordinary origin was recorded.
    pub(crate) fn of_recorded(text: &str) -> Option<Self> {
        let bytes = decode_lower_hex(text.strip_prefix(RECORDED)?)?;
        bytes.try_into().ok().map(Self)
    }
}

/// As recorded with a session whose page did not say where it stands.
impl fmt::Display for FenceMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{RECORDED}{}", hex::encode(self.0))
    }
}

/// One load of the iframe page, good for opening one session soon.
#[derive(Clone, PartialEq, Eq)]
pub struct PageLoad {
    id: [u8; 16],
    /// The model that the page shows.
    pub model: ModelId,
    /// The fence that the page was sent with.
    pub fence: FenceMark,
    loaded_at: Timestamp,
    issued_at: Timestamp,
}

impl PageLoad {
    /// The page is being sent.
    #[must_use]
    pub fn new(model: ModelId, fence: FenceMark, now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self {
            id: random::bytes(entropy),
            model,
            fence,
            loaded_at: now,
            issued_at: now,
        }
    }

    /// Another one for a page that still stands, expired or used up as this may be. The fence stays
    /// the one that the browser compared.
    #[must_use]
    pub fn renewed(&self, now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self {
            id: random::bytes(entropy),
            issued_at: now,
            ..self.clone()
        }
    }

    /// Whether it still opens a session. Other nodes' clocks may be a little ahead of ours.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now.since(self.issued_at) < EMBED_NONCE_TTL
    }

    /// Whether the page was loaded so long ago that it has to be loaded again.
    #[must_use]
    pub fn is_outlived(&self, now: Timestamp) -> bool {
        now.since(self.loaded_at) >= EMBED_PAGE_AGE_MAX
    }

    /// The one session that this opens: its row can be written only once, on whichever node.
    #[must_use]
    pub fn session_id(&self) -> SessionId {
        SessionId::derived(SESSION_LABEL, &self.id)
    }

    /// How long it is good for, for pages that renew it in time.
    #[must_use]
    pub const fn ttl() -> Duration {
        EMBED_NONCE_TTL
    }

    /// Seals into lower-case hex.
    #[must_use]
    pub fn seal(&self, sealer: &Sealer, entropy: &dyn Entropy) -> String {
        let mut out = Writer::default();
        out.raw(&self.id)
            .raw(self.model.as_bytes())
            .raw(&self.fence.0);
        out.i64(self.loaded_at.unix_ms())
            .i64(self.issued_at.unix_ms());
        let bytes = out.finish();
        hex::encode(sealer.seal(Purpose::EmbedNonce, &bytes, random::bytes(entropy)))
    }

    /// Opens what [`Self::seal`] made. Does not look at any time.
    ///
    /// # Errors
    /// When the text is not, to the bit, a page load that this server sealed.
    pub fn open(sealer: &Sealer, text: &str) -> Result<Self, LinkError> {
        if text.len() > LINK_CHARS_MAX {
            return Err(LinkError);
        }
        let bytes = decode_lower_hex(text).ok_or(LinkError)?;
        let bytes = sealer
            .open(Purpose::EmbedNonce, &bytes)
            .map_err(|_| LinkError)?;
        Self::from_bytes(&bytes).ok_or(LinkError)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut input = Reader::new(bytes);
        let load = Self {
            id: input.array()?,
            model: ModelId::from_bytes(input.array()?),
            fence: FenceMark(input.array()?),
            loaded_at: Timestamp::from_unix_ms(input.i64()?),
            issued_at: Timestamp::from_unix_ms(input.i64()?),
        };
        input.end()?;
        Some(load)
    }
}

/// Without the id, from which the session's is made.
impl fmt::Debug for PageLoad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageLoad")
            .field("model", &self.model)
            .field("fence", &self.fence)
            .field("loaded_at", &self.loaded_at)
            .field("issued_at", &self.issued_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::testing::Seeded;
    use crate::secret::MasterKey;

    fn domains(entries: &[&str]) -> AllowedDomains {
        AllowedDomains::parse_all(entries).unwrap()
    }

    fn load(at_ms: i64) -> PageLoad {
        let fence = Fence::of(false, &domains(&["shop.example"])).mark();
        let model = ModelId::from_bytes([2; 16]);
        let now = Timestamp::from_unix_ms(at_ms);
        PageLoad::new(model, fence, now, &Seeded::new(3))
    }

    #[test]
    fn a_page_load_opens_to_itself_and_any_flipped_bit_is_refused() {
        let sealer = Sealer::new(&MasterKey::generate(&Seeded::new(1)));
        let text = load(5).seal(&sealer, &Seeded::new(2));
        assert_eq!(PageLoad::open(&sealer, &text), Ok(load(5)));
        let mut bytes = text.clone().into_bytes();
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Ok(text) = std::str::from_utf8(&bytes) {
                assert!(PageLoad::open(&sealer, text).is_err(), "bit {bit}");
            }
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        for text in ["", "00", &text.to_uppercase(), &text[2..]] {
            assert!(PageLoad::open(&sealer, text).is_err(), "{text}");
        }
    }

    #[test]
    fn it_is_good_for_a_minute_and_renewed_for_a_day() {
        let at = |ms| Timestamp::from_unix_ms(ms);
        let first = load(0);
        let ttl_ms = i64::try_from(EMBED_NONCE_TTL.as_millis()).unwrap();
        assert!(first.is_fresh(at(ttl_ms - 1)) && !first.is_fresh(at(ttl_ms)));
        assert!(
            first.is_fresh(at(-30_000)),
            "another node's clock is behind"
        );
        let later = first.renewed(at(ttl_ms), &Seeded::new(9));
        assert!(later.is_fresh(at(2 * ttl_ms - 1)) && later.fence == first.fence);
        let age_ms = i64::try_from(EMBED_PAGE_AGE_MAX.as_millis()).unwrap();
        assert!(!later.is_outlived(at(age_ms - 1)) && later.is_outlived(at(age_ms)));
    }

    #[test]
    fn it_names_one_session_and_its_renewal_another() {
        let first = load(0);
        assert_eq!(first.session_id(), first.clone().session_id());
        let renewed = first.renewed(Timestamp::from_unix_ms(1), &Seeded::new(9));
        assert_ne!(first.session_id(), renewed.session_id());
        let shown = format!("{first:?}");
        assert!(!shown.contains("id:"), "{shown}");
    }

    #[test]
    fn a_fence_with_a_star_is_wider_than_the_list_and_every_change_of_it_shows() {
        let fence = |entries: &[&str]| Fence::of(false, &domains(entries));
        assert!(fence(&["shop.example", "localhost:*", "http://a.example"]).is_exact());
        assert!(!fence(&["*.shop.example"]).is_exact());
        assert_ne!(
            fence(&["shop.example"]).mark(),
            fence(&["shop.example", "other.example"]).mark()
        );
        let open = Fence::of(true, &domains(&["*.shop.example"]));
        assert!(open.is_exact() && open.sources().starts_with("https:"));
        let mark = open.mark();
        assert_eq!(FenceMark::of_recorded(&mark.to_string()), Some(mark));
        for text in ["https://shop.example", "embed:", "embed:00", "null"] {
            assert_eq!(FenceMark::of_recorded(text), None);
        }
    }
}

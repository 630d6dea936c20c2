//! Tickets: sealed keys that open sessions on one model.
//!
//! The text form is lower-case hex, a dash, and the 32 digits of the authentication tag. It holds
//! no model id in clear, and only the exact text that was given out opens: upper case, white space
//! and missing digits are refused before anything is decoded.

use std::fmt;

use thiserror::Error;

use crate::ids::{ModelId, TicketId, sha256};
use crate::limits::{SECONDARY_ID_BYTES_MAX, TICKET_CHARS_MAX, TICKET_DOMAINS_MAX};
use crate::origin::AllowedDomains;
use crate::seal::{NONCE_BYTES, Purpose, Sealer, TAG_BYTES};
use crate::time::Timestamp;
use crate::wire::{Reader, Writer, decode_lower_hex};

/// Texts up to this length are no tickets; the contract promises more than 100 characters.
const TICKET_CHARS_ABOVE: usize = 100;

const BY_ID: u8 = 0;
const BY_SECONDARY_ID: u8 = 1;
const FLAG_BACKEND: u8 = 1;
const FLAG_PUBLIC: u8 = 2;
const FLAG_AUTHOR: u8 = 4;

/// Where a ticket may be used.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum TicketType {
    /// In browsers, on allowed origins.
    Embedding,
    /// Outside browsers, when the model allows it.
    Backend,
}

impl TicketType {
    /// The word of the API: `backend`, or nothing for embedding tickets.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Embedding => "",
            Self::Backend => "backend",
        }
    }

    /// Reads the word of the API.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Embedding, Self::Backend]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// How a ticket names its model.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum TicketModel {
    /// By its id.
    Id(ModelId),
    /// By its secondary id (`use_id2`).
    SecondaryId(String),
}

/// What a ticket says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ticket {
    /// The ticket's row.
    pub id: TicketId,
    /// The model.
    pub model: TicketModel,
    /// Where it may be used.
    pub kind: TicketType,
    /// `pub`: ignore the model's list of domains.
    pub public: bool,
    /// Its sessions may change the model's configuration.
    pub author: bool,
    /// Further restriction to these domains, unless empty.
    pub domains: AllowedDomains,
    /// End of validity.
    pub until: Timestamp,
}

/// A text that is no ticket of ours, or a ticket that cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TicketError {
    /// Not the form of a ticket.
    #[error("this is not a ticket; copy the whole ticket text")]
    Form,
    /// The form is right, but it does not open.
    #[error("the ticket was not made by this server, or has been changed; request a new one")]
    Invalid,
    /// More domains than a ticket can hold.
    #[error("a ticket can hold at most {max} domains; put them on the model instead")]
    TooManyDomains {
        /// The bound.
        max: usize,
    },
    /// The secondary id is empty or too long.
    #[error("a ticket's secondary model id must have 1 to {max} bytes")]
    SecondaryId {
        /// The bound.
        max: usize,
    },
}

/// The text form of a ticket. It is a bearer secret: `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedTicket(String);

impl SealedTicket {
    /// The text, for the client that asked for the ticket.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SealedTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedTicket(hidden)")
    }
}

impl Ticket {
    /// Checks the bounds that a ticket's text form sets; to be called before [`Self::seal`] on a
    /// ticket made from a request.
    ///
    /// # Errors
    /// When there are too many domains, or the secondary id has no valid length.
    pub fn check_bounds(&self) -> Result<(), TicketError> {
        if self.domains.len() > TICKET_DOMAINS_MAX {
            return Err(TicketError::TooManyDomains {
                max: TICKET_DOMAINS_MAX,
            });
        }
        match &self.model {
            TicketModel::SecondaryId(id2) if !(1..=SECONDARY_ID_BYTES_MAX).contains(&id2.len()) => {
                Err(TicketError::SecondaryId {
                    max: SECONDARY_ID_BYTES_MAX,
                })
            }
            TicketModel::SecondaryId(_) | TicketModel::Id(_) => Ok(()),
        }
    }

    /// Seals. The nonce follows from the ticket's id, so that the same ticket always gives the same
    /// text.
    #[must_use]
    pub fn seal(&self, sealer: &Sealer) -> SealedTicket {
        let digest = sha256(&[b"vitrine ticket nonce v1", self.id.as_bytes()]);
        let mut nonce = [0; NONCE_BYTES];
        nonce.copy_from_slice(&digest[..NONCE_BYTES]);
        let whole = sealer.seal(Purpose::Ticket, &self.to_bytes(), nonce);
        let (body, tag) = whole.split_at(whole.len() - TAG_BYTES);
        SealedTicket(format!("{}-{}", hex::encode(body), hex::encode(tag)))
    }

    /// Opens a ticket's text. Does not look at its end of validity: expired tickets can still be
    /// looked into.
    ///
    /// # Errors
    /// When the text is not, to the bit, a ticket that this server sealed.
    pub fn open(sealer: &Sealer, text: &str) -> Result<Self, TicketError> {
        if !(TICKET_CHARS_ABOVE + 1..=TICKET_CHARS_MAX).contains(&text.len()) {
            return Err(TicketError::Form);
        }
        let (body, tag) = text.split_once('-').ok_or(TicketError::Form)?;
        if tag.len() != 2 * TAG_BYTES {
            return Err(TicketError::Form);
        }
        let mut whole = decode_lower_hex(body).ok_or(TicketError::Form)?;
        whole.extend(decode_lower_hex(tag).ok_or(TicketError::Form)?);
        let bytes = sealer
            .open(Purpose::Ticket, &whole)
            .map_err(|_| TicketError::Invalid)?;
        Self::from_bytes(&bytes).ok_or(TicketError::Invalid)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::default();
        let flags = [
            (self.kind == TicketType::Backend, FLAG_BACKEND),
            (self.public, FLAG_PUBLIC),
            (self.author, FLAG_AUTHOR),
        ];
        out.raw(self.id.as_bytes());
        out.u8(flags
            .iter()
            .filter(|(on, _)| *on)
            .map(|(_, flag)| flag)
            .sum());
        out.i64(self.until.unix_ms());
        match &self.model {
            TicketModel::Id(id) => out.u8(BY_ID).raw(id.as_bytes()),
            TicketModel::SecondaryId(id2) => out.u8(BY_SECONDARY_ID).text(id2),
        };
        for entry in self.domains.iter() {
            out.text(&entry.to_string());
        }
        out.finish()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut input = Reader::new(bytes);
        let id = TicketId::from_bytes(input.array()?);
        let flags = input.u8()?;
        if flags & !(FLAG_BACKEND | FLAG_PUBLIC | FLAG_AUTHOR) != 0 {
            return None;
        }
        let until = Timestamp::from_unix_ms(input.i64()?);
        let model = match input.u8()? {
            BY_ID => TicketModel::Id(ModelId::from_bytes(input.array()?)),
            BY_SECONDARY_ID => TicketModel::SecondaryId(input.text()?.to_owned()),
            _ => return None,
        };
        let mut domains = Vec::new();
        while !input.is_empty() {
            domains.push(input.text()?);
        }
        let kind = if flags & FLAG_BACKEND == 0 {
            TicketType::Embedding
        } else {
            TicketType::Backend
        };
        Some(Self {
            id,
            model,
            kind,
            public: flags & FLAG_PUBLIC != 0,
            author: flags & FLAG_AUTHOR != 0,
            domains: AllowedDomains::parse_all(&domains).ok()?,
            until,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::testing::Seeded;
    use crate::secret::MasterKey;
    use proptest::prelude::*;

    fn sealer() -> Sealer {
        Sealer::new(&MasterKey::generate(&Seeded::new(1)))
    }

    fn ticket(seed: u64) -> Ticket {
        Ticket {
            id: TicketId::new(&Seeded::new(seed)),
            model: TicketModel::Id(ModelId::new(&Seeded::new(seed + 1))),
            kind: TicketType::Embedding,
            public: false,
            author: false,
            domains: AllowedDomains::default(),
            until: Timestamp::from_unix_ms(1_795_255_200_000),
        }
    }

    fn tickets() -> impl Strategy<Value = Ticket> {
        let model = prop_oneof![
            any::<[u8; 16]>().prop_map(|id| TicketModel::Id(ModelId::from_bytes(id))),
            "[a-zäß]{1,40}".prop_map(TicketModel::SecondaryId),
        ];
        let domains = proptest::collection::vec(
            "(\\*\\.)?[a-z]{1,9}\\.shop\\.example(:[1-9][0-9]{2})?",
            0..4,
        );
        (any::<([u8; 16], bool, bool, bool, i64)>(), model, domains).prop_map(
            |((id, backend, public, author, until), model, domains)| Ticket {
                id: TicketId::from_bytes(id),
                model,
                kind: if backend {
                    TicketType::Backend
                } else {
                    TicketType::Embedding
                },
                public,
                author,
                domains: AllowedDomains::parse_all(&domains).unwrap(),
                until: Timestamp::from_unix_ms(until),
            },
        )
    }

    #[test]
    fn the_text_is_long_lower_hex_with_one_dash_and_hides_the_model() {
        let ticket = ticket(5);
        let text = ticket.seal(&sealer());
        let text = text.reveal();
        assert!(text.len() > 100, "{} characters", text.len());
        let (body, tag) = text.split_once('-').unwrap();
        assert_eq!(tag.len(), 32);
        assert!(
            body.bytes()
                .chain(tag.bytes())
                .all(|b| b"0123456789abcdef".contains(&b))
        );
        let TicketModel::Id(model) = ticket.model else {
            unreachable!()
        };
        assert!(!text.contains(&hex::encode(model.as_bytes())));
    }

    #[test]
    fn the_same_ticket_gives_the_same_text() {
        assert_eq!(ticket(5).seal(&sealer()), ticket(5).seal(&sealer()));
        assert_ne!(ticket(5).seal(&sealer()), ticket(6).seal(&sealer()));
    }

    #[test]
    fn other_spellings_of_a_ticket_are_refused() {
        let sealer = sealer();
        let text = ticket(5).seal(&sealer).reveal().to_owned();
        let spellings = [
            text.to_uppercase(),
            format!("{text} "),
            format!(" {text}"),
            text.replace('-', ""),
            text.replace('-', "--"),
            format!("{text}-"),
            text[..text.len() - 2].to_owned(),
            format!("00{text}"),
            String::new(),
            "-".repeat(101),
            "a".repeat(TICKET_CHARS_MAX + 1),
        ];
        for spelling in spellings {
            assert!(Ticket::open(&sealer, &spelling).is_err(), "{spelling}");
        }
    }

    #[test]
    fn bounds_hold_at_n_and_not_at_n_plus_one() {
        let with_domains = |count: usize| {
            let names: Vec<_> = (0..count).map(|n| format!("s{n}.example")).collect();
            Ticket {
                domains: AllowedDomains::parse_all(&names).unwrap(),
                ..ticket(1)
            }
        };
        assert!(with_domains(TICKET_DOMAINS_MAX).check_bounds().is_ok());
        assert!(with_domains(TICKET_DOMAINS_MAX + 1).check_bounds().is_err());
        let with_id2 = |length| Ticket {
            model: TicketModel::SecondaryId("x".repeat(length)),
            ..ticket(1)
        };
        assert!(with_id2(SECONDARY_ID_BYTES_MAX).check_bounds().is_ok());
        assert!(with_id2(SECONDARY_ID_BYTES_MAX + 1).check_bounds().is_err());
        assert!(with_id2(0).check_bounds().is_err());
    }

    #[test]
    fn the_largest_ticket_within_bounds_opens() {
        let label = "a".repeat(63);
        let names: Vec<_> = (0..TICKET_DOMAINS_MAX)
            .map(|n| format!("s{n:02}.{label}.{label}.{label}.{}:65535", "b".repeat(57)))
            .collect();
        let ticket = Ticket {
            model: TicketModel::SecondaryId("x".repeat(SECONDARY_ID_BYTES_MAX)),
            domains: AllowedDomains::parse_all(&names).unwrap(),
            ..ticket(1)
        };
        assert_eq!(ticket.check_bounds(), Ok(()));
        let text = ticket.seal(&sealer());
        assert_eq!(Ticket::open(&sealer(), text.reveal()), Ok(ticket));
    }

    proptest! {
        // Few cases: each one tries every bit.
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn a_sealed_ticket_opens_to_itself(ticket in tickets()) {
            let sealer = sealer();
            let text = ticket.seal(&sealer);
            prop_assert_eq!(Ticket::open(&sealer, text.reveal()), Ok(ticket));
        }

        #[test]
        fn every_single_bit_flip_of_a_ticket_is_refused(ticket in tickets()) {
            let sealer = sealer();
            let mut bytes = ticket.seal(&sealer).reveal().as_bytes().to_vec();
            for bit in 0..bytes.len() * 8 {
                bytes[bit / 8] ^= 1 << (bit % 8);
                if let Ok(text) = std::str::from_utf8(&bytes) {
                    prop_assert!(Ticket::open(&sealer, text).is_err(), "bit {}", bit);
                }
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
        }

        #[test]
        fn arbitrary_text_never_opens(text in "\\PC{0,300}|[0-9a-f]{80,200}-[0-9a-f]{32}") {
            prop_assert!(Ticket::open(&sealer(), &text).is_err());
        }
    }
}

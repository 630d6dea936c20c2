//! Tickets: sealed keys that open sessions on one model.

use std::fmt;

use thiserror::Error;

use crate::ids::{ModelId, TicketId};
use crate::origin::AllowedDomains;
use crate::seal::Sealer;
use crate::time::Timestamp;

/// Where a ticket may be used.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum TicketType {
    /// In browsers, on allowed origins.
    Embedding,
    /// Outside browsers, when the model allows it.
    Backend,
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

/// A text that is no ticket of ours.
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
    /// Checks the bounds that a ticket's text form sets.
    ///
    /// # Errors
    /// When there are too many domains, or the secondary id has no valid length.
    pub fn check_bounds(&self) -> Result<(), TicketError> {
        todo!()
    }

    /// Seals; the same ticket always gives the same text.
    #[must_use]
    pub fn seal(&self, _sealer: &Sealer) -> SealedTicket {
        todo!()
    }

    /// Opens a ticket's text. Does not look at its end of validity.
    ///
    /// # Errors
    /// When the text is not, to the bit, a ticket that this server sealed.
    pub fn open(_sealer: &Sealer, _text: &str) -> Result<Self, TicketError> {
        todo!()
    }
}

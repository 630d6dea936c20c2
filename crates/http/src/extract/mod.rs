//! Extractors whose refusals are error bodies of the API.

mod body;
mod json;
mod parts;
mod peer;
mod strict_json;

pub use body::read_bounded;
pub(crate) use body::too_large;
pub use json::{Json, Unread, parse_json};
pub use parts::{Path, Query};
pub use peer::Peer;
pub(crate) use peer::direct;

mod caller;

pub use caller::{From, Page, Tokenless};
pub(crate) use caller::{X_VITRINE_SESSION, bearer};

//! Tickets: the request for one, and what an opened one says.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The API's words for ticket types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = CommonsTicketType)]
pub enum TicketTypeWord {
    /// For servers and command lines.
    #[serde(rename = "backend")]
    Backend,
    /// For embedding in pages.
    #[serde(rename = "")]
    Embedding,
}

/// Body of `CreateTicket`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
pub struct ReqTicket {
    /// `backend` or empty.
    #[serde(rename = "type")]
    pub kind: TicketTypeWord,
    /// Whether the model's domains are ignored.
    #[serde(rename = "pub")]
    pub public: bool,
    /// Last instant of validity, `YYYYMMDDhhmmss` in UTC.
    pub until: String,
    /// Domains that this ticket alone is limited to.
    #[serde(default)]
    pub accessdomains: Vec<String>,
    /// Whether its sessions may change the model's configuration.
    #[serde(default)]
    pub author: bool,
    /// Whether it names the model by its second id.
    #[serde(default)]
    pub use_id2: bool,
}

/// What an opened ticket says; all members are always there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResTicket {
    /// The model's id, or its second id when `use_id2` is true.
    pub model_id: String,
    /// `backend` or empty.
    #[serde(rename = "type")]
    pub kind: TicketTypeWord,
    /// Whether the model's domains are ignored.
    #[serde(rename = "pub")]
    pub public: bool,
    /// Last instant of validity, `YYYYMMDDhhmmss` in UTC.
    pub until: String,
    /// Domains that this ticket alone is limited to.
    pub accessdomains: Vec<String>,
    /// Whether its sessions may change the model's configuration.
    pub author: bool,
    /// Whether it names the model by its second id.
    pub use_id2: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn optional_members_of_a_ticket_request_may_be_absent() {
        let request: ReqTicket =
            serde_json::from_str(r#"{"type":"","pub":false,"until":"20300101000000"}"#).unwrap();
        assert_eq!(request.kind, TicketTypeWord::Embedding);
        assert!(request.accessdomains.is_empty());
        assert!(!request.author && !request.use_id2);
    }

    #[test]
    fn required_members_of_a_ticket_request_are_required() {
        for body in [
            r#"{"pub":false,"until":"20300101000000"}"#,
            r#"{"type":"","until":"20300101000000"}"#,
            r#"{"type":"","pub":false}"#,
            r#"{"type":"author","pub":false,"until":"20300101000000"}"#,
        ] {
            assert!(serde_json::from_str::<ReqTicket>(body).is_err(), "{body}");
        }
    }
}

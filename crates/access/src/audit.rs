//! One line per decision, for the audit trail.

use crate::ids::{AuditId, ModelId, RequestId};
use crate::time::Timestamp;

/// How a request was decided.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum Decision {
    /// It was let through.
    Allowed,
    /// It was refused.
    Refused,
}

impl Decision {
    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Refused => "refused",
        }
    }

    /// Reads the stored word.
    #[must_use]
    pub fn from_storage(word: &str) -> Option<Self> {
        [Self::Allowed, Self::Refused]
            .into_iter()
            .find(|decision| decision.as_str() == word)
    }
}

/// Who asked for what with which credential, and what was decided. Holds no secret: credentials
/// appear by kind and id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// Id of this line.
    pub id: AuditId,
    /// When it was decided.
    pub at: Timestamp,
    /// The request it belongs to.
    pub request: RequestId,
    /// Who acted, for instance `user:<id>` or `anonymous`.
    pub actor: String,
    /// Kind and id of the credential, for instance `ticket:<id>`; never the secret.
    pub credential: String,
    /// The caller's network address.
    pub address: Option<String>,
    /// The origin of the page that asked, as it said itself.
    pub origin: Option<String>,
    /// The operation by its id.
    pub operation: String,
    /// The model concerned.
    pub model: Option<ModelId>,
    /// Allowed or refused.
    pub decision: Decision,
    /// The stable code of the reason.
    pub reason: String,
    /// What the caller was told.
    pub message: String,
    /// For how many equal decisions this line stands; the other members are those of the last one.
    pub count: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_survive_storage() {
        for decision in [Decision::Allowed, Decision::Refused] {
            assert_eq!(Decision::from_storage(decision.as_str()), Some(decision));
        }
        assert_eq!(Decision::from_storage("perhaps"), None);
    }
}

//! Where a model stands, in the words of the API.

use std::str::FromStr;

use thiserror::Error;

/// Where a model stands in its life.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum ModelStatus {
    /// Created; no file yet.
    NotUploaded,
    /// The file is there and waits to be checked.
    Uploaded,
    /// Checked; waits for a human decision.
    Pending,
    /// Ready.
    Confirmed,
    /// Refused.
    Denied,
    /// Deleted, may be restored.
    Deleted,
}

/// A word that names no status.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown model status")]
pub struct ModelStatusError;

impl ModelStatus {
    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::NotUploaded,
        Self::Uploaded,
        Self::Pending,
        Self::Confirmed,
        Self::Denied,
        Self::Deleted,
    ];

    /// The word of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotUploaded => "not_uploaded",
            Self::Uploaded => "uploaded",
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Denied => "denied",
            Self::Deleted => "deleted",
        }
    }
}

impl FromStr for ModelStatus {
    type Err = ModelStatusError;

    fn from_str(word: &str) -> Result<Self, ModelStatusError> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == word)
            .ok_or(ModelStatusError)
    }
}

/// Why a model may not be shown although it is confirmed. Any one suffices.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent switches of the API"
)]
pub struct BlockingReasons {
    /// The owner's credit limit is exceeded.
    pub credit_limit: bool,
    /// The owner blocked it.
    pub owner: bool,
    /// The owner may not use this back end.
    pub backend_permission: bool,
    /// The model uses a plug-in that its owner may not use.
    pub plugin_permission: bool,
}

impl BlockingReasons {
    /// Whether any reason holds.
    #[must_use]
    pub const fn any(self) -> bool {
        self.credit_limit || self.owner || self.backend_permission || self.plugin_permission
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_survive_their_words() {
        for status in ModelStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert_eq!("blocked".parse::<ModelStatus>(), Err(ModelStatusError));
    }

    #[test]
    fn any_one_reason_blocks() {
        assert!(!BlockingReasons::default().any());
        for index in 0..4 {
            let reasons = BlockingReasons {
                credit_limit: index == 0,
                owner: index == 1,
                backend_permission: index == 2,
                plugin_permission: index == 3,
            };
            assert!(reasons.any());
        }
    }
}

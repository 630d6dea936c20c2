//! What a request may do, once decided.

use std::fmt;
use std::str::FromStr;

use crate::ids::{AuthGroupId, IdError, ModelId, OrganizationId, TokenId, UserId};
use crate::owner::{Owner, Payer};
use crate::permissions::{Permission, PermissionSet};
use crate::refusal::{Refusal, RefusalKind};
use crate::time::Timestamp;
use thiserror::Error;

/// Whom a token stands for.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Subject {
    /// A platform's back end: everything, and the operations reserved to it.
    Backend,
    /// One model.
    Model(ModelId),
    /// All models of one authorization group.
    AuthGroup(AuthGroupId),
    /// A user, for analytics.
    User(UserId),
    /// An organization, for analytics.
    Organization(OrganizationId),
}

/// A text that is no subject.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SubjectError {
    /// Unknown kind.
    #[error(
        "a subject is `backend`, or `model:`, `auth_group:`, `user:` or `organization:` and an id"
    )]
    Kind,
    /// The id has no valid form.
    #[error("the subject's id has no valid form")]
    Id(#[from] IdError),
}

impl Subject {
    /// The kind, as in the claim `sub_type`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Backend => "backend",
            Self::Model(_) => "model",
            Self::AuthGroup(_) => "auth_group",
            Self::User(_) => "user",
            Self::Organization(_) => "organization",
        }
    }

    /// The id, as in the claim `sub`; for the back end the word `backend`.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::Backend => "backend".to_owned(),
            Self::Model(id) => id.to_string(),
            Self::AuthGroup(id) => id.to_string(),
            Self::User(id) => id.to_string(),
            Self::Organization(id) => id.to_string(),
        }
    }

    /// From kind and id.
    ///
    /// # Errors
    /// When the kind is unknown or the id has no valid form.
    pub fn from_parts(kind: &str, id: &str) -> Result<Self, SubjectError> {
        Ok(match kind {
            "backend" if id == "backend" => Self::Backend,
            "model" => Self::Model(id.parse()?),
            "auth_group" => Self::AuthGroup(id.parse()?),
            "user" => Self::User(id.parse()?),
            "organization" => Self::Organization(id.parse()?),
            _ => return Err(SubjectError::Kind),
        })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Backend => f.write_str("backend"),
            other => write!(f, "{}:{}", other.kind(), other.id()),
        }
    }
}

impl FromStr for Subject {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, SubjectError> {
        if text == "backend" {
            return Ok(Self::Backend);
        }
        let (kind, id) = text.split_once(':').ok_or(SubjectError::Kind)?;
        Self::from_parts(kind, id)
    }
}

/// What a request may do: decided once, then only asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The one model it covers; `None` covers all models for a back end, and none for others.
    pub model: Option<ModelId>,
    /// What it may do.
    pub permissions: PermissionSet,
    /// The account in whose name it acts.
    pub owner: Option<Owner>,
    /// The account that pays.
    pub payer: Option<Payer>,
    /// Whom the token stands for; `None` for a session's own grant.
    pub subject: Option<Subject>,
    /// The token behind it.
    pub token: Option<TokenId>,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Grant {
    /// Whether this is a back end's grant.
    #[must_use]
    pub fn is_backend(&self) -> bool {
        self.subject == Some(Subject::Backend)
    }

    /// Whether it covers this model. Decided before any look-up.
    #[must_use]
    pub fn covers(&self, model: ModelId) -> bool {
        match self.model {
            Some(own) => own == model,
            None => self.is_backend(),
        }
    }

    /// Demands that the grant covers this model.
    ///
    /// # Errors
    /// [`RefusalKind::WrongModel`], the same whether the model exists or not.
    pub fn require_model(&self, model: ModelId) -> Result<(), Refusal> {
        if self.covers(model) {
            return Ok(());
        }
        Err(Refusal::new(
            RefusalKind::WrongModel,
            format!("The token is not for model {model}. Request a token for this model."),
        ))
    }

    /// Demands a permission without id.
    ///
    /// # Errors
    /// [`RefusalKind::PermissionMissing`] naming the permission.
    pub fn require(&self, permission: Permission) -> Result<(), Refusal> {
        if self.permissions.contains(permission) {
            return Ok(());
        }
        Err(missing(permission))
    }

    /// Demands a permission for the thing with this id.
    ///
    /// # Errors
    /// [`RefusalKind::PermissionMissing`] naming the permission.
    pub fn require_for(&self, permission: Permission, id: &str) -> Result<(), Refusal> {
        if self.permissions.contains_for(permission, id) {
            return Ok(());
        }
        Err(missing(permission))
    }

    /// Demands a back end's grant.
    ///
    /// # Errors
    /// [`RefusalKind::SubjectRestricted`].
    pub fn require_backend(&self) -> Result<(), Refusal> {
        if self.is_backend() {
            return Ok(());
        }
        Err(Refusal::new(
            RefusalKind::SubjectRestricted,
            "Only a token of the back end may do this. Use a token with subject `backend`.",
        ))
    }
}

fn missing(permission: Permission) -> Refusal {
    Refusal::new(
        RefusalKind::PermissionMissing,
        format!(
            "The permission {} is missing. Use a token whose scopes include it.",
            permission.as_str()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(model: Option<ModelId>, subject: Option<Subject>) -> Grant {
        Grant {
            model,
            permissions: PermissionSet::of(&[Permission::GetOutput]),
            owner: None,
            payer: None,
            subject,
            token: None,
            expires_at: Timestamp::MAX_14,
        }
    }

    #[test]
    fn subjects_survive_their_text() {
        let subjects = [
            Subject::Backend,
            Subject::Model(ModelId::from_bytes([1; 16])),
            Subject::AuthGroup(AuthGroupId::from_bytes([2; 16])),
            Subject::User(UserId::from_bytes([3; 16])),
            Subject::Organization(OrganizationId::from_bytes([4; 16])),
        ];
        for subject in subjects {
            assert_eq!(subject.to_string().parse(), Ok(subject));
            assert_eq!(
                Subject::from_parts(subject.kind(), &subject.id()),
                Ok(subject)
            );
        }
        for text in [
            "",
            "model",
            "model:",
            "model:x",
            "backend:x",
            "backend:",
            "Backend",
            "cat:1",
        ] {
            assert!(text.parse::<Subject>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_a_back_end_covers_models_that_its_grant_does_not_name() {
        let model = ModelId::from_bytes([1; 16]);
        let other = ModelId::from_bytes([2; 16]);
        let user = Subject::User(UserId::from_bytes([3; 16]));
        assert!(grant(None, Some(Subject::Backend)).covers(model));
        assert!(!grant(None, Some(user)).covers(model));
        assert!(!grant(None, None).covers(model));
        let named = grant(Some(model), Some(Subject::Model(model)));
        assert!(named.covers(model));
        let refusal = named.require_model(other).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::WrongModel);
        assert!(named.require_backend().is_err());
    }

    #[test]
    fn a_missing_permission_is_named() {
        let grant = grant(None, None);
        assert_eq!(grant.require(Permission::GetOutput), Ok(()));
        assert_eq!(grant.require_for(Permission::GetOutput, "x"), Ok(()));
        let refusal = grant.require(Permission::FileDownload).unwrap_err();
        assert!(refusal.message.contains("file.download"), "{refusal}");
        assert!(grant.require_for(Permission::FileDownload, "x").is_err());
    }
}

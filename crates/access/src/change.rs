//! What changed, told to every node so that caches forget it at once.

use std::str::FromStr;

use thiserror::Error;

use crate::grant::Subject;
use crate::ids::{
    EditorTokenHash, ModelId, OrganizationId, PartnerId, SessionHash, TicketId, TokenId, UserId,
};
use crate::owner::Owner;

/// One change that makes cached knowledge stale.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum Change {
    /// A model's settings, status or definition.
    Model(ModelId),
    /// A ticket was revoked or rotated.
    Ticket(TicketId),
    /// A session was closed or revoked.
    Session(SessionHash),
    /// A token was revoked.
    Token(TokenId),
    /// All tokens of a subject that were issued until now were revoked.
    Subject(Subject),
    /// All that the platform gave to a user until now was revoked.
    Holder(UserId),
    /// The set of signing or sealing keys.
    Keys,
    /// Anything about an account.
    Account(Owner),
    /// Anything about an organization, whoever acts for it.
    Organization(OrganizationId),
    /// Anything about a partner: its settings, its keys, or many of its tokens.
    Partner(PartnerId),
    /// An editor token was revoked or used up.
    EditorToken(EditorTokenHash),
    /// Results were deleted to make room for others.
    Results,
}

/// A stored change that cannot be read. The reader must then forget everything it caches.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a stored change cannot be read; a newer version may have written it")]
pub struct ChangeError;

impl Change {
    /// The text of the change log: kind, colon, id.
    #[must_use]
    pub fn to_storage(&self) -> String {
        match self {
            Self::Model(id) => format!("model:{id}"),
            Self::Ticket(id) => format!("ticket:{id}"),
            Self::Session(hash) => format!("session:{hash}"),
            Self::Token(id) => format!("token:{id}"),
            Self::Subject(subject) => format!("subject:{subject}"),
            Self::Holder(id) => format!("holder:{id}"),
            Self::Keys => "keys".to_owned(),
            Self::Results => "results".to_owned(),
            Self::Organization(id) => format!("organization:{id}"),
            Self::Partner(id) => format!("partner:{id}"),
            Self::EditorToken(hash) => format!("editor-token:{hash}"),
            Self::Account(Owner {
                user,
                organization: None,
            }) => format!("account:{user}"),
            Self::Account(Owner {
                user,
                organization: Some(organization),
            }) => {
                format!("account:{user}/{organization}")
            }
        }
    }

    /// Reads the text of the change log.
    ///
    /// # Errors
    /// When the kind is unknown or the id has no valid form.
    pub fn from_storage(text: &str) -> Result<Self, ChangeError> {
        if text == "keys" {
            return Ok(Self::Keys);
        }
        if text == "results" {
            return Ok(Self::Results);
        }
        let (kind, id) = text.split_once(':').ok_or(ChangeError)?;
        match kind {
            "model" => parse::<ModelId>(id).map(Self::Model),
            "ticket" => parse::<TicketId>(id).map(Self::Ticket),
            "session" => parse::<SessionHash>(id).map(Self::Session),
            "organization" => parse::<OrganizationId>(id).map(Self::Organization),
            "token" => parse::<TokenId>(id).map(Self::Token),
            "subject" => parse::<Subject>(id).map(Self::Subject),
            "holder" => parse::<UserId>(id).map(Self::Holder),
            "partner" => parse::<PartnerId>(id).map(Self::Partner),
            "editor-token" => parse::<EditorTokenHash>(id).map(Self::EditorToken),
            "account" => {
                let (user, organization) = match id.split_once('/') {
                    Some((user, organization)) => {
                        (user, Some(parse::<OrganizationId>(organization)?))
                    }
                    None => (id, None),
                };
                Ok(Self::Account(Owner {
                    user: parse::<UserId>(user)?,
                    organization,
                }))
            }
            _ => Err(ChangeError),
        }
    }
}

fn parse<T: FromStr>(text: &str) -> Result<T, ChangeError> {
    text.parse().map_err(|_| ChangeError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_survives_storage() {
        let user = UserId::from_bytes([6; 16]);
        let organization = Some(OrganizationId::from_bytes([7; 16]));
        let changes = [
            Change::Model(ModelId::from_bytes([1; 16])),
            Change::Ticket(TicketId::from_bytes([2; 16])),
            Change::Session(SessionHash::from_bytes([3; 32])),
            Change::Token(TokenId::from_bytes([4; 16])),
            Change::Subject(Subject::Backend),
            Change::Subject(Subject::User(user)),
            Change::Holder(user),
            Change::Keys,
            Change::Results,
            Change::Partner(PartnerId::from_bytes([8; 16])),
            Change::EditorToken(EditorTokenHash::from_bytes([9; 32])),
            Change::Account(Owner {
                user,
                organization: None,
            }),
            Change::Account(Owner { user, organization }),
            Change::Organization(OrganizationId::from_bytes([8; 16])),
        ];
        for change in changes {
            assert_eq!(Change::from_storage(&change.to_storage()), Ok(change));
        }
    }

    #[test]
    fn an_unreadable_change_is_an_error_not_silence() {
        for text in [
            "",
            "keys:",
            "results:",
            "model:",
            "model:x",
            "planet:6",
            "subject:user",
            "subject:holder:00000000-0000-0000-0000-000000000000",
            "holder:x",
            "account:/",
            "session:00",
        ] {
            assert_eq!(Change::from_storage(text), Err(ChangeError), "{text}");
        }
    }
}

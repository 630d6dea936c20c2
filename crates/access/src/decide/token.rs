//! The token beside a ticket or session: needed with strong authorization, welcome otherwise, and
//! never for another model.

use super::ModelFacts;
use crate::grant::Grant;
use crate::ids::ModelId;
use crate::refusal::{Refusal, RefusalKind};
use crate::session::{Session, SessionLimits};

/// Whether the token, if any, suffices to use the model. A token that came along without being
/// needed must be right all the same.
///
/// # Errors
/// [`RefusalKind::TokenMissing`] with strong authorization, [`RefusalKind::WrongModel`].
pub fn check_token(
    model: ModelId,
    facts: &ModelFacts<'_>,
    token: Option<&Grant>,
) -> Result<(), Refusal> {
    match token {
        Some(token) => token.require_model(model),
        None if facts.require_token => Err(Refusal::new(
            RefusalKind::TokenMissing,
            "This model needs an access token beside the ticket (require_token). Send one as \
             `Authorization: Bearer`.",
        )),
        None => Ok(()),
    }
}

/// What a request on an open session may do: with strong authorization what the token allows,
/// otherwise what either allows.
///
/// # Errors
/// As [`check_token`].
pub fn grant_for_session(
    session: &Session,
    facts: &ModelFacts<'_>,
    token: Option<&Grant>,
    limits: &SessionLimits,
) -> Result<Grant, Refusal> {
    check_token(session.model, facts, token)?;
    let ends_at = session.ends_at(limits);
    let (permissions, expires_at) = match token {
        None => (session.permissions.clone(), ends_at),
        Some(token) if facts.require_token => {
            (token.permissions.clone(), ends_at.min(token.expires_at))
        }
        Some(token) => (session.permissions.union(&token.permissions), ends_at),
    };
    Ok(Grant {
        model: Some(session.model),
        permissions,
        owner: Some(session.owner),
        payer: Some(session.payer),
        subject: token.and_then(|token| token.subject),
        token: token.and_then(|token| token.token),
        expires_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::{BlockingReasons, ModelStatus};
    use crate::grant::Subject;
    use crate::ids::{SessionHash, TokenId, UserId};
    use crate::origin::AllowedDomains;
    use crate::owner::Owner;
    use crate::permissions::{Permission, PermissionSet};
    use crate::session::SessionClass;
    use crate::time::Timestamp;

    const MODEL: ModelId = ModelId::from_bytes([1; 16]);

    fn session() -> Session {
        let owner = Owner {
            user: UserId::from_bytes([2; 16]),
            organization: None,
        };
        let now = Timestamp::from_unix_ms(0);
        Session {
            hash: SessionHash::from_bytes([3; 32]),
            model: MODEL,
            origin: None,
            ticket: None,
            token: None,
            subject: None,
            issuer_key: None,
            owner,
            payer: owner.payer(),
            class: SessionClass::Limited,
            permissions: PermissionSet::of(&[Permission::ComputeOutput]),
            author: false,
            opened_at: now,
            last_seen_at: now,
            paid_until: now,
            ended: None,
        }
    }

    fn token(model: ModelId) -> Grant {
        Grant {
            model: Some(model),
            permissions: PermissionSet::of(&[Permission::ComputeExport]),
            owner: None,
            payer: None,
            subject: Some(Subject::Model(model)),
            token: Some(TokenId::from_bytes([4; 16])),
            expires_at: Timestamp::from_unix_ms(60_000),
        }
    }

    fn decide(require_token: bool, token: Option<&Grant>) -> Result<Grant, Refusal> {
        let domains = AllowedDomains::default();
        let facts = ModelFacts {
            state: ModelStatus::Confirmed,
            blocked: BlockingReasons::default(),
            public: false,
            domains: &domains,
            backend_access: false,
            require_iframe: false,
            require_token,
        };
        grant_for_session(&session(), &facts, token, &SessionLimits::default())
    }

    #[test]
    fn without_strong_authorization_either_suffices() {
        let own = decide(false, None).unwrap();
        assert!(own.permissions.contains(Permission::ComputeOutput));
        assert!(!own.permissions.contains(Permission::ComputeExport));
        let both = decide(false, Some(&token(MODEL))).unwrap();
        assert!(both.permissions.contains(Permission::ComputeOutput));
        assert!(both.permissions.contains(Permission::ComputeExport));
        assert_eq!(both.token, token(MODEL).token);
    }

    #[test]
    fn with_strong_authorization_only_the_token_counts_and_its_end_ends_the_grant() {
        let kind = decide(true, None).unwrap_err().kind;
        assert_eq!(kind, RefusalKind::TokenMissing);
        let strong = decide(true, Some(&token(MODEL))).unwrap();
        assert!(!strong.permissions.contains(Permission::ComputeOutput));
        assert!(strong.permissions.contains(Permission::ComputeExport));
        assert_eq!(strong.expires_at, token(MODEL).expires_at);
    }

    #[test]
    fn a_token_for_another_model_is_refused_whether_needed_or_not() {
        let other = token(ModelId::from_bytes([9; 16]));
        for require_token in [false, true] {
            let kind = decide(require_token, Some(&other)).unwrap_err().kind;
            assert_eq!(kind, RefusalKind::WrongModel);
        }
    }

    #[test]
    fn a_grant_never_turns_a_token_for_one_model_into_one_for_all() {
        let backend = Grant {
            model: None,
            subject: Some(Subject::Backend),
            ..token(MODEL)
        };
        let grant = decide(false, Some(&backend)).unwrap();
        assert_eq!(grant.model, Some(MODEL));
        assert!(!grant.covers(ModelId::from_bytes([9; 16])));
    }
}

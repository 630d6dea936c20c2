//! `Authorize`: decisions for other people's back ends, asked by the proxy before them.
//!
//! The rules are those of our own operations: a session is compared with its ticket and its model as
//! they are now, a ticket with the page behind the request, a token with the model. Nothing is opened
//! and nothing is charged; a warm question is answered from memory.

use std::sync::Arc;

use vitrine_access::decide::check_model_open;
use vitrine_access::grant::Subject;
use vitrine_access::ids::{ModelId, SessionAlias, TicketId};
use vitrine_access::origin::OriginError;
use vitrine_access::permissions::{PermissionSet, WantedPermission};
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_store::ModelRecord;

use crate::Services;
use crate::admission::PageEvidence;
use crate::audit::Attempt;
use crate::error::{Error, ErrorKind, Result};
use crate::who::{Caller, facts, wrong_model};

/// The operation's id in the permission table and in the audit trail.
const OPERATION: &str = "Authorize";

/// What the proxy's configuration demands for a route.
#[derive(Clone, Debug)]
pub struct RouteNeed {
    /// The model that the route belongs to.
    pub model: ModelId,
    /// What the request must be allowed to do with it.
    pub permission: WantedPermission,
}

/// The credential beside the access token of [`Caller::bearer`]. Not yet believed.
#[derive(Clone)]
pub enum Presented {
    /// None: the token, if there is one, stands alone.
    Nothing,
    /// A session id.
    Session(String),
    /// A sealed ticket.
    Ticket(String),
}

impl std::fmt::Debug for Presented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Session(_) => "Session(…)",
            Self::Ticket(_) => "Ticket(…)",
        })
    }
}

/// Whether whoever made the request must have meant to send its credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It was put there on purpose, or the request changes nothing.
    OnPurpose,
    /// A browser adds it to whatever any page asks for, and the request may change something: the
    /// page must be one of the model's.
    ByTheBrowser,
}

/// One question of a proxy.
#[derive(Debug)]
pub struct Question<'a> {
    /// What the route needs.
    pub need: &'a RouteNeed,
    /// What came along beside a token.
    pub presented: Presented,
    /// How it came along.
    pub sent: Sent,
    /// What the original request says of the page behind it.
    pub page: PageEvidence<'a>,
}

/// Who was let through, as the back end is told. Holds no secret.
#[derive(Clone, Debug)]
pub struct Authorized {
    /// The model.
    pub model: ModelId,
    /// The token's subject, or `ticket:<id>` where a ticket is behind it.
    pub subject: String,
    /// The session's one-way name.
    pub session: Option<SessionAlias>,
    /// Everything that the request may do with the model.
    pub permissions: PermissionSet,
}

fn refuse(kind: RefusalKind, message: impl Into<String>) -> Error {
    Refusal::new(kind, message).into()
}

impl Services {
    /// Answers a proxy's question.
    ///
    /// # Errors
    /// Refusals as for our own operations; `CredentialMissing` when nothing came along,
    /// `OriginMissing` and its like when a browser sent the credential by itself.
    pub async fn authorize(&self, question: Question<'_>, caller: &Caller) -> Result<Authorized> {
        self.trusted()?;
        let decided = self.decide(&question, caller).await;
        if let Err(error) = &decided
            && let ErrorKind::Refused(kind) = error.kind()
        {
            self.note_question(&question, caller, kind, error);
        }
        decided
    }

    fn note_question(
        &self,
        question: &Question<'_>,
        caller: &Caller,
        kind: RefusalKind,
        error: &Error,
    ) {
        let model = question.need.model.to_string();
        let origin = match &question.page.origin {
            Ok(Some(origin)) => Some(origin.to_string()),
            _ => None,
        };
        let (session, ticket) = match &question.presented {
            Presented::Nothing => (None, None),
            Presented::Session(id) => (Some(id.as_str()), None),
            Presented::Ticket(sealed) => (None, Some(sealed.as_str())),
        };
        let attempt = Attempt {
            operation: OPERATION,
            bearer: caller.bearer.as_deref(),
            session,
            ticket,
            model: Some(&model),
            origin: origin.as_deref(),
            address: caller.address,
            request: caller.request,
            ..Attempt::default()
        };
        self.note_refused(&attempt, kind.code(), error.message());
    }

    /// Notes a question that was refused before it could be asked, and gives the refusal back.
    #[must_use]
    pub fn refused_to_authorize(&self, caller: &Caller, refusal: Refusal) -> Error {
        self.note_unread(OPERATION, caller, &refusal);
        refusal.into()
    }

    async fn decide(&self, question: &Question<'_>, caller: &Caller) -> Result<Authorized> {
        let Question {
            need,
            presented,
            sent,
            page,
        } = question;
        // In boxes, all but the usual one, so that it does not carry what only the others need.
        let (model, authorized) = match presented {
            Presented::Session(id) => self.by_session(need, id, caller).await?,
            Presented::Ticket(sealed) => {
                Box::pin(self.by_ticket(need, sealed, page.clone(), caller)).await?
            }
            Presented::Nothing => Box::pin(self.by_token(need, caller)).await?,
        };
        if !need.permission.is_in(&authorized.permissions) {
            return Err(refuse(
                RefusalKind::PermissionMissing,
                format!(
                    "The credential does not carry the permission {}. Ask its issuer for one \
                     whose scopes cover it.",
                    need.permission
                ),
            ));
        }
        if *sent == Sent::ByTheBrowser {
            check_page(&model, &page.origin)?;
        }
        Ok(authorized)
    }

    async fn by_session(
        &self,
        need: &RouteNeed,
        id: &str,
        caller: &Caller,
    ) -> Result<(Arc<ModelRecord>, Authorized)> {
        let access = self.session_access(OPERATION, id, caller).await?;
        same_model(need, access.model.id, "session")?;
        let session = &access.session.session;
        let subject = access.token.as_ref().map(|token| token.token.subject);
        let authorized = Authorized {
            model: access.model.id,
            subject: subject_text(subject.or(session.subject), session.ticket),
            session: Some(session.hash.alias()),
            permissions: access.permissions,
        };
        Ok((access.model, authorized))
    }

    async fn by_ticket(
        &self,
        need: &RouteNeed,
        sealed: &str,
        page: PageEvidence<'_>,
        caller: &Caller,
    ) -> Result<(Arc<ModelRecord>, Authorized)> {
        let admission = self.ticket_holds(sealed, page, caller).await?;
        same_model(need, admission.model.id, "ticket")?;
        let subject = admission.token.as_ref().map(|token| token.token.subject);
        let ticket = admission.ticket.as_ref().map(|ticket| ticket.id);
        let authorized = Authorized {
            model: admission.model.id,
            subject: subject_text(subject, ticket),
            session: None,
            permissions: admission.effective(),
        };
        Ok((admission.model, authorized))
    }

    async fn by_token(
        &self,
        need: &RouteNeed,
        caller: &Caller,
    ) -> Result<(Arc<ModelRecord>, Authorized)> {
        let bearer = caller.bearer.as_deref().ok_or_else(|| {
            refuse(
                RefusalKind::CredentialMissing,
                "Send a session, a ticket or an access token with the request.",
            )
        })?;
        let token = self.verify_token(bearer)?;
        let model = match self.model_record(need.model).await? {
            Some(model) => model,
            None if token.names(need.model) => {
                return Err(refuse(
                    RefusalKind::ModelUnknown,
                    format!(
                        "There is no model {}. Correct the proxy's route.",
                        need.model
                    ),
                ));
            }
            // Whoever may not know whether it exists hears the same as for another's model.
            None => return Err(wrong_model()),
        };
        let token = self
            .token_on(token, &model)
            .await?
            .ok_or_else(wrong_model)?;
        check_model_open(&facts(&model))?;
        self.limit_subject(&token, caller)?;
        let authorized = Authorized {
            model: model.id,
            subject: token.token.subject.to_string(),
            session: None,
            permissions: token.grant.permissions.clone(),
        };
        Ok((model, authorized))
    }
}

fn subject_text(subject: Option<Subject>, ticket: Option<TicketId>) -> String {
    match (subject, ticket) {
        (Some(subject), _) => subject.to_string(),
        (None, Some(ticket)) => format!("ticket:{ticket}"),
        (None, None) => "anonymous".to_owned(),
    }
}

fn same_model(need: &RouteNeed, of: ModelId, what: &str) -> Result<()> {
    if need.model == of {
        return Ok(());
    }
    Err(refuse(
        RefusalKind::WrongModel,
        format!("The {what} is not for this route's model. Open one with that model's ticket."),
    ))
}

/// A browser adds cookies to the requests of every page, so the page has to be an allowed one.
fn check_page(
    model: &ModelRecord,
    asking: &std::result::Result<Option<vitrine_access::Origin>, OriginError>,
) -> Result<()> {
    match asking {
        Ok(Some(origin)) if model.allowed.allows(origin) => Ok(()),
        Ok(Some(origin)) => Err(refuse(
            RefusalKind::OriginNotAllowed,
            format!(
                "A cookie may not change anything on behalf of {origin}. The owner can allow it by \
                 adding {} to the model's allowed domains (accessdomains).",
                origin.suggested_entry()
            ),
        )),
        Ok(None) | Err(OriginError::Missing) => Err(refuse(
            RefusalKind::OriginMissing,
            "A cookie may change something only for a page that says where it stands, and no Origin \
             header came along. Outside browsers send the credential in a header.",
        )),
        Err(error) => Err(refuse(
            RefusalKind::OriginMalformed,
            format!("A cookie may change something only for an allowed page: {error}."),
        )),
    }
}

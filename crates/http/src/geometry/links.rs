//! Links to assets, made for the session that an answer goes to.

use vitrine_access::ids::TokenId;
use vitrine_access::time::Timestamp;
use vitrine_service::sessions::SessionEntry;
use vitrine_service::tokens::VerifiedToken;
use vitrine_service::who::SessionAccess;
use vitrine_service::{ModelRecord, ResultKind, Services, StoredContent};

/// Makes the links of one answer.
pub(crate) struct Links<'a> {
    services: &'a Services,
    session: &'a SessionEntry,
    /// The token that came along, where the model demands one: links end with it.
    token: Option<(TokenId, Timestamp)>,
}

impl<'a> Links<'a> {
    /// For an answer to a request on a session.
    pub(crate) fn of(services: &'a Services, access: &'a SessionAccess) -> Self {
        Self::new(
            services,
            &access.session,
            &access.model,
            access.token.as_deref(),
        )
    }

    /// For an answer about `session`, asked for with `token`.
    pub(crate) fn new(
        services: &'a Services,
        session: &'a SessionEntry,
        model: &ModelRecord,
        token: Option<&VerifiedToken>,
    ) -> Self {
        let token = token
            .filter(|_| model.settings.require_token)
            .map(|verified| (verified.token.id, verified.token.expires_at));
        Self {
            services,
            session,
            token,
        }
    }

    /// The link of one part of an output's result.
    pub(crate) fn output(&self, content: &StoredContent, name: Option<String>) -> Option<String> {
        self.services
            .asset_href(self.session, ResultKind::Output, content, name, self.token)
    }

    /// The link of one part of an export's result.
    pub(crate) fn export(&self, content: &StoredContent, name: Option<String>) -> Option<String> {
        self.services
            .asset_href(self.session, ResultKind::Export, content, name, self.token)
    }
}

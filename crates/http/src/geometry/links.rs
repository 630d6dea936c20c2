//! Links to assets, made for the session that an answer goes to.

use vitrine_access::link::LinkToken;
use vitrine_service::sessions::SessionEntry;
use vitrine_service::who::SessionAccess;
use vitrine_service::{ResultKind, Services, StoredContent};

/// Makes the links of one answer.
pub(crate) struct Links<'a> {
    services: &'a Services,
    session: &'a SessionEntry,
    slug: &'a str,
    /// The token that came along, where the model demands one: links end with it.
    token: Option<LinkToken>,
}

impl<'a> Links<'a> {
    /// For an answer to a request on a session.
    pub(crate) fn of(services: &'a Services, access: &'a SessionAccess) -> Self {
        let token = access
            .token
            .as_deref()
            .filter(|_| access.model.demands_token())
            .map(|verified| LinkToken {
                id: verified.token.id,
                subject: verified.token.subject,
                issued_at: verified.token.issued_at,
                expires_at: verified.token.expires_at,
                issuer_key: verified.issuer_key,
            });
        Self {
            services,
            session: &access.session,
            slug: &access.model.slug,
            token,
        }
    }

    /// The link of one part of an output's result.
    pub(crate) fn output(&self, content: &StoredContent, name: Option<String>) -> Option<String> {
        self.services
            .asset_href(self.session, ResultKind::Output, content, name, self.token)
    }

    /// The link of one part of an export's result, to be saved under the model's name.
    pub(crate) fn export(&self, content: &StoredContent, name: Option<String>) -> Option<String> {
        let name = name.map(|name| saved_as(self.slug, &name));
        self.services
            .asset_href(self.session, ResultKind::Export, content, name, self.token)
    }
}

/// Name of a downloaded export: the model's, and the export's where it says more than its format.
fn saved_as(slug: &str, export: &str) -> String {
    match export.rsplit_once('.') {
        Some((stem, extension)) if !stem.eq_ignore_ascii_case(extension) => {
            format!("{slug}-{stem}.{extension}")
        }
        Some((_, extension)) => format!("{slug}.{extension}"),
        None => format!("{slug}-{export}"),
    }
}

#[cfg(test)]
mod tests {
    use super::saved_as;

    #[test]
    fn a_download_is_named_after_the_model_first() {
        assert_eq!(saved_as("shelf", "STL.stl"), "shelf.stl");
        assert_eq!(saved_as("shelf", "cut-list.dxf"), "shelf-cut-list.dxf");
        assert_eq!(saved_as("shelf", "drawing"), "shelf-drawing");
    }
}

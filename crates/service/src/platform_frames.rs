//! What a page gets that shows a model in a frame, without anybody being signed in.

use std::sync::Arc;

use vitrine_access::decide::check_model_open;
use vitrine_access::grant::Subject;
use vitrine_access::holder::HolderMark;
use vitrine_access::origin::{Origin, OriginError};
use vitrine_access::refusal::RefusalKind;
use vitrine_access::ticket::TicketType;
use vitrine_store::ModelRecord;

use crate::Services;
use crate::error::Result;
use crate::platform_tokens::MODEL_TOKEN_TTL;
use crate::sessions::PageEvidence;
use crate::who::{Caller, facts, refuse};
use crate::withdrawal::Given;

/// What a page in a frame may do beside its ticket: see and export, as `group.view` and `group.export` say, but open
/// no session by itself. Sessions then hang on the ticket and end with it and with the page's domain.
const FRAME_SCOPES: [&str; 12] = [
    "get.parameter.*",
    "get.output.*",
    "get.export.*",
    "compute.output.*",
    "compute.export.*",
    "cache.output.get.*",
    "cache.export.get.*",
    "asset.file.create.*",
    "asset.file.get.*",
    "asset.sdtf.create.*",
    "asset.sdtf.get.*",
    "setting.viewer.get.*",
];

/// A model for a frame.
#[derive(Clone)]
pub struct FramedModel {
    /// The model.
    pub model: Arc<ModelRecord>,
    /// Opens sessions on the pages that are allowed.
    pub ticket: String,
    /// Views and exports, and opens no session by itself.
    pub token: String,
}

impl Services {
    /// `POST /api/v1/models/iframe/{slug}`: for pages of the domains that are allowed, and for those inside
    /// a frame of ours that say so.
    ///
    /// # Errors
    /// `ModelUnknown`; refusals of the page, which come before anything about the model's state;
    /// `TokenMissing` for a model that demands tokens.
    pub async fn platform_frame(
        &self,
        operation: &str,
        slug: &str,
        page: &PageEvidence<'_>,
        caller: &Caller,
    ) -> Result<FramedModel> {
        self.trusted()?;
        let framed = self.frame(slug, page).await;
        self.audited_as(operation, caller, &crate::audit::Actor::default(), framed)
    }

    async fn frame(&self, slug: &str, page: &PageEvidence<'_>) -> Result<FramedModel> {
        let given = Given {
            to: HolderMark::FRAME,
            at: self.now(),
        };
        let model = self.model_by_slug(slug).await?;
        let model = model.map(Arc::new).ok_or_else(|| {
            refuse(
                RefusalKind::ModelUnknown,
                "There is no model of this name. Copy it from the model's page.",
            )
        })?;
        let around = self.page_around(page)?;
        let public = model.settings.public && around.is_ordinary_web();
        if !public && !model.allowed.allows(&around) {
            return Err(refuse(
                RefusalKind::OriginNotAllowed,
                format!(
                    "This model may not be shown on {around}. Its owner can allow it by adding {} to \
                     the model's allowed domains (accessdomains).",
                    around.suggested_entry()
                ),
            ));
        }
        check_model_open(&facts(&model))?;
        if model.demands_token() {
            // Whoever asks without a browser writes what he likes into Origin: a token from here would make
            // the demand worth nothing.
            return Err(refuse(
                RefusalKind::TokenMissing,
                "This model demands access tokens, and this address gives none for it: the back end of \
                 the page gets one by POST /api/v1/tokens and hands it to the page.",
            ));
        }
        let scopes = FRAME_SCOPES.map(str::to_owned).to_vec();
        Ok(FramedModel {
            ticket: self.platform_ticket(&model, TicketType::Embedding).await?,
            token: self.mint_for(given, Subject::Model(model.id), scopes, MODEL_TOKEN_TTL)?,
            model,
        })
    }

    /// The page that shows the model: the asking one, or the one around it, where a frame of ours asks.
    fn page_around(&self, page: &PageEvidence<'_>) -> Result<Origin> {
        let malformed = |error: &OriginError| {
            refuse(
                RefusalKind::OriginMalformed,
                format!("The page's origin has no valid form: {error}."),
            )
        };
        let missing = || {
            refuse(
                RefusalKind::OriginMissing,
                "No origin came along that says which page shows the model. Browsers send it; a page in \
                 a frame needs referrerpolicy=\"origin\".",
            )
        };
        let asking = match &page.origin {
            Ok(asking) => asking.clone().ok_or_else(missing)?,
            Err(OriginError::Missing) => return Err(missing()),
            Err(error) => return Err(malformed(error)),
        };
        if !self.inner.settings.trusted_iframe_hosts.allows(&asking) {
            return Ok(asking);
        }
        let said = page.shapediver_origin.filter(|text| !text.is_empty());
        let said = said.ok_or_else(missing)?;
        let around = Origin::from_header_values(&[said.as_bytes()]);
        around
            .map_err(|error| malformed(&error))?
            .ok_or_else(missing)
    }
}

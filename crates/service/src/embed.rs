//! The iframe page: what it is sent with, and the proof of its load.

use std::net::IpAddr;

use vitrine_access::decide::{check_model_open, embed_unproven};
use vitrine_access::embed::{Fence, PageLoad};
use vitrine_access::origin::{Origin, OriginError};
use vitrine_access::time::Timestamp;
use vitrine_store::ModelRecord;

use crate::Services;
use crate::error::Result;
use crate::who::facts;

/// A model's iframe page.
#[derive(Clone, Debug)]
pub struct EmbedPage {
    /// The model's title.
    pub title: String,
    /// The ticket that the page opens its session with.
    pub ticket: String,
    /// The sealed proof that it was loaded.
    pub nonce: String,
    /// Who may stand around it.
    pub fence: Fence,
    /// Whether the owner allows our own host too: then the page may also stand alone.
    pub may_stand_alone: bool,
}

impl Services {
    /// The iframe page of a model; `None` when there is nothing to show, for whatever reason.
    ///
    /// # Errors
    /// Database failures.
    pub async fn embed_page(&self, slug: &str) -> Result<Option<EmbedPage>> {
        let Some(model) = self.model_by_slug(slug).await? else {
            return Ok(None);
        };
        if check_model_open(&facts(&model)).is_err() {
            return Ok(None);
        }
        let settings = &model.settings;
        let fence = Fence::of(settings.public, &model.allowed);
        let may_stand_alone = self.embed_origin().is_some_and(|ours| {
            (settings.public && ours.is_ordinary_web()) || model.allowed.allows(&ours)
        });
        // Nobody could show it: then nobody needs its ticket either.
        if !settings.public && model.allowed.is_empty() {
            return Ok(None);
        }
        let Some(ticket) = self.embedding_ticket(&model).await? else {
            return Ok(None);
        };
        let load = PageLoad::new(model.id, fence.mark(), self.now(), self.entropy());
        Ok(Some(EmbedPage {
            ticket,
            nonce: load.seal(&self.inner.sealer, self.entropy()),
            fence,
            may_stand_alone,
            title: model.title,
        }))
    }

    /// Another proof for an iframe page that still stands, in exchange for its last one, used up or
    /// not. The browser's `Origin` shows that our own page asks.
    ///
    /// # Errors
    /// `EmbedUnproven` for everybody else, and when the page was loaded too long ago.
    pub fn renew_page_load(
        &self,
        last: &str,
        address: Option<IpAddr>,
        origin: &std::result::Result<Option<Origin>, OriginError>,
    ) -> Result<String> {
        let ours = self.embed_origin();
        let asked_by_us = matches!(origin, Ok(Some(origin)) if Some(origin) == ours.as_ref());
        let load = self
            .opened(last, address)?
            .filter(|load| asked_by_us && !load.is_outlived(self.now()))
            .ok_or_else(embed_unproven)?;
        let renewed = load.renewed(self.now(), self.entropy());
        Ok(renewed.seal(&self.inner.sealer, self.entropy()))
    }

    /// The origin of our iframe pages.
    pub(crate) fn embed_origin(&self) -> Option<Origin> {
        Origin::of_page(&self.inner.settings.content_url)
    }

    /// The page load that came with a ticket, when it is good for it.
    pub(crate) fn page_load(
        &self,
        sealed: Option<&str>,
        address: Option<IpAddr>,
        model: &ModelRecord,
        now: Timestamp,
    ) -> Result<Option<PageLoad>> {
        let Some(sealed) = sealed else {
            return Ok(None);
        };
        let fits = |load: &PageLoad| {
            load.model == model.id && load.is_fresh(now) && !load.is_outlived(now)
        };
        Ok(self.opened(sealed, address)?.filter(fits))
    }

    /// A page load of ours. One that is none is a failed credential; none at all is not.
    fn opened(&self, sealed: &str, address: Option<IpAddr>) -> Result<Option<PageLoad>> {
        let load = PageLoad::open(&self.inner.sealer, sealed).ok();
        if let (None, Some(address)) = (&load, address) {
            self.note_failure(address)?;
        }
        Ok(load)
    }
}

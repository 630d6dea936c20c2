//! Links to assets: made for one session, opened without any look-up of what they name.

use std::ops::Range;

use bytes::Bytes;
use futures::stream::BoxStream;
use vitrine_access::grant::Subject;
use vitrine_access::ids::{SessionAlias, SessionId};
use vitrine_access::limits::TOKEN_SKEW_MAX;
use vitrine_access::link::{AssetKind, AssetLink, LinkToken};
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_store::{BlobError, ModelRecord, ResultKind, StoredContent};

use crate::Services;
use crate::error::{Error, Result};
use crate::producing::storage;
use crate::sessions::SessionEntry;
use crate::tokens::issued_for_certain;

/// An asset that may be read now.
#[derive(Clone, Debug)]
pub struct Asset {
    /// What the link says of it.
    pub link: AssetLink,
}

fn refused(kind: RefusalKind, message: &str) -> Error {
    Refusal {
        kind,
        message: message.into(),
    }
    .into()
}

impl Services {
    /// The URL of one stored content item for the holder of a session.
    ///
    /// The session id does not stand in it: a one-way alias does, which is good for reading
    /// assets only.
    #[must_use]
    pub fn asset_href(
        &self,
        session: &SessionEntry,
        kind: ResultKind,
        content: &StoredContent,
        filename: Option<String>,
        token: Option<LinkToken>,
    ) -> Option<String> {
        let blob = content.blob?;
        let limits = &self.inner.settings.session_limits;
        let alias = session.session.hash.alias();
        let (kind, segment) = match kind {
            ResultKind::Output => (AssetKind::Output, "output"),
            ResultKind::Export => (AssetKind::Export, "export"),
        };
        let link = AssetLink {
            blob,
            alias: Some(alias),
            model: session.session.model,
            kind,
            content_type: content
                .content_type
                .clone()
                .unwrap_or_else(|| "application/octet-stream".to_owned()),
            filename,
            size: content.size,
            expires_at: session
                .session
                .opened_at
                .plus(limits.age_max)
                .plus(limits.asset_grace),
            token,
        };
        let sealed = link.seal(&self.inner.sealer, &*self.inner.entropy);
        Some(format!(
            "{}/api/v2/session/{alias}/{segment}/{sealed}",
            self.inner.settings.content_url
        ))
    }

    /// Opens a link that stands behind a session's path: the segment is the session's alias, or
    /// its id for clients that build the path themselves.
    ///
    /// # Errors
    /// `LinkInvalid`, `LinkExpired`, `SessionGone`.
    pub async fn open_asset(&self, session: &str, sealed: &str, kind: AssetKind) -> Result<Asset> {
        self.trusted()?;
        let link = self.open_link(sealed)?;
        let alias = match session.parse::<SessionId>() {
            Ok(id) if link.alias == Some(id.hash().alias()) => id.hash().alias(),
            _ => session.parse::<SessionAlias>().map_err(|_| malformed())?,
        };
        if link.alias != Some(alias) || link.kind != kind {
            return Err(malformed());
        }
        self.check_link(&link).await?;
        Ok(Asset { link })
    }

    /// Opens a link that stands alone (`/download/…`).
    ///
    /// # Errors
    /// As for [`Self::open_asset`].
    pub async fn open_download(&self, sealed: &str) -> Result<Asset> {
        self.trusted()?;
        let link = self.open_link(sealed)?;
        self.check_link(&link).await?;
        Ok(Asset { link })
    }

    fn open_link(&self, sealed: &str) -> Result<AssetLink> {
        let link = AssetLink::open(&self.inner.sealer, sealed).map_err(|_| malformed())?;
        if link.expires_at <= self.now() {
            return Err(refused(
                RefusalKind::LinkExpired,
                "This link has expired. Ask the session for a new one.",
            ));
        }
        Ok(link)
    }

    async fn check_link(&self, link: &AssetLink) -> Result<()> {
        let tokens = &self.inner.tokens;
        if let Some(token) = &link.token
            && (!self.issuer_key_counts(token.issuer_key)?
                || token.expires_at.plus(TOKEN_SKEW_MAX) <= self.now()
                || tokens.is_revoked(token.id)
                || tokens.is_subject_revoked(
                    &token.subject,
                    issued_for_certain(token.issued_at, token.issuer_key),
                ))
        {
            return Err(token_ended());
        }
        let Some(alias) = link.alias else {
            // Without a session the model alone decides.
            let model = self.model_record(link.model).await?.ok_or_else(malformed)?;
            vitrine_access::decide::check_model_open(&crate::who::facts(&model))?;
            return self.check_link_token(link, &model);
        };
        let entry = self
            .session_entry_by_alias(alias)
            .await?
            .ok_or_else(crate::who::gone_unknown)?;
        let limits = &self.inner.settings.session_limits;
        if !entry.assets_readable(self.now(), limits) {
            return Err(crate::who::gone_unknown());
        }
        let model = self.model_of_session(&entry).await?;
        if model.demands_token() && link.token.is_none() {
            return Err(refused(
                RefusalKind::LinkExpired,
                "The model demands an access token by now. Ask the session for a new link.",
            ));
        }
        self.check_link_token(link, &model)
    }

    /// Whether the token behind a link still counts on the model.
    fn check_link_token(&self, link: &AssetLink, model: &ModelRecord) -> Result<()> {
        let Some(token) = &link.token else {
            return Ok(());
        };
        if token.subject == Subject::Backend {
            return Ok(());
        }
        let holder = match token.issuer_key {
            Some(_) => None,
            None => token.id.holder(),
        };
        if self.owner_withdrew(model, token.issued_at)
            || self.withdrawn(model, holder, token.issued_at)
        {
            return Err(token_ended());
        }
        Ok(())
    }

    /// The bytes of an asset, a part of it or all.
    ///
    /// # Errors
    /// `LinkExpired` when they are no longer stored; `StorageFailed` when the object storage does not
    /// answer.
    pub async fn read_asset(
        &self,
        asset: &Asset,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, std::result::Result<Bytes, BlobError>>> {
        let link = &asset.link;
        let error = match self.inner.blobs.stream(link.blob, range).await {
            Ok(stream) => return Ok(stream),
            Err(error) => error,
        };
        // Results make room for newer ones, and their links were given out before. What a result still
        // names is lost, and that is another matter.
        if let BlobError::Missing(blob) = error
            && !self.inner.store.result_names_blob(link.model, blob).await?
        {
            return Err(refused(
                RefusalKind::LinkExpired,
                "This file is no longer stored. Send the customization again to have it computed, \
                 and use the link of that answer.",
            ));
        }
        Err(storage(error))
    }
}

fn token_ended() -> Error {
    refused(
        RefusalKind::LinkExpired,
        "The access token that this link was made with is no longer good. Ask the session for a new link.",
    )
}

fn malformed() -> Error {
    refused(
        RefusalKind::LinkInvalid,
        "This link was not made by this server for this session, or it was altered. Use the href \
         of the session's answer unchanged.",
    )
}

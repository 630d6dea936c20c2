//! Models: creating, settings, the presigned upload, downloading the file, listing.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use vitrine_access::change::Change;
use vitrine_access::decide::ModelStatus;
use vitrine_access::ids::{BlobKey, JobId, ModelId, UserId};
use vitrine_access::link::UploadLink;
use vitrine_access::origin::AllowedDomains;
use vitrine_access::owner::Owner;
use vitrine_access::plan::UNLIMITED;
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_access::seal::Purpose;
use vitrine_access::time::Timestamp;
use vitrine_store::{
    JobKind, Listing, ModelFilter, ModelRecord, OrganizationRecord, StoreError, Tx, UserRecord,
};

use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::life::deleted;
pub use crate::model_patch::{BlockingPatch, ModelPatch};
use crate::model_patch::{apply, default_settings, domains, emptied};
use crate::offset;
use crate::producing::storage;
use crate::withdrawal::next_second;

/// Longest slug, in bytes; it stands in URLs.
const SLUG_BYTES_MAX: usize = 60;
/// What is longer than this behind the last dot is no file extension.
const EXTENSION_BYTES_MAX: usize = 5;
/// How often a settings change is tried again when another one came first.
pub(crate) const UPDATE_TRIES: u32 = 5;
/// Largest model file that the server takes whatever a model's settings say.
pub const MODEL_FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

impl Services {
    /// `CreateModel`: a model without a file, waiting for its upload.
    ///
    /// # Errors
    /// `RequestInvalid` naming the member; database failures.
    pub async fn create_model(&self, patch: ModelPatch) -> Result<ModelRecord> {
        self.create_listed_model(patch, Listing::default()).await
    }

    /// The same with its place on the platform.
    pub(crate) async fn create_listed_model(
        &self,
        patch: ModelPatch,
        listing: Listing,
    ) -> Result<ModelRecord> {
        let now = self.now();
        let id = ModelId::new(&*self.inner.entropy);
        let previous = self.previous(patch.prev_id).await?;
        let owner = owner_of(&patch, previous.as_deref())?;
        self.check_model_count(owner.payer()).await?;
        let lineage = match &previous {
            None => ModelId::new(&*self.inner.entropy).to_string(),
            Some(previous) => previous.lineage.clone(),
        };
        let named = patch.slug.is_some();
        let wished = patch
            .slug
            .clone()
            .or_else(|| patch.title.clone())
            .or_else(|| patch.name.clone())
            .or_else(|| patch.filename.clone())
            .unwrap_or_default();
        let mut model = ModelRecord {
            id,
            id2: None,
            slug: self.free_slug(&wished, id).await?,
            name: String::new(),
            title: String::new(),
            owner,
            status: ModelStatus::NotUploaded,
            status_before_delete: None,
            message: None,
            filename: None,
            source: None,
            source_size: 0,
            lineage,
            described: None,
            // A new version of a model looks like the one before, as far as it has the same things.
            overrides: previous
                .as_ref()
                .map(|previous| previous.overrides.clone())
                .unwrap_or_default(),
            definition: None,
            settings: default_settings(),
            viewer_config: serde_json::json!({}),
            thumbnail: None,
            created_at: now,
            updated_at: now,
            revision: 0,
            token_forced: false,
            plan: &UNLIMITED,
            listing: Listing {
                previous: previous.as_ref().map(|previous| previous.id),
                ..listing
            },
            allowed: AllowedDomains::default(),
        };
        self.apply(&mut model, patch)?;
        match self.insert_model(&model, now).await {
            // Somebody took the free one in the same moment.
            Err(StoreError::Conflict { column }) if column == "model.slug" && !named => {
                model.slug = suffixed(&slugify(&wished), id);
                self.insert_model(&model, now).await
            }
            inserted => inserted,
        }
        .map_err(conflict)?;
        Ok(model)
    }

    /// The version that a new model follows.
    async fn previous(&self, id: Option<ModelId>) -> Result<Option<Arc<ModelRecord>>> {
        let Some(id) = id else { return Ok(None) };
        let found = self.model_record(id).await?;
        let found = found.filter(|model| model.status != ModelStatus::Deleted);
        let invalid = || Error::new(ErrorKind::RequestInvalid, "'prev_id' names no model.");
        found.ok_or_else(invalid).map(Some)
    }

    async fn insert_model(
        &self,
        model: &ModelRecord,
        now: Timestamp,
    ) -> std::result::Result<(), StoreError> {
        let mut tx = self.inner.store.begin().await?;
        ensure_account(&mut tx, model.owner, now).await?;
        tx.insert_model(model).await?;
        tx.note_change(&Change::Model(model.id)).await?;
        tx.commit().await
    }

    async fn free_slug(&self, wished: &str, id: ModelId) -> Result<String> {
        let base = slugify(wished);
        let taken = self.inner.store.model_by_slug_unscoped(&base).await?;
        Ok(if base.is_empty() || taken.is_some() {
            suffixed(&base, id)
        } else {
            base
        })
    }

    /// `UpdateModel`: only the members sent change.
    ///
    /// # Errors
    /// `RequestInvalid` naming the member; `EntityUnknown`; database failures.
    pub async fn update_model(&self, id: ModelId, patch: ModelPatch) -> Result<ModelRecord> {
        if patch.user.is_some() || patch.organization.is_some() || patch.prev_id.is_some() {
            return Err(Error::new(
                ErrorKind::RequestInvalid,
                "'user_id', 'org_id' and 'prev_id' are set once, by CreateModel. Leave them out.",
            ));
        }
        self.update_listed_model(id, patch, |_| {}).await
    }

    /// The same with its place on the platform.
    pub(crate) async fn update_listed_model(
        &self,
        id: ModelId,
        patch: ModelPatch,
        listing: impl Fn(&mut Listing),
    ) -> Result<ModelRecord> {
        let slug = patch.slug.as_deref().map(slugify);
        self.change_model(id, |model| {
            let (visibility, demand) = (model.listing.visibility, model.settings.require_token);
            if let Some(slug) = slug.as_ref().filter(|slug| !slug.is_empty()) {
                model.slug.clone_from(slug);
            }
            listing(&mut model.listing);
            self.apply(model, patch.clone())?;
            // Fewer may have tokens than before, and some have one already.
            if model.listing.visibility < visibility || model.settings.require_token && !demand {
                model.settings.given_not_before = next_second(self.now());
            }
            Ok(())
        })
        .await
    }

    /// Changes one model in a transaction of its own; tries again when somebody came first.
    pub(crate) async fn change_model(
        &self,
        id: ModelId,
        mut change: impl FnMut(&mut ModelRecord) -> Result<()>,
    ) -> Result<ModelRecord> {
        for _ in 0..UPDATE_TRIES {
            let now = self.now();
            let mut tx = self.inner.store.begin().await?;
            let mut model = tx.model_unscoped(id).await?.ok_or_else(|| unknown(id))?;
            let revision = model.revision;
            change(&mut model)?;
            model.updated_at = now;
            match tx.update_model(&model, revision).await {
                Ok(revision) => model.revision = revision,
                Err(StoreError::Stale) => continue,
                Err(error) => return Err(conflict(error)),
            }
            tx.note_change(&Change::Model(id)).await?;
            tx.commit().await?;
            self.inner.models.forget(&id);
            return Ok(model);
        }
        Err(busy_model())
    }

    /// The URL for the presigned upload of a model's file.
    #[must_use]
    pub fn upload_href(&self, model: &ModelRecord) -> String {
        let mut nonce = [0; 16];
        self.inner.entropy.fill(&mut nonce);
        let settings = &self.inner.settings;
        let link = UploadLink {
            model: model.id,
            expires_at: self.now().plus(settings.upload_link_ttl),
            size_max: model.settings.max_model_size.min(MODEL_FILE_BYTES_MAX),
            nonce,
        };
        let sealed = link.seal(&self.inner.sealer, &*self.inner.entropy);
        format!("{}/api/v2/upload/{sealed}", settings.public_url)
    }

    /// Opens the presigned link of an upload.
    ///
    /// # Errors
    /// `LinkInvalid`, `LinkExpired`.
    pub fn open_upload(&self, sealed: &str) -> Result<UploadLink> {
        self.trusted()?;
        let link = UploadLink::open(&self.inner.sealer, sealed).map_err(|_| {
            Error::from(Refusal {
                kind: RefusalKind::LinkInvalid,
                message: "This upload link was not made by this server, or it was altered.".into(),
            })
        })?;
        if link.expires_at <= self.now() {
            return Err(Refusal {
                kind: RefusalKind::LinkExpired,
                message: "This upload link has expired. GetModel gives a new one.".into(),
            }
            .into());
        }
        Ok(link)
    }

    /// Takes an uploaded model file; analysis follows in the background.
    ///
    /// # Errors
    /// `TooLarge`, `ModelInvalid` for an empty file or a model that has its file already.
    pub async fn accept_upload(&self, link: &UploadLink, bytes: Bytes) -> Result<()> {
        if bytes.len() as u64 > link.size_max {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "The file has {} bytes; this model takes at most {} (max_model_size).",
                    bytes.len(),
                    link.size_max
                ),
            ));
        }
        self.take_file(link.model, bytes).await.map(drop)
    }

    /// Stores a model's file and queues its analysis in the same transaction.
    ///
    /// # Errors
    /// As for [`Self::accept_upload`].
    pub async fn take_file(&self, id: ModelId, bytes: Bytes) -> Result<ModelRecord> {
        if bytes.is_empty() {
            return Err(Error::new(
                ErrorKind::ModelInvalid,
                "The model file is empty.",
            ));
        }
        // Before anything is stored: a link that was used must not fill the disk.
        let model = self.inner.store.model_unscoped(id).await?;
        let model = model.ok_or_else(|| unknown(id))?;
        waits_for_file(&model)?;
        let size = bytes.len() as u64;
        self.check_file_room(model.owner.payer(), size).await?;
        let key = self.keep_blob(bytes).await?;
        let noted = self.note_taken_file(id, key, size).await;
        if noted.is_err() {
            // Somebody else's file was first, or the model is gone: no row names these bytes.
            self.give_blobs_up(&[key]).await;
        }
        noted
    }

    async fn note_taken_file(&self, id: ModelId, key: BlobKey, size: u64) -> Result<ModelRecord> {
        for _ in 0..UPDATE_TRIES {
            if let Some(model) = self.note_file(id, key, size).await? {
                self.inner.models.forget(&id);
                self.inner.job_added.notify_one();
                return Ok(model);
            }
        }
        Err(busy_model())
    }

    /// The file's row and its job, durable together; `None` when somebody else changed the model
    /// at the same moment.
    async fn note_file(&self, id: ModelId, key: BlobKey, size: u64) -> Result<Option<ModelRecord>> {
        let now = self.now();
        let mut tx = self.inner.store.begin().await?;
        let mut model = tx.model_unscoped(id).await?.ok_or_else(|| unknown(id))?;
        waits_for_file(&model)?;
        let revision = model.revision;
        model.status = ModelStatus::Uploaded;
        model.source = Some(key);
        model.source_size = size;
        model.updated_at = now;
        model.revision = match tx.update_model(&model, revision).await {
            Ok(revision) => revision,
            Err(StoreError::Stale) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let job = JobId::new(&*self.inner.entropy);
        let owner = Some(model.owner.payer());
        tx.enqueue(job, JobKind::CheckModel { model: id }, owner, now)
            .await?;
        tx.note_change(&Change::Model(id)).await?;
        tx.commit().await?;
        Ok(Some(model))
    }

    /// `DownloadModelFile`: the file as it was uploaded.
    ///
    /// # Errors
    /// `EntityUnknown` before the upload; storage failures.
    pub async fn model_file(&self, model: &ModelRecord) -> Result<Bytes> {
        let Some(key) = model.source else {
            return Err(Error::new(
                ErrorKind::EntityUnknown,
                "The model has no file yet. Upload it to 'file.upload' of GetModel.",
            ));
        };
        self.inner.blobs.get(key).await.map_err(storage)
    }

    /// `ListModels`: a page of models, newest first.
    ///
    /// # Errors
    /// Database failures; `RequestInvalid` for an offset that is not one of ours.
    pub async fn list_models(
        &self,
        filter: &ModelFilter,
        limit: u32,
        after: Option<&str>,
    ) -> Result<(Vec<ModelRecord>, Option<String>)> {
        let after = after.map(offset::to_model_cursor).transpose()?;
        let store = &self.inner.store;
        let mut rows = store
            .list_models_unscoped(filter, limit.saturating_add(1), after)
            .await?;
        let next =
            offset::cut_page(&mut rows, limit).map(|last| offset::of_model_cursor(&last.cursor()));
        Ok((rows, next))
    }

    /// A model by the slug that stands in `/embed/{slug}`.
    ///
    /// # Errors
    /// Database failures.
    pub async fn model_by_slug(&self, slug: &str) -> Result<Option<ModelRecord>> {
        if !is_slug(slug) {
            return Ok(None);
        }
        Ok(self.inner.store.model_by_slug_unscoped(slug).await?)
    }

    /// Sets a model's thumbnail.
    ///
    /// # Errors
    /// Storage and database failures.
    pub async fn set_thumbnail(&self, id: ModelId, png: Bytes) -> Result<()> {
        let key = self.keep_blob(png).await?;
        self.change_model(id, |model| {
            model.thumbnail = Some(key);
            Ok(())
        })
        .await
        .map(drop)
    }

    /// Sets the viewer configuration of a model.
    ///
    /// # Errors
    /// Database failures.
    pub async fn set_viewer_config(&self, id: ModelId, config: &serde_json::Value) -> Result<()> {
        self.change_model(id, |model| {
            model.viewer_config = config.clone();
            Ok(())
        })
        .await
        .map(drop)
    }

    /// Applies a patch; the webhook's token is sealed, because it has to be sent again one day.
    fn apply(&self, model: &mut ModelRecord, mut patch: ModelPatch) -> Result<()> {
        if let Some(token) = patch.webhook_token.take() {
            let mut nonce = [0; 12];
            self.inner.entropy.fill(&mut nonce);
            let sealer = &self.inner.sealer;
            model.settings.webhook_token = emptied(token)
                .map(|token| sealer.seal(Purpose::WebhookToken, token.as_bytes(), nonce));
        }
        if patch.require_iframe == Some(true) && !model.settings.require_iframe {
            model.settings.frames_only_since = Some(self.now());
        }
        apply(model, patch)
    }

    /// Adds one domain to a model's list.
    ///
    /// # Errors
    /// `RequestInvalid` when the text is no domain entry.
    pub async fn allow_domain(&self, id: ModelId, domain: &str) -> Result<ModelRecord> {
        self.change_model(id, |model| {
            let mut entries: Vec<String> = model
                .settings
                .domains
                .iter()
                .map(ToString::to_string)
                .collect();
            entries.push(domain.to_owned());
            model.settings.domains = domains(&entries)?;
            Ok(())
        })
        .await
    }
}

/// The built-in account that owns what nobody else is named for.
pub const OPERATOR: UserId = UserId::from_bytes([
    0x76, 0x69, 0x74, 0x72, 0x69, 0x6e, 0x40, 0x65, 0x80, 0x6f, 0x70, 0x65, 0x72, 0x61, 0x74, 0x6f,
]);

/// Makes sure that the accounts exist which a model is to belong to: the platform may name users
/// that this database has not met yet.
async fn ensure_account(
    tx: &mut Tx,
    owner: Owner,
    now: Timestamp,
) -> std::result::Result<(), StoreError> {
    let Owner { user, organization } = owner;
    if user == OPERATOR {
        tx.ensure_operator(user, now).await?;
    } else if tx.user(user).await?.is_none() {
        let record = UserRecord::new(user, None, String::new(), now);
        tx.insert_user(&record).await?;
    }
    if let Some(id) = organization
        && tx.organization(id).await?.is_none()
    {
        let record = OrganizationRecord::new(id, String::new(), now);
        tx.insert_organization(&record).await?;
    }
    Ok(())
}

/// Whom a new model belongs to. A new version belongs to whom the one before belongs to.
fn owner_of(patch: &ModelPatch, previous: Option<&ModelRecord>) -> Result<Owner> {
    let Some(previous) = previous else {
        return Ok(Owner {
            user: patch.user.unwrap_or(OPERATOR),
            organization: patch.organization,
        });
    };
    let owner = previous.owner;
    let same_user = patch.user.is_none_or(|user| user == owner.user);
    let same_organization =
        patch.organization.is_none() || patch.organization == owner.organization;
    if same_user && same_organization {
        return Ok(owner);
    }
    Err(Error::new(
        ErrorKind::RequestInvalid,
        "'prev_id' names a model of another owner. Leave 'user_id' and 'org_id' out, or name the \
         owner of that model.",
    ))
}

/// A value that another model has already is the client's to change.
fn conflict(error: StoreError) -> Error {
    match error {
        StoreError::Conflict { column } => Error::new(
            ErrorKind::RequestInvalid,
            format!(
                "Another model has the same {}. Choose another value.",
                column.replace("model.", "")
            ),
        ),
        other => other.into(),
    }
}

pub(crate) fn busy_model() -> Error {
    Error::new(
        ErrorKind::DatabaseFailed,
        "The model is being changed by others at the same moment. Try again.",
    )
}

fn waits_for_file(model: &ModelRecord) -> Result<()> {
    match model.status {
        ModelStatus::NotUploaded => return Ok(()),
        ModelStatus::Deleted => return Err(deleted()),
        _ => {}
    }
    Err(Error::new(
        ErrorKind::ModelInvalid,
        "This model has its file already. Create a new model with 'prev_id' for a new version.",
    ))
}

pub(crate) fn unknown(id: ModelId) -> Error {
    Refusal {
        kind: RefusalKind::ModelUnknown,
        message: format!("There is no model {id}."),
    }
    .into()
}

/// A slug that nobody else has: it ends with the beginning of the model's id.
fn suffixed(base: &str, id: ModelId) -> String {
    let id = id.to_string();
    let suffix = id.split('-').next().unwrap_or_default();
    let base = if base.is_empty() { "model" } else { base };
    format!("{base}-{suffix}")
}

/// The form of a text that stands in URLs: lower-case ASCII letters, digits and single dashes.
fn slugify(text: &str) -> String {
    let stem = match text.rsplit_once('.') {
        Some((stem, extension))
            if extension.len() <= EXTENSION_BYTES_MAX
                && extension.bytes().all(|byte| byte.is_ascii_alphanumeric()) =>
        {
            stem
        }
        _ => text,
    };
    let mut slug = String::new();
    for c in stem.chars() {
        if slug.len() >= SLUG_BYTES_MAX {
            break;
        }
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// Whether a text can be a model's slug: others need not be looked for.
pub(crate) fn is_slug(text: &str) -> bool {
    // A suffix may stand behind the longest one.
    (1..=SLUG_BYTES_MAX * 2).contains(&text.len())
        && text
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// How long an analysis may hold its job without a sign of life before another node takes it over:
/// an uploaded model waits so long for its answer when a server dies in the middle.
pub(crate) const CHECK_LEASE: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use vitrine_access::ids::ModelId;

    use super::{is_slug, slugify, suffixed};

    #[test]
    fn whatever_becomes_a_slug_is_looked_for_and_nothing_else() {
        let id = ModelId::from_bytes([7; 16]);
        for text in ["Shelf, cut to measure", &"x".repeat(1_000), "ÄÖ", ""] {
            assert!(is_slug(&suffixed(&slugify(text), id)), "{text}");
        }
        for text in [
            "",
            "a\0b",
            "Shelf",
            "a b",
            "ä",
            "a/b",
            "a\u{1b}[31m",
            &"x".repeat(121),
        ] {
            assert!(!is_slug(text), "{text:?}");
        }
    }

    #[test]
    fn slugs_hold_letters_digits_and_single_dashes() {
        assert_eq!(slugify("Shelf, cut to measure"), "shelf-cut-to-measure");
        assert_eq!(slugify("lamp shade.js"), "lamp-shade");
        assert_eq!(slugify("Übergröße"), "bergr-e");
        assert_eq!(slugify("../../etc"), "etc");
        assert_eq!(slugify(""), "");
    }
}

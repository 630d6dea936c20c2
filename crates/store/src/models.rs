//! Models.

use std::sync::Arc;

use vitrine_access::plan::{Feature, Plan};
use vitrine_access::{AllowedDomains, BlobKey, ModelId, ModelStatus, Owner, Timestamp};
use vitrine_model::{Definition, Overrides};

use crate::accounts::read_plan;
use crate::db::{Handle, Query, Row};
use crate::error::StoreError;
use crate::limits::{LIST_ROWS_MAX, SEARCH_BYTES_MAX};
use crate::listing::Listing;
use crate::settings::{ModelSettings, read_domain_lines};
use crate::store::{finders, writers};

/// An uploaded parametric definition.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRecord {
    /// Id.
    pub id: ModelId,
    /// Second id, chosen by the back end, unique.
    pub id2: Option<String>,
    /// Name in addresses, unique.
    pub slug: String,
    /// Name.
    pub name: String,
    /// Title for people.
    pub title: String,
    /// Whose it is.
    pub owner: Owner,
    /// Where it stands.
    pub status: ModelStatus,
    /// What [`Self::status`] was before the model was deleted, so that it can be restored.
    pub status_before_delete: Option<ModelStatus>,
    /// Why it was denied, or what is being waited for.
    pub message: Option<String>,
    /// Name of the uploaded file.
    pub filename: Option<String>,
    /// Content of the uploaded file.
    pub source: Option<BlobKey>,
    /// Bytes of the uploaded file; 0 without one.
    pub source_size: u64,
    /// Kept over the versions of a model, so that its parameters keep their ids.
    pub lineage: String,
    /// What the engine said about the file.
    pub described: Option<Arc<Definition>>,
    /// What the author changed of it.
    pub overrides: Overrides,
    /// What everybody sees: [`Self::described`] with [`Self::overrides`]. It follows from them and is
    /// not stored; see [`Self::describe`] and [`Self::present`].
    pub definition: Option<Arc<Definition>>,
    /// Settings.
    pub settings: ModelSettings,
    /// The viewer's settings object, as it was sent.
    pub viewer_config: serde_json::Value,
    /// How it stands on the platform.
    pub listing: Listing,
    /// Picture.
    pub thumbnail: Option<BlobKey>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Counts changes; see [`crate::Store::update_model`].
    pub revision: i64,
    /// Whether the owner's account, user or organization, demands tokens for all its models. Read with
    /// the model and never written with it.
    pub token_forced: bool,
    /// What the owner's account may use. Read with the model and never written with it.
    pub plan: &'static Plan,
    /// Origins that may embed the model: its own and, where it uses them, its account's. Follows from
    /// both and is not stored; see [`Self::allow`].
    pub allowed: AllowedDomains,
}

/// A place in the list of models, which is ordered from the newest to the oldest.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct ModelCursor {
    /// Creation of the last model seen.
    pub created_at: Timestamp,
    /// Its id.
    pub id: ModelId,
}

/// Which models to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelFilter {
    /// Only this status. `None`: all but deleted ones.
    pub status: Option<ModelStatus>,
    /// Only models whose name, title or slug contains this, whatever the case.
    pub search: Option<String>,
}

impl ModelRecord {
    /// Whether a token is needed beside a ticket: by the model's own setting, or by its account's.
    #[must_use]
    pub fn demands_token(&self) -> bool {
        self.settings.require_token || self.token_forced
    }

    /// Whether backend tickets open it: where it is switched on and the plan has it.
    #[must_use]
    pub fn takes_back_ends(&self) -> bool {
        self.settings.backend_access && self.plan.has(Feature::BackendApi)
    }

    /// Whether only iframes show it: where it is set, or the plan has nothing else.
    #[must_use]
    pub fn demands_iframe(&self) -> bool {
        self.settings.require_iframe || !self.plan.has(Feature::DirectEmbedding)
    }

    /// Sets [`Self::allowed`] for an account that allows these.
    pub fn allow(&mut self, of_account: &AllowedDomains) {
        self.allowed = if self.listing.use_account_domains {
            self.settings.domains.with(of_account)
        } else {
            self.settings.domains.clone()
        };
    }

    /// Sets what the engine said about the file.
    pub fn describe(&mut self, described: Arc<Definition>) {
        self.definition = Some(shown(&described, &self.overrides));
        self.described = Some(described);
    }

    /// Sets what the author changed.
    pub fn present(&mut self, overrides: Overrides) {
        self.overrides = overrides;
        self.definition = self
            .described
            .as_ref()
            .map(|described| shown(described, &self.overrides));
    }

    /// Where a list goes on after this model.
    #[must_use]
    pub fn cursor(&self) -> ModelCursor {
        ModelCursor {
            created_at: self.created_at,
            id: self.id,
        }
    }
}

fn shown(described: &Arc<Definition>, overrides: &Overrides) -> Arc<Definition> {
    if overrides.is_empty() {
        return Arc::clone(described);
    }
    Arc::new(overrides.apply(described))
}

finders! {
    /// The model of this id, whoever owns it.
    model_unscoped(id: ModelId) -> Option<ModelRecord>;
    /// The model of this id if exactly this owner has it.
    model(owner: &Owner, id: ModelId) -> Option<ModelRecord>;
    /// The model with this second id, whoever owns it.
    model_by_id2_unscoped(id2: &str) -> Option<ModelRecord>;
    /// The model with this slug that exactly this owner has.
    model_by_slug(owner: &Owner, slug: &str) -> Option<ModelRecord>;
    /// The model with this slug, whoever owns it.
    model_by_slug_unscoped(slug: &str) -> Option<ModelRecord>;
    /// Models of exactly this owner, newest first, at most `limit` ([`LIST_ROWS_MAX`]).
    list_models(owner: &Owner, filter: &ModelFilter, limit: u32, after: Option<ModelCursor>)
        -> Vec<ModelRecord>;
    /// Models of everybody, newest first, at most `limit` ([`LIST_ROWS_MAX`]).
    list_models_unscoped(filter: &ModelFilter, limit: u32, after: Option<ModelCursor>)
        -> Vec<ModelRecord>;
}

writers! {
    /// Adds a model. [`StoreError::Conflict`] names `model.slug` or `model.id2` when it is taken.
    insert_model(model: &ModelRecord) -> ();
    /// Replaces the row if its revision is still `expected_revision`, and gives it the next one,
    /// which is returned; `model.revision` is not looked at. Id, owner and creation never change.
    /// [`StoreError::Stale`] when somebody was faster or there is no such model.
    update_model(model: &ModelRecord, expected_revision: i64) -> i64;
}

/// The columns of every query here.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, id2, slug, name, title, owner_user, owner_organization, status, \
             status_before_delete, message, filename, source, source_size, lineage, definition, \
             overrides, settings, viewer_config, thumbnail, created_at, updated_at, revision, \
             published, visibility, use_account_domains, previous, listing, \
             COALESCE((SELECT account.domains FROM organization account \
             WHERE account.id = owner_organization), (SELECT account.domains \
             FROM user_account account WHERE account.id = owner_user)) AS account_domains, \
             COALESCE((SELECT account.plan FROM organization account \
             WHERE account.id = owner_organization), (SELECT account.plan \
             FROM user_account account WHERE account.id = owner_user)) AS account_plan, \
             CAST(CASE WHEN EXISTS (SELECT 1 FROM user_account account \
             WHERE account.id = owner_user AND account.force_require_token = 1) \
             OR EXISTS (SELECT 1 FROM organization account \
             WHERE account.id = owner_organization AND account.force_require_token = 1) \
             THEN 1 ELSE 0 END AS BIGINT) AS token_forced FROM model ",
            $rest
        )
    };
}

/// The beginning of lists by conditions of the client's choice.
pub(crate) const MODELS_WHERE: &str = select!("WHERE ");
const BY_ID: &str = select!("WHERE id = $1");
const BY_ID_AND_OWNER: &str =
    select!("WHERE id = $3 AND owner_user = $1 AND owner_organization IS NOT DISTINCT FROM $2");
const BY_ID2: &str = select!("WHERE id2 = $1");
const BY_SLUG: &str = select!("WHERE slug = $1");
const BY_SLUG_AND_OWNER: &str =
    select!("WHERE slug = $3 AND owner_user = $1 AND owner_organization IS NOT DISTINCT FROM $2");
const LIST_ALL: &str = select!(
    "WHERE (created_at, id) < ($1, $2) \
     AND status = COALESCE($3, status) AND status <> $4 \
     AND search_text LIKE $5 ESCAPE '!' \
     ORDER BY created_at DESC, id DESC LIMIT $6"
);
const LIST_OF_OWNER: &str = select!(
    "WHERE owner_user = $7 AND owner_organization IS NOT DISTINCT FROM $8 \
     AND (created_at, id) < ($1, $2) \
     AND status = COALESCE($3, status) AND status <> $4 \
     AND search_text LIKE $5 ESCAPE '!' \
     ORDER BY created_at DESC, id DESC LIMIT $6"
);

async fn model_unscoped(
    handle: &mut Handle,
    id: ModelId,
) -> Result<Option<ModelRecord>, StoreError> {
    find(handle, Query::new(BY_ID).bind(&id)).await
}

async fn model(
    handle: &mut Handle,
    owner: &Owner,
    id: ModelId,
) -> Result<Option<ModelRecord>, StoreError> {
    find(
        handle,
        Query::new(BY_ID_AND_OWNER).bind_owner(owner).bind(&id),
    )
    .await
}

async fn model_by_id2_unscoped(
    handle: &mut Handle,
    id2: &str,
) -> Result<Option<ModelRecord>, StoreError> {
    find(handle, Query::new(BY_ID2).bind_text(id2)).await
}

async fn model_by_slug(
    handle: &mut Handle,
    owner: &Owner,
    slug: &str,
) -> Result<Option<ModelRecord>, StoreError> {
    let query = Query::new(BY_SLUG_AND_OWNER);
    find(handle, query.bind_owner(owner).bind_text(slug)).await
}

async fn model_by_slug_unscoped(
    handle: &mut Handle,
    slug: &str,
) -> Result<Option<ModelRecord>, StoreError> {
    find(handle, Query::new(BY_SLUG).bind_text(slug)).await
}

async fn find(handle: &mut Handle, query: Query) -> Result<Option<ModelRecord>, StoreError> {
    handle
        .optional(query)
        .await?
        .as_ref()
        .map(read_model)
        .transpose()
}

async fn list_models(
    handle: &mut Handle,
    owner: &Owner,
    filter: &ModelFilter,
    limit: u32,
    after: Option<ModelCursor>,
) -> Result<Vec<ModelRecord>, StoreError> {
    let query = filtered(Query::new(LIST_OF_OWNER), filter, limit, after)?.bind_owner(owner);
    handle.all(query).await?.iter().map(read_model).collect()
}

async fn list_models_unscoped(
    handle: &mut Handle,
    filter: &ModelFilter,
    limit: u32,
    after: Option<ModelCursor>,
) -> Result<Vec<ModelRecord>, StoreError> {
    let query = filtered(Query::new(LIST_ALL), filter, limit, after)?;
    handle.all(query).await?.iter().map(read_model).collect()
}

/// Binds `$1` to `$6` of both list queries.
fn filtered(
    query: Query,
    filter: &ModelFilter,
    limit: u32,
    after: Option<ModelCursor>,
) -> Result<Query, StoreError> {
    let search = filter.search.as_deref().unwrap_or("");
    if search.len() > SEARCH_BYTES_MAX {
        return Err(StoreError::TooMuch {
            what: "bytes of search text",
            given: search.len(),
            allowed: SEARCH_BYTES_MAX,
        });
    }
    // Before the first model: nothing is newer than the end of time.
    let after = after.unwrap_or(ModelCursor {
        created_at: Timestamp::from_unix_ms(i64::MAX),
        id: ModelId::from_bytes([0xff; 16]),
    });
    // No status is empty, so nothing is hidden when deleted models are asked for.
    let hidden = if filter.status.is_none() {
        ModelStatus::Deleted.as_str()
    } else {
        ""
    };
    Ok(query
        .bind(&after.created_at)
        .bind(&after.id)
        .bind_option(filter.status.as_ref())
        .bind_text(hidden)
        .bind(&pattern(search))
        .bind(&limit.min(LIST_ROWS_MAX)))
}

/// A LIKE pattern for "contains", with its special characters taken literally.
fn pattern(search: &str) -> String {
    let mut pattern = String::from("%");
    for character in search.to_lowercase().chars() {
        if matches!(character, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

/// What searches look at. Lower-cased here, because the databases differ in what a letter is.
fn search_text(model: &ModelRecord) -> String {
    format!("{}\n{}\n{}", model.name, model.title, model.slug).to_lowercase()
}

pub(crate) fn read_model(row: &Row) -> Result<ModelRecord, StoreError> {
    let definition: Option<String> = row.get_option("definition")?;
    let described = definition
        .map(|text| serde_json::from_str(&text).map(Arc::new))
        .transpose()
        .map_err(|error| StoreError::corrupt("definition", error))?;
    let overrides: String = row.get("overrides")?;
    let overrides = serde_json::from_str(&overrides)
        .map_err(|error| StoreError::corrupt("overrides", error))?;
    let settings: String = row.get("settings")?;
    let viewer_config: String = row.get("viewer_config")?;
    let of_account: String = row.get("account_domains")?;
    let mut model = ModelRecord {
        id: row.get("id")?,
        id2: row.get_option("id2")?,
        slug: row.get("slug")?,
        name: row.get("name")?,
        title: row.get("title")?,
        owner: row.owner()?,
        status: row.get("status")?,
        status_before_delete: row.get_option("status_before_delete")?,
        message: row.get_option("message")?,
        filename: row.get_option("filename")?,
        source: row.get_option("source")?,
        source_size: row.get("source_size")?,
        lineage: row.get("lineage")?,
        definition: described
            .as_ref()
            .map(|described| shown(described, &overrides)),
        described,
        overrides,
        settings: ModelSettings::from_storage(&settings)?,
        viewer_config: serde_json::from_str(&viewer_config)
            .map_err(|error| StoreError::corrupt("viewer_config", error))?,
        thumbnail: row.get_option("thumbnail")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        revision: row.get("revision")?,
        token_forced: row.get("token_forced")?,
        plan: read_plan(row, "account_plan")?,
        listing: Listing::read(row)?,
        allowed: AllowedDomains::default(),
    };
    model.allow(&read_domain_lines(&of_account)?);
    Ok(model)
}

/// Binds what may change: `$1` to `$23`.
fn bind_changeable(query: Query, model: &ModelRecord) -> Result<Query, StoreError> {
    let definition = model
        .described
        .as_ref()
        .map(|definition| serde_json::to_string(definition.as_ref()))
        .transpose()
        .map_err(|error| StoreError::Unstorable {
            what: "model definition",
            why: error.to_string(),
        })?;
    let overrides =
        serde_json::to_string(&model.overrides).map_err(|error| StoreError::Unstorable {
            what: "overrides of a model",
            why: error.to_string(),
        })?;
    Ok(query
        .bind_option(model.id2.as_ref())
        .bind(&model.slug)
        .bind(&model.name)
        .bind(&model.title)
        .bind(&search_text(model))
        .bind(&model.status)
        .bind_option(model.status_before_delete.as_ref())
        .bind_option(model.message.as_ref())
        .bind_option(model.filename.as_ref())
        .bind_option(model.source.as_ref())
        .bind(&model.source_size)
        .bind(&model.lineage)
        .bind_option(definition.as_ref())
        .bind(&overrides)
        .bind(&model.settings.to_storage()?)
        .bind(&model.viewer_config.to_string())
        .bind_option(model.thumbnail.as_ref())
        .bind(&model.updated_at)
        .bind(&model.listing.published)
        .bind(&model.listing.visibility)
        .bind(&model.listing.use_account_domains)
        .bind_option(model.listing.previous.as_ref())
        .bind(&model.listing.about.to_storage()?))
}

async fn insert_model(handle: &mut Handle, model: &ModelRecord) -> Result<(), StoreError> {
    let sql = "INSERT INTO model (id2, slug, name, title, search_text, status, \
        status_before_delete, message, filename, source, source_size, lineage, definition, \
        overrides, settings, viewer_config, thumbnail, updated_at, published, visibility, \
        use_account_domains, previous, listing, id, owner_user, \
        owner_organization, created_at, revision) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, \
        $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28)";
    let query = bind_changeable(Query::new(sql), model)?
        .bind(&model.id)
        .bind_owner(&model.owner)
        .bind(&model.created_at)
        .bind(&model.revision);
    handle.execute(query).await.map(drop)
}

async fn update_model(
    handle: &mut Handle,
    model: &ModelRecord,
    expected_revision: i64,
) -> Result<i64, StoreError> {
    let sql = "UPDATE model SET id2 = $1, slug = $2, name = $3, title = $4, search_text = $5, \
        status = $6, status_before_delete = $7, message = $8, filename = $9, source = $10, \
        source_size = $11, lineage = $12, definition = $13, overrides = $14, settings = $15, \
        viewer_config = $16, thumbnail = $17, updated_at = $18, published = $19, \
        visibility = $20, use_account_domains = $21, previous = $22, listing = $23, \
        revision = revision + 1 WHERE id = $24 AND revision = $25";
    let query = bind_changeable(Query::new(sql), model)?
        .bind(&model.id)
        .bind(&expected_revision);
    match handle.execute(query).await? {
        0 => Err(StoreError::Stale),
        _ => Ok(expected_revision + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn special_characters_of_a_search_are_taken_literally() {
        assert_eq!(pattern(""), "%%");
        assert_eq!(pattern("Lamp_50%!"), "%lamp!_50!%!!%");
    }
}

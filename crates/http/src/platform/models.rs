//! `POST /api/v1/models/query`, `POST /api/v1/models`, `GET`, `PATCH` and `DELETE /api/v1/models/{key}`.

use std::collections::HashSet;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use vitrine_access::decide::ModelStatus;
use vitrine_access::ids::ModelId;
use vitrine_access::platform::Visibility;
use vitrine_access::refusal::RefusalKind;
use vitrine_service::models::ModelPatch;
use vitrine_service::platform::PlatformGuest;
use vitrine_service::platform_models::ListingPatch;
use vitrine_service::{Clause, Condition, MODEL_FIELDS, Services, Test};

use super::Asking;
use super::model_view::{described, embed_more};
use super::query::{QueryRequest, SORTS};
use super::wire::{answer, done};
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::{Path, Unread};
use crate::limits::QUERY_BYTES_MAX;

/// Characters of a title.
const TITLE_CHARS_MIN: usize = 5;
/// Characters of a slug that an owner chooses.
const SLUG_CHARS_MIN: usize = 5;

/// A new model.
#[derive(Deserialize, ToSchema)]
pub(crate) struct CreateRequest {
    /// The title; it or a file name has to be given.
    title: Option<String>,
    /// The file's name.
    filename: Option<String>,
    /// The version before.
    prev_id: Option<String>,
    /// What may be changed later.
    #[serde(flatten)]
    more: Changes,
}

/// What shall change.
#[derive(Deserialize, ToSchema)]
pub(crate) struct PatchRequest {
    /// The title.
    title: Option<String>,
    /// The file's name.
    filename: Option<String>,
    /// The name in addresses.
    slug: Option<String>,
    /// `done` publishes a model that is confirmed.
    status: Option<String>,
    /// Null restores a deleted model.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>)]
    deleted_at: Option<Value>,
    /// Whether a link shows the model without a sign-in. Switched on again it is another link.
    link_sharing: Option<bool>,
    /// Only the platform's own.
    user_id: Option<Value>,
    /// Only the platform's own.
    backend_system_id: Option<Value>,
    /// Only the platform's own.
    featured: Option<Value>,
    /// What a new model may have too.
    #[serde(flatten)]
    more: Changes,
}

/// Members that `null` is a value of are told from those that are not there.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

#[derive(Default, Deserialize, ToSchema)]
struct Changes {
    /// For everybody who sees the model.
    description: Option<String>,
    /// For those who manage it.
    comment: Option<String>,
    /// Words to find it by.
    tags: Option<Vec<String>>,
    /// Hosts whose pages may show it.
    accessdomains: Option<Vec<String>>,
    /// Whether pages of the account's domains may show it too.
    use_global_accessdomains: Option<bool>,
    /// Whether backend tickets are accepted.
    backendaccess: Option<bool>,
    /// Whether a token is needed beside a ticket.
    require_token: Option<bool>,
    /// Whether pages may show it without our frame.
    allow_direct_embedding: Option<bool>,
    /// `private`, `organization` or `public`.
    visibility: Option<String>,
    /// What viewers show.
    settings: Option<Map<String, Value>>,
}

impl Changes {
    fn split(self) -> Result<(ModelPatch, ListingPatch), ApiError> {
        let visibility: Option<Visibility> = match self.visibility.as_deref() {
            None => None,
            Some(word) => Some(word.parse().map_err(|_| {
                invalid("'visibility' is one of private, organization and public.")
            })?),
        };
        let patch = ModelPatch {
            accessdomains: self.accessdomains,
            require_token: self.require_token,
            backend_access: self.backendaccess,
            require_iframe: self.allow_direct_embedding.map(|allowed| !allowed),
            ..ModelPatch::default()
        };
        let listing = ListingPatch {
            published: None,
            visibility,
            use_account_domains: self.use_global_accessdomains,
            description: self.description,
            comment: self.comment,
            tags: self.tags,
            settings: self.settings,
            link: None,
        };
        Ok((patch, listing))
    }
}

fn invalid(message: &str) -> ApiError {
    ApiError::new(ErrorKind::RequestInvalid, message)
}

fn in_form(error: ApiError) -> ApiError {
    error.in_form(Form::Platform)
}

fn title(title: Option<String>) -> Result<Option<String>, ApiError> {
    match title {
        Some(title) if title.chars().count() < TITLE_CHARS_MIN => Err(invalid(&format!(
            "'title' has at least {TITLE_CHARS_MIN} characters."
        ))),
        title => Ok(title),
    }
}

/// The models that whoever asks may see, page by page, newest first.
#[utoipa::path(
    post, path = "/api/v1/models/query", operation_id = "PlatformQueryModels", tag = "models",
    request_body(content = QueryRequest),
    responses(
        (status = 200, description = "A page of models"),
        (status = 400, description = "A filter or sorter is not served"),
        (status = 401, description = "Nobody is signed in")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn query(
    State(services): State<Services>,
    Asking(caller): Asking,
    body: Unread<QueryRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformQueryModels", &caller))
            .await?;
        let guest = PlatformGuest::of(access);
        let mut query = request.read(MODEL_FIELDS, &SORTS)?;
        // What was deleted is listed only for whoever asks for it.
        let asks = |condition: &Condition| condition.field.name == "deleted_at";
        let asked = query.clauses.iter().any(|clause| match clause {
            Clause::All(conditions) | Clause::Any(conditions) => conditions.iter().any(asks),
        });
        let deleted_at = MODEL_FIELDS.iter().find(|field| field.name == "deleted_at");
        if let (false, Some(field)) = (asked, deleted_at) {
            let test = Test::Empty;
            query
                .clauses
                .push(Clause::All(vec![Condition { field, test }]));
        }
        let limit = query.limit;
        let (rows, next) = services
            .platform_models(&guest, query, request.offset.as_deref())
            .await?;
        let embeds = request.embed.unwrap_or_default();
        let mut shown = Vec::with_capacity(rows.len());
        for model in &rows {
            let mut one = described(&services, &guest, model, &embeds);
            one["thumbnail_url"] = json!(services.thumbnail_href(&model.record).await?);
            shown.push(one);
        }
        Ok(answer(&json!({
            "result": shown,
            "pagination": { "limit": limit, "next_offset": next },
        })))
    };
    done.await.map_err(in_form)
}

/// A new model of the account's, which waits for its file.
#[utoipa::path(
    post, path = "/api/v1/models", operation_id = "PlatformCreateModel", tag = "models",
    request_body(content = CreateRequest),
    responses(
        (status = 200, description = "The model"),
        (status = 400, description = "A member cannot be taken"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account may have no models")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn create(
    State(services): State<Services>,
    Asking(caller): Asking,
    body: Unread<CreateRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformCreateModel", &caller))
            .await?;
        let named = request.title.clone().or_else(|| request.filename.clone());
        let named = named.ok_or_else(|| invalid("'title' or 'filename' has to be given."))?;
        let (mut patch, listing) = request.more.split()?;
        patch.name = Some(named.clone());
        patch.title = Some(title(request.title)?.unwrap_or(named));
        patch.filename = request.filename;
        patch.prev_id = match request.prev_id.as_deref().map(str::parse::<ModelId>) {
            None => None,
            Some(Ok(id)) => Some(id),
            Some(Err(_)) => return Err(invalid("'prev_id' is a model's id.")),
        };
        let made = services
            .platform_create_model(&access, patch, listing)
            .await?;
        let guest = PlatformGuest::of(access);
        Ok(answer(&described(
            &services,
            &guest,
            &made,
            &shown_always(),
        )))
    };
    done.await.map_err(in_form)
}

fn shown_always() -> [String; 2] {
    ["accessdomains", "tags"].map(str::to_owned)
}

/// One model, with what is asked for beside it.
#[utoipa::path(
    get, path = "/api/v1/models/{modelKey}", operation_id = "PlatformGetModel", tag = "models",
    params(
        ("modelKey" = String, Path, description = "Id or slug"),
        ("embed" = Option<String>, Query, description = "Names with commas between them: `ticket`, \
          `backend_ticket`, `author_ticket`, `backend_system`, `backend_properties`, `accessdomains`, \
          `global_accessdomains`, `tags`, `user`, `previous_model`, `successor_models`, `token_view`, \
          `token_export`, `token_owner`, the last two also with `_fallback`")
    ),
    responses(
        (status = 200, description = "The model"),
        (status = 401, description = "Nobody is signed in, and the model is not public"),
        (status = 403, description = "A token that is asked for may not be had"),
        (status = 404, description = "There is no such model, as far as the caller may know")
    ),
    security((), ("PlatformToken" = []))
)]
pub(crate) async fn get(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(key): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let done = async {
        let guest = services.platform_guest("PlatformGetModel", &caller).await?;
        let model = services.platform_model(&guest, &key).await?;
        let embeds = embeds(query.as_deref().unwrap_or_default())?;
        let mut shown = described(&services, &guest, &model, &embeds);
        shown["thumbnail_url"] = json!(services.thumbnail_href(&model.record).await?);
        embed_more(&services, &guest, &model, &embeds, &mut shown).await?;
        Ok(answer(&shown))
    };
    done.await.map_err(in_form)
}

/// Changes a model that the account manages; what is left out stays.
#[utoipa::path(
    patch, path = "/api/v1/models/{modelKey}", operation_id = "PlatformUpdateModel", tag = "models",
    params(("modelKey" = String, Path, description = "Id or slug")),
    request_body(content = PatchRequest),
    responses(
        (status = 200, description = "The model as it is now"),
        (status = 400, description = "A member cannot be taken"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account may only look at the model"),
        (status = 404, description = "There is no such model, as far as the account may know")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn update(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(key): Path<String>,
    body: Unread<PatchRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        // Whose model it is comes first, so that strangers learn nothing about the form.
        let allowed = async || {
            let access = services
                .platform_access("PlatformUpdateModel", &caller)
                .await?;
            let model = services.platform_managed(&access, &key).await?;
            Ok::<_, ApiError>((access, model))
        };
        let ((access, model), request) = body.after(allowed).await?;
        for (member, value) in [
            ("user_id", &request.user_id),
            ("backend_system_id", &request.backend_system_id),
            ("featured", &request.featured),
        ] {
            if value.is_some() {
                return Err(ApiError::new(
                    ErrorKind::Refused(RefusalKind::PermissionMissing),
                    format!("'{member}' is the operator's to change. Leave it out."),
                ));
            }
        }
        let restored = match &request.deleted_at {
            None => false,
            Some(Value::Null) => true,
            Some(_) => {
                return Err(invalid(
                    "'deleted_at' takes null, which restores the model.",
                ));
            }
        };
        let (mut patch, mut listing) = request.more.split()?;
        listing.link = request.link_sharing;
        listing.published = publishes(request.status.as_deref(), model.record.status)?;
        patch.title = title(request.title)?;
        patch.filename = request.filename;
        if request
            .slug
            .as_ref()
            .is_some_and(|slug| slug.chars().count() < SLUG_CHARS_MIN)
        {
            return Err(invalid(&format!(
                "'slug' has at least {SLUG_CHARS_MIN} characters."
            )));
        }
        patch.slug = request.slug;
        let changed = services
            .platform_update_model(&access, &model, patch, listing, restored)
            .await?;
        let guest = PlatformGuest::of(access);
        let mut shown = described(&services, &guest, &changed, &shown_always());
        shown["link_sharing_slug"] = json!(services.link_of(&changed.record).await?);
        Ok(answer(&shown))
    };
    done.await.map_err(in_form)
}

/// `error_upload` tells that the file did not arrive: the model waits for it as before.
fn publishes(word: Option<&str>, status: ModelStatus) -> Result<Option<bool>, ApiError> {
    match word {
        None => Ok(None),
        Some("done") => Ok(Some(true)),
        Some("error_upload") if status == ModelStatus::NotUploaded => Ok(None),
        Some(_) => Err(invalid(
            "'status' takes done, or error_upload while the file is missing.",
        )),
    }
}

/// Deletes a model that the account manages, so that it can be restored.
#[utoipa::path(
    delete, path = "/api/v1/models/{modelKey}", operation_id = "PlatformDeleteModel", tag = "models",
    params(("modelKey" = String, Path, description = "Id or slug")),
    responses(
        (status = 200, description = "It is deleted"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account may only look at the model"),
        (status = 404, description = "There is no such model, as far as the account may know"),
        (status = 410, description = "It was deleted before")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn delete(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(key): Path<String>,
) -> Result<Response, ApiError> {
    let deleted = async {
        let access = services
            .platform_access("PlatformDeleteModel", &caller)
            .await?;
        let model = services.platform_managed(&access, &key).await?;
        services.platform_delete_model(&access, &model).await?;
        Ok(done())
    };
    deleted.await.map_err(in_form)
}

/// All forms that clients send: names with commas, and `embed[]=…` again and again. Each name once.
pub(super) fn embeds(query: &str) -> Result<Vec<String>, ApiError> {
    if query.len() > QUERY_BYTES_MAX {
        return Err(invalid(&format!(
            "The query string is longer than {QUERY_BYTES_MAX} bytes."
        )));
    }
    let mut seen = HashSet::new();
    Ok(url::form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| matches!(&**name, "embed" | "embed[]"))
        .flat_map(|(_, value)| value.split(',').map(str::to_owned).collect::<Vec<_>>())
        .filter(|name| !name.is_empty() && seen.insert(name.clone()))
        .collect())
}

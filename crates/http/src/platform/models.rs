//! `POST /api/v1/models/query`, `GET` and `PATCH /api/v1/models/{key}`.

use std::collections::HashSet;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use vitrine_access::decide::ModelStatus;
use vitrine_access::ticket::TicketType;
use vitrine_service::models::ModelPatch;
use vitrine_service::platform::PlatformAccess;
use vitrine_service::{ModelFilter, ModelRecord, Services};

use super::Asking;
use super::users::minimal;
use super::wire::{answer, epoch};
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::{Path, Unread};
use crate::limits::{PLATFORM_PAGE_ROWS_MAX, QUERY_BYTES_MAX};

/// The one server that models are on.
const BACKEND_SYSTEM: &str = "76697472-696e-4065-8073-797374656d31";
/// Rows of a page when none are asked for.
const PAGE_ROWS_DEFAULT: u32 = 10;
/// What an owner may do; official clients look here before they ask.
const OWNER_PERMISSIONS: [&str; 15] = [
    "get_rest_model_public",
    "get_rest_model_owner",
    "get_ticket",
    "get_ticket_backend",
    "get_ticket_author",
    "get_token_scope_group_view",
    "get_token_scope_group_export",
    "get_token_scope_group_owner",
    "get_token_scope_group_analytics",
    "get_token_scope_file_download",
    "embed_access_domains",
    "embed_backend_systems",
    "embed_user",
    "ui_direct_embedding",
    "update_owner",
];
const VIEW: &[&str] = &["group.view"];
const EXPORT: &[&str] = &["group.view", "group.export"];
const OWNER: &[&str] = &["group.view", "group.export", "group.owner"];

/// Which models are wanted.
#[derive(Deserialize, ToSchema)]
pub(crate) struct QueryRequest {
    /// Conditions: `deleted_at[?]` null, `status[=]` and `user_id[=]`.
    #[serde(default)]
    filters: Option<Map<String, Value>>,
    /// Order: `created_at` descending.
    #[serde(default)]
    sorters: Option<Map<String, Value>>,
    /// What shall stand beside each: `backend_system`, `user`, `accessdomains`.
    #[serde(default)]
    embed: Vec<String>,
    /// Most rows, 1 to 100.
    limit: Option<u32>,
    /// `next_offset` of the page before.
    offset: Option<String>,
}

/// What shall change.
#[derive(Deserialize, ToSchema)]
pub(crate) struct PatchRequest {
    /// The title.
    title: Option<String>,
    /// Hosts whose pages may show the model.
    accessdomains: Option<Vec<String>>,
    /// Whether a token is needed beside a ticket.
    require_token: Option<bool>,
    /// Whether backend tickets are accepted.
    backendaccess: Option<bool>,
    /// Whether pages may show it without our frame.
    allow_direct_embedding: Option<bool>,
}

/// The account's models, page by page, newest first.
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
        check_sorters(request.sorters.as_ref())?;
        let limit = request.limit.unwrap_or(PAGE_ROWS_DEFAULT);
        let limit = limit.clamp(1, PLATFORM_PAGE_ROWS_MAX);
        let (rows, next) = match filter(&access, request.filters.as_ref())? {
            Some(filter) => {
                services
                    .platform_models(&access, &filter, limit, request.offset.as_deref())
                    .await?
            }
            None => (Vec::new(), None),
        };
        let mut shown = Vec::with_capacity(rows.len());
        for model in &rows {
            let mut one = described(&services, &access, model, &request.embed);
            one["thumbnail_url"] = json!(services.thumbnail_href(model).await?);
            shown.push(one);
        }
        Ok(answer(&json!({
            "result": shown,
            "pagination": { "limit": limit, "next_offset": next },
        })))
    };
    done.await.map_err(in_form)
}

/// One model of the account's, with what is asked for beside it.
#[utoipa::path(
    get, path = "/api/v1/models/{modelKey}", operation_id = "PlatformGetModel", tag = "models",
    params(
        ("modelKey" = String, Path, description = "Id or slug"),
        ("embed" = Option<String>, Query, description = "Names with commas between them: `ticket`, \
          `backend_ticket`, `author_ticket`, `backend_system`, `accessdomains`, `user`, `token_view`, \
          `token_export`, `token_owner`, the last two also with `_fallback`")
    ),
    responses(
        (status = 200, description = "The model"),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "The account has no such model")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn get(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(key): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let done = async {
        let access = services
            .platform_access("PlatformGetModel", &caller)
            .await?;
        let model = services.platform_model(&access, &key).await?;
        let embeds = embeds(query.as_deref().unwrap_or_default())?;
        let mut shown = described(&services, &access, &model, &embeds);
        shown["thumbnail_url"] = json!(services.thumbnail_href(&model).await?);
        embed_secrets(&services, &model, &embeds, &mut shown).await?;
        Ok(answer(&shown))
    };
    done.await.map_err(in_form)
}

/// Changes a model of the account's; what is left out stays.
#[utoipa::path(
    patch, path = "/api/v1/models/{modelKey}", operation_id = "PlatformUpdateModel", tag = "models",
    params(("modelKey" = String, Path, description = "Id or slug")),
    request_body(content = PatchRequest),
    responses(
        (status = 200, description = "The model as it is now"),
        (status = 400, description = "A member cannot be taken"),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "The account has no such model")
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
            services.platform_model(&access, &key).await?;
            Ok::<_, ApiError>(access)
        };
        let (access, request) = body.after(allowed).await?;
        let patch = ModelPatch {
            title: request.title,
            accessdomains: request.accessdomains,
            require_token: request.require_token,
            backend_access: request.backendaccess,
            require_iframe: request.allow_direct_embedding.map(|allowed| !allowed),
            ..ModelPatch::default()
        };
        let model = services.platform_update_model(&access, &key, patch).await?;
        let embeds = ["accessdomains".to_owned()];
        Ok(answer(&described(&services, &access, &model, &embeds)))
    };
    done.await.map_err(in_form)
}

fn in_form(error: ApiError) -> ApiError {
    error.in_form(Form::Platform)
}

fn invalid(message: String) -> ApiError {
    ApiError::new(ErrorKind::RequestInvalid, message)
}

/// `None` when no model of the account's can fit.
fn filter(
    access: &PlatformAccess,
    filters: Option<&Map<String, Value>>,
) -> Result<Option<ModelFilter>, ApiError> {
    let mut filter = ModelFilter::default();
    for (name, value) in filters.into_iter().flatten() {
        match (name.as_str(), value) {
            ("deleted_at[?]" | "deleted_at", Value::Null) => {}
            ("status[=]" | "status", Value::String(word)) => match status_of(word) {
                Some(status) => filter.status = Some(status),
                None => return Ok(None),
            },
            ("user_id[=]" | "user_id", Value::String(id)) => {
                if !id.eq_ignore_ascii_case(&access.user.id.to_string()) {
                    return Ok(None);
                }
            }
            (name, _) => {
                let name = shortened(name);
                return Err(invalid(format!("The filter {name:?} is not served.")));
            }
        }
    }
    Ok(Some(filter))
}

fn check_sorters(sorters: Option<&Map<String, Value>>) -> Result<(), ApiError> {
    let other = sorters
        .into_iter()
        .flatten()
        .find(|(name, order)| name.as_str() != "created_at" || *order != "desc");
    match other {
        Some((name, _)) => Err(invalid(format!(
            "The sorter {:?} is not served in this order. Models are sorted by created_at, desc.",
            shortened(name)
        ))),
        None => Ok(()),
    }
}

/// All forms that clients send: names with commas, and `embed[]=…` again and again. Each name once.
fn embeds(query: &str) -> Result<Vec<String>, ApiError> {
    if query.len() > QUERY_BYTES_MAX {
        return Err(invalid(format!(
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

/// As much of somebody's text as an answer repeats.
fn shortened(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 64;
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

const fn status(status: ModelStatus) -> &'static str {
    match status {
        ModelStatus::NotUploaded => "start",
        ModelStatus::Uploaded => "waiting",
        ModelStatus::Pending => "pending",
        ModelStatus::Confirmed => "done",
        ModelStatus::Denied | ModelStatus::Deleted => "denied",
    }
}

fn status_of(word: &str) -> Option<ModelStatus> {
    [
        ModelStatus::NotUploaded,
        ModelStatus::Uploaded,
        ModelStatus::Pending,
        ModelStatus::Confirmed,
        ModelStatus::Denied,
    ]
    .into_iter()
    .find(|own| status(*own) == word)
}

/// The owner's level. What is not asked for is null.
fn described(
    services: &Services,
    access: &PlatformAccess,
    model: &ModelRecord,
    embeds: &[String],
) -> Value {
    let wants = |name: &str| embeds.iter().any(|one| one == name);
    let settings = &model.settings;
    let url = &services.settings().public_url;
    let system = json!({
        "id": BACKEND_SYSTEM, "alias": "vitrine", "description": "Vitrine", "model_view_url": url,
    });
    let domains: Vec<Value> = settings
        .domains
        .iter()
        .map(ToString::to_string)
        .map(|name| json!({ "id": name, "name": name }))
        .collect();
    json!({
        "id": model.id.to_string(),
        "guid": model.id.to_string(),
        "title": model.title,
        "slug": model.slug,
        "description": null,
        "thumbnail_url": null,
        "status": status(model.status),
        "visibility": "private",
        "visibility_nominal": "private",
        "featured": false,
        "policies_granted": ["OwnedModelPolicyView"],
        "policies_denied": [],
        "permissions": OWNER_PERMISSIONS,
        "user": wants("user").then(|| minimal(&access.user)),
        "backend_system": wants("backend_system").then_some(system),
        "accessdomains": if wants("accessdomains") { domains } else { Vec::new() },
        "use_global_accessdomains": false,
        "ticket": null,
        "backend_ticket": null,
        "author_ticket": null,
        "access_token": null,
        "backend_access": settings.backend_access,
        "require_token": settings.require_token,
        "allow_direct_embedding": !settings.require_iframe,
        "allow_webhook": false,
        "settings": {},
        "organization_settings": {},
        "created_at": epoch(model.created_at),
        "updated_at": epoch(model.updated_at),
    })
}

async fn embed_secrets(
    services: &Services,
    model: &ModelRecord,
    embeds: &[String],
    shown: &mut Value,
) -> Result<(), ApiError> {
    for embed in embeds {
        match embed.as_str() {
            "ticket" => {
                let ticket = services
                    .platform_ticket(model, TicketType::Embedding)
                    .await?;
                shown["ticket"] = json!({ "ticket": ticket });
            }
            // A ticket that would open nothing is not handed out.
            "backend_ticket" if model.settings.backend_access => {
                let ticket = services.platform_ticket(model, TicketType::Backend).await?;
                shown["backend_ticket"] = json!({ "ticket": ticket });
            }
            "author_ticket" if shown["author_ticket"].is_null() => {
                let ticket = services.platform_author_ticket(model).await?;
                shown["author_ticket"] = json!({ "ticket": ticket });
            }
            "token_view" => {
                shown["access_token"] = json!(services.platform_model_token(model, VIEW)?);
            }
            "token_export" | "token_export_fallback" => {
                shown["access_token"] = json!(services.platform_model_token(model, EXPORT)?);
            }
            "token_owner" | "token_owner_fallback" => {
                shown["access_token"] = json!(services.platform_model_token(model, OWNER)?);
            }
            _ => {}
        }
    }
    Ok(())
}

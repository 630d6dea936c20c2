//! `/api/v1/model_sharing`: rights of single users on a model.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use vitrine_access::ids::UserId;
use vitrine_access::platform::SharePolicy;
use vitrine_service::platform::{PlatformAccess, PlatformGuest};
use vitrine_service::sharing::ShownShare;
use vitrine_service::{Services, ShareRecord};

use super::Asking;
use super::model_view::public;
use super::query::QueryRequest;
use super::users::minimal;
use super::wire::{answer, done};
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::{Path, Unread};

/// One right.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ShareRequest {
    /// Who gets it.
    user_id: String,
    /// On which model: id or slug.
    model_id: String,
    /// `SharedModelPolicyView`, `…Export`, `…BackendApi` or `…Download`.
    policy_alias: String,
}

/// Several rights.
#[derive(Deserialize, ToSchema)]
pub(crate) struct SharesRequest {
    /// Who gets them.
    user_id: String,
    /// On which model: id or slug.
    model_id: String,
    /// As for one.
    policy_aliases: Vec<String>,
}

fn in_form(error: ApiError) -> ApiError {
    error.in_form(Form::Platform)
}

fn policy(alias: &str) -> Result<SharePolicy, ApiError> {
    alias.parse().map_err(|_| {
        let known: Vec<_> = SharePolicy::ALL.iter().map(|one| one.as_str()).collect();
        ApiError::new(
            ErrorKind::RequestInvalid,
            format!("'policy_alias' is one of {}.", known.join(", ")),
        )
    })
}

fn described(share: &ShareRecord) -> Value {
    json!({
        "id": share.id.to_string(),
        "policy_alias": share.policy.as_str(),
        "provider_has_features": true,
        "receiver_has_features": true,
        "user_id": share.user.to_string(),
        "model_id": share.model.to_string(),
        "model": null,
        "user": null,
        "provider": null,
    })
}

async fn share(
    services: &Services,
    access: &PlatformAccess,
    (user, model): (&str, &str),
    policies: &[SharePolicy],
) -> Result<Vec<Value>, ApiError> {
    let model = services.platform_managed(access, model).await?;
    let user: UserId = user
        .parse()
        .map_err(|_| ApiError::new(ErrorKind::EntityUnknown, "There is no such user."))?;
    let made = services
        .platform_share(access, &model, user, policies)
        .await?;
    Ok(made.iter().map(described).collect())
}

/// Gives a user one right on a model that the account manages.
#[utoipa::path(
    post, path = "/api/v1/model_sharing", operation_id = "PlatformShareModel", tag = "sharing",
    request_body(content = ShareRequest),
    responses(
        (status = 200, description = "The right, also when the user had it before"),
        (status = 400, description = "There is no such right, or there are too many"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account may only look at the model"),
        (status = 404, description = "There is no such model or user, as far as the account may know")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn create(
    State(services): State<Services>,
    Asking(caller): Asking,
    body: Unread<ShareRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformShareModel", &caller))
            .await?;
        let policies = [policy(&request.policy_alias)?];
        let whom = (request.user_id.as_str(), request.model_id.as_str());
        let made = share(&services, &access, whom, &policies).await?;
        Ok(answer(&json!(made.first())))
    };
    done.await.map_err(in_form)
}

/// Gives a user several rights on a model that the account manages.
#[utoipa::path(
    post, path = "/api/v1/model_sharing/model_sharing_multiple",
    operation_id = "PlatformShareModelMultiple", tag = "sharing",
    request_body(content = SharesRequest),
    responses(
        (status = 200, description = "The rights"),
        (status = 400, description = "There is no such right, or there are too many"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account may only look at the model"),
        (status = 404, description = "There is no such model or user, as far as the account may know")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn create_multiple(
    State(services): State<Services>,
    Asking(caller): Asking,
    body: Unread<SharesRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformShareModelMultiple", &caller))
            .await?;
        let policies = request
            .policy_aliases
            .iter()
            .take(SharePolicy::ALL.len() + 1)
            .map(|alias| policy(alias))
            .collect::<Result<Vec<_>, _>>()?;
        let whom = (request.user_id.as_str(), request.model_id.as_str());
        let made = share(&services, &access, whom, &policies).await?;
        Ok(answer(&Value::from(made)))
    };
    done.await.map_err(in_form)
}

/// With whom a model is shared, for those who manage it.
#[utoipa::path(
    post, path = "/api/v1/model_sharing/model/{modelKey}/query",
    operation_id = "PlatformQueryShares", tag = "sharing",
    params(("modelKey" = String, Path, description = "Id or slug")),
    request_body(content = QueryRequest),
    responses(
        (status = 200, description = "The rights, all on one page"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account may only look at the model"),
        (status = 404, description = "There is no such model, as far as the account may know")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn query(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(key): Path<String>,
) -> Result<Response, ApiError> {
    let done = async {
        let access = services
            .platform_access("PlatformQueryShares", &caller)
            .await?;
        let model = services.platform_managed(&access, &key).await?;
        let found = services.platform_shares(&model).await?;
        let shown: Vec<Value> = found
            .iter()
            .map(|(share, user)| {
                let mut shown = described(share);
                shown["user"] = minimal(user);
                shown
            })
            .collect();
        let limit = shown.len();
        Ok(answer(&json!({
            "result": shown,
            "pagination": { "limit": limit, "next_offset": null },
        })))
    };
    done.await.map_err(in_form)
}

/// The same, user by user.
#[utoipa::path(
    get, path = "/api/v1/model_sharing/model/{modelKey}/grouped_by_user",
    operation_id = "PlatformListShares", tag = "sharing",
    params(("modelKey" = String, Path, description = "Id or slug")),
    responses(
        (status = 200, description = "The users with their rights"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account may only look at the model"),
        (status = 404, description = "There is no such model, as far as the account may know")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn grouped(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(key): Path<String>,
) -> Result<Response, ApiError> {
    let done = async {
        let access = services
            .platform_access("PlatformListShares", &caller)
            .await?;
        let model = services.platform_managed(&access, &key).await?;
        let found = services.platform_shares(&model).await?;
        let users = found.chunk_by(|(one, _), (other, _)| one.user == other.user);
        let shown: Vec<Value> = users
            .map(|shares| {
                let policies: Vec<Value> = shares
                    .iter()
                    .map(|(share, _)| {
                        json!({ "id": share.id.to_string(), "policy_alias": share.policy.as_str() })
                    })
                    .collect();
                let (first, user) = &shares[0];
                json!({
                    "user_id": first.user.to_string(),
                    "user": minimal(user),
                    "policies": policies,
                })
            })
            .collect();
        Ok(answer(&Value::from(shown)))
    };
    done.await.map_err(in_form)
}

/// What may stand beside a right.
const EMBEDS: [&str; 3] = ["user", "model", "provider"];

/// The page that is asked for, and what shall stand beside each right.
fn page(request: &QueryRequest) -> Result<(u32, Vec<String>), ApiError> {
    let embeds: Vec<String> = request.embed.iter().flatten().cloned().collect();
    if let Some(name) = embeds.iter().find(|name| !EMBEDS.contains(&name.as_str())) {
        let message = format!(
            "'embed': there is no {:?} here.",
            super::query::shortened(name)
        );
        return Err(ApiError::new(ErrorKind::RequestInvalid, message));
    }
    let plain = QueryRequest {
        filters: request.filters.clone(),
        sorters: request.sorters.clone(),
        ..QueryRequest::default()
    };
    plain.read_plain(&[])?;
    Ok((request.rows(), embeds))
}

fn user_of(text: &str) -> Result<UserId, ApiError> {
    text.parse()
        .map_err(|_| ApiError::new(ErrorKind::EntityUnknown, "There is no such user."))
}

fn beside(
    services: &Services,
    access: &PlatformAccess,
    shown: &ShownShare,
    embeds: &[String],
) -> Value {
    let wants = |name: &str| embeds.iter().any(|one| one == name);
    let mut row = described(&shown.share);
    if wants("user") {
        row["user"] = minimal(&shown.user);
    }
    if wants("provider") {
        row["provider"] = shown.provider.as_ref().map_or(Value::Null, minimal);
    }
    if wants("model") {
        row["model"] = public(
            services,
            &PlatformGuest::of(access.clone()),
            &shown.model,
            &[],
        );
    }
    row
}

/// The rights that the account has, and those that it gave.
#[utoipa::path(
    post, path = "/api/v1/model_sharing/query", operation_id = "PlatformQueryOwnShares",
    tag = "sharing",
    request_body(content = QueryRequest),
    responses(
        (status = 200, description = "A page of rights"),
        (status = 400, description = "A filter, sorter or embed is not served"),
        (status = 401, description = "Nobody is signed in")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn query_own(
    State(services): State<Services>,
    Asking(caller): Asking,
    body: Unread<QueryRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformQueryOwnShares", &caller))
            .await?;
        let (limit, embeds) = page(&request)?;
        let asked = (request.offset.as_deref(), limit);
        let (found, next) = services.platform_shares_about(&access, None, asked).await?;
        let shown: Vec<Value> = found
            .iter()
            .map(|share| beside(&services, &access, share, &embeds))
            .collect();
        Ok(answer(&json!({
            "result": shown,
            "pagination": { "limit": limit, "next_offset": next },
        })))
    };
    done.await.map_err(in_form)
}

/// The rights of one user: the account's own, or those that it gave somebody else on models that it manages.
#[utoipa::path(
    post, path = "/api/v1/model_sharing/user/{userId}/query",
    operation_id = "PlatformQueryUserShares", tag = "sharing",
    params(("userId" = String, Path, description = "Whose rights")),
    request_body(content = QueryRequest),
    responses(
        (status = 200, description = "A page of rights"),
        (status = 400, description = "A filter, sorter or embed is not served"),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "There is no such user, as far as the account may know")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn query_of_user(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(user): Path<String>,
    body: Unread<QueryRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformQueryUserShares", &caller))
            .await?;
        let user = user_of(&user)?;
        let (limit, embeds) = page(&request)?;
        let asked = (request.offset.as_deref(), limit);
        let (found, next) = services
            .platform_shares_about(&access, Some(user), asked)
            .await?;
        // Whether somebody exists with whom the account shares nothing is not its to know.
        if user != access.user.id && found.is_empty() && next.is_none() {
            return Err(ApiError::new(
                ErrorKind::EntityUnknown,
                "There is no such user, as far as this account may know.",
            ));
        }
        let shown: Vec<Value> = found
            .iter()
            .map(|share| beside(&services, &access, share, &embeds))
            .collect();
        Ok(answer(&json!({
            "result": shown,
            "pagination": { "limit": limit, "next_offset": next },
        })))
    };
    done.await.map_err(in_form)
}

/// One user's rights on a model, for those who manage it and for the user.
#[utoipa::path(
    get, path = "/api/v1/model_sharing/model/{modelKey}/user/{userId}",
    operation_id = "PlatformGetUserShares", tag = "sharing",
    params(
        ("modelKey" = String, Path, description = "Id or slug"),
        ("userId" = String, Path, description = "Whose rights")
    ),
    responses(
        (status = 200, description = "The rights, which may be none"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account may only look at the model"),
        (status = 404, description = "There is no such model or user, as far as the account may know")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn of_user(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path((key, user)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let done = async {
        let access = services
            .platform_access("PlatformGetUserShares", &caller)
            .await?;
        // First the model: strangers learn nothing about users either.
        let user = user.parse().unwrap_or(UserId::from_bytes([0; 16]));
        let found = services.platform_shares_of(&access, &key, user).await?;
        let embeds = ["user", "provider"].map(str::to_owned);
        let shown: Vec<Value> = found
            .iter()
            .map(|share| beside(&services, &access, share, &embeds))
            .collect();
        Ok(answer(&Value::from(shown)))
    };
    done.await.map_err(in_form)
}

/// From which model rights are copied.
#[derive(Deserialize, ToSchema)]
pub(crate) struct CopySharesRequest {
    /// Id or slug.
    model_id: String,
}

/// Gives the users of another model the same rights on this one; the account manages both.
#[utoipa::path(
    post, path = "/api/v1/model_sharing/model/{modelKey}/copy",
    operation_id = "PlatformCopyShares", tag = "sharing",
    params(("modelKey" = String, Path, description = "Id or slug of the model that gets the rights")),
    request_body(content = CopySharesRequest),
    responses(
        (status = 200, description = "All rights on the model"),
        (status = 400, description = "There are too many"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account may only look at one of the models"),
        (status = 404, description = "There is no such model, as far as the account may know")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn copy(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(key): Path<String>,
    body: Unread<CopySharesRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformCopyShares", &caller))
            .await?;
        let to = services.platform_managed(&access, &key).await?;
        let from = services
            .platform_managed(&access, &request.model_id)
            .await?;
        let made = services.platform_copy_shares(&access, &from, &to).await?;
        let shown: Vec<Value> = made.iter().map(|(share, _)| described(share)).collect();
        Ok(answer(&Value::from(shown)))
    };
    done.await.map_err(in_form)
}

/// Takes a right back, for those who manage the model and for the user who has it.
#[utoipa::path(
    delete, path = "/api/v1/model_sharing/{shareId}", operation_id = "PlatformUnshareModel",
    tag = "sharing",
    params(("shareId" = String, Path, description = "The right's id")),
    responses(
        (status = 200, description = "It is taken back"),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "There is no such right, as far as the account may know")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn delete(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let deleted = async {
        let access = services
            .platform_access("PlatformUnshareModel", &caller)
            .await?;
        services.platform_unshare(&access, &id).await?;
        Ok(done())
    };
    deleted.await.map_err(in_form)
}

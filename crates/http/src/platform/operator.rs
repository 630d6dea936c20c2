//! `/api/v1/operator/…`: health, signing keys and plans, for administrators of this server.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use vitrine_access::ids::OrganizationId;
use vitrine_access::jwt::Algorithm;
use vitrine_access::owner::Payer;
use vitrine_access::plan::{Feature, Limit, PLANS, Plan};
use vitrine_service::keys::{KeyInfo, Rotation, SealingKeyInfo};
use vitrine_service::{OrganizationRecord, Services, UserRecord};

use super::Asking;
use super::wire::{answer, done, epoch};
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::{Path, Unread};

/// Names an organization where an account is asked for.
const ORGANIZATION: &str = "organization:";

fn in_form(error: ApiError) -> ApiError {
    error.in_form(Form::Platform)
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorKind::RequestInvalid, message.into())
}

/// What this server needs and whether it is there, and what its workers do.
#[utoipa::path(
    get, path = "/api/v1/operator/health", operation_id = "PlatformGetHealth", tag = "operator",
    responses(
        (status = 200, description = "Every check with its result"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no administrator")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn health(
    State(services): State<Services>,
    Asking(caller): Asking,
) -> Result<Response, ApiError> {
    let shown = async {
        services
            .platform_access("PlatformGetHealth", &caller)
            .await?;
        let checks = crate::app::checks(&services).await;
        let workers = services.pool().health();
        Ok(answer(&json!({
            "ready": checks.iter().all(|check| check.problem.is_none()),
            "checks": checks,
            "workers": {
                "at_most": workers.workers,
                "idle": workers.idle,
                "busy": workers.busy,
                "queued": workers.queued,
                "restarts": workers.restarts,
            },
            "now": epoch(services.now()),
        })))
    };
    shown.await.map_err(in_form)
}

fn signing(key: &KeyInfo) -> Value {
    json!({
        "kid": key.kid,
        "alg": key.algorithm.as_str(),
        "state": key.state.as_str(),
        "created_at": epoch(key.created_at),
        "signs_from": epoch(key.signs_from),
        "verifies_until": key.verifies_until.map(epoch),
    })
}

fn sealing(key: &SealingKeyInfo) -> Value {
    json!({
        "fingerprint": key.fingerprint,
        "seals": key.seals,
        "known": key.known,
        "live_tickets": key.live_tickets,
    })
}

/// The keys that sign tokens, newest first, and those that seal tickets. Secrets are not shown.
#[utoipa::path(
    get, path = "/api/v1/operator/keys", operation_id = "PlatformListKeys", tag = "operator",
    responses(
        (status = 200, description = "The keys"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no administrator")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn keys(
    State(services): State<Services>,
    Asking(caller): Asking,
) -> Result<Response, ApiError> {
    let shown = async {
        services
            .platform_access("PlatformListKeys", &caller)
            .await?;
        let signing_keys = services.signing_keys().await?;
        let sealing_keys = services.sealing_keys().await?;
        Ok(answer(&json!({
            "signing": signing_keys.iter().map(signing).collect::<Vec<_>>(),
            "sealing": sealing_keys.iter().map(sealing).collect::<Vec<_>>(),
        })))
    };
    shown.await.map_err(in_form)
}

/// A rotation.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateRequest {
    /// `ES256` (where it is not said), `EdDSA` or `RS256`.
    alg: Option<String>,
    /// For how many seconds the keys before go on verifying.
    overlap_s: Option<u64>,
    /// Whether the new key signs without having been published for a while.
    at_once: Option<bool>,
}

impl RotateRequest {
    fn rotation(&self) -> Result<Rotation, ApiError> {
        let mut rotation = Rotation::default();
        if let Some(word) = &self.alg {
            let known = [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256];
            let found = known.into_iter().find(|one| one.as_str() == word);
            rotation.algorithm =
                found.ok_or_else(|| invalid("'alg' is one of ES256, EdDSA and RS256."))?;
        }
        if let Some(seconds) = self.overlap_s {
            rotation.overlap = Duration::from_secs(seconds);
        }
        if self.at_once == Some(true) {
            rotation.published_before = Duration::ZERO;
        }
        Ok(rotation)
    }
}

/// Makes another signing key; those before it go on verifying for a while.
#[utoipa::path(
    post, path = "/api/v1/operator/keys", operation_id = "PlatformRotateKeys", tag = "operator",
    request_body(content = RotateRequest),
    responses(
        (status = 200, description = "The new key"),
        (status = 400, description = "A member cannot be taken"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no administrator")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn rotate(
    State(services): State<Services>,
    Asking(caller): Asking,
    body: Unread<RotateRequest>,
) -> Result<Response, ApiError> {
    let made = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformRotateKeys", &caller))
            .await?;
        let made = services.rotate_keys(request.rotation()?).await?;
        services.note_operated(&access, &format!("signing key {}", made.kid));
        Ok(answer(&signing(&made)))
    };
    made.await.map_err(in_form)
}

/// Ends a signing key: tokens and sign-ins that it signed are refused from now on.
#[utoipa::path(
    delete, path = "/api/v1/operator/keys/{signingKeyId}", operation_id = "PlatformRetireKey",
    tag = "operator",
    params(("signingKeyId" = String, Path, description = "The key's `kid`")),
    responses(
        (status = 200, description = "It has ended"),
        (status = 400, description = "It is the only one that signs"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no administrator"),
        (status = 404, description = "There is no such key, or it has ended before")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn retire(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(kid): Path<String>,
) -> Result<Response, ApiError> {
    let retired = async {
        let access = services
            .platform_access("PlatformRetireKey", &caller)
            .await?;
        services.retire_key(&kid).await?;
        services.note_operated(&access, &format!("signing key {kid}"));
        Ok(done())
    };
    retired.await.map_err(in_form)
}

/// What a plan lacks and bounds; all else is as generous as the server is.
fn plan_in_short(plan: &Plan) -> Value {
    let lacks: Vec<&str> = Feature::ALL
        .into_iter()
        .filter(|feature| !plan.has(*feature))
        .map(Feature::as_str)
        .collect();
    let limits: Map<String, Value> = Limit::ALL
        .into_iter()
        .filter_map(|limit| Some((limit.as_str().to_owned(), json!(plan.own_limit(limit)?))))
        .collect();
    json!({ "name": plan.name, "lacks": lacks, "limits": limits })
}

/// The plans that accounts may have.
#[utoipa::path(
    get, path = "/api/v1/operator/plans", operation_id = "PlatformListPlans", tag = "operator",
    responses(
        (status = 200, description = "The plans"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no administrator")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn plans(
    State(services): State<Services>,
    Asking(caller): Asking,
) -> Result<Response, ApiError> {
    let shown = async {
        services
            .platform_access("PlatformListPlans", &caller)
            .await?;
        let shown: Vec<Value> = PLANS.into_iter().map(plan_in_short).collect();
        Ok(answer(&json!(shown)))
    };
    shown.await.map_err(in_form)
}

fn gone() -> ApiError {
    ApiError::new(ErrorKind::EntityUnknown, "There is no such account.")
}

/// An account that an operator names.
enum Account {
    User(Box<UserRecord>),
    Organization(Box<OrganizationRecord>),
}

impl Account {
    /// By a user's id or address, or `organization:` and an organization's id.
    async fn named(services: &Services, name: &str) -> Result<Self, ApiError> {
        let Some(id) = name.strip_prefix(ORGANIZATION) else {
            let user = services.find_user(Some(name)).await?;
            return Ok(Self::User(Box::new(user)));
        };
        let found = match id.parse::<OrganizationId>() {
            Ok(id) => services.organization_unscoped(id).await?,
            Err(_) => None,
        };
        let found = found.ok_or_else(|| {
            ApiError::new(
                ErrorKind::EntityUnknown,
                "There is no such organization. Name it by its id.",
            )
        })?;
        Ok(Self::Organization(Box::new(found)))
    }

    const fn payer(&self) -> Payer {
        match self {
            Self::User(user) => Payer::User(user.id),
            Self::Organization(organization) => Payer::Organization(organization.id),
        }
    }

    fn named_in_trail(&self) -> String {
        match self {
            Self::User(user) => format!("user:{}", user.id),
            Self::Organization(organization) => format!("{ORGANIZATION}{}", organization.id),
        }
    }

    fn described(&self) -> Value {
        match self {
            Self::User(user) => json!({
                "kind": "user",
                "id": user.id.to_string(),
                "name": user.name,
                "email": user.email,
                "plan": user.plan.name,
                "organization_id": user.member.map(|(id, _)| id.to_string()),
                "organization_role": user.member.map(|(_, role)| role.as_str()),
                "administrator": user.administrator,
                "blocked_at": user.blocked_at.map(epoch),
                "created_at": epoch(user.created_at),
            }),
            Self::Organization(organization) => json!({
                "kind": "organization",
                "id": organization.id.to_string(),
                "name": organization.name,
                "plan": organization.plan.name,
                "created_at": epoch(organization.created_at),
            }),
        }
    }
}

/// An account, as operators see it.
#[utoipa::path(
    get, path = "/api/v1/operator/accounts/{accountName}", operation_id = "PlatformGetAccount",
    tag = "operator",
    params(("accountName" = String, Path,
        description = "A user's id or address, or `organization:` and an organization's id")),
    responses(
        (status = 200, description = "The account"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account that asks is no administrator"),
        (status = 404, description = "There is no such account")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn account(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(name): Path<String>,
) -> Result<Response, ApiError> {
    let shown = async {
        let access = services
            .platform_access("PlatformGetAccount", &caller)
            .await?;
        let found = Account::named(&services, &name).await?;
        services.note_operated(&access, &found.named_in_trail());
        Ok(answer(&found.described()))
    };
    shown.await.map_err(in_form)
}

/// What shall change of an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountPatchRequest {
    /// Name of a plan.
    plan: String,
}

/// Gives an account another plan.
#[utoipa::path(
    patch, path = "/api/v1/operator/accounts/{accountName}",
    operation_id = "PlatformUpdateAccount", tag = "operator",
    params(("accountName" = String, Path,
        description = "A user's id or address, or `organization:` and an organization's id")),
    request_body(content = AccountPatchRequest),
    responses(
        (status = 200, description = "The account as it is now"),
        (status = 400, description = "There is no such plan"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account that asks is no administrator"),
        (status = 404, description = "There is no such account")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn update_account(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(name): Path<String>,
    body: Unread<AccountPatchRequest>,
) -> Result<Response, ApiError> {
    let changed = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformUpdateAccount", &caller))
            .await?;
        let plan = Plan::named(&request.plan).ok_or_else(|| {
            let names: Vec<&str> = PLANS.iter().map(|plan| plan.name).collect();
            invalid(format!("'plan' is one of {}.", names.join(", ")))
        })?;
        let found = Account::named(&services, &name).await?;
        if !services.set_plan(found.payer(), plan).await? {
            return Err(gone());
        }
        services.note_operated(
            &access,
            &format!("{}: plan {}", found.named_in_trail(), plan.name),
        );
        let again = Account::named(&services, &name).await?;
        Ok(answer(&again.described()))
    };
    changed.await.map_err(in_form)
}

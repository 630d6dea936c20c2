//! `/api/v1/partners`: partners of the drawing editor and their keys, for administrators of this server.
//!
//! Where a partner's drawings lie and which servers it may name stay with the command line: they reach into the machine.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use vitrine_access::ids::{PartnerId, PartnerKeyId};
use vitrine_access::secret::{ApiKey, PartnerKeyKind};
use vitrine_service::partners::{NewPartner, origins};
use vitrine_service::{PartnerKeyRecord, PartnerRecord, PartnerSettings, Services};

use super::Asking;
use super::query::QueryRequest;
use super::wire::{answer, done, epoch};
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::{Path, Unread};

fn in_form(error: ApiError) -> ApiError {
    error.in_form(Form::Platform)
}

fn about_key(partner: PartnerId, key: PartnerKeyId) -> String {
    format!("partner {partner}: partner-key {key}")
}

fn unknown_key() -> ApiError {
    ApiError::new(
        ErrorKind::EntityUnknown,
        "The partner has no such key, or it was revoked before.",
    )
}

fn described(partner: &PartnerRecord, keys: &[PartnerKeyRecord]) -> Value {
    let settings = &partner.settings;
    json!({
        "id": partner.id.to_string(),
        "app_id": partner.app_id.to_string(),
        "name": partner.name,
        "blocked": settings.blocked,
        "origins": settings.origins.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "content": settings.content,
        "token_lifetime_s": settings.token_lifetime_s,
        "tokens_per_hour": settings.tokens_per_hour,
        "created_at": epoch(partner.created_at),
        "updated_at": epoch(partner.updated_at),
        "keys": keys.iter().map(described_key).collect::<Vec<_>>(),
    })
}

fn described_key(key: &PartnerKeyRecord) -> Value {
    json!({
        "id": key.id.to_string(),
        "ends_with": key.last_four,
        "created_at": epoch(key.created_at),
        "valid_until": key.expires_at.map(epoch),
        "revoked_at": key.revoked_at.map(epoch),
    })
}

/// The one moment at which a key is shown.
fn with_secret(record: &PartnerKeyRecord, key: &ApiKey<PartnerKeyKind>) -> Value {
    let mut shown = described_key(record);
    shown["secret"] = json!(key.reveal());
    shown
}

/// The partners in the order of their application ids, page by page.
#[utoipa::path(
    post, path = "/api/v1/partners/query", operation_id = "PlatformQueryPartners", tag = "partners",
    request_body(content = QueryRequest),
    responses(
        (status = 200, description = "A page of partners with their newest keys"),
        (status = 400, description = "A filter, sorter or embed is not served"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no administrator")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn query(
    State(services): State<Services>,
    Asking(caller): Asking,
    body: Unread<QueryRequest>,
) -> Result<Response, ApiError> {
    let listed = async {
        let (_, request) = body
            .after(|| services.platform_access("PlatformQueryPartners", &caller))
            .await?;
        request.read_plain(&[])?;
        let limit = request.rows();
        let after = request.offset.as_deref().unwrap_or_default();
        let (partners, next) = services.partners_page(after, limit).await?;
        let mut shown = Vec::with_capacity(partners.len());
        for (partner, keys) in &partners {
            shown.push(described(partner, keys));
        }
        Ok(answer(&json!({
            "result": shown,
            "pagination": { "limit": limit, "next_offset": next },
        })))
    };
    listed.await.map_err(in_form)
}

/// A new partner.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartnerRequest {
    /// Name for people.
    name: String,
    /// Public name; made where it is not given.
    app_id: Option<String>,
    /// Pages that may frame the editor.
    #[serde(default)]
    origins: Vec<String>,
}

/// A new partner with its first key, which is shown this once.
#[utoipa::path(
    post, path = "/api/v1/partners", operation_id = "PlatformCreatePartner", tag = "partners",
    request_body(content = PartnerRequest),
    responses(
        (status = 200, description = "The partner and its key"),
        (status = 400, description = "A member cannot be taken"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no administrator")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn create(
    State(services): State<Services>,
    Asking(caller): Asking,
    body: Unread<PartnerRequest>,
) -> Result<Response, ApiError> {
    let made = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformCreatePartner", &caller))
            .await?;
        let settings = PartnerSettings {
            origins: origins(&request.origins)?,
            ..PartnerSettings::default()
        };
        let new = NewPartner {
            name: request.name,
            app_id: request.app_id.filter(|text| !text.is_empty()),
            settings,
        };
        let (partner, record, key) = services.create_partner(new).await?;
        services.note_operated(&access, &format!("partner {}", partner.app_id));
        let mut shown = described(&partner, &[]);
        shown["key"] = with_secret(&record, &key);
        Ok(answer(&shown))
    };
    made.await.map_err(in_form)
}

/// What shall change of a partner.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartnerPatchRequest {
    /// Name for people.
    name: Option<String>,
    /// Whether its keys and tokens are refused.
    blocked: Option<bool>,
    /// Pages that may frame the editor.
    origins: Option<Vec<String>>,
}

/// Changes a partner; what is left out stays.
#[utoipa::path(
    patch, path = "/api/v1/partners/{partnerId}", operation_id = "PlatformUpdatePartner",
    tag = "partners",
    params(("partnerId" = String, Path, description = "The partner's id")),
    request_body(content = PartnerPatchRequest),
    responses(
        (status = 200, description = "The partner as it is now"),
        (status = 400, description = "A member cannot be taken"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no administrator"),
        (status = 404, description = "There is no such partner")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn update(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
    body: Unread<PartnerPatchRequest>,
) -> Result<Response, ApiError> {
    let changed = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformUpdatePartner", &caller))
            .await?;
        let mut partner = services.find_partner(&id).await?;
        partner.name = request.name.unwrap_or(partner.name);
        let blocked = request.blocked.unwrap_or(partner.settings.blocked);
        partner.settings.blocked = blocked;
        if let Some(entries) = &request.origins {
            partner.settings.origins = origins(entries)?;
        }
        let partner = services.update_partner(partner).await?;
        let state = if blocked { "blocked" } else { "not blocked" };
        services.note_operated(&access, &format!("partner {}: {state}", partner.app_id));
        Ok(answer(&described(&partner, &[])))
    };
    changed.await.map_err(in_form)
}

/// Another key.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartnerKeyRequest {
    /// For how many seconds the keys before stay good; where it is not said, they have no end.
    overlap_s: Option<u64>,
}

/// Another key of a partner, which is shown this once. What the keys before made stays good.
#[utoipa::path(
    post, path = "/api/v1/partners/{partnerId}/keys", operation_id = "PlatformCreatePartnerKey",
    tag = "partners",
    params(("partnerId" = String, Path, description = "The partner's id")),
    request_body(content = PartnerKeyRequest),
    responses(
        (status = 200, description = "The key"),
        (status = 400, description = "The overlap is too long, or there are too many keys"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no administrator"),
        (status = 404, description = "There is no such partner")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn create_key(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
    body: Unread<PartnerKeyRequest>,
) -> Result<Response, ApiError> {
    let made = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformCreatePartnerKey", &caller))
            .await?;
        let partner = services.find_partner(&id).await?.id;
        let made = match request.overlap_s {
            None => services.create_partner_key(partner).await,
            Some(seconds) => {
                let overlap = Duration::from_secs(seconds);
                services.rotate_partner_key(partner, overlap).await
            }
        };
        let (record, key) = made?;
        services.note_operated(&access, &about_key(partner, record.id));
        Ok(answer(&with_secret(&record, &key)))
    };
    made.await.map_err(in_form)
}

/// Revokes a partner's key at once, and every editor token that it made.
#[utoipa::path(
    delete, path = "/api/v1/partners/{partnerId}/keys/{partnerKeyId}",
    operation_id = "PlatformRevokePartnerKey", tag = "partners",
    params(
        ("partnerId" = String, Path, description = "The partner's id"),
        ("partnerKeyId" = String, Path, description = "The key's id")
    ),
    responses(
        (status = 200, description = "It is revoked"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no administrator"),
        (status = 404, description = "There is no such key, or it was revoked before")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn revoke_key(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path((id, key)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let revoked = async {
        let access = services
            .platform_access("PlatformRevokePartnerKey", &caller)
            .await?;
        let partner = services.find_partner(&id).await?.id;
        let key: PartnerKeyId = key.parse().map_err(|_| unknown_key())?;
        services.revoke_partner_key(partner, key).await?;
        services.note_operated(&access, &about_key(partner, key));
        Ok(done())
    };
    revoked.await.map_err(in_form)
}

/// Whose editor tokens shall end.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevokeTokensRequest {
    /// The user, as the partner named them in `userId`.
    user: String,
}

/// Ends every editor token of one user of a partner, and the editor sessions that they opened.
#[utoipa::path(
    post, path = "/api/v1/partners/{partnerId}/tokens/revoke",
    operation_id = "PlatformRevokeEditorTokens", tag = "partners",
    params(("partnerId" = String, Path, description = "The partner's id")),
    request_body(content = RevokeTokensRequest),
    responses(
        (status = 200, description = "How many tokens ended"),
        (status = 400, description = "No user is named"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no administrator"),
        (status = 404, description = "There is no such partner")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn revoke_tokens(
    State(services): State<Services>,
    Asking(caller): Asking,
    Path(id): Path<String>,
    body: Unread<RevokeTokensRequest>,
) -> Result<Response, ApiError> {
    let revoked = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformRevokeEditorTokens", &caller))
            .await?;
        let partner = services.find_partner(&id).await?.id;
        let revoked = services
            .revoke_editor_tokens_of_user(partner, &request.user)
            .await;
        let count = revoked?;
        services.note_operated(
            &access,
            &format!("partner {partner}: {count} editor tokens"),
        );
        Ok(answer(&json!({ "revoked": count })))
    };
    revoked.await.map_err(in_form)
}

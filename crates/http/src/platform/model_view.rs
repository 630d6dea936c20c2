//! How a model looks on the platform, and what stands beside it.

use serde_json::{Value, json};
use vitrine_access::decide::ModelStatus;
use vitrine_access::origin::AllowedDomains;
use vitrine_access::platform::Relation;
use vitrine_access::ticket::TicketType;
use vitrine_service::platform::PlatformGuest;
use vitrine_service::platform_models::PlatformModel;
use vitrine_service::{ModelRecord, Services};

use super::users::minimal;
use super::wire::epoch;
use crate::error::ApiError;

/// The one server that models are on.
const BACKEND_SYSTEM: &str = "76697472-696e-4065-8073-797374656d31";
const VIEW: &[&str] = &["group.view"];
const EXPORT: &[&str] = &["group.view", "group.export"];
const OWNER: &[&str] = &["group.view", "group.export", "group.owner"];

pub(super) fn backend_system(services: &Services) -> Value {
    json!({
        "id": BACKEND_SYSTEM,
        "alias": "vitrine",
        "description": "Vitrine",
        "model_view_url": services.settings().public_url,
    })
}

fn status(model: &ModelRecord) -> &'static str {
    match model.status {
        ModelStatus::NotUploaded => "start",
        ModelStatus::Uploaded => "waiting",
        ModelStatus::Pending => "pending",
        ModelStatus::Confirmed if model.listing.published => "done",
        ModelStatus::Confirmed => "confirmed",
        ModelStatus::Denied | ModelStatus::Deleted => "denied",
    }
}

pub(super) fn domains(list: &AllowedDomains) -> Vec<Value> {
    list.iter()
        .map(ToString::to_string)
        .map(|name| json!({ "id": name, "name": name }))
        .collect()
}

/// The level of whoever asks. What is not asked for, or not to be seen, is null.
pub(super) fn described(
    services: &Services,
    guest: &PlatformGuest,
    model: &PlatformModel,
    embeds: &[String],
) -> Value {
    let mut shown = public(services, guest, model, embeds);
    if model.relation.manages()
        && let (Some(shown), Value::Object(more)) =
            (shown.as_object_mut(), owner(guest, &model.record, embeds))
    {
        shown.extend(more);
    }
    shown
}

/// What everybody sees who sees the model.
pub(super) fn public(
    services: &Services,
    guest: &PlatformGuest,
    model: &PlatformModel,
    embeds: &[String],
) -> Value {
    let wants = |name: &str| embeds.iter().any(|one| one == name);
    let PlatformModel { record, relation } = model;
    let (listing, owner) = (&record.listing, &record.owner);
    let tags: Vec<Value> = listing
        .about
        .tags
        .iter()
        .map(|tag| json!({ "id": tag, "name": tag }))
        .collect();
    let blocking = &record.settings.blocking;
    let user = guest.account.as_ref().map(|access| &access.user);
    let user = user.filter(|user| user.id == owner.user);
    json!({
        "id": record.id.to_string(),
        "guid": record.id.to_string(),
        "title": record.title,
        "slug": record.slug,
        "description": Some(&listing.about.description).filter(|text| !text.is_empty()),
        "thumbnail_url": null,
        "visibility": listing.visibility.as_str(),
        "visibility_nominal": listing.visibility.as_str(),
        "featured": false,
        "policies_granted": relation.policies(),
        "policies_denied": [],
        "permissions": relation.permissions(),
        "user_id": owner.user.to_string(),
        "organization_id": owner.organization.map(|id| id.to_string()),
        "user": user.filter(|_| wants("user")).map(minimal),
        "organization": null,
        "tags": if wants("tags") { tags } else { Vec::new() },
        "decoration": [],
        "bookmark": null,
        "backend_system": wants("backend_system").then(|| backend_system(services)),
        "blocking_reasons": {
            "owner": blocking.owner,
            "credit_limit": blocking.credit_limit,
            "backend_permission": blocking.backend_permission,
            "plugin_permission": blocking.plugin_permission,
        },
        "ticket": null,
        "access_token": null,
        "allow_webhook": false,
        "settings": listing.about.settings,
        "organization_settings": {},
        "prev_id": listing.previous.map(|id| id.to_string()),
        "created_at": epoch(record.created_at),
    })
}

fn owner(guest: &PlatformGuest, record: &ModelRecord, embeds: &[String]) -> Value {
    let wants = |name: &str| embeds.iter().any(|one| one == name);
    let settings = &record.settings;
    let account = guest.account.as_ref().map(|access| &access.user.domains);
    let global = account.filter(|_| wants("global_accessdomains"));
    let own = Some(&settings.domains).filter(|_| wants("accessdomains"));
    json!({
        "status": status(record),
        "message": record.message,
        "filename": record.filename,
        "comment": record.listing.about.comment,
        "accessdomains": own.map(domains).unwrap_or_default(),
        "global_accessdomains": global.map(domains).unwrap_or_default(),
        "use_global_accessdomains": record.listing.use_account_domains,
        "backend_properties": wants("backend_properties").then(|| backend_properties(record)),
        "backend_ticket": null,
        "author_ticket": null,
        "link_sharing_slug": null,
        "backend_access": settings.backend_access,
        "require_token": settings.require_token,
        "allow_direct_embedding": !settings.require_iframe,
        "document_id": null,
        "updated_at": epoch(record.updated_at),
        "deleted_at": (record.status == ModelStatus::Deleted).then(|| epoch(record.updated_at)),
    })
}

/// The settings of the Geometry API, as they are now.
fn backend_properties(record: &ModelRecord) -> Value {
    let settings = &record.settings;
    let allowed: Vec<String> = record.allowed.iter().map(ToString::to_string).collect();
    json!({
        "stat": record.status.as_str(),
        "msg": record.message.as_ref().map(|text| json!({
            "display_message": text, "deny_reason": "unknown", "original_unparsed": text,
        })),
        "settings": {
            "compute": {
                "deny_scripts": settings.deny_scripts,
                "ftype": settings.ftype,
                "initial_warmup": settings.initial_warmup,
                "max_comp_time": settings.max_comp_time_ms,
                "max_export_size": settings.max_export_size,
                "max_idle_minutes": settings.max_idle_minutes,
                "max_model_size": settings.max_model_size,
                "max_output_size": settings.max_output_size,
                "max_wait_time": settings.max_wait_time_ms,
                "num_loaded_min": settings.num_loaded_min,
                "num_loaded_max": settings.num_loaded_max,
                "num_preloaded_min": settings.num_preloaded_min,
                "session_rate_limit": settings.session_rate_limit,
                "trust": settings.trust,
                "max_texture_size": settings.max_texture_size,
            },
            "ticket": {
                "pub": settings.public,
                "accessdomains": allowed,
                "backendaccess": settings.backend_access,
            },
            "token": {
                "auth_group": settings.auth_groups,
                "require_iframe": settings.require_iframe,
                "require_token": record.demands_token(),
            },
            "model": { "use_cdn": settings.use_cdn, "cdn_supported": false },
        },
    })
}

/// Adds the tickets, tokens and versions that are asked for and may be had.
pub(super) async fn embed_more(
    services: &Services,
    guest: &PlatformGuest,
    model: &PlatformModel,
    embeds: &[String],
    shown: &mut Value,
) -> Result<(), ApiError> {
    let record = &*model.record;
    let manages = model.relation.manages();
    if manages {
        shown["link_sharing_slug"] = json!(services.link_of(record).await?);
    }
    for embed in embeds {
        match embed.as_str() {
            "ticket" => {
                let ticket = services
                    .platform_ticket(record, TicketType::Embedding)
                    .await?;
                shown["ticket"] = json!({ "ticket": ticket });
            }
            // A ticket that would open nothing is not handed out.
            "backend_ticket" if model.relation.has_back_end() && record.settings.backend_access => {
                let ticket = services
                    .platform_ticket(record, TicketType::Backend)
                    .await?;
                shown["backend_ticket"] = json!({ "ticket": ticket });
            }
            "author_ticket" if manages && shown["author_ticket"].is_null() => {
                let ticket = services.platform_author_ticket(guest, model).await?;
                shown["author_ticket"] = json!({ "ticket": ticket });
            }
            "token_view"
            | "token_export"
            | "token_owner"
            | "token_export_fallback"
            | "token_owner_fallback" => {
                let scopes = scopes(embed, model.relation);
                shown["access_token"] = json!(services.platform_model_token(guest, model, scopes)?);
            }
            _ => {}
        }
    }
    let wants = |name: &str| embeds.iter().any(|one| one == name);
    if wants("previous_model") || wants("successor_models") {
        let (before, after) = services.platform_versions(guest, record).await?;
        let show = |model: &PlatformModel| public(services, guest, model, &[]);
        shown["previous_model"] = json!(before.as_ref().map(show));
        shown["successor_models"] = json!(after.iter().map(show).collect::<Vec<_>>());
        shown["has_successor"] = json!(!after.is_empty());
    }
    Ok(())
}

/// Fallbacks give the best that may be had.
fn scopes(embed: &str, relation: Relation) -> &'static [&'static str] {
    let exports = relation.scopes().contains(&"group.export");
    match embed {
        "token_owner" => OWNER,
        "token_owner_fallback" if relation.manages() => OWNER,
        "token_export" => EXPORT,
        "token_export_fallback" | "token_owner_fallback" if exports => EXPORT,
        _ => VIEW,
    }
}

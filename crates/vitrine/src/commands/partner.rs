//! `vitrine partner create | list | show | set | key … | token …`.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use vitrine_access::secret::{ApiKey, PartnerKeyKind};
use vitrine_access::time::Timestamp;
use vitrine_service::partners::{NewPartner, origins};
use vitrine_service::{PartnerKeyRecord, PartnerRecord, PartnerSettings, Services};
use vitrine_store::month_of;

use crate::cli::{
    PartnerCommand, PartnerKeyCommand, PartnerSettingsArguments, PartnerTokenCommand, Place,
};

/// Partners read at once by `list`; the list goes on until all were shown.
const PAGE: u32 = 100;
/// Keys that `list` shows at most, the newest ones.
const KEYS_SHOWN_MAX: u32 = 1_000;

pub(super) async fn run(place: &Place, command: PartnerCommand) -> Result<()> {
    let creates = matches!(command, PartnerCommand::Create { .. });
    let services = super::services_at(place, creates).await?;
    let outcome = act(&services, command).await;
    services.shutdown().await;
    outcome
}

async fn act(services: &Services, command: PartnerCommand) -> Result<()> {
    match command {
        PartnerCommand::Create {
            name,
            app_id,
            settings: arguments,
        } => {
            let new = NewPartner {
                name,
                app_id,
                settings: changed(PartnerSettings::default(), *arguments)?,
            };
            let (partner, record, key) = services.create_partner(new).await?;
            let mut shown = described(&partner);
            shown["key"] = with_secret(&record, &key);
            println!("{shown:#}");
        }
        PartnerCommand::List => list(services).await?,
        PartnerCommand::Show { partner } => {
            let record = services.find_partner(&partner).await?;
            let mut shown = described(&record);
            let month = month_of(services.now());
            let users = services.store().partner_users(record.id, month).await?;
            shown["users_this_month"] = users.into();
            println!("{shown:#}");
        }
        PartnerCommand::Set {
            partner,
            name,
            settings: arguments,
        } => {
            let mut record = services.find_partner(&partner).await?;
            record.name = name.unwrap_or(record.name);
            record.settings = changed(record.settings, *arguments)?;
            println!("{:#}", described(&services.update_partner(record).await?));
        }
        PartnerCommand::Key { command } => key(services, command).await?,
        PartnerCommand::Token { command } => token(services, command).await?,
    }
    Ok(())
}

async fn key(services: &Services, command: PartnerKeyCommand) -> Result<()> {
    match command {
        PartnerKeyCommand::Create { partner } => {
            let partner = services.find_partner(&partner).await?;
            let (record, key) = services.create_partner_key(partner.id).await?;
            println!("{:#}", with_secret(&record, &key));
        }
        PartnerKeyCommand::Rotate { partner, overlap } => {
            let partner = services.find_partner(&partner).await?;
            let overlap = Duration::from_secs(overlap);
            let (record, key) = services.rotate_partner_key(partner.id, overlap).await?;
            let mut shown = with_secret(&record, &key);
            shown["other_keys_end_by"] = record.created_at.plus(overlap).to_iso_ms().into();
            println!("{shown:#}");
        }
        PartnerKeyCommand::Revoke { partner, key } => {
            let partner = services.find_partner(&partner).await?;
            let id = key.parse()?;
            services.revoke_partner_key(partner.id, id).await?;
            println!("Revoked {id} and every token that it made.");
        }
        PartnerKeyCommand::List { partner } => {
            let partner = services.find_partner(&partner).await?;
            let keys = services.store().partner_keys(partner.id, KEYS_SHOWN_MAX);
            let keys: Vec<Value> = keys.await?.iter().map(described_key).collect();
            println!("{:#}", Value::from(keys));
        }
    }
    Ok(())
}

async fn token(services: &Services, command: PartnerTokenCommand) -> Result<()> {
    let PartnerTokenCommand::Revoke {
        token,
        user,
        partner,
    } = command;
    match (token, user) {
        (Some(token), None) => {
            services.revoke_editor_token_unscoped(&token).await?;
            println!("Revoked the token.");
        }
        (None, Some(user)) => {
            let named = partner.context("name the user's partner by --partner")?;
            let partner = services.find_partner(&named).await?;
            let count = services
                .revoke_editor_tokens_of_user(partner.id, &user)
                .await?;
            println!("Revoked {count} tokens of the user.");
        }
        _ => bail!("name a token, or a user by --user"),
    }
    Ok(())
}

async fn list(services: &Services) -> Result<()> {
    let mut after = String::new();
    loop {
        let partners = services.store().partners_after(&after, PAGE).await?;
        for partner in &partners {
            let mark = if partner.settings.blocked {
                "  (blocked)"
            } else {
                ""
            };
            let (id, app_id, name) = (partner.id, &partner.app_id, &partner.name);
            println!("{id}  {app_id}  {name}{mark}");
        }
        match partners.last() {
            Some(last) => after = last.app_id.to_string(),
            None => return Ok(()),
        }
    }
}

fn changed(
    mut settings: PartnerSettings,
    arguments: PartnerSettingsArguments,
) -> Result<PartnerSettings> {
    let bucket = |url: String| (!url.is_empty()).then_some(url);
    let entries = |list: Vec<String>| -> Vec<String> {
        list.into_iter().filter(|entry| !entry.is_empty()).collect()
    };
    if let Some(list) = arguments.origins {
        settings.origins = origins(&entries(list))?;
    }
    if let Some(list) = arguments.servers {
        settings.servers = entries(list);
    }
    for entry in arguments.api.unwrap_or_default() {
        let (name, text) = entry
            .split_once('=')
            .with_context(|| format!("--api takes NAME=VALUE, not {entry:?}"))?;
        settings.api_server.set(name, text)?;
    }
    settings.content = arguments.content.map_or(settings.content, bucket);
    settings.customization = arguments
        .customization
        .map_or(settings.customization, bucket);
    settings.token_lifetime_s = arguments.lifetime.unwrap_or(settings.token_lifetime_s);
    settings.token_lifetime_max_s = arguments
        .lifetime_max
        .unwrap_or(settings.token_lifetime_max_s);
    settings.require_key_on_verify = arguments
        .require_key_on_verify
        .unwrap_or(settings.require_key_on_verify);
    settings.plain_parameters = arguments
        .plain_parameters
        .unwrap_or(settings.plain_parameters);
    settings.tokens_per_hour = match arguments.tokens_per_hour {
        None => settings.tokens_per_hour,
        Some(0) => None,
        some => some,
    };
    settings.blocked = arguments.blocked.unwrap_or(settings.blocked);
    Ok(settings)
}

fn described(partner: &PartnerRecord) -> Value {
    let settings = &partner.settings;
    json!({
        "id": partner.id.to_string(),
        "app_id": partner.app_id.to_string(),
        "name": partner.name,
        "blocked": settings.blocked,
        "origins": settings.origins.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "content": settings.content,
        "customization": settings.customization,
        "servers": settings.servers,
        "api": settings.api_server.entries().into_iter().collect::<BTreeMap<_, _>>(),
        "lifetime_s": settings.token_lifetime_s,
        "lifetime_max_s": settings.token_lifetime_max_s,
        "require_key_on_verify": settings.require_key_on_verify,
        "tokens_per_hour": settings.tokens_per_hour,
        "plain_parameters": settings.plain_parameters,
        "created_at": partner.created_at.to_iso_ms(),
        "updated_at": partner.updated_at.to_iso_ms(),
    })
}

fn described_key(key: &PartnerKeyRecord) -> Value {
    json!({
        "id": key.id.to_string(),
        "ends_with": key.last_four,
        "created_at": key.created_at.to_iso_ms(),
        "expires_at": key.expires_at.map(Timestamp::to_iso_ms),
        "revoked_at": key.revoked_at.map(Timestamp::to_iso_ms),
    })
}

/// The one moment at which a key is shown.
fn with_secret(record: &PartnerKeyRecord, key: &ApiKey<PartnerKeyKind>) -> Value {
    json!({ "id": record.id.to_string(), "secret": key.reveal() })
}

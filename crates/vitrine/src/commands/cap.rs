//! `vitrine cap set | list | remove`.

use anyhow::{Result, bail};
use vitrine_access::caps::{Cap, CapScope, CapWindow};
use vitrine_access::ids::ModelId;
use vitrine_service::Services;

use crate::cli::{CapCommand, Place};

pub(super) async fn run(place: &Place, command: CapCommand) -> Result<()> {
    let services = super::services_at(place, false).await?;
    match command {
        CapCommand::Set {
            scope,
            per,
            credits,
        } => {
            let scope = scope_of(&services, &scope)?;
            if let CapScope::Model(model) = scope {
                known(&services, model).await?;
            }
            let cap = services.set_cap(scope, per.domain(), credits).await?;
            println!("{:#}", shown(&cap));
        }
        CapCommand::List => {
            let caps: Vec<_> = services.caps().await?.iter().map(shown).collect();
            println!("{:#}", serde_json::Value::Array(caps));
        }
        CapCommand::Remove { scope, per } => {
            let scope = scope_of(&services, &scope)?;
            let window: CapWindow = per.domain();
            if !services.store().remove_cap(scope, window).await? {
                bail!("there is no cap per {} on {scope}", window.as_str());
            }
            println!("Removed the cap per {} on {scope}.", window.as_str());
        }
    }
    services.shutdown().await;
    Ok(())
}

/// Reads a scope; a ticket may be named by itself as well as by its id.
fn scope_of(services: &Services, text: &str) -> Result<CapScope> {
    match text.strip_prefix("ticket:") {
        Some(sealed) if text.parse::<CapScope>().is_err() => {
            Ok(CapScope::Ticket(services.decrypt_ticket(sealed)?.id))
        }
        _ => Ok(text.parse()?),
    }
}

/// A cap on a model that does not exist would be a slip of the pen.
async fn known(services: &Services, model: ModelId) -> Result<()> {
    if services.store().model_unscoped(model).await?.is_none() {
        bail!("there is no model {model}");
    }
    Ok(())
}

fn shown(cap: &Cap) -> serde_json::Value {
    serde_json::json!({
        "scope": cap.scope.to_string(),
        "per": cap.window.as_str(),
        "set_by": cap.set_by.as_str(),
        "credits": cap.credits_max,
        "used": cap.used,
        "since": cap.window_start.to_iso_ms(),
        "resets_at": cap.resets_at().to_iso_ms(),
    })
}

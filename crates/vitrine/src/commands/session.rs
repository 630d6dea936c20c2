//! `vitrine session list | revoke`.

use anyhow::{Context, Result, bail};
use vitrine_access::ids::{ModelId, SessionAlias, SessionId};
use vitrine_access::session::{EndReason, SessionState};
use vitrine_access::time::Timestamp;
use vitrine_service::Services;

use crate::cli::{Place, SessionCommand};

pub(super) async fn run(place: &Place, command: SessionCommand) -> Result<()> {
    let services = super::services_at(place, false).await?;
    match command {
        SessionCommand::List { model } => list(&services, model.parse()?).await?,
        SessionCommand::Revoke { session } => revoke(&services, &session).await?,
    }
    services.shutdown().await;
    Ok(())
}

async fn list(services: &Services, model: ModelId) -> Result<()> {
    let limits = services.settings().session_limits;
    let now = services.now();
    let age_max_ms = i64::try_from(limits.age_max.as_millis()).unwrap_or(i64::MAX);
    let since = Timestamp::from_unix_ms(now.unix_ms().saturating_sub(age_max_ms));
    for session in services.store().live_sessions(model, since).await? {
        if !matches!(session.state(now, &limits), SessionState::Ended(..)) {
            println!(
                "{}  opened {}  last seen {}  {}",
                session.hash.alias(),
                session.opened_at.to_iso_ms(),
                session.last_seen_at.to_iso_ms(),
                session.origin.as_deref().unwrap_or("-"),
            );
        }
    }
    Ok(())
}

async fn revoke(services: &Services, session: &str) -> Result<()> {
    // Both are 32 hexadecimal digits, so that one text may be read as either.
    let mut found = None;
    if let Ok(alias) = session.parse::<SessionAlias>() {
        found = services.store().session_by_alias(alias).await?;
    }
    if found.is_none()
        && let Ok(id) = session.parse::<SessionId>()
    {
        found = services.store().session(id.hash()).await?;
    }
    let session = found.context("there is no such session; see `vitrine session list MODEL`")?;
    let alias = session.hash.alias();
    let (now, reason) = (services.now(), EndReason::Revoked);
    if !services
        .store()
        .end_session(session.hash, reason, now)
        .await?
    {
        bail!("the session {alias} has ended already");
    }
    services
        .note_command("RevokeSession", Some(session.model))
        .await?;
    println!("Revoked {alias}.");
    Ok(())
}

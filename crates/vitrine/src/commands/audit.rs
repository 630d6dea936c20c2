//! `vitrine audit export | show`.

use std::io::Write as _;

use anyhow::{Result, bail};
use vitrine_access::AuditEvent;
use vitrine_access::ids::{ModelId, RequestId};
use vitrine_access::time::Timestamp;
use vitrine_http::catalogue;
use vitrine_service::{AuditCursor, Services};

use crate::cli::{AuditCommand, Place};

/// Lines read at once: an export of any length needs the memory of one page.
const PAGE: u32 = 1_000;

pub(super) async fn run(place: &Place, command: AuditCommand) -> Result<()> {
    let services = super::services_at(place, false).await?;
    match command {
        AuditCommand::Export { from, to, model } => {
            let instant = |text: Option<String>, default| match text {
                Some(text) => Timestamp::parse_digits14(&text),
                None => Ok(default),
            };
            let from = instant(from, Timestamp::from_unix_ms(0))?;
            let to = instant(to, Timestamp::MAX_14)?;
            let model = model.map(|id| id.parse::<ModelId>()).transpose()?;
            export(&services, from, to, model).await?;
        }
        AuditCommand::Show { request } => show(&services, request.parse()?).await?,
    }
    services.shutdown().await;
    Ok(())
}

async fn export(
    services: &Services,
    from: Timestamp,
    to: Timestamp,
    model: Option<ModelId>,
) -> Result<()> {
    let store = services.store();
    let mut after = AuditCursor::from_instant(from);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    loop {
        let page = match model {
            Some(model) => store.audit_page_of_model(model, after, to, PAGE).await?,
            None => store.audit_page(after, to, PAGE).await?,
        };
        let Some(last) = page.last() else { break };
        after = AuditCursor {
            at: last.at,
            id: last.id,
        };
        for event in &page {
            writeln!(out, "{}", line(event))?;
        }
        // Whoever reads along sees whole pages, and a closed pipe ends the export.
        out.flush()?;
    }
    Ok(())
}

fn line(event: &AuditEvent) -> serde_json::Value {
    serde_json::json!({
        "id": event.id.to_string(),
        "at": event.at.to_iso_ms(),
        "request_id": event.request.to_string(),
        "actor": event.actor,
        "credential": event.credential,
        "address": event.address,
        "origin": event.origin,
        "operation": event.operation,
        "model": event.model.map(|model| model.to_string()),
        "decision": event.decision.as_str(),
        "reason": event.reason,
        "message": event.message,
        "count": event.count,
    })
}

async fn show(services: &Services, request: RequestId) -> Result<()> {
    let events = services.store().audit_by_request(request).await?;
    if events.is_empty() {
        bail!(
            "no decision is known about the request {request}: it was not refused, or its line was \
             removed by age, or it was one of many equal refusals of a minute, of which the first \
             twenty are kept one by one; the log has each under its id"
        );
    }
    for event in &events {
        print!("{}", in_words(event, &services.settings().public_url));
    }
    Ok(())
}

fn in_words(event: &AuditEvent, public_url: &str) -> String {
    use std::fmt::Write as _;
    let mut words = format!(
        "{} was {} at {}.\n  who         {}, by {}\n",
        event.operation,
        event.decision.as_str(),
        event.at.to_iso_ms(),
        event.actor,
        event.credential,
    );
    let model = event.model.map(|model| model.to_string());
    let rest = [
        ("from", event.address.as_deref()),
        ("page", event.origin.as_deref()),
        ("model", model.as_deref()),
        ("reason", Some(event.reason.as_str())),
        (
            "told",
            Some(event.message.as_str()).filter(|told| !told.is_empty()),
        ),
    ];
    for (name, value) in rest {
        if let Some(value) = value {
            let _ = writeln!(words, "  {name:<12}{value}");
        }
    }
    if event.count > 1 {
        let _ = writeln!(
            words,
            "  count       the last of {} equal ones",
            event.count
        );
    }
    if let Some(entry) = catalogue::entries().find(|entry| entry.code == event.reason) {
        let _ = writeln!(words, "  meaning     {}", entry.meaning);
        let _ = writeln!(words, "  remedy      {}", entry.remedy);
        let anchor = catalogue::anchor(entry.code);
        let _ = writeln!(words, "  more        {public_url}{anchor}");
    }
    words
}

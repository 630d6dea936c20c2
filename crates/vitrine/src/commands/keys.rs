//! `vitrine keys list | rotate | retire`.

use std::time::Duration;

use anyhow::Result;
use vitrine_access::jwt::Algorithm;
use vitrine_access::time::Timestamp;
use vitrine_service::Services;
use vitrine_service::keys::{KeyInfo, Rotation};

use crate::cli::{KeyAlgorithm, KeysCommand, Place};

pub(super) async fn run(place: &Place, command: KeysCommand) -> Result<()> {
    let services = super::services_at(place, false).await?;
    match command {
        KeysCommand::List { json } => list(&services, json).await?,
        KeysCommand::Rotate {
            algorithm,
            overlap,
            at_once,
        } => {
            let mut rotation = Rotation {
                algorithm: match algorithm {
                    KeyAlgorithm::Es256 => Algorithm::Es256,
                    KeyAlgorithm::EdDsa => Algorithm::EdDsa,
                    KeyAlgorithm::Rs256 => Algorithm::Rs256,
                },
                ..Rotation::default()
            };
            if let Some(seconds) = overlap {
                rotation.overlap = Duration::from_secs(seconds);
            }
            if at_once {
                rotation.published_before = Duration::ZERO;
            }
            println!("{}", services.rotate_keys(rotation).await?.kid);
        }
        KeysCommand::Retire { kid } => {
            services.retire_key(&kid).await?;
            println!("Retired {kid}.");
        }
    }
    services.shutdown().await;
    Ok(())
}

async fn list(services: &Services, json: bool) -> Result<()> {
    let now = services.now();
    let signing = services.signing_keys().await?;
    let sealing = services.sealing_keys().await?;
    if json {
        let signing: Vec<_> = signing.iter().map(|key| shown(key, now)).collect();
        let sealing: Vec<_> = sealing
            .iter()
            .map(|key| {
                serde_json::json!({
                    "fingerprint": key.fingerprint,
                    "state": sealing_state(key.known, key.seals),
                    "live_tickets": key.live_tickets,
                })
            })
            .collect();
        let both = serde_json::json!({ "signing": signing, "sealing": sealing });
        println!("{both:#}");
        return Ok(());
    }
    println!("SIGNING KEYS");
    for key in &signing {
        let until = key.verifies_until.map(Timestamp::to_iso_ms);
        println!(
            "{:<5}  {:<9}  {:>4} d  {}  {}",
            key.algorithm.as_str(),
            key.state.as_str(),
            days(key, now),
            key.kid,
            until
                .map(|until| format!("until {until}"))
                .unwrap_or_default()
        );
    }
    println!("SEALING KEYS");
    for key in &sealing {
        println!(
            "{:<7}  {}  {} live tickets",
            sealing_state(key.known, key.seals),
            key.fingerprint,
            key.live_tickets
        );
    }
    Ok(())
}

fn days(key: &KeyInfo, now: Timestamp) -> u64 {
    const DAY_S: u64 = 24 * 3_600;
    now.since(key.created_at).as_secs() / DAY_S
}

fn shown(key: &KeyInfo, now: Timestamp) -> serde_json::Value {
    serde_json::json!({
        "kid": key.kid,
        "alg": key.algorithm.as_str(),
        "state": key.state.as_str(),
        "created_at": key.created_at.to_iso_ms(),
        "age_s": now.since(key.created_at).as_secs(),
        "signs_from": key.signs_from.to_iso_ms(),
        "verifies_until": key.verifies_until.map(Timestamp::to_iso_ms),
    })
}

fn sealing_state(known: bool, seals: bool) -> &'static str {
    match (known, seals) {
        (false, _) => "missing",
        (true, true) => "seals",
        (true, false) => "opens",
    }
}

//! `vitrine jwt mint | inspect | revoke`.

use std::time::Duration;

use anyhow::{Result, bail};
use vitrine_access::grant::Subject;
use vitrine_access::ids::TokenId;
use vitrine_access::permissions::PermissionSet;

use crate::cli::{JwtCommand, Place};

pub(super) async fn run(place: &Place, command: JwtCommand) -> Result<()> {
    let services = super::services_at(place, false).await?;
    match command {
        JwtCommand::Mint {
            subject,
            scopes,
            ttl,
        } => {
            let subject: Subject = subject.parse()?;
            let scopes: Vec<String> = scopes
                .iter()
                .flat_map(|scope| scope.split([',', ' ']))
                .filter(|scope| !scope.is_empty())
                .map(ToOwned::to_owned)
                .collect();
            let names: Vec<&str> = scopes.iter().map(String::as_str).collect();
            let (_, unknown) = PermissionSet::from_scopes(&names);
            if !unknown.is_empty() {
                bail!("unknown scope: {}", unknown.join(", "));
            }
            println!(
                "{}",
                services.mint_token(subject, scopes, Duration::from_secs(ttl))?
            );
        }
        JwtCommand::Inspect { token } => {
            let verified = services.verify_token(&token)?;
            let token = &verified.token;
            let shown = serde_json::json!({
                "jti": token.id.to_string(),
                "iss": token.issuer,
                "aud": token.audience,
                "subject": token.subject.to_string(),
                "scope": token.scopes,
                "issued_at": token.issued_at.to_iso_ms(),
                "not_before": token.not_before.to_iso_ms(),
                "expires_at": token.expires_at.to_iso_ms(),
            });
            println!("{shown:#}");
        }
        JwtCommand::Revoke {
            subject: Some(subject),
            ..
        } => {
            let subject: Subject = subject.parse()?;
            let good_from = services.revoke_subject(subject).await?;
            services.note_command("RevokeSubject", None).await?;
            println!(
                "Revoked all tokens of {subject}. Tokens issued from {} on are good.",
                good_from.to_iso_ms()
            );
        }
        JwtCommand::Revoke { jti, subject: None } => {
            let id: TokenId = jti.unwrap_or_default().parse()?;
            services.revoke_token(id).await?;
            services.note_command("RevokeToken", None).await?;
            println!("Revoked {id}.");
        }
    }
    services.shutdown().await;
    Ok(())
}

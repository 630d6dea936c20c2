//! `vitrine accesskey create | list | revoke`.

use anyhow::Result;
use serde_json::{Value, json};
use vitrine_access::grant::Subject;
use vitrine_access::time::Timestamp;
use vitrine_service::platform::ACCESS_KEY_CLIENT;
use vitrine_service::{AccessKeyRecord, Services};

use crate::cli::{AccessKeyCommand, Place};

pub(super) async fn run(place: &Place, command: AccessKeyCommand) -> Result<()> {
    let services = super::services_at(place, false).await?;
    let outcome = act(&services, command).await;
    services.shutdown().await;
    outcome
}

async fn act(services: &Services, command: AccessKeyCommand) -> Result<()> {
    match command {
        AccessKeyCommand::Create { user, label } => {
            let user = services.find_user(user.as_deref()).await?;
            let (record, key) = services.create_access_key(&user, label, None).await?;
            services.note_command("CreateAccessKey", None).await?;
            let shown = json!({
                "key_id": record.id.to_string(),
                "key_secret": key.reveal(),
                "client_id": ACCESS_KEY_CLIENT,
            });
            println!("{shown:#}");
        }
        AccessKeyCommand::List { user } => {
            let user = services.find_user(user.as_deref()).await?;
            let keys = services.access_keys(user.id).await?;
            let keys: Vec<Value> = keys.iter().map(described).collect();
            println!("{:#}", Value::from(keys));
        }
        AccessKeyCommand::Revoke { key, user } => {
            let user = services.find_user(user.as_deref()).await?;
            let id = key.parse()?;
            services.revoke_access_key(user.id, id).await?;
            // Whoever knew the key may have asked for tokens of models, which do not name it.
            let subject = Subject::User(user.id);
            services.revoke_subject(subject).await?;
            services.note_command("RevokeAccessKey", None).await?;
            println!(
                "Revoked {id}, and every sign-in, token and author's ticket of the account {} that \
                 was given out until now.",
                user.id
            );
        }
    }
    Ok(())
}

fn described(key: &AccessKeyRecord) -> Value {
    json!({
        "key_id": key.id.to_string(),
        "label": key.label,
        "ends_with": key.last_four,
        "created_at": key.created_at.to_iso_ms(),
        "expires_at": key.expires_at.map(Timestamp::to_iso_ms),
        "revoked_at": key.revoked_at.map(Timestamp::to_iso_ms),
    })
}

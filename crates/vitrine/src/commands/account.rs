//! `vitrine user set`, `vitrine org set`.

use anyhow::{Result, bail};
use vitrine_access::owner::Payer;

use crate::cli::{AccountCommand, Place, Switch};

pub(super) async fn user(place: &Place, command: AccountCommand) -> Result<()> {
    let AccountCommand::Set { id, .. } = &command;
    run(place, Payer::User(id.parse()?), &command).await
}

pub(super) async fn organization(place: &Place, command: AccountCommand) -> Result<()> {
    let AccountCommand::Set { id, .. } = &command;
    run(place, Payer::Organization(id.parse()?), &command).await
}

async fn run(place: &Place, account: Payer, command: &AccountCommand) -> Result<()> {
    let services = super::services_at(place, false).await?;
    let AccountCommand::Set {
        id,
        force_require_token,
    } = command;
    let on = *force_require_token == Switch::On;
    if !services.force_require_token(account, on).await? {
        bail!("there is no account {id}");
    }
    println!(
        "{}",
        if on {
            "Every model of the account demands an access token now."
        } else {
            "Each model of the account decides by itself whether it demands an access token."
        }
    );
    services.shutdown().await;
    Ok(())
}

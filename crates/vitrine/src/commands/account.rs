//! `vitrine user create | password | block | unblock | forget-second-factor | set`, `vitrine org set`.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::json;
use vitrine_access::owner::Payer;
use vitrine_access::plan::{PLANS, Plan};
use vitrine_service::Services;
use vitrine_service::platform::{CONSOLE_CLIENT, NewUser};

use crate::cli::{AccountCommand, Place, Switch, UserCommand};

/// Random bytes of a password that is made: 120 bits in 24 characters.
const PASSWORD_BYTES: usize = 15;
const BASE32: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

pub(super) async fn user(place: &Place, command: UserCommand) -> Result<()> {
    // The first user may come before the first start.
    let creates = matches!(command, UserCommand::Create { .. });
    let services = super::services_at(place, creates).await?;
    let outcome = act(&services, command).await;
    services.shutdown().await;
    outcome
}

async fn act(services: &Services, command: UserCommand) -> Result<()> {
    match command {
        UserCommand::Create {
            email,
            name,
            admin,
            password_file,
        } => {
            let (password, shown) = password(services, password_file.as_deref())?;
            let new = NewUser {
                email,
                name,
                password,
                administrator: admin,
            };
            let user = services.create_user(new).await?;
            services.note_command("CreateUser", None).await?;
            let answer = json!({
                "id": user.id.to_string(),
                "username": user.email,
                "password": shown,
                "administrator": user.administrator,
                "client_id": CONSOLE_CLIENT,
            });
            println!("{answer:#}");
        }
        UserCommand::Password {
            user,
            password_file,
        } => {
            let user = services.find_user(Some(&user)).await?;
            let (password, shown) = password(services, password_file.as_deref())?;
            services.set_password(user.id, &password).await?;
            services.note_command("SetPassword", None).await?;
            let answer = json!({
                "id": user.id.to_string(),
                "username": user.email,
                "password": shown,
            });
            println!("{answer:#}");
        }
        UserCommand::Block { user } => block(services, &user, true).await?,
        UserCommand::Unblock { user } => block(services, &user, false).await?,
        UserCommand::ForgetSecondFactor { user } => {
            let user = services.find_user(Some(&user)).await?;
            if !services.forget_second_factor(user.id).await? {
                bail!("the user has no second factor");
            }
            services.note_command("ForgetSecondFactor", None).await?;
            println!("The user signs in by the password alone now.");
        }
        UserCommand::Set {
            id,
            force_require_token,
            plan,
        } => {
            set(
                services,
                Payer::User(id.parse()?),
                force_require_token,
                plan,
            )
            .await?;
        }
    }
    Ok(())
}

async fn block(services: &Services, user: &str, blocked: bool) -> Result<()> {
    let user = services.find_user(Some(user)).await?;
    services.block_user(user.id, blocked).await?;
    let (operation, now) = if blocked {
        (
            "BlockUser",
            "is blocked, and what they were given has ended",
        )
    } else {
        ("UnblockUser", "may sign in again")
    };
    services.note_command(operation, None).await?;
    println!("The user {} {now}.", user.id);
    Ok(())
}

/// The password of the file, or a new one and the same to be shown.
fn password(services: &Services, file: Option<&Path>) -> Result<(String, Option<String>)> {
    if let Some(file) = file {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        return Ok((text.trim_end_matches(['\r', '\n']).to_owned(), None));
    }
    let made = new_password(services);
    Ok((made.clone(), Some(made)))
}

/// A password that nobody guesses and everybody can type.
pub(crate) fn new_password(services: &Services) -> String {
    let mut bytes = [0; PASSWORD_BYTES];
    services.entropy().fill(&mut bytes);
    let bits = bytes
        .iter()
        .fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    (0..PASSWORD_BYTES * 8 / 5)
        .map(|group| {
            let index = usize::try_from(bits >> (5 * group) & 31).unwrap_or_default();
            char::from(BASE32[index])
        })
        .collect()
}

pub(super) async fn organization(place: &Place, command: AccountCommand) -> Result<()> {
    let services = super::services_at(place, false).await?;
    let AccountCommand::Set {
        id,
        force_require_token,
        plan,
    } = command;
    let account = Payer::Organization(id.parse()?);
    let outcome = set(&services, account, force_require_token, plan);
    let outcome = outcome.await;
    services.shutdown().await;
    outcome
}

async fn set(
    services: &Services,
    account: Payer,
    force_require_token: Option<Switch>,
    plan: Option<String>,
) -> Result<()> {
    if force_require_token.is_none() && plan.is_none() {
        bail!("say what to set: --force-require-token or --plan");
    }
    if let Some(name) = plan {
        let names: Vec<&str> = PLANS.iter().map(|plan| plan.name).collect();
        let plan = Plan::named(&name)
            .with_context(|| format!("there is no plan {name}; there are {}", names.join(", ")))?;
        if !services.set_plan(account, plan).await? {
            bail!("there is no such account");
        }
        services.note_command("SetPlan", None).await?;
        println!("The account has the plan {} now.", plan.name);
    }
    match force_require_token {
        Some(switch) => force(services, account, switch).await,
        None => Ok(()),
    }
}

async fn force(services: &Services, account: Payer, switch: Switch) -> Result<()> {
    let on = switch == Switch::On;
    if !services.force_require_token(account, on).await? {
        bail!("there is no such account");
    }
    println!(
        "{}",
        if on {
            "Every model of the account demands an access token now."
        } else {
            "Each model of the account decides by itself whether it demands an access token."
        }
    );
    Ok(())
}

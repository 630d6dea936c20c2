//! `vitrine usage rebuild`.

use anyhow::Result;

use crate::cli::{Place, UsageCommand};

pub(super) async fn run(place: &Place, command: UsageCommand) -> Result<()> {
    let services = super::services_at(place, false).await?;
    match command {
        UsageCommand::Rebuild => {
            services.store().rebuild_rollups().await?;
            let rows = services.roll_usage_up().await?;
            println!("The sums of usage are made anew from {rows} rows.");
        }
    }
    services.shutdown().await;
    Ok(())
}

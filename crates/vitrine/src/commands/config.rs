//! `vitrine config check | show`.

use anyhow::Result;

use crate::cli::{ConfigCommand, Place};
use crate::config::Config;
use crate::node::without_password;

pub(super) fn run(place: &Place, command: &ConfigCommand) -> Result<()> {
    let mut config = Config::load(place.config.as_deref(), &place.flags())?;
    match command {
        ConfigCommand::Check => println!("The configuration can be used."),
        ConfigCommand::Show => {
            config.database = without_password(&config.database);
            print!("{}", toml::to_string(&config)?);
        }
    }
    Ok(())
}

//! One file per group of commands.

mod accesskey;
pub(crate) mod account;
mod audit;
mod cap;
mod config;
mod doctor;
mod doctor_machine;
mod jwt;
mod keys;
pub(crate) mod model;
pub(crate) mod partner;
mod serve;
mod session;
mod ticket;
mod usage;

use anyhow::Result;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry};
use vitrine_service::Services;

use crate::cli::{Api, Arguments, Command, Place};
use crate::config::{Config, LogFormat};
use crate::node::{self, Tweak};
use crate::{log, traces};

/// Runs one command.
pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    match arguments.command {
        Command::Serve(arguments) => serve::run(arguments).await,
        Command::Demo(arguments) => crate::demo::run(arguments).await,
        Command::Model { place, command } => model::run(&place, command).await,
        Command::Ticket { place, command } => ticket::run(&place, command).await,
        Command::Jwt { place, command } => jwt::run(&place, command).await,
        Command::Session { place, command } => session::run(&place, command).await,
        Command::Audit { place, command } => audit::run(&place, command).await,
        Command::Keys { place, command } => keys::run(&place, command).await,
        Command::User { place, command } => account::user(&place, command).await,
        Command::Org { place, command } => account::organization(&place, command).await,
        Command::Cap { place, command } => cap::run(&place, command).await,
        Command::Usage { place, command } => usage::run(&place, command).await,
        Command::Accesskey { place, command } => accesskey::run(&place, command).await,
        Command::Partner { place, command } => partner::run(&place, command).await,
        Command::Config { place, command } => config::run(&place, &command),
        Command::Doctor { place } => doctor::run(&place).await,
        Command::Openapi { api } => {
            let document = match api {
                Api::Geometry => vitrine_http::openapi_geometry(),
                Api::Partner => vitrine_http::openapi_partner(),
                Api::Platform => vitrine_http::openapi_platform(),
            };
            println!("{}", document.to_pretty_json()?);
            Ok(())
        }
    }
}

/// Log lines go to standard error: standard output belongs to what a command answers.
pub(crate) fn start_log(filter: &str, format: LogFormat) -> Result<()> {
    start_log_to(filter, format, std::io::stderr)
}

/// What a server has to write out and to send at its end.
pub(crate) struct Observed {
    _log: log::Flush,
    traces: Option<traces::Flush>,
}

impl Observed {
    /// Sends the last traces. The log is written out when the rest is dropped.
    pub(crate) async fn end(mut self) {
        if let Some(traces) = self.traces.take() {
            traces.send().await;
        }
    }
}

/// The same for a server, in batches, with traces where a collector is named.
pub(crate) fn observe_server(config: &Config) -> Result<Observed> {
    let (batches, log) = log::Batches::start()?;
    let traces = match traces::layer(config)? {
        None => {
            start_log_to(&config.log, config.log_format, batches)?;
            None
        }
        Some((layer, flush)) => {
            // Each layer has a filter of its own here, which costs every line a little.
            let filter = filter(&config.log)?;
            let lines = tracing_subscriber::fmt::layer().with_writer(batches);
            let lines = match config.log_format {
                LogFormat::Text => lines.with_ansi(false).with_filter(filter).boxed(),
                LogFormat::Json => lines.json().with_filter(filter).boxed(),
            };
            Registry::default().with(layer).with(lines).init();
            Some(flush)
        }
    };
    Ok(Observed { _log: log, traces })
}

fn filter(text: &str) -> Result<EnvFilter> {
    EnvFilter::try_new(text).map_err(|error| anyhow::anyhow!("log = \"{text}\": {error}"))
}

fn start_log_to<W>(filter: &str, format: LogFormat, writer: W) -> Result<()>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt()
        .with_env_filter(self::filter(filter)?)
        .with_writer(writer);
    match format {
        LogFormat::Text => builder.with_ansi(false).init(),
        LogFormat::Json => builder.json().init(),
    }
    Ok(())
}

/// The use cases for a command that does one thing and ends.
///
/// `creates`: whether the command may begin a new installation, as a first `model push` does.
async fn services_at(place: &Place, creates: bool) -> Result<Services> {
    let config = Config::load(place.config.as_deref(), &place.flags())?;
    start_log("warn", LogFormat::Text)?;
    if !creates && !config.data.is_dir() {
        anyhow::bail!(
            "there is no data folder at {}; name the one of your server by --data or --config",
            config.data.display()
        );
    }
    let bound = config.listen.parse()?;
    node::build(
        &config,
        bound,
        Tweak {
            limit_loopback: true,
        },
    )
    .await
}

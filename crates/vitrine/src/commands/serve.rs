//! `vitrine serve`.

use std::time::Duration;

use anyhow::Result;
use tokio_util::sync::CancellationToken;
use vitrine_service::Services;

use crate::cli::ServeArguments;
use crate::config::{Config, Flags};
use crate::connections::Crowd;
use crate::node::{self, Tweak};
use crate::single_server::SingleServer;
use crate::{observe, server};

pub(super) async fn run(arguments: ServeArguments) -> Result<()> {
    let flags = Flags {
        listen: arguments.listen,
        public_url: arguments.public_url,
        content_url: arguments.content_url,
        worker_confinement: arguments.worker_confinement,
        ..arguments.place.flags()
    };
    let config = Config::load(arguments.place.config.as_deref(), &flags)?;
    let observed = super::observe_server(&config)?;
    let _only = SingleServer::take(&config)?;
    let listener = server::bind(&config.listen).await?;
    let bound = listener.local_addr()?;
    let services = node::build(
        &config,
        bound,
        Tweak {
            limit_loopback: true,
        },
    )
    .await?;
    services.spawn_background();
    let router =
        vitrine_http::router_with(services.clone(), observe::start(&config, services.clone())?);
    tracing::info!(
        address = %bound,
        public_url = services.settings().public_url,
        content_url = services.settings().content_url,
        "serving"
    );
    offer_set_up(&services).await?;
    let stop = CancellationToken::new();
    let grace = Duration::from_secs(config.shutdown_grace_s);
    let crowd = Crowd::new(services.settings().trusted_proxies.clone());
    let serving = server::serve(listener, router, crowd, stop.clone(), grace);
    let serving = tokio::spawn(serving);
    server::stop_asked().await;
    tracing::info!("stopping; running requests are finished first");
    stop.cancel();
    serving.await?;
    services.shutdown().await;
    tracing::info!("stopped");
    observed.end().await;
    Ok(())
}

/// Prints the link that makes the first administrator, where there is none. Standard output, not the log:
/// it is a secret until it is used, and for who has started the server alone.
async fn offer_set_up(services: &Services) -> Result<()> {
    if let Some(secret) = services.new_set_up_link().await? {
        let url = &services.settings().public_url;
        println!(
            "Nobody is an administrator yet. Make the first one within a day by this link, which is good once:"
        );
        println!("  {url}/#/setup/{}", secret.reveal());
    }
    Ok(())
}

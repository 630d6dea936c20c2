//! The binary: configuration, wiring and the command line. Nothing else names everything.

mod adapters;
mod cli;
mod commands;
mod config;
mod demo;
mod log;
mod master_key;
mod node;
mod observe;
mod partner_site;
mod reach;
mod server;
mod shop;
mod single_server;

use std::process::ExitCode;

use clap::Parser;
use vitrine_engine::Confinement;
use vitrine_engine::worker::MeteredAllocator;

/// Counts in workers, so that a model that takes too much is told so.
#[global_allocator]
static ALLOCATOR: MeteredAllocator = MeteredAllocator;

fn main() -> ExitCode {
    // A worker is this binary started anew by the pool: it must not spend time or memory on
    // anything that the server needs.
    let mut words = std::env::args().skip(1);
    if words
        .next()
        .is_some_and(|first| first == cli::WORKER_COMMAND)
    {
        let confinement = Confinement::from_argument(words.next().as_deref());
        if words.next().as_deref() == Some(vitrine_engine::DRAWING_ARGUMENT) {
            vitrine_engine::drawing_worker_main(confinement);
        }
        vitrine_engine::worker_main(confinement);
    }
    let arguments = cli::Arguments::parse();
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(commands::run(arguments)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vitrine: {error:#}");
            ExitCode::FAILURE
        }
    }
}

//! The binary: configuration, wiring and the command line. Nothing else names everything.

mod adapters;
mod cli;
mod commands;
mod config;
mod connections;
mod demo;
mod log;
mod master_key;
mod node;
mod observe;
mod partner_site;
mod reach;
mod server;
mod shop;
mod sign_in;
mod single_server;
mod traces;

use std::process::ExitCode;

use clap::Parser;
use rustix::fs::Mode;
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
        vitrine_engine::worker_main(confinement, words);
    }
    keep_files_private();
    let arguments = cli::Arguments::parse();
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(commands::run(arguments)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vitrine: {}", printable(&format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}

/// Whatever this process makes (database, model files, results, keys) is its account's alone, wherever
/// the operator has it put.
fn keep_files_private() {
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
}

/// Errors hold what others have written; a terminal must not take it for commands.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && character != '\n' {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

//! The pool against real worker processes. The test program is its own worker: called with
//! `--worker` it serves frames with an engine whose behaviour the test chooses, with `--engine` with
//! a real one, called with
//! `--hostile` it breaks the protocol, called with `--server` it is a server that a test kills.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "worker_pool/cases.rs"]
mod cases;
#[path = "worker_pool/endings.rs"]
mod endings;
#[path = "worker_pool/fake.rs"]
mod fake;
#[path = "worker_pool/harness.rs"]
mod harness;
#[path = "worker_pool/hostile.rs"]
mod hostile;
#[path = "worker_pool/jscad.rs"]
mod jscad;
#[path = "worker_pool/openscad.rs"]
mod openscad;

use vitrine_engine::Confinement;
use vitrine_engine::worker::MeteredAllocator;

/// Counts in workers, so that a model that takes too much is told so.
#[global_allocator]
static ALLOCATOR: MeteredAllocator = MeteredAllocator;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("--worker") => {
            vitrine_engine::run_worker(Confinement::Required, fake::FakeEngine::new)
        }
        Some("--engine") => {
            vitrine_engine::worker_main(Confinement::Required, args.into_iter().skip(1))
        }
        Some("--hostile") => fake::break_the_protocol(),
        Some("--server") => endings::serve_until_killed(),
        _ => harness::run(
            &[
                cases::all(),
                endings::all(),
                jscad::all(),
                hostile::all(),
                openscad::all(),
            ]
            .concat(),
            &args,
        ),
    }
}

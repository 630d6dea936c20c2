//! The suite that every store passes, whatever database is under it. Each case makes its own accounts
//! and models, so the cases share one database.

#![expect(clippy::unwrap_used, reason = "a case fails by panicking")]

mod accounts;
mod applications;
mod caps;
mod drawings;
mod erasing;
mod feeds;
mod listing;
mod models;
mod money;
mod notices;
mod partners;
mod results;
mod script_jobs;
mod sessions;
mod sharing;
mod sign_ins;

use vitrine_store::Store;

/// Runs every case, printing its name first.
///
/// # Panics
/// When a case fails.
pub async fn run_all(store: &Store) {
    accounts::run(store).await;
    models::run(store).await;
    sessions::run(store).await;
    money::run(store).await;
    caps::run(store).await;
    notices::run(store).await;
    results::run(store).await;
    erasing::run(store).await;
    partners::run(store).await;
    sign_ins::run(store).await;
    drawings::run(store).await;
    applications::run(store).await;
    sharing::run(store).await;
    script_jobs::run(store).await;
    listing::run(store).await;
    feeds::run(store).await;
}

/// Runs cases one after the other, each with its own seed.
macro_rules! cases {
    ($seed:literal: $($case:ident),* $(,)?) => {
        pub(super) async fn run(store: &vitrine_store::Store) {
            let mut seed = $seed;
            $(
                println!("case {}", stringify!($case));
                seed += 1;
                $case(store, &$crate::Builder::new(seed)).await;
            )*
        }
    };
}
pub(crate) use cases;

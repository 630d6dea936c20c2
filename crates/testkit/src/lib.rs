//! What tests of every room need: a clock that stands still, chance that repeats itself, records that
//! need no explanation, databases of their own, and the one suite that both databases pass.
//!
//! A dev-dependency only. Helpers panic when something is wrong, because that is how tests fail.

mod builders;
mod clock;
mod databases;
mod entropy;
pub mod suite;

pub use builders::Builder;
pub use clock::ManualClock;
pub use databases::{PostgresDatabase, TestFolder, create_postgres, sqlite_url, tamper};
pub use entropy::SeededEntropy;

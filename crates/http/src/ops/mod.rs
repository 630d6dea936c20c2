//! Operations: health, readiness, metrics.

pub mod health;
pub mod local;

pub use health::{Check, Readiness, healthz, readyz};
pub use local::{LocalOrToken, OperatorToken, is_local};

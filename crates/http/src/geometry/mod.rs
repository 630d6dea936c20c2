//! Geometry API v2: wire forms, and one file per group of operations.

pub mod wire;

//! Geometry engines and the sandboxed worker process that runs them.

pub mod export;

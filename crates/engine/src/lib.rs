//! Geometry engines and the sandboxed worker process that runs them.

pub mod drawings;
pub mod export;
pub mod jscad;
mod kind;
pub mod openscad;
pub mod pool;
pub mod worker;

pub use drawings::{
    DRAWING_ARGUMENT, DrawingEngine, DrawingJob, DrawingOrder, DrawingOutcome, DrawingOutput,
    DrawingPool,
};
pub use jscad::JscadEngine;
pub use kind::EngineKind;
pub use openscad::OpenScad;
pub use pool::{
    ModelSource, PoolError, PoolHealth, RECYCLE_ABOVE_BYTES, RECYCLE_AFTER_AGE, WorkerPool,
    WorkerPoolConfig,
};
pub use vitrine_drawing::Release;
pub use vitrine_drawing::script::{COMMANDS as SCRIPT_COMMANDS, OutputForm};
pub use worker::{Confinement, run_worker, worker_main};

/// Part of every version of a JSCAD model's result: it changes whenever the same model and values may give other bytes.
pub const ENGINE_VERSION: &str = "jscad 2.13, manifold-rust 0.19.2, form 3";

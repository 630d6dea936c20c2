//! The contract between the server and whatever computes geometry.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use crate::customization::Customization;
use crate::definition::Definition;
use crate::ids::{ExportId, OutputId};

const MIB: u64 = 1024 * 1024;

/// What one run may spend.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunLimits {
    /// Wall-clock time, in milliseconds.
    pub wall_ms: u64,
    /// Memory of the script's own objects.
    pub js_memory_bytes: u64,
    /// Stack of the script.
    pub js_stack_bytes: u64,
    /// Memory of everything outside the script: solids, meshes, files.
    pub native_memory_bytes: u64,
    /// Triangles of all results of a run together.
    pub triangles_max: u64,
    /// Triangles of one primitive body, because making one cannot be interrupted.
    pub leaf_triangles_max: u64,
    /// Segments of one circle.
    pub segments_max: u32,
    /// Nesting of boolean operations.
    pub csg_depth_max: u32,
    /// Bytes of all results of a run together.
    pub output_bytes_max: u64,
    /// Bytes of messages that a script may print.
    pub log_bytes_max: u64,
}

impl Default for RunLimits {
    fn default() -> Self {
        Self {
            // Visitors leave before this; exports of large models still fit.
            wall_ms: 30_000,
            js_memory_bytes: 256 * MIB,
            // Enough for deep recursion over geometry; far below the thread's own stack.
            js_stack_bytes: MIB / 2,
            native_memory_bytes: 768 * MIB,
            // A browser still shows this many.
            triangles_max: 2_000_000,
            leaf_triangles_max: 300_000,
            segments_max: 1_000,
            // The kernel evaluates nested nodes recursively and overflows its stack near ten thousand.
            csg_depth_max: 1_000,
            output_bytes_max: 256 * MIB,
            log_bytes_max: 64 * 1024,
        }
    }
}

/// Tells a running computation from another thread that nobody waits for it any more.
#[derive(Clone, Debug, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// Asks the computation to stop. Cannot be taken back.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether [`CancelFlag::cancel`] was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a run may spend and who can stop it.
#[derive(Clone, Debug, Default)]
pub struct RunContext {
    /// Bounds of the run.
    pub limits: RunLimits,
    /// Stops the run.
    pub cancel: CancelFlag,
}

/// One result that a run is asked for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// An output.
    Output(OutputId),
    /// An export.
    Export(ExportId),
}

/// Everything that a run made.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Results {
    /// One item for each wanted result, in the order of the request.
    pub items: Vec<ResultItem>,
    /// What the run cost.
    pub stats: RunStats,
}

/// One wanted result.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ResultItem {
    /// What was asked for.
    pub wanted: Wanted,
    /// Its parts; empty when the model makes nothing for these values.
    pub content: Vec<ContentItem>,
    /// Smallest and largest corner in the model's own axes (Z up), when there is geometry.
    pub bbox: Option<([f64; 3], [f64; 3])>,
}

/// One part of a result.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ContentItem {
    /// `glb`, `data`, `stl` and so on.
    pub format: String,
    /// Registered content type of the bytes.
    pub content_type: Option<String>,
    /// Name of a data item.
    pub name: Option<String>,
    /// The content itself.
    pub body: Body,
    /// Extension for a file name, without the dot.
    pub filename_ext: Option<String>,
}

/// Content of a part.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// A file.
    Bytes(Vec<u8>),
    /// A JSON value.
    Data(serde_json::Value),
}

/// What a run cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RunStats {
    /// Wall-clock time, in milliseconds.
    pub wall_ms: u64,
    /// Processor time, in milliseconds.
    pub cpu_ms: u64,
    /// Triangles of all results.
    pub triangles: u64,
}

impl Results {
    /// Takes the bytes of all files out, in order, so that the rest can travel as a small JSON text.
    #[must_use]
    pub fn take_bodies(&mut self) -> Vec<Vec<u8>> {
        self.byte_bodies().map(std::mem::take).collect()
    }

    /// Puts back what [`Results::take_bodies`] took. Returns false, and leaves files empty, when their number differs.
    #[must_use]
    pub fn put_bodies(&mut self, bodies: Vec<Vec<u8>>) -> bool {
        if self.byte_bodies().count() != bodies.len() {
            return false;
        }
        for (place, bytes) in self.byte_bodies().zip(bodies) {
            *place = bytes;
        }
        true
    }

    fn byte_bodies(&mut self) -> impl Iterator<Item = &mut Vec<u8>> {
        self.items
            .iter_mut()
            .flat_map(|item| &mut item.content)
            .filter_map(|c| match &mut c.body {
                Body::Bytes(bytes) => Some(bytes),
                Body::Data(_) => None,
            })
    }
}

/// Which bound a run hit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitKind {
    /// [`RunLimits::wall_ms`].
    WallTime,
    /// [`RunLimits::js_memory_bytes`] or [`RunLimits::native_memory_bytes`].
    Memory,
    /// [`RunLimits::js_stack_bytes`] or [`RunLimits::csg_depth_max`].
    Recursion,
    /// [`RunLimits::triangles_max`] or [`RunLimits::leaf_triangles_max`].
    Triangles,
    /// [`RunLimits::output_bytes_max`].
    OutputBytes,
    /// [`RunLimits::segments_max`].
    Segments,
    /// [`RunLimits::log_bytes_max`].
    LogBytes,
    /// Bytes of the model file, or a bound of [`crate::limits`].
    Definition,
}

/// A bound that a run hit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
#[error("the model went over its limit ({limit:?}) in {at}: {spent}; {raise}")]
pub struct LimitExceeded {
    /// Which bound.
    pub limit: LimitKind,
    /// What was being done, for example `sphere` or `main`.
    pub at: String,
    /// How much was spent, with its unit.
    pub spent: String,
    /// What the author or the operator can do.
    pub raise: String,
}

/// Why a run gave no result.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum EngineError {
    /// The model's own code failed.
    #[error("the model's script failed{}: {message}", line_text(*.line))]
    Script {
        /// What the script said.
        message: String,
        /// Line of the model file, counted from 1.
        line: Option<u32>,
    },
    /// A bound was hit.
    #[error(transparent)]
    Limit(LimitExceeded),
    /// Nobody waited any longer.
    #[error("the computation was cancelled")]
    Cancelled,
    /// The file is not a model that this engine understands.
    #[error("the file is not a usable model: {message}")]
    BadModel {
        /// What is wrong and what to do.
        message: String,
    },
    /// The worker process ended in the middle.
    #[error("the worker process was lost: {message}")]
    WorkerLost {
        /// What is known about its end.
        message: String,
    },
    /// Too many computations wait already.
    #[error("all workers are busy and the queue is full; try again in a moment")]
    Busy,
}

fn line_text(line: Option<u32>) -> String {
    line.map_or_else(String::new, |line| format!(" in line {line}"))
}

/// A geometry engine. Both calls are bounded by the context's limits and stop soon after its cancel flag is set.
pub trait Engine: Send {
    /// Finds out what a model offers. `lineage` is the text that ids are derived from.
    ///
    /// # Errors
    /// When the file is not a model, or its code fails or goes over a limit.
    fn describe(
        &mut self,
        source: &[u8],
        filename: &str,
        lineage: &str,
        ctx: &RunContext,
    ) -> Result<Definition, EngineError>;

    /// Computes the wanted results. Equal arguments give equal bytes.
    ///
    /// # Errors
    /// When the model's code fails or goes over a limit.
    fn compute(
        &mut self,
        source: &[u8],
        definition: &Definition,
        values: &Customization,
        wanted: &[Wanted],
        ctx: &RunContext,
    ) -> Result<Results, EngineError>;
}

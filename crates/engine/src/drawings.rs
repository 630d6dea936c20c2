//! Drawings in the worker process: files of strangers are read and joined there and nowhere else.
//!
//! A job travels as the source of a model, one process for each: kind, length of the first file, both files.

mod orders;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use vitrine_access::{BlobKey, Owner};
use vitrine_drawing::DrawingError;
use vitrine_model::{
    Body, ContentItem, Customization, Definition, Engine, EngineError, LimitExceeded, LimitKind,
    OutputId, ResultItem, Results, RunContext, RunLimits, Wanted,
};

use crate::pool::{ModelSource, PoolError, WorkerPool, WorkerPoolConfig};

pub use orders::{DrawingOrder, DrawingOutcome, DrawingOutput};

/// The argument that makes a worker one for drawings.
pub const DRAWING_ARGUMENT: &str = "drawing";

/// Processes for drawings: reading one takes a moment, and a server has other things to do.
const WORKERS_MAX: usize = 2;
/// How long one job may take: the largest drawings take some seconds.
const WALL_MS_MAX: u64 = 20_000;
/// Memory of one job: two drawings of the largest size as pairs, and what is written.
const MEMORY_BYTES_MAX: u64 = 768 << 20;

const TO_DXF: u8 = 1;
const MERGE: u8 = 2;
const ORDER: u8 = 3;
/// The kind and the length of the first file.
const HEAD_BYTES: usize = 9;
/// What the one result of a job is called.
const RESULT: &str = "drawing";

/// What is to be done with drawings.
#[derive(Clone, Debug)]
pub enum DrawingJob {
    /// Reads a drawing of any form and writes it as text DXF in which every entity has a handle.
    ToDxf(Bytes),
    /// Joins what an editor sent into the drawing that it was made from.
    Merge {
        /// The drawing, of any form.
        base: Bytes,
        /// What the editor sent, text DXF.
        sent: Bytes,
    },
    /// Runs a script, or writes the drawing in another form.
    Order(Bytes, DrawingOrder),
}

impl DrawingJob {
    fn to_source(&self) -> Vec<u8> {
        let (kind, base, sent) = match self {
            Self::ToDxf(base) => (TO_DXF, base, Bytes::new()),
            Self::Merge { base, sent } => (MERGE, base, sent.clone()),
            Self::Order(base, order) => (ORDER, base, order.to_json().into()),
        };
        let mut source = Vec::with_capacity(HEAD_BYTES + base.len() + sent.len());
        source.push(kind);
        source.extend_from_slice(&(base.len() as u64).to_be_bytes());
        source.extend_from_slice(base);
        source.extend_from_slice(&sent);
        source
    }
}

impl WorkerPoolConfig {
    /// The same for drawings: few workers, one run for each process, and the bounds of drawings.
    #[must_use]
    pub fn for_drawings(self) -> Self {
        Self {
            workers: self.workers.min(WORKERS_MAX),
            limits: RunLimits {
                wall_ms: WALL_MS_MAX,
                js_memory_bytes: 0,
                native_memory_bytes: MEMORY_BYTES_MAX,
                output_bytes_max: vitrine_drawing::limits::OUTPUT_BYTES_MAX as u64,
                ..self.limits
            },
            recycle_after_runs: 1,
            openscad: None,
            ..self
        }
    }
}

/// Workers for drawings. Each process does one job.
#[derive(Debug)]
pub struct DrawingPool {
    pool: WorkerPool,
}

impl DrawingPool {
    /// Starts the pool; see [`WorkerPoolConfig::for_drawings`].
    ///
    /// # Errors
    /// As [`WorkerPool::start`].
    pub fn start(config: WorkerPoolConfig) -> Result<Self, PoolError> {
        WorkerPool::start(config).map(|pool| Self { pool })
    }

    /// Does one job and returns the drawing as text DXF. `owner` keeps the line fair.
    ///
    /// # Errors
    /// [`EngineError::BadModel`] for files that cannot be used, [`EngineError::Limit`] beyond a bound,
    /// and those of the pool.
    pub async fn run(&self, job: &DrawingJob, owner: Owner) -> Result<Vec<u8>, EngineError> {
        let source = job.to_source();
        let source = ModelSource {
            key: BlobKey::of(&source),
            lineage: String::new(),
            filename: RESULT.to_owned(),
            bytes: source.into(),
            wall_ms_max: None,
            output_bytes_max: None,
            export_bytes_max: None,
        };
        let definition = Definition::default();
        let values = Customization::defaults(&definition);
        let wanted = vec![Wanted::Output(OutputId::derive("", RESULT))];
        let computed = self
            .pool
            .compute(
                source,
                owner,
                Arc::new(definition),
                Arc::new(values),
                wanted,
            )
            .await?;
        let item = computed.items.into_iter().next();
        match item.and_then(|item| item.content.into_iter().next()) {
            Some(ContentItem {
                body: Body::Bytes(bytes),
                ..
            }) => Ok(bytes),
            _ => Err(EngineError::WorkerLost {
                message: "it answered without a drawing".to_owned(),
            }),
        }
    }

    /// Does what is ordered with a drawing; see [`Self::run`].
    ///
    /// # Errors
    /// As [`Self::run`]; a script that cannot be done is [`EngineError::BadModel`].
    pub async fn run_order(
        &self,
        drawing: Bytes,
        order: DrawingOrder,
        owner: Owner,
    ) -> Result<DrawingOutcome, EngineError> {
        let packed = self.run(&DrawingJob::Order(drawing, order), owner).await?;
        orders::unpacked(&packed.into()).ok_or_else(|| EngineError::WorkerLost {
            message: "it answered without files".to_owned(),
        })
    }

    /// Ends the workers.
    pub async fn shutdown(&self) {
        self.pool.shutdown().await;
    }
}

/// The engine of a worker for drawings.
#[derive(Debug, Default)]
pub struct DrawingEngine;

impl Engine for DrawingEngine {
    fn describe(
        &mut self,
        _source: &[u8],
        _filename: &str,
        _lineage: &str,
        _ctx: &RunContext,
    ) -> Result<Definition, EngineError> {
        Ok(Definition::default())
    }

    fn compute(
        &mut self,
        source: &[u8],
        _definition: &Definition,
        _values: &Customization,
        wanted: &[Wanted],
        _ctx: &RunContext,
    ) -> Result<Results, EngineError> {
        // The library was made for files that people made; one that makes it fail is refused like others.
        let dxf = catch_unwind(AssertUnwindSafe(|| done(source)))
            .unwrap_or_else(|_| Err(broken("reading it failed, so it is damaged")))?;
        let items = wanted.first().map(|wanted| ResultItem {
            wanted: wanted.clone(),
            content: vec![ContentItem {
                format: "dxf".to_owned(),
                content_type: None,
                name: None,
                body: Body::Bytes(dxf),
                filename_ext: None,
            }],
            bbox: None,
        });
        Ok(Results {
            items: Vec::from_iter(items),
            ..Results::default()
        })
    }
}

fn done(source: &[u8]) -> Result<Vec<u8>, EngineError> {
    let (head, files) = source
        .split_first_chunk::<HEAD_BYTES>()
        .ok_or_else(|| broken("the job is cut off"))?;
    let [kind, length @ ..] = head;
    let length = usize::try_from(u64::from_be_bytes(*length)).unwrap_or(usize::MAX);
    let (base, sent) = files
        .split_at_checked(length)
        .ok_or_else(|| broken("the job is cut off"))?;
    match *kind {
        TO_DXF => vitrine_drawing::normalised(base)
            .map(std::borrow::Cow::into_owned)
            .map_err(refused),
        MERGE => {
            let base = vitrine_drawing::normalised(base).map_err(refused)?;
            let merged = vitrine_drawing::merge(&base, sent).map_err(refused)?;
            Ok(merged.dxf)
        }
        ORDER => orders::done(base, sent)
            .unwrap_or_else(|| Err(DrawingError::Script("the order cannot be read".to_owned())))
            .map_err(refused),
        _ => Err(broken("the job is of no known kind")),
    }
}

fn broken(message: &str) -> EngineError {
    EngineError::BadModel {
        message: message.to_owned(),
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that map_err asks for"
)]
fn refused(error: DrawingError) -> EngineError {
    match error {
        DrawingError::Unreadable(_) | DrawingError::Script(_) => broken(&error.to_string()),
        DrawingError::TooLarge { what, max } => EngineError::Limit(LimitExceeded {
            limit: LimitKind::OutputBytes,
            at: what.to_owned(),
            spent: format!("more than {max}"),
            raise: "divide the drawing".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DXF: &[u8] = b"0\nSECTION\n2\nHEADER\n9\n$HANDSEED\n5\n10\n0\nENDSEC\n0\nSECTION\n2\nENTITIES\n0\nENDSEC\n0\nEOF\n";

    #[test]
    fn a_job_arrives_as_it_was_sent() {
        let job = DrawingJob::ToDxf(Bytes::from_static(DXF));
        assert_eq!(done(&job.to_source()).unwrap(), DXF);
    }

    #[test]
    fn what_is_no_job_is_refused() {
        for wrong in [&b""[..], b"\x01", &[1; 9], &[9, 0, 0, 0, 0, 0, 0, 0, 0]] {
            assert!(matches!(done(wrong), Err(EngineError::BadModel { .. })));
        }
    }
}

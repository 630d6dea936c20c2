//! What the server and a worker say to each other.
//!
//! ```text
//! worker                      server
//!   Ready            ->                    once, before anything else
//!                    <-       Load         once: binds the process to one model of one owner
//!                    <-       Describe | Compute
//!   Described | Computed | Failed ->       exactly one for each run
//!                    <-       Cancel       any time; means the named run and no other
//! ```
//!
//! The end of the worker's input is its order to stop at once.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitrine_model::{Customization, Definition, EngineError, Results, RunLimits, RunStats, Wanted};

use super::frame::MessageBounds;

/// Bounds of what a worker accepts.
pub const REQUEST_BOUNDS: MessageBounds = MessageBounds {
    // A definition (4 MiB at most) with values for all its parameters, long texts included.
    header_bytes_max: 64 * 1024 * 1024,
    // The model's source; later one more for each file parameter.
    attachments_max: 1 + vitrine_model::limits::PARAMETERS_MAX,
    // A model file and the files that its parameters take, within the address space of a worker.
    attachment_bytes_max: 512 * 1024 * 1024,
};

/// Content items of one run: every output and export with a few parts each.
const CONTENT_ITEMS_MAX: usize = 4096;

/// Bytes of a header that a worker sends: JSON data outputs, or a definition.
const RESPONSE_HEADER_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Bounds of what the server accepts from a worker that runs under these limits.
#[must_use]
pub fn response_bounds(limits: &RunLimits) -> MessageBounds {
    MessageBounds {
        header_bytes_max: RESPONSE_HEADER_BYTES_MAX,
        attachments_max: CONTENT_ITEMS_MAX,
        attachment_bytes_max: usize::try_from(limits.output_bytes_max).unwrap_or(usize::MAX),
    }
}

/// What the server asks of a worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Binds the worker to a model. The source is the only attachment.
    Load {
        /// SHA-256 of the source, for messages.
        key: String,
        /// Name of the model file; its extension chooses the language.
        filename: String,
        /// The text that ids are derived from.
        lineage: String,
        /// Bounds of every run; those of memory hold for the whole process.
        limits: RunLimits,
    },
    /// Asks what the model offers.
    Describe {
        /// Number of the run.
        run: u64,
        /// Wall-clock bound of this run, in milliseconds.
        wall_ms: u64,
    },
    /// Asks for results.
    Compute {
        /// Number of the run.
        run: u64,
        /// Wall-clock bound of this run, in milliseconds.
        wall_ms: u64,
        /// What `Describe` found.
        definition: Arc<Definition>,
        /// A value for every parameter.
        values: Arc<Customization>,
        /// The results that are asked for.
        wanted: Vec<Wanted>,
    },
    /// Says that nobody waits for a run any more.
    Cancel {
        /// Number of the run.
        run: u64,
    },
}

/// What a worker answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Response {
    /// The worker is confined and waits for a model.
    Ready {
        /// The version of the worker's engine.
        engine: String,
        /// The layers of containment that are in force.
        layers: Vec<String>,
    },
    /// Answer to [`Request::Describe`].
    Described {
        /// Number of the run.
        run: u64,
        /// What the model offers.
        definition: Definition,
        /// What the run cost.
        stats: RunStats,
    },
    /// Answer to [`Request::Compute`]. The attachments are the files of the results, in order.
    Computed {
        /// Number of the run.
        run: u64,
        /// The results, with empty files.
        results: Results,
    },
    /// The run gave no result.
    Failed {
        /// Number of the run.
        run: u64,
        /// Why.
        error: EngineError,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::frame::{read_message, write_message};

    fn on_the_wire<T: Serialize>(body: &T, attachments: &[&[u8]]) -> String {
        let mut out = Vec::new();
        write_message(&mut out, body, attachments, &REQUEST_BOUNDS).unwrap();
        String::from_utf8(out[4..].to_vec()).unwrap()
    }

    #[test]
    fn requests_keep_their_wire_form() {
        let load = Request::Load {
            key: "00ff".into(),
            filename: "shelf.js".into(),
            lineage: "l1".into(),
            limits: RunLimits::default(),
        };
        assert_eq!(
            on_the_wire(&load, &[b"src"]),
            concat!(
                r#"{"protocol":1,"attachments":[3],"body":{"load":{"key":"00ff","filename":"shelf.js","#,
                r#""lineage":"l1","limits":{"wall_ms":30000,"js_memory_bytes":268435456,"#,
                r#""js_stack_bytes":524288,"native_memory_bytes":805306368,"triangles_max":2000000,"#,
                r#""leaf_triangles_max":300000,"segments_max":1000,"csg_depth_max":1000,"#,
                r#""output_bytes_max":268435456,"log_bytes_max":65536}}}}"#,
                "\0\0\0\u{3}src"
            )
        );
        assert_eq!(
            on_the_wire(&Request::Describe { run: 7, wall_ms: 5 }, &[]),
            r#"{"protocol":1,"attachments":[],"body":{"describe":{"run":7,"wall_ms":5}}}"#
        );
        assert_eq!(
            on_the_wire(&Request::Cancel { run: 7 }, &[]),
            r#"{"protocol":1,"attachments":[],"body":{"cancel":{"run":7}}}"#
        );
    }

    #[test]
    fn responses_keep_their_wire_form() {
        let ready = Response::Ready {
            engine: "e1".into(),
            layers: vec!["rlimits".into()],
        };
        assert_eq!(
            on_the_wire(&ready, &[]),
            r#"{"protocol":1,"attachments":[],"body":{"ready":{"engine":"e1","layers":["rlimits"]}}}"#
        );
        let failed = Response::Failed {
            run: 1,
            error: EngineError::Cancelled,
        };
        assert_eq!(
            on_the_wire(&failed, &[]),
            r#"{"protocol":1,"attachments":[],"body":{"failed":{"run":1,"error":"cancelled"}}}"#
        );
    }

    #[test]
    fn a_request_with_an_unknown_member_is_refused() {
        let text = r#"{"protocol":1,"attachments":[],"body":{"cancel":{"run":7,"hard":true}}}"#;
        let mut bytes = vec![0, 0, 0, u8::try_from(text.len()).unwrap()];
        bytes.extend_from_slice(text.as_bytes());
        assert!(read_message::<Request>(&mut bytes.as_slice(), &REQUEST_BOUNDS).is_err());
    }
}

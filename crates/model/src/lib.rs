//! A parametric model, seen from outside: its parameters and their values, its outputs and exports, the versions that
//! name computed results, and the contract that a geometry engine fulfils.
//!
//! This crate is pure. It reads no clock, opens no file and knows no runtime; everything in it can be tested with plain
//! values.

pub mod customization;
pub mod definition;
pub mod engine;
mod error;
mod hash;
pub mod ids;
pub mod limits;
pub mod overrides;
pub mod parameter;
mod validate;
mod value;
pub mod version;

pub use customization::{Customization, resolve, resolve_over};
pub use definition::{Definition, Export, ExportFormat, ExportSource, Output, OutputKind};
pub use engine::{
    Body, CancelFlag, ContentItem, Engine, EngineError, LimitExceeded, LimitKind, ResultItem,
    Results, RunContext, RunLimits, RunStats, Wanted,
};
pub use error::{DefinitionError, ParameterError, ParameterProblem};
pub use ids::{ExportId, IdError, OutputId, ParameterId};
pub use overrides::Overrides;
pub use parameter::{Group, Parameter, ParameterKind, decimals_needed, round_to_decimals};
pub use value::{RawValue, Value};
pub use version::{Version, export_version, output_version};

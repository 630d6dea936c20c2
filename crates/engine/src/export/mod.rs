//! Writers for the files that models give away. All of them are pure functions from a [`Scene`] to bytes, and equal
//! scenes give equal bytes.

mod error;
mod mesh;

pub use error::ExportError;
pub use mesh::{IndexedMesh, Material, Outline2d, Part, Path, Scene, SceneSolid};

/// Smallest and largest corner in the model's own axes (Z up).
pub type Bounds = ([f64; 3], [f64; 3]);

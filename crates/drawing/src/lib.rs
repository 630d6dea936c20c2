//! DXF and DWG: read, convert, merge, write.
//!
//! Drawings come from strangers, so all of this runs in the caged worker process and nowhere else. What a
//! text DXF file holds is merged as the pairs that stand in it, so that nothing is lost for not being
//! understood; only DWG files, binary DXF files and those without handles go through a library.

mod convert;
mod dxf;
mod encoding;
mod entity;
pub mod limits;
mod merge;
mod plot;
pub mod script;
mod tables;
mod unfold;

pub use convert::{Release, normalised, to_dxf};
pub use merge::{Merged, merge};

/// Why a drawing cannot be used. The sentences are for the person who has the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DrawingError {
    /// It is no drawing, or a broken one.
    #[error("the file cannot be read as a drawing: {0}")]
    Unreadable(String),
    /// A script asks for what cannot be done.
    #[error("the script cannot be done: {0}")]
    Script(String),
    /// It is larger than what is taken.
    #[error("the drawing has more than {max} {what}")]
    TooLarge {
        /// Of what there is too much.
        what: &'static str,
        /// The bound.
        max: usize,
    },
}

impl DrawingError {
    fn unreadable(why: impl Into<String>) -> Self {
        Self::Unreadable(why.into())
    }
}

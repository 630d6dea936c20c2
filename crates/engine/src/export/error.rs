//! Why a scene could not be written.

/// A scene that a format cannot hold, with what to do about it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ExportError {
    /// There is nothing of the kind that the format holds.
    #[error(
        "the result holds nothing that a {format} file can show: it needs {needs}. Check what the model returns for these values"
    )]
    Empty {
        /// File name extension.
        format: &'static str,
        /// What the format shows.
        needs: &'static str,
    },
    /// A number that is not finite or cannot be written.
    #[error(
        "{place} has a coordinate that is not a usable number; check the model for divisions by zero or huge values"
    )]
    NotFinite {
        /// Which part of the scene.
        place: String,
    },
    /// Lists of one part that do not fit each other.
    #[error("{place} is inconsistent: {problem}")]
    Inconsistent {
        /// Which part of the scene.
        place: String,
        /// What does not fit.
        problem: &'static str,
    },
    /// A body that does not enclose a volume.
    #[error(
        "{place} is not closed ({open_edges} edges are not shared by exactly two triangles), so a {format} file of it could not be made; build it from closed bodies"
    )]
    Open {
        /// Which body.
        place: String,
        /// File name extension.
        format: &'static str,
        /// Edges that are not shared by exactly two triangles.
        open_edges: usize,
    },
    /// A body that no longer encloses a volume once it is rounded to the precision of the format.
    #[error(
        "{place} does not stay closed in the precision of a {format} file ({open_edges} edges); make its details larger than {detail} or export 3MF, which keeps full precision"
    )]
    Rounding {
        /// Which body.
        place: String,
        /// File name extension.
        format: &'static str,
        /// Edges that are not shared by exactly two triangles after rounding.
        open_edges: usize,
        /// Smallest detail that survives for certain, in model units.
        detail: String,
    },
    /// More than the format can count.
    #[error("the result is too large for a {format} file: {problem}")]
    TooLarge {
        /// File name extension.
        format: &'static str,
        /// What is too much.
        problem: &'static str,
    },
    /// A library refused.
    #[error("the {format} file could not be written: {message}")]
    Writer {
        /// File name extension.
        format: &'static str,
        /// What the library said.
        message: String,
    },
}

//! Bounds of the drawing editor, each with its reason.

/// Bytes of a drawing. Reading one takes some ten times its size in memory, in a worker that has half a
/// gigabyte; ordinary drawings have a tenth of this.
pub const DRAWING_BYTES_MAX: u64 = 32 << 20;

/// Versions of one drawing. Saving by itself every minute of a working day makes some five hundred.
pub const DRAWING_VERSIONS_MAX: u32 = 10_000;

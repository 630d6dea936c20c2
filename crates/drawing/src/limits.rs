//! Bounds, each with its reason.

/// Pairs of one drawing. Each takes 24 bytes; a merge holds two drawings within half a gigabyte.
pub const PAIRS_MAX: usize = 6_000_000;

/// Bytes that a DWG file may unpack to. Drawings unpack to some five times their size.
pub const UNPACKED_BYTES_MAX: usize = 192 << 20;

/// Faces, and corners of faces, of one mesh in a DWG file.
pub const MESH_FACES_MAX: usize = 1_000_000;

/// Entities of a drawing once its blocks are unfolded, as every program that shows it has to: more than a browser
/// can hold.
pub const UNFOLDED_MAX: u64 = 2_000_000;

/// Blocks inside each other. People nest a handful; programs that show drawings follow them by recursion.
pub const BLOCK_DEPTH_MAX: usize = 64;

/// Bytes of a drawing that is handed out or stored.
pub const OUTPUT_BYTES_MAX: usize = 96 << 20;

/// Characters of what a library says about a broken file.
pub const REASON_CHARS_MAX: usize = 300;

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

/// Lines and curves of one page, blocks counted as often as they are inserted. Each takes 40 bytes.
pub const PLOT_STEPS_MAX: usize = 4_000_000;

/// Blocks one inside the other on a page. People go some five deep; blocks that hold themselves never end.
pub const PLOT_NESTING_MAX: usize = 32;

/// Bytes of a script. People write some lines, programs some hundred.
pub const SCRIPT_BYTES_MAX: usize = 65_536;

/// Commands of a script: each takes two bytes at least.
pub const SCRIPT_COMMANDS_MAX: usize = 10_000;

/// Files that a script writes: some forms of one drawing.
pub const SCRIPT_OUTPUTS_MAX: usize = 10;

/// Bytes of a name that a script gives: what file systems take, and what layers have.
pub const SCRIPT_NAME_BYTES_MAX: usize = 200;

/// Layers of a drawing that a script adds to.
pub const SCRIPT_LAYERS_MAX: usize = 10_000;

/// Entities of a drawing that a script adds to.
pub const SCRIPT_ENTITIES_MAX: usize = 1_000_000;

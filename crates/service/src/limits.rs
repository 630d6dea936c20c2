//! Bounds of the drawing editor, each with its reason.

/// Bytes of a drawing. Reading one takes some ten times its size in memory, in a worker that has half a
/// gigabyte; ordinary drawings have a tenth of this.
pub const DRAWING_BYTES_MAX: u64 = 32 << 20;

/// Versions of one drawing. Saving by itself every minute of a working day makes some five hundred.
pub const DRAWING_VERSIONS_MAX: u32 = 10_000;

/// Script jobs of one partner that are neither done nor given up.
pub const SCRIPT_JOBS_OPEN_MAX: u32 = 100;

/// Script jobs that one node does at once: they wait for other servers more than they compute.
pub const SCRIPT_JOBS_AT_ONCE: usize = 4;

/// Script jobs in worker processes of one node at once: the others are for people who open drawings.
pub const SCRIPT_JOBS_IN_WORKERS_MAX: usize = 1;

/// Bytes of a script; the worker takes as many.
pub const SCRIPT_BYTES_MAX: u64 = 65_536;

/// Bytes of a partner's list of commands: some thousand of them.
pub const COMMAND_LIST_BYTES_MAX: u64 = 262_144;

/// Bytes of a workspace file: menus and windows of one arrangement.
pub const WORKSPACE_BYTES_MAX: u64 = 262_144;

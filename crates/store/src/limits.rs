//! Every bound of this room, each with its reason.

use std::time::Duration;

/// Appends that may wait for the writer. At 2,000 appends a second this is two seconds of backlog;
/// beyond that callers wait, which slows the clients down instead of filling the memory.
pub const APPEND_QUEUE_MAX: usize = 4096;

/// Appends in one flush. More would make the first caller of a batch wait noticeably for the last,
/// while the cost of the flush is already spread over hundreds.
pub const APPEND_BATCH_MAX: usize = 256;

/// Rows of one append (a session with its usage, one flush of idle times). Callers split larger lists.
pub const APPEND_ROWS_MAX: usize = 4096;

/// Read connections. `SQLite` reads are microseconds and each connection costs a thread and a cache,
/// so a few are enough; an idle server has to stay small.
pub const READ_CONNECTIONS: u32 = 4;

/// Write connections on `PostgreSQL`. `SQLite` always has exactly one.
pub const WRITE_CONNECTIONS: u32 = 8;

/// How long a statement waits for another writer's lock before it is given up as busy.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Rows that one list call answers at most, whatever the caller asks for: the largest page of the
/// Geometry API is 100, the command line's is this.
pub const LIST_ROWS_MAX: u32 = 1000;

/// Live sessions of one model that are read at once, which bounds the memory of one revocation.
pub const LIVE_SESSIONS_MAX: u32 = 10_000;

/// Audit rows of one request. A request makes a handful of decisions; this stops a runaway.
pub const AUDIT_ROWS_PER_REQUEST_MAX: u32 = 100;

/// Revoked tokens that are read at once; tokens live minutes, so a longer list means an attack or a
/// mistake, and single look-ups still answer exactly.
pub const REVOKED_TOKENS_MAX: u32 = 100_000;

/// Rows that the change log keeps. A reader that is further behind sees the gap and empties its
/// caches, so older rows serve nobody.
pub const CHANGE_LOG_ROWS_MAX: i64 = 100_000;

/// Longest text searched for in the list of models, in bytes. Names are shorter.
pub const SEARCH_BYTES_MAX: usize = 200;

/// Largest blob in bytes (1 GiB), above every limit that a model may be given.
pub const BLOB_BYTES_MAX: u64 = 1 << 30;

/// Bytes of one piece of a streamed blob: large enough that a change of thread costs little, small
/// enough that a thousand slow downloads need no more than this each.
pub const STREAM_PIECE_BYTES: u64 = 256 * 1024;

/// Models or accounts whose metrics one question reads: twice the largest catalogue that is planned for.
pub const METRIC_ACCOUNTS_MAX: usize = 20_000;

/// Usage rows that one transaction adds to the sums that are kept. It holds the only write lock of `SQLite`:
/// at the default of the caller it is some milliseconds, at this bound a second, which only tests take.
pub const ROLLUP_ROWS_MAX: u32 = 4_096;

/// Owners and administrators of an organization who are told what happens to it: a team of people.
pub const NOTICE_RECEIVERS_MAX: u32 = 50;

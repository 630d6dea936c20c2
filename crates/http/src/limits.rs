//! Bounds of this crate, each with its reason.

use std::time::Duration;

/// Largest JSON body. A thousand parameters with a kilobyte each fit; drawings in text form do too.
pub const JSON_BODY_BYTES_MAX: usize = 1 << 20;

/// Deepest nesting of a JSON body. The deepest documented body has six levels; viewer settings and
/// free objects go somewhat deeper, and a parser's stack stays small.
pub const JSON_DEPTH_MAX: usize = 32;

/// Most members and items of one JSON body together: bounds the work of looking for duplicates.
pub const JSON_NODES_MAX: usize = 50_000;

/// Longest query string. The longest documented one has three members; page addresses fit too.
pub const QUERY_BYTES_MAX: usize = 4096;

/// Largest request body of any operation, whatever the operation itself allows: uploads of model
/// files are the largest, and the service bounds each by its own setting below this.
pub const BODY_BYTES_MAX: u64 = 64 << 20;

/// How long a request may take until its answer begins. Computations answer "not yet" long before.
pub const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);

/// Longest name in a `Content-Disposition` header, in characters; file systems allow 255 bytes.
pub const FILENAME_CHARS_MAX: usize = 120;

/// How long browsers may remember the answer to a preflight. Chromium caps it at this value.
pub const PREFLIGHT_MAX_AGE_S: u32 = 7200;

/// Seconds after which to try again when nothing better is known. Official clients wait a minute
/// without the header.
pub const RETRY_AFTER_S_DEFAULT: u64 = 2;

/// How long an upload may take: the largest model file over a line of 150 kbit/s.
pub const UPLOAD_TIMEOUT: Duration = Duration::from_mins(15);

/// Longest name of a cookie or query member that may hold a credential, in a proxy's configuration.
pub const CREDENTIAL_NAME_BYTES_MAX: usize = 64;

/// Longest list of permissions in an answer to a proxy. All 43 fit; nginx reads answers' headers into
/// 4 KiB unless told otherwise.
pub const PERMISSIONS_HEADER_BYTES_MAX: usize = 2048;

/// Largest body that renews the load of an iframe page: a sealed load is 200 bytes.
pub const PAGE_LOAD_BYTES_MAX: usize = 1024;

/// Largest form of `/oauth/introspect` and `/oauth/revoke`: a token, a hint and the names of both; of
/// `/oauth/revoke-user`: what a back end calls a user.
pub const OAUTH_BODY_BYTES_MAX: usize = 4096;

/// Largest body that opens an editor session: one token and the name of its member.
pub const EDITOR_OPEN_BYTES_MAX: usize = 1024;

/// Most rows of one page of the platform: a page's answer stays below a megabyte.
pub const PLATFORM_PAGE_ROWS_MAX: u32 = 100;

/// Filters of one list query; official clients send four or five.
pub const PLATFORM_FILTERS_MAX: usize = 20;

/// Values of one filter: a page of ids.
pub const PLATFORM_FILTER_VALUES_MAX: usize = 100;

/// Bytes of a filter's name or text. Titles are shorter.
pub const PLATFORM_FILTER_BYTES_MAX: usize = 400;

//! Bodies of the editor's operations.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vitrine_service::editor::{EditorState, Lease};

use crate::error::ApiError;

/// What opens a session.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenEditor {
    /// The editor token.
    #[serde(default)]
    pub(super) apitoken: Option<String>,
}

/// A session's state.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EditorSession {
    /// The session, shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    /// From when on it is over, seconds since 1970.
    expires: i64,
    /// `edit` or `view`.
    access: &'static str,
    /// The drawing's name for people.
    title: String,
    /// The harmless parameters.
    parameters: PageParameters,
    /// Which parts of the page the partner's workspace file shows.
    layout: LayoutBody,
    /// The commands that the page around may run, in upper case; null for all that the editor has.
    commands: Option<Vec<String>>,
    /// Pages that may frame the editor and talk to it.
    origins: Vec<String>,
    /// Who may save at the moment.
    lease: LeaseBody,
    /// Entity tag of the newest version.
    etag: String,
    /// Where the page may be loaded again without its token.
    address: String,
}

/// The parameters that the page has a use for.
#[derive(Debug, Serialize, ToSchema)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a parameter of the editor by its own name"
)]
struct PageParameters {
    /// Language of the page.
    locale: Option<String>,
    /// Whether it is laid out for small screens.
    mobile: bool,
    /// Whether model space is white.
    whitebackground: bool,
    /// Name of the arrangement of tools.
    workspace: Option<String>,
    /// Whether only an explicit command saves.
    autosavedisabled: bool,
    /// Whether the page shows what it does.
    debug: bool,
}

/// Parts of the page; null for what the workspace file does not speak of.
#[derive(Debug, Serialize, ToSchema)]
struct LayoutBody {
    /// The command line.
    commandline: Option<bool>,
    /// The panel with layers and properties, when the page opens.
    panel: Option<bool>,
    /// The coordinates under the pointer.
    coordinates: Option<bool>,
}

/// Who may save.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LeaseBody {
    /// Whether it is this session.
    held: bool,
    /// The name of the other one who may.
    by: Option<String>,
    /// How long that holds without a sign of life.
    seconds: u64,
}

/// The answer about a lease.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LeaseAnswer {
    /// Who may save now.
    pub(super) lease: LeaseBody,
}

/// What was saved.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SavedBody {
    /// Entity tag of the newest version.
    pub(super) etag: String,
    /// Its number.
    pub(super) version: u32,
}

/// What was saved beside the newest version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StaleBody {
    /// What was wrong and what to do.
    pub(super) message: String,
    /// Always `drawing-stale`.
    pub(super) code: &'static str,
    /// Entity tag of the newest version.
    pub(super) etag: String,
    /// Number of the version that was sent.
    pub(super) kept: u32,
    /// Where the cause is explained.
    pub(super) doc: String,
}

/// A refusal or a failure.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EditorError {
    /// What was wrong and what to do.
    message: String,
    /// Stable name of the exact cause.
    code: &'static str,
    /// The request, as the log names it.
    #[serde(rename = "requestId", skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// Where the cause is explained.
    doc: String,
}

impl From<Lease> for LeaseBody {
    fn from(lease: Lease) -> Self {
        Self {
            held: lease.held,
            by: lease.by,
            seconds: lease.seconds,
        }
    }
}

impl EditorSession {
    pub(super) fn new(session: Option<String>, state: EditorState) -> Self {
        let page = state.page;
        Self {
            session,
            expires: state.expires_at.unix_s(),
            access: state.access.as_str(),
            title: state.title,
            parameters: PageParameters {
                locale: page.locale,
                mobile: page.mobile,
                whitebackground: page.white_background,
                workspace: page.workspace,
                autosavedisabled: page.autosave_disabled,
                debug: page.debug,
            },
            layout: LayoutBody {
                commandline: state.layout.command_line,
                panel: state.layout.panel,
                coordinates: state.layout.coordinates,
            },
            commands: state.commands,
            origins: state.origins,
            lease: state.lease.into(),
            etag: state.etag.to_string(),
            address: state.address,
        }
    }
}

/// The status of the table, with the three texts that the page needs.
pub(crate) fn refusal(error: &ApiError) -> Response {
    let row = error.kind().row();
    let body = EditorError {
        message: error.message().to_owned(),
        code: row.code,
        request_id: error.request_id().map(|id| id.to_string()),
        doc: format!("/docs/errors#{}", row.code),
    };
    (row.status, Json(body)).into_response()
}

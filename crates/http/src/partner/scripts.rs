//! `GET` and `POST /startScriptJob`, `GET /scriptJobStatus`. The answers are texts, as the contract has them;
//! the status is JSON for whoever asks for it.

use axum::Json;
use axum::extract::State;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use vitrine_access::refusal::RefusalKind;
use vitrine_service::Services;
use vitrine_service::editor::{ScriptJobStatus, ScriptOutput};
use vitrine_service::who::Caller;

use super::credentials::{self, NotOneText, X_API_TOKEN, single};
use super::wire::Refused;
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::Tokenless;
use crate::limits::QUERY_BYTES_MAX;

const NO_STORE: &str = "no-store";
const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
/// The token, in a URL: what back ends have to do that cannot send headers.
const APITOKEN: &str = "apitoken";
/// The application id, which a token has already: it changes nothing beside one.
const AUTH: &str = "auth";
const JOB_ID: &str = "jobId";

/// How a script job goes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobStatus {
    /// `waiting`, `running`, `done` or `failed`.
    status: &'static str,
    /// Why it failed, or why its last attempt did.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// What it wrote.
    outputs: Vec<JobOutput>,
}

/// A file that a job wrote.
#[derive(Debug, Serialize, ToSchema)]
struct JobOutput {
    /// Name of the object in the content bucket, or of the file that the API server got.
    name: String,
    /// How many bytes.
    bytes: u64,
    /// The id that the API server gave it, for one that it got.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

/// Starts the script job that a token names. What is to be done stands in the token's parameters and nowhere
/// else. Browsers are refused.
#[utoipa::path(
    get, path = "/startScriptJob", operation_id = "StartScriptJob", tag = "script jobs",
    params(
        ("apitoken" = Option<String>, Query, description = "The token, instead of the header x-api-token")
    ),
    responses(
        (status = 200, description = "`JobID::` and the job's id", body = String, content_type = "text/plain"),
        (status = 403, description = "The token is wrong, or names no job", body = Refused)
    ),
    security(("EditorToken" = []))
)]
pub(crate) async fn start(
    State(services): State<Services>,
    Tokenless(caller): Tokenless,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiError> {
    started(&services, "StartScriptJob", &caller, &headers, &uri)
        .await
        .map_err(in_form)
}

/// The same by `POST`.
#[utoipa::path(
    post, path = "/startScriptJob", operation_id = "PostScriptJob", tag = "script jobs",
    params(
        ("apitoken" = Option<String>, Query, description = "The token, instead of the header x-api-token")
    ),
    responses(
        (status = 200, description = "`JobID::` and the job's id", body = String, content_type = "text/plain"),
        (status = 403, description = "The token is wrong, or names no job", body = Refused)
    ),
    security(("EditorToken" = []))
)]
pub(crate) async fn post(
    State(services): State<Services>,
    Tokenless(caller): Tokenless,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiError> {
    started(&services, "PostScriptJob", &caller, &headers, &uri)
        .await
        .map_err(in_form)
}

async fn started(
    services: &Services,
    operation: &str,
    caller: &Caller,
    headers: &HeaderMap,
    uri: &Uri,
) -> Result<Response, ApiError> {
    if credentials::is_browser(headers) {
        return Ok(services.refuse_browser(operation, caller)?);
    }
    let members = members(uri)?;
    for (name, _) in &members {
        if ![APITOKEN, AUTH].contains(&name.as_str()) {
            return Err(invalid(
                "What is to be done stands in the token: generate one with these parameters, and send nothing \
                 beside apitoken.",
            ));
        }
    }
    let unclear = || {
        let error = ApiError::new(
            ErrorKind::Refused(RefusalKind::EditorTokenInvalid),
            "Wrong token: send one header x-api-token, or one parameter apitoken.",
        );
        credentials::noted(services, operation, caller, error)
    };
    let header = single(headers, X_API_TOKEN).map_err(|NotOneText| unclear())?;
    let token = match (header, one(&members, APITOKEN)) {
        (_, Err(NotOneText)) | (Some(_), Ok(Some(_))) => return Err(unclear()),
        (Some(token), Ok(None)) => Some(token),
        (None, Ok(token)) => token,
    };
    let job = services.start_script_job(operation, token, caller).await?;
    Ok(text(format!("JobID::{}", job.reveal())))
}

/// How a script job goes. Browsers are refused.
#[utoipa::path(
    get, path = "/scriptJobStatus", operation_id = "GetScriptJobStatus", tag = "script jobs",
    params(
        ("jobId" = String, Query, description = "What starting the job returned"),
        ("auth" = Option<String>, Query, description = "The partner's application id")
    ),
    responses(
        (status = 200, description = "`Job Status::` and a word; JSON for `Accept: application/json`", body = JobStatus),
        (status = 403, description = "There is no such job", body = Refused)
    ),
    security(("ScriptJob" = []))
)]
pub(crate) async fn status(
    State(services): State<Services>,
    Tokenless(caller): Tokenless,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiError> {
    looked(&services, &caller, &headers, &uri)
        .await
        .map_err(in_form)
}

async fn looked(
    services: &Services,
    caller: &Caller,
    headers: &HeaderMap,
    uri: &Uri,
) -> Result<Response, ApiError> {
    const OPERATION: &str = "GetScriptJobStatus";
    if credentials::is_browser(headers) {
        return Ok(services.refuse_browser(OPERATION, caller)?);
    }
    let members = members(uri)?;
    let unclear = |NotOneText| invalid("Send jobId once, and auth at most once.");
    let id = one(&members, JOB_ID).map_err(unclear)?;
    let app_id = one(&members, AUTH).map_err(unclear)?;
    let status = services
        .script_job_status(OPERATION, id, app_id, caller)
        .await?;
    let wants_json = headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains(JSON));
    if wants_json {
        return Ok(([(CACHE_CONTROL, NO_STORE)], Json(JobStatus::from(status))).into_response());
    }
    Ok(text(format!("Job Status::{}", status.state.as_str())))
}

impl From<ScriptJobStatus> for JobStatus {
    fn from(status: ScriptJobStatus) -> Self {
        let output = |output: ScriptOutput| JobOutput {
            name: output.name,
            bytes: output.bytes,
            id: output.id,
        };
        Self {
            status: status.state.as_str(),
            message: status.message,
            outputs: status.outputs.into_iter().map(output).collect(),
        }
    }
}

fn text(text: String) -> Response {
    ([(CACHE_CONTROL, NO_STORE), (CONTENT_TYPE, TEXT)], text).into_response()
}

fn members(uri: &Uri) -> Result<Vec<(String, String)>, ApiError> {
    let query = uri.query().unwrap_or_default();
    if query.len() > QUERY_BYTES_MAX {
        return Err(invalid("The query is too long."));
    }
    Ok(url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect())
}

/// The one value of a member.
fn one<'a>(members: &'a [(String, String)], name: &str) -> Result<Option<&'a str>, NotOneText> {
    let mut found = members.iter().filter(|(known, _)| known == name);
    match (found.next(), found.next()) {
        (found, None) => Ok(found.map(|(_, value)| value.as_str())),
        _ => Err(NotOneText),
    }
}

fn invalid(message: &str) -> ApiError {
    ApiError::new(ErrorKind::RequestInvalid, message.to_owned())
}

fn in_form(error: ApiError) -> ApiError {
    error.in_form(Form::Partner)
}

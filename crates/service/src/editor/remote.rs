//! Drawings that lie elsewhere: at a public address, or with the partner's API server. Every request goes
//! out through the one guarded way.

use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Method, StatusCode};
use vitrine_access::api_server::ApiRoute;
use vitrine_access::egress::EgressPurpose;
use vitrine_access::origin::{AllowedDomains, Origin};
use vitrine_engine::DrawingOutput;
use vitrine_store::PartnerRecord;

use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::DRAWING_BYTES_MAX;
use crate::outgoing::{OutgoingError, OutgoingRequest};

/// How long fetching or sending a drawing may take.
const DRAWING_TIME_MAX: Duration = Duration::from_secs(30);
const DXF: HeaderValue = HeaderValue::from_static("image/vnd.dxf");

/// By this a server knows an attempt that is made again.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Bytes of an id that an API server gives a file.
const ID_BYTES_MAX: usize = 1_024;

/// A file of a partner's API server.
#[derive(Clone, Copy)]
pub(super) struct Remote<'a> {
    pub(super) server: &'a str,
    pub(super) file: &'a str,
    pub(super) session_id: Option<&'a str>,
    pub(super) token: Option<&'a str>,
}

impl Services {
    /// The file at a public address.
    pub(super) async fn fetch_url(&self, url: &str) -> Result<Bytes> {
        let request = OutgoingRequest::get(EgressPurpose::FileUrl, url);
        self.fetched(request).await
    }

    /// A file of the partner's API server.
    pub(super) async fn fetch_remote(
        &self,
        partner: &PartnerRecord,
        remote: Remote<'_>,
    ) -> Result<Bytes> {
        let request = Self::remote_request(partner, remote, ApiRoute::Read)?;
        self.fetched(request).await
    }

    /// Gives the API server the new version of a file.
    pub(super) async fn send_remote(
        &self,
        partner: &PartnerRecord,
        remote: Remote<'_>,
        content: Bytes,
    ) -> Result<()> {
        let request = Self::remote_request(partner, remote, ApiRoute::Write)?
            .header(CONTENT_TYPE, DXF)
            .body(content)
            .time_max(DRAWING_TIME_MAX);
        let answer = self
            .inner
            .outgoing
            .fetch(request)
            .await
            .map_err(unreached)?;
        if answer.status.is_success() {
            return Ok(());
        }
        Err(not_given(answer.status))
    }

    /// Gives the API server a new file; returns the id that it gave it. `key` is the same for each
    /// attempt, so that a server can tell them from another file.
    pub(super) async fn add_remote(
        &self,
        partner: &PartnerRecord,
        remote: Remote<'_>,
        file: DrawingOutput,
        key: &str,
    ) -> Result<Option<String>> {
        let folder = file.upload.as_deref().unwrap_or_default();
        let (kind, body) = multipart(&file.name, folder, &file.content, key);
        let header = |text: &str| HeaderValue::try_from(text).map_err(Error::internal);
        let request = Self::remote_request(partner, remote, ApiRoute::Add)?
            .header(CONTENT_TYPE, header(&kind)?)
            .header(IDEMPOTENCY_KEY, header(key)?)
            .body(body)
            .time_max(DRAWING_TIME_MAX);
        let answer = self.inner.outgoing.fetch(request).await;
        let answer = answer.map_err(unreached)?;
        if !answer.status.is_success() {
            return Err(not_given(answer.status));
        }
        let record: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
        let id = record
            .as_ref()
            .and_then(|record| record.get("id")?.as_str());
        let id = id.filter(|id| id.len() <= ID_BYTES_MAX);
        Ok(id.map(str::to_owned))
    }

    /// Whether the API server says that the session may change the file: `"canEdit": true` in its record.
    /// What it does not say it does not permit.
    pub(super) async fn remote_lets_edit(
        &self,
        partner: &PartnerRecord,
        remote: Remote<'_>,
    ) -> Result<bool> {
        let request = Self::remote_request(partner, remote, ApiRoute::Info)?;
        let answer = self
            .inner
            .outgoing
            .fetch(request)
            .await
            .map_err(unreached)?;
        let record: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
        let may = record.and_then(|record| record.get("canEdit")?.as_bool());
        Ok(answer.status == StatusCode::OK && may == Some(true))
    }

    /// What an address gives, when it gives anything; errors call it by its name.
    pub(super) async fn fetched_bytes(
        &self,
        request: OutgoingRequest,
        what: &str,
    ) -> Result<Bytes> {
        let answer = self
            .inner
            .outgoing
            .fetch(request.time_max(DRAWING_TIME_MAX))
            .await;
        match answer {
            Ok(answer) if answer.status == StatusCode::OK => Ok(answer.body),
            Ok(answer) if answer.status.is_server_error() => Err(not_given(answer.status)),
            Ok(answer) => Err(Error::new(
                ErrorKind::EntityUnknown,
                format!("The {what} is not where the token says. Check the token's parameters."),
            )
            .caused_by(format!("the server answered {}", answer.status))),
            Err(OutgoingError::TooLarge { max }) => Err(Error::new(
                ErrorKind::TooLarge,
                format!("The {what} has more than {max} bytes."),
            )),
            Err(error) => Err(unreached(error)),
        }
    }

    fn remote_request(
        partner: &PartnerRecord,
        remote: Remote<'_>,
        route: ApiRoute,
    ) -> Result<OutgoingRequest> {
        let allowed = AllowedDomains::parse_all(&partner.settings.servers);
        let allowed = allowed.map_err(Error::internal)?;
        let origin = Origin::of_page(remote.server);
        if !origin.is_some_and(|origin| allowed.allows(&origin)) {
            return Err(Error::new(
                ErrorKind::RequestInvalid,
                "The parameter server names no server of this partner. The operator adds one: \
                 `vitrine partner set PARTNER --server HOST`.",
            ));
        }
        let api = &partner.settings.api_server;
        // Its own path, and below it the route: nothing in a file's name leads out of that.
        let mut base = url::Url::parse(remote.server).map_err(|_| wrong_server())?;
        base.set_query(None);
        base.set_fragment(None);
        let path = api.path(route, remote.file).ok_or_else(|| {
            Error::new(
                ErrorKind::RequestInvalid,
                "The parameter file is no name of a file.",
            )
        })?;
        let url = format!("{}{path}", base.as_str().trim_end_matches('/'));
        let method = Method::from_bytes(api.method(route).as_bytes()).map_err(Error::internal)?;
        let purpose = EgressPurpose::ApiServer;
        let mut request = OutgoingRequest::new(purpose, method, url).redirects_max(0);
        for (name, value) in [
            (api.session_header(), remote.session_id),
            (api.token_header(), remote.token),
        ] {
            let Some(value) = value else { continue };
            let value = HeaderValue::try_from(value).map_err(|_| {
                Error::new(
                    ErrorKind::RequestInvalid,
                    "The parameters sessionId and token hold characters that no header has.",
                )
            })?;
            let name = HeaderName::try_from(name).map_err(Error::internal)?;
            request = request.header(name, value);
        }
        Ok(request)
    }

    async fn fetched(&self, request: OutgoingRequest) -> Result<Bytes> {
        let bytes_max = usize::try_from(DRAWING_BYTES_MAX).map_err(Error::internal)?;
        let request = request.bytes_max(bytes_max).time_max(DRAWING_TIME_MAX);
        let answer = self
            .inner
            .outgoing
            .fetch(request)
            .await
            .map_err(unreached)?;
        match answer.status {
            StatusCode::OK => Ok(answer.body),
            status => Err(not_given(status)),
        }
    }
}

/// A form with a folder's id and a file (RFC 7578): its type and its bytes.
fn multipart(name: &str, folder: &str, content: &[u8], key: &str) -> (String, Vec<u8>) {
    // Nobody who writes drawings knows the key, so that it does not stand in them.
    let boundary = format!("vitrine-{key}");
    let quoted = |text: &str| {
        text.replace('"', "%22")
            .replace('\r', "%0D")
            .replace('\n', "%0A")
    };
    let mut body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"folderId\"\r\n\r\n{folder}\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n",
        quoted(name)
    )
    .into_bytes();
    body.extend_from_slice(content);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

/// The page learns that, not where: addresses and servers are none of its business.
fn unreached(error: OutgoingError) -> Error {
    match error {
        OutgoingError::Forbidden(_) | OutgoingError::Redirect { .. } => Error::new(
            ErrorKind::RequestInvalid,
            "This server may not fetch the drawing from where the token says. The operator allows \
             hosts and networks under egress.file-url and egress.api-server.",
        ),
        OutgoingError::TooLarge { max } => Error::new(
            ErrorKind::DrawingInvalid,
            format!("The drawing has more than {max} bytes, the most that are opened."),
        ),
        OutgoingError::Request { .. } => Error::new(
            ErrorKind::RequestInvalid,
            "The token's address of the drawing cannot be asked.",
        ),
        OutgoingError::Unresolved { .. }
        | OutgoingError::Unreachable { .. }
        | OutgoingError::Tls { .. }
        | OutgoingError::Protocol { .. }
        | OutgoingError::TooSlow { .. } => Error::new(
            ErrorKind::ConnectorFailed,
            "The server with the drawing did not answer as it should. Try again.",
        ),
    }
    .caused_by(error)
}

fn not_given(status: StatusCode) -> Error {
    if status.is_server_error() {
        return Error::new(
            ErrorKind::ConnectorFailed,
            "The server with the drawing did not answer as it should. Try again.",
        )
        .caused_by(format!("it answered {status}"));
    }
    Error::new(
        ErrorKind::EntityUnknown,
        "There is no such drawing where the token says, or it is not given out. Check the token's \
         parameters.",
    )
    .caused_by(format!("the server answered {status}"))
}

fn wrong_server() -> Error {
    Error::new(
        ErrorKind::RequestInvalid,
        "The parameter server is no address of a server.",
    )
}

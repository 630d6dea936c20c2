//! Drawings that lie elsewhere: at a public address, or with the partner's API server. Every request goes
//! out through the one guarded way.

use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Method, StatusCode};
use vitrine_access::egress::EgressPurpose;
use vitrine_access::origin::{AllowedDomains, Origin};
use vitrine_store::PartnerRecord;

use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::DRAWING_BYTES_MAX;
use crate::outgoing::{OutgoingError, OutgoingRequest};

/// How long fetching or sending a drawing may take.
const DRAWING_TIME_MAX: Duration = Duration::from_secs(30);
/// The headers by which an API server knows its user.
const SESSION_ID: HeaderName = HeaderName::from_static("sessionid");
const TOKEN: HeaderName = HeaderName::from_static("token");
const DXF: HeaderValue = HeaderValue::from_static("image/vnd.dxf");

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
        let request = Self::remote_request(partner, remote, Method::GET)?;
        self.fetched(request).await
    }

    /// Gives the API server the new version of a file.
    pub(super) async fn send_remote(
        &self,
        partner: &PartnerRecord,
        remote: Remote<'_>,
        content: Bytes,
    ) -> Result<()> {
        let request = Self::remote_request(partner, remote, Method::PUT)?
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

    fn remote_request(
        partner: &PartnerRecord,
        remote: Remote<'_>,
        method: Method,
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
        let base = remote.server.trim_end_matches('/');
        // One segment, whatever the server calls its files.
        let mut url = url::Url::parse(base).map_err(|_| wrong_server())?;
        url.set_query(None);
        url.set_fragment(None);
        url.path_segments_mut()
            .map_err(|()| wrong_server())?
            .pop_if_empty()
            .extend(["files", remote.file, "diffs"]);
        let purpose = EgressPurpose::ApiServer;
        let mut request = OutgoingRequest::new(purpose, method, url).redirects_max(0);
        for (name, value) in [(SESSION_ID, remote.session_id), (TOKEN, remote.token)] {
            let Some(value) = value else { continue };
            let value = HeaderValue::try_from(value).map_err(|_| {
                Error::new(
                    ErrorKind::RequestInvalid,
                    "The parameters sessionId and token hold characters that no header has.",
                )
            })?;
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

//! Errors on the wire: the one table from kind of error to status, type and code.
//!
//! Rules of the protocol that the table keeps: the three texts `error`, `desc` and `message` are
//! always there; `error` is one of the API's words; a session that ended is 410
//! `SdSessionGoneError`; 429 stands only for what passes by itself, because clients repeat it, and
//! 502 is never sent. What caused an error inside is logged once, by [`crate::layers`], and not sent.

use std::error::Error as StdError;
use std::fmt;

use axum::Json;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use vitrine_access::ids::RequestId;
use vitrine_access::refusal::{Refusal, RefusalKind};
use vitrine_service as service;

use crate::catalogue;
use crate::editor;
use crate::geometry::wire::{ResError, ResErrorType};
use crate::limits::RETRY_AFTER_S_DEFAULT;
use crate::partner::wire;
use crate::platform::wire as platform;

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

macro_rules! error_kinds {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What went wrong, as far as clients can tell.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorKind {
            /// The access core said no.
            Refused(RefusalKind),
            $($(#[$doc])* $name,)*
        }

        impl ErrorKind {
            /// Every kind: the refusals first, then the others in the order of declaration.
            pub fn all() -> impl Iterator<Item = Self> {
                RefusalKind::ALL.iter().copied().map(Self::Refused).chain([$(Self::$name,)*])
            }
        }
    };
}

error_kinds! {
    /// Body, query or identifier does not have the documented form.
    RequestInvalid,
    /// A parameter is unknown or its value is not allowed.
    ParameterInvalid,
    /// The model's file or settings cannot be used.
    ModelInvalid,
    /// Something other than a model does not exist.
    EntityUnknown,
    /// The body is larger than allowed.
    TooLarge,
    /// All workers are busy and the queue is full.
    Busy,
    /// The computation failed and would fail again.
    ComputationFailed,
    /// A drawing cannot be read, or is none.
    DrawingInvalid,
    /// The drawing changed meanwhile.
    DrawingStale,
    /// The object storage failed.
    StorageFailed,
    /// The database failed.
    DatabaseFailed,
    /// Another server that is needed failed.
    ConnectorFailed,
    /// This node cannot decide at the moment.
    NotReady,
    /// The request took too long.
    Timeout,
    /// The route does not know the method.
    MethodNotAllowed,
    /// None of the media types that the client accepts can be made.
    NotAcceptable,
    /// No such route.
    RouteUnknown,
    /// The bytes that were asked for are not in the file.
    RangeUnsatisfiable,
    /// A defect of ours.
    Internal,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorRow {
    /// Status of the answer.
    pub status: StatusCode,
    /// The API's word.
    pub error: ResErrorType,
    /// Stable name of the exact cause, lower-case words with dashes.
    pub code: &'static str,
}

impl ErrorKind {
    /// The row of this kind.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "a table: one entry for each kind")]
    pub const fn row(self) -> ErrorRow {
        use ResErrorType as E;
        use StatusCode as S;

        let (status, error, code) = match self {
            Self::Refused(kind) => return refusal_row(kind),
            Self::RequestInvalid => (
                S::BAD_REQUEST,
                E::SdRequestValidationError,
                "request-invalid",
            ),
            Self::ParameterInvalid => (
                S::BAD_REQUEST,
                E::SdParameterValidationError,
                "parameter-invalid",
            ),
            Self::ModelInvalid => (S::BAD_REQUEST, E::SdModelValidationError, "model-invalid"),
            Self::EntityUnknown => (S::NOT_FOUND, E::SdErrorEntityNotFound, "entity-unknown"),
            Self::TooLarge => (S::BAD_REQUEST, E::SdRequestValidationError, "too-large"),
            Self::Busy => (S::TOO_MANY_REQUESTS, E::SdRateLimitErrorGeneric, "busy"),
            Self::ComputationFailed => (
                S::BAD_REQUEST,
                E::SdModelValidationError,
                "computation-failed",
            ),
            Self::DrawingInvalid => (
                S::BAD_REQUEST,
                E::SdRequestValidationError,
                "drawing-invalid",
            ),
            Self::DrawingStale => (S::CONFLICT, E::SdRequestValidationError, "drawing-stale"),
            Self::StorageFailed => (
                S::INTERNAL_SERVER_ERROR,
                E::SdStorageErrorGeneric,
                "storage-failed",
            ),
            Self::DatabaseFailed => (
                S::INTERNAL_SERVER_ERROR,
                E::SdDatabaseErrorGeneric,
                "database-failed",
            ),
            Self::ConnectorFailed => (
                S::SERVICE_UNAVAILABLE,
                E::SdConnectorError,
                "connector-failed",
            ),
            Self::NotReady => (
                S::SERVICE_UNAVAILABLE,
                E::SdErrorGenericInternal,
                "not-ready",
            ),
            Self::Timeout => (S::REQUEST_TIMEOUT, E::SdRequestTimeout, "timeout"),
            Self::MethodNotAllowed => (
                S::METHOD_NOT_ALLOWED,
                E::SdMethodNotAllowedError,
                "method-not-allowed",
            ),
            Self::NotAcceptable => (S::NOT_ACCEPTABLE, E::SdNotAcceptable, "not-acceptable"),
            Self::RouteUnknown => (S::NOT_FOUND, E::SdNotFoundError, "route-unknown"),
            Self::RangeUnsatisfiable => (
                S::RANGE_NOT_SATISFIABLE,
                E::SdRequestValidationError,
                "range-unsatisfiable",
            ),
            Self::Internal => (
                S::INTERNAL_SERVER_ERROR,
                E::SdErrorGenericInternal,
                "internal",
            ),
        };
        ErrorRow {
            status,
            error,
            code,
        }
    }

    /// Whether the client showed a credential that is none: an attempt to guess one does.
    pub(crate) const fn is_failed_credential(self) -> bool {
        use RefusalKind as K;
        matches!(
            self,
            Self::Refused(
                K::TicketInvalid
                    | K::TokenInvalid
                    | K::SessionMalformed
                    | K::SessionGone
                    | K::LinkInvalid
                    | K::AccessKeyInvalid
                    | K::PasswordInvalid
                    | K::CodeInvalid
                    | K::SecondFactorInvalid
                    | K::PasskeyInvalid
                    | K::ProviderSignInInvalid
                    | K::ProviderAnswerInvalid
                    | K::EditorSessionGone
                    | K::PartnerKeyInvalid
                    | K::EditorTokenInvalid
                    | K::ScriptJobInvalid
            )
        )
    }

    /// Whether the client should be told when to try again.
    const fn passes_by_itself(self) -> bool {
        matches!(
            self,
            Self::Busy
                | Self::NotReady
                | Self::ConnectorFailed
                | Self::Refused(RefusalKind::RateLimited | RefusalKind::TrustUnavailable)
        )
    }
}

#[expect(clippy::too_many_lines, reason = "a table: one entry for each kind")]
const fn refusal_row(kind: RefusalKind) -> ErrorRow {
    use RefusalKind as K;
    use ResErrorType as E;
    use StatusCode as S;

    let (status, error) = match kind {
        K::TicketInvalid
        | K::TicketExpired
        | K::TicketRevoked
        | K::OriginMissing
        | K::OriginMalformed
        | K::OriginNotAllowed
        | K::IframeRequired
        | K::EmbedUnproven
        | K::BackendAccessOff => (S::FORBIDDEN, E::SdTicketValidationError),
        K::TokenMissing => (S::UNAUTHORIZED, E::SdTokenMissingError),
        K::TokenInvalid | K::TokenExpired | K::TokenRevoked => {
            (S::UNAUTHORIZED, E::SdJwtValidationError)
        }
        K::CredentialMissing
        | K::AccessKeyInvalid
        | K::PasswordInvalid
        | K::ClientUnknown
        | K::SecondFactorMissing
        | K::SecondFactorInvalid
        | K::PasskeyInvalid
        | K::ProviderSignInInvalid
        | K::ProviderDenied
        | K::ProviderAnswerInvalid
        | K::IdentityUnknown
        | K::EditorSessionMissing => (S::UNAUTHORIZED, E::SdErrorUnauthorized),
        K::GrantUnsupported | K::ClientUnauthorized | K::CodeInvalid | K::RedirectInvalid => {
            (S::BAD_REQUEST, E::SdRequestValidationError)
        }
        K::PermissionMissing
        | K::ProxyUntrusted
        | K::RouteInvalid
        | K::CredentialUnclear
        | K::WrongModel
        | K::SubjectRestricted
        | K::ModelBlocked
        | K::LinkInvalid
        | K::CapReached
        | K::PlanExceeded
        | K::PartnerKeyMissing
        | K::PartnerKeyInvalid
        | K::PartnerKeyExpired
        | K::PartnerKeyRevoked
        | K::PartnerBlocked
        | K::EditorTokenMissing
        | K::EditorTokenInvalid
        | K::EditorTokenExpired
        | K::EditorTokenRevoked
        | K::EditorTokenUsed
        | K::ScriptJobInvalid
        | K::PlainParametersRefused
        | K::ViewOnly
        | K::LeaseMissing
        | K::AddressNotAllowed
        | K::IdentityTaken
        | K::LastWayIn
        | K::SignInStale
        | K::BrowserRefused => (S::FORBIDDEN, E::SdErrorForbidden),
        K::ModelUnknown | K::ProviderUnknown => (S::NOT_FOUND, E::SdErrorEntityNotFound),
        K::ModelDeleted | K::LinkExpired => (S::GONE, E::SdResourceGoneError),
        K::ModelUnconfirmed => (S::FORBIDDEN, E::SdUnconfirmedModelError),
        K::SessionGone | K::EditorSessionGone => (S::GONE, E::SdSessionGoneError),
        K::SessionMalformed => (S::BAD_REQUEST, E::SdSessionValidationError),
        K::RateLimited => (S::TOO_MANY_REQUESTS, E::SdRateLimitErrorGeneric),
        K::TrustUnavailable => (S::SERVICE_UNAVAILABLE, E::SdErrorGenericInternal),
    };
    ErrorRow {
        status,
        error,
        code: kind.code(),
    }
}

impl ResErrorType {
    /// General description of the type.
    #[must_use]
    pub const fn desc(self) -> &'static str {
        match self {
            Self::SdConnectorError => "Another server that is needed did not answer as it should.",
            Self::SdDatabaseErrorGeneric => "The database did not do its work.",
            Self::SdErrorEntityNotFound => "What was asked for does not exist.",
            Self::SdErrorForbidden => "This is not allowed.",
            Self::SdErrorGenericInternal => "Something went wrong inside the server.",
            Self::SdErrorUnauthorized => "The credentials are wrong.",
            Self::SdJwtValidationError => "The access token is not valid.",
            Self::SdMethodNotAllowedError => "This address does not know the method.",
            Self::SdModelValidationError => "The model cannot be used as it is.",
            Self::SdNotAcceptable => "None of the accepted media types can be made.",
            Self::SdNotFoundError => "There is nothing at this address.",
            Self::SdParameterValidationError => "A parameter of the model cannot take this value.",
            Self::SdRateLimitErrorGeneric => "Too many requests at the moment.",
            Self::SdRequestTimeout => "The request took too long.",
            Self::SdRequestValidationError => "The request does not have the documented form.",
            Self::SdResourceGoneError => "What was asked for is no longer there.",
            Self::SdSessionGoneError => "The session was closed or has expired.",
            Self::SdSessionValidationError => "The session id does not have the documented form.",
            Self::SdStorageErrorGeneric => "The object storage did not do its work.",
            Self::SdTicketValidationError => "The ticket does not open a session here.",
            Self::SdTokenMissingError => "An access token is needed.",
            Self::SdUnconfirmedModelError => "The model is not confirmed.",
        }
    }
}

/// The protocol whose form an error takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Form {
    /// The Geometry API: three texts and our additions.
    #[default]
    Geometry,
    /// The token service: 403 and a sentence, whatever the client did wrong.
    Partner,
    /// RFC 6749, section 5.2, as RFC 7009 and RFC 7662 ask for.
    OAuth,
    /// RFC 6749, section 5.2, as clients of the platform read it.
    Grant,
    /// The platform's resources: one object `error`.
    Platform,
    /// The drawing editor: the table's status and a sentence.
    Editor,
}

/// An error on its way to the client. As a response it is complete but for the request id, which
/// [`crate::layers`] adds, along with logging the cause.
#[derive(Debug, Clone)]
pub struct ApiError {
    kind: ErrorKind,
    message: String,
    retry_after_s: Option<u64>,
    /// In a box, because errors are returned everywhere and limits are rare.
    limited: Option<Box<service::Limited>>,
    request_id: Option<RequestId>,
    cause: Option<String>,
    form: Form,
}

impl ApiError {
    /// An error that tells the client `message`: what was wrong, and what to do.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retry_after_s: None,
            limited: None,
            request_id: None,
            cause: None,
            form: Form::Geometry,
        }
    }

    /// A defect of ours. The client learns nothing but the request id.
    #[must_use]
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::new(
            ErrorKind::Internal,
            "The server met a condition that it did not expect. Quote the request id to the \
             operator.",
        )
        .caused_by(cause)
    }

    /// No such route.
    #[must_use]
    pub fn route_unknown() -> Self {
        Self::new(
            ErrorKind::RouteUnknown,
            "There is nothing at this address. The operations are listed at /api/v2/docs.",
        )
    }

    /// Keeps `cause` for the log; it is never sent.
    #[must_use]
    pub fn caused_by(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// Tells the client to try again after this many seconds.
    #[must_use]
    pub fn retry_after_s(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Names the request in the body.
    #[must_use]
    pub fn in_request(mut self, id: RequestId) -> Self {
        self.request_id = Some(id);
        self
    }

    /// Takes the form of another protocol.
    #[must_use]
    pub fn in_form(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    /// The request that failed, where it is known.
    #[must_use]
    pub fn request_id(&self) -> Option<RequestId> {
        self.request_id
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The sentence for the client.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What went wrong inside, for the log.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> ResError {
        let row = self.kind.row();
        ResError {
            error: row.error,
            desc: row.error.desc(),
            message: self.message.clone(),
            code: row.code,
            request_id: self.request_id.map(|id| id.to_string()),
            doc: catalogue::anchor(row.code),
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for ApiError {}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::new(ErrorKind::Refused(refusal.kind), refusal.message)
    }
}

impl From<service::ErrorKind> for ErrorKind {
    fn from(kind: service::ErrorKind) -> Self {
        use service::ErrorKind as K;

        match kind {
            K::Refused(refusal) => Self::Refused(refusal),
            K::RequestInvalid => Self::RequestInvalid,
            K::ParameterInvalid => Self::ParameterInvalid,
            K::ModelInvalid => Self::ModelInvalid,
            K::EntityUnknown => Self::EntityUnknown,
            K::TooLarge => Self::TooLarge,
            K::Busy => Self::Busy,
            K::ComputationFailed => Self::ComputationFailed,
            K::DrawingInvalid => Self::DrawingInvalid,
            K::DrawingStale => Self::DrawingStale,
            K::StorageFailed => Self::StorageFailed,
            K::ConnectorFailed => Self::ConnectorFailed,
            K::DatabaseFailed => Self::DatabaseFailed,
            K::NotReady => Self::NotReady,
            K::Internal => Self::Internal,
        }
    }
}

impl From<service::Error> for ApiError {
    fn from(error: service::Error) -> Self {
        let mut converted = Self::new(error.kind().into(), error.message());
        converted.retry_after_s = error.retry_after();
        converted.limited = error.limit().map(Box::new);
        converted.cause = Some(error.cause_chain()).filter(|chain| !chain.is_empty());
        converted
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = match self.form {
            Form::Geometry => (self.kind.row().status, Json(self.body())).into_response(),
            Form::Partner => wire::refusal(&self),
            Form::OAuth => wire::oauth_refusal(&self),
            Form::Grant => platform::grant_refusal(&self),
            Form::Platform => platform::refusal(&self),
            Form::Editor => editor::refusal(&self),
        };
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.kind.passes_by_itself() || self.retry_after_s.is_some() {
            // Clients read whole seconds only, and take 0 for a minute.
            let seconds = self.retry_after_s.unwrap_or(RETRY_AFTER_S_DEFAULT).max(1);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(limited) = self.limited.as_deref().copied() {
            rate_headers(headers, limited);
        }
        if self.form == Form::Geometry && self.kind.row().status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// What the limit is, and that nothing is left of it
/// (draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4).
fn rate_headers(headers: &mut HeaderMap, limited: service::Limited) {
    let service::Limited {
        policy,
        quota,
        window_s,
        retry_after_s,
    } = limited;
    let policy_text = format!("\"{policy}\";q={quota};w={window_s}");
    let rest_text = format!("\"{policy}\";r=0;t={retry_after_s}");
    for (name, text) in [(RATELIMIT_POLICY, policy_text), (RATELIMIT, rest_text)] {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn the_table_is_as_documented() {
        let mut table = String::new();
        for kind in ErrorKind::all() {
            let row = kind.row();
            let error = serde_json::to_value(row.error).unwrap();
            writeln!(
                table,
                "{:<24}{} {:<28}{}",
                row.code,
                row.status.as_u16(),
                error.as_str().unwrap(),
                row.error.desc()
            )
            .unwrap();
        }
        insta::assert_snapshot!("error_table", table);
    }

    #[test]
    fn codes_name_one_kind_each() {
        let codes: Vec<_> = ErrorKind::all().map(|kind| kind.row().code).collect();
        let distinct: BTreeSet<_> = codes.iter().collect();
        assert_eq!(distinct.len(), codes.len());
    }

    #[test]
    fn only_what_passes_by_itself_is_429_and_nothing_is_502() {
        for kind in ErrorKind::all() {
            let status = kind.row().status;
            assert_ne!(status, StatusCode::BAD_GATEWAY, "{kind:?}");
            if status == StatusCode::TOO_MANY_REQUESTS {
                assert!(kind.passes_by_itself(), "{kind:?}");
            }
        }
    }

    #[test]
    fn the_body_has_three_texts_and_our_additions() {
        let error = ApiError::new(
            ErrorKind::Refused(RefusalKind::SessionGone),
            "Open a new one.",
        )
        .in_request(RequestId::from_bytes([7; 16]))
        .caused_by("secret detail");
        let json = serde_json::to_value(error.body()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "error": "SdSessionGoneError",
                "desc": "The session was closed or has expired.",
                "message": "Open a new one.",
                "code": "session-gone",
                "requestId": RequestId::from_bytes([7; 16]).to_string(),
                "doc": "/docs/errors#session-gone",
            })
        );
    }

    #[test]
    fn a_busy_server_says_when_to_come_back() {
        let header = |error: ApiError| {
            error
                .into_response()
                .headers()
                .get(RETRY_AFTER)
                .map(|v| v.to_str().unwrap().to_owned())
        };
        let busy = || ApiError::new(ErrorKind::Busy, "");
        assert_eq!(header(busy()).as_deref(), Some("2"));
        assert_eq!(header(busy().retry_after_s(9)).as_deref(), Some("9"));
        assert_eq!(header(busy().retry_after_s(0)).as_deref(), Some("1"));
        assert_eq!(header(ApiError::route_unknown()), None);
    }
}

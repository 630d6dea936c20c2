//! The error body.

use serde::Serialize;
use utoipa::ToSchema;

/// Body of every error. Clients recognise it only when the first three members are texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResError {
    /// Type of the error.
    pub error: ResErrorType,
    /// General description of the type.
    pub desc: &'static str,
    /// What was wrong here, and what to do.
    pub message: String,
    /// Stable name of the exact cause (ours).
    pub code: &'static str,
    /// The request, as in the `X-Request-Id` header (ours).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Where the cause is explained, relative to this server (ours).
    pub doc: String,
}

/// Error types that Vitrine sends. Clients reject any word that the API does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[expect(
    missing_docs,
    reason = "the API gives these words; their texts are in `crate::error`"
)]
pub enum ResErrorType {
    SdConnectorError,
    SdDatabaseErrorGeneric,
    SdErrorEntityNotFound,
    SdErrorForbidden,
    SdErrorGenericInternal,
    SdErrorUnauthorized,
    SdJwtValidationError,
    SdMethodNotAllowedError,
    SdModelValidationError,
    SdNotAcceptable,
    SdNotFoundError,
    SdParameterValidationError,
    SdRateLimitErrorGeneric,
    SdRequestTimeout,
    SdRequestValidationError,
    SdResourceGoneError,
    SdSessionGoneError,
    SdSessionValidationError,
    SdStorageErrorGeneric,
    SdTicketValidationError,
    SdTokenMissingError,
    SdUnconfirmedModelError,
}

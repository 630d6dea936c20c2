//! What a session may do (`actions`) and the request patterns that go with it (`templates`).

use serde::Serialize;
use utoipa::ToSchema;

/// One thing that the client may do. Clients look for the `name` and build the request themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResAction {
    /// Name of the action: `customize`, `export`, `close`, `default`, …
    pub name: String,
    /// The same for people.
    pub title: String,
    /// Absolute address of the request.
    pub href: String,
    /// HTTP method of the request.
    pub method: String,
    /// Name of the template for the request's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
}

/// A pattern for a request body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResTemplate {
    /// Name that actions refer to: `customize-request`.
    pub name: String,
    /// The same for people.
    pub title: String,
    /// The body itself.
    #[schema(value_type = Object)]
    pub data: serde_json::Map<String, serde_json::Value>,
}

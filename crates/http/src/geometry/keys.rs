//! `GetJsonWebKeySets`.

use axum::Json;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use vitrine_service::Services;

/// Long enough to spare fetches, short enough that a rotated key is known well before it signs
/// alone.
const KEYS_CACHE: &str = "public, max-age=300";

/// The public keys that access tokens are verified with (RFC 7517, section 5).
#[utoipa::path(
    get, path = "/.well-known/jwks.json", operation_id = "GetJsonWebKeySets", tag = "auth",
    responses((status = 200, description = "The key set", body = super::wire::JsonWebKeySet))
)]
pub(crate) async fn json_web_key_set(State(services): State<Services>) -> impl IntoResponse {
    (
        [(CACHE_CONTROL, KEYS_CACHE)],
        Json(services.json_web_key_set()),
    )
}

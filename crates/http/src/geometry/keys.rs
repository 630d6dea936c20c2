//! `GetJsonWebKeySets`.

use axum::Json;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use vitrine_service::Services;
use vitrine_service::keys::KEY_SET_CACHED;

/// The public keys that access tokens are verified with (RFC 7517, section 5).
#[utoipa::path(
    get, path = "/.well-known/jwks.json", operation_id = "GetJsonWebKeySets", tag = "auth",
    responses((status = 200, description = "The key set", body = super::wire::JsonWebKeySet))
)]
pub(crate) async fn json_web_key_set(State(services): State<Services>) -> impl IntoResponse {
    (
        // Short, so that a new key is known to everybody before it signs.
        [(
            CACHE_CONTROL,
            format!("public, max-age={}", KEY_SET_CACHED.as_secs()),
        )],
        Json(services.json_web_key_set()),
    )
}

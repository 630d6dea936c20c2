//! The token service for partners of the drawing editor: `POST /generate`, `GET /verify`, the same
//! tokens under RFC 7662 and RFC 7009, and the script jobs that a token starts.
//!
//! These are for back ends. No answer here is readable for scripts of other origins, and `/verify`
//! refuses browsers altogether.

mod credentials;
pub(crate) mod oauth;
pub(crate) mod scripts;
pub(crate) mod tokens;
pub(crate) mod wire;

use crate::editor::{drawing, session};
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};

/// The `OpenAPI` document, generated from the handlers.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Vitrine for partners",
        version = "1",
        description = "Trades a partner's key and the drawing editor's parameters for an opaque \
                       token, and the token for an editor session. Nothing here answers scripts of \
                       other origins.",
        license(name = "MIT OR Apache-2.0")
    ),
    paths(
        tokens::generate,
        tokens::verify,
        oauth::introspect,
        oauth::revoke,
        oauth::revoke_user,
        session::open,
        session::get,
        session::close,
        session::take_lease,
        session::release_lease,
        drawing::get,
        drawing::put,
        scripts::start,
        scripts::post,
        scripts::status,
    )
)]
struct PartnerApi;

pub(crate) fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = PartnerApi::openapi();
    let components = document.components.get_or_insert_with(Default::default);
    let header = |name: &str| SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(name)));
    components.add_security_scheme("PartnerKey", header(credentials::X_API_KEY));
    components.add_security_scheme("EditorToken", header(credentials::X_API_TOKEN));
    let id = SecurityScheme::ApiKey(ApiKey::Query(ApiKeyValue::new("jobId")));
    components.add_security_scheme("ScriptJob", id);
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.add_security_scheme("EditorSession", SecurityScheme::Http(bearer));
    let basic = HttpBuilder::new().scheme(HttpAuthScheme::Basic).build();
    components.add_security_scheme("PartnerBasic", SecurityScheme::Http(basic));
    document
}

//! The whole HTTP surface in one router.

use std::sync::Arc;

use axum::routing::get;
use axum::{Extension, Router};
use tower_http::compression::CompressionLayer;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use vitrine_access::random::Entropy;
use vitrine_service::Services;

use crate::editor;
use crate::geometry::{self, routes};
use crate::layers::{self, Front, LayerConfig};
use crate::ops::{self, Check, LocalOrToken, OperatorToken, Readiness};
use crate::pages::{console, docs, embed, static_files};

/// Randomness of the use cases, for request ids.
struct ServiceEntropy(Services);

impl Entropy for ServiceEntropy {
    fn fill(&self, out: &mut [u8]) {
        self.0.entropy().fill(out);
    }
}

struct NodeReadiness(Services);

impl Readiness for NodeReadiness {
    async fn checks(&self) -> Vec<Check> {
        checks(&self.0).await
    }
}

/// What the server needs, and whether it is there.
pub(crate) async fn checks(services: &Services) -> Vec<Check> {
    let trust = match services.ready().await {
        Ok(()) => Check::passed("database and change feed"),
        Err(error) => Check::failed("database and change feed", error.message()),
    };
    let trust = trust.noting(services.feed_state().describe());
    let health = services.pool().health();
    let workers = match health.start_problem {
        Some(problem) if health.idle + health.busy == 0 => Check::failed("workers", problem),
        _ => Check::passed("workers"),
    };
    let workers = workers.with_details(health.layers);
    let openscad = match health.openscad {
        Some(version) => {
            let details = [vec![format!("version {version}")], health.openscad_layers];
            Check::passed("openscad").with_details(details.concat())
        }
        None => Check::passed("openscad").noting("not installed: .scad models are refused"),
    };
    let missing = static_files::missing();
    let pages = if missing.is_empty() {
        Check::passed("web pages")
    } else {
        Check::failed(
            "web pages",
            format!("the build lacks {}", missing.join(", ")),
        )
    };
    vec![trust, workers, openscad, pages]
}

/// The `OpenAPI` document of the Geometry API, generated from the handlers.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Vitrine Geometry API",
        version = "2.5.0",
        description = "Sessions, computations and models. Wire compatible with version 2 of the \
                       Geometry Backend API.",
        license(name = "MIT OR Apache-2.0")
    ),
    paths(
        geometry::models::create,
        geometry::models::get,
        geometry::models::update,
        geometry::models::list,
        geometry::models::download_file,
        geometry::models::upload_file,
        geometry::life::delete,
        geometry::life::restore,
        geometry::life::erase,
        geometry::config::get,
        geometry::audit::explain,
        geometry::analytics::credit_metrics,
        geometry::analytics::users,
        geometry::analytics::organizations,
        geometry::analytics::models_of_user,
        geometry::analytics::models_of_organization,
        geometry::analytics::computations,
        geometry::config::create,
        geometry::config::update,
        geometry::authoring::default_values,
        geometry::authoring::parameters,
        geometry::authoring::outputs,
        geometry::authoring::exports,
        geometry::tickets::create,
        geometry::tickets::decrypt,
        geometry::sessions::create_by_ticket,
        geometry::sessions::create_by_model,
        geometry::sessions::defaults,
        geometry::sessions::close,
        geometry::outputs::compute,
        geometry::outputs::cached,
        geometry::outputs::list_versions,
        geometry::exports::compute,
        geometry::exports::cached,
        geometry::exports::list_versions,
        geometry::assets::download_output,
        geometry::assets::download_export,
        geometry::assets::download_asset,
        geometry::auth_groups::create,
        geometry::keys::json_web_key_set,
        crate::authorize::check,
    )
)]
struct GeometryApi;

/// The `OpenAPI` document of the Geometry API.
#[must_use]
pub fn openapi_geometry() -> utoipa::openapi::OpenApi {
    let mut document = GeometryApi::openapi();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .build();
    document
        .components
        .get_or_insert_with(Default::default)
        .add_security_scheme("JwtAuth", SecurityScheme::Http(bearer));
    document
}

/// The `OpenAPI` document of the token service for partners.
#[must_use]
pub fn openapi_partner() -> utoipa::openapi::OpenApi {
    crate::partner::openapi()
}

/// The `OpenAPI` document of the platform.
#[must_use]
pub fn openapi_platform() -> utoipa::openapi::OpenApi {
    crate::platform::openapi()
}

/// What a server has beyond the use cases.
#[derive(Clone, Default)]
pub struct Extras {
    /// Renders the metrics in the Prometheus text format.
    pub metrics: Option<Arc<dyn Fn() -> String + Send + Sync>>,
    /// Lets operators read metrics and health details from other machines.
    pub operator_token: Option<OperatorToken>,
    /// Where request ids come from, when not from the use cases' own randomness: they are names and no
    /// secrets.
    pub request_ids: Option<Arc<dyn Entropy>>,
}

/// Everything that the server answers, without metrics.
#[must_use]
pub fn router(services: Services) -> Front {
    router_with(services, Extras::default())
}

/// Everything that the server answers.
pub fn router_with(services: Services, extras: Extras) -> Front {
    let readiness = Arc::new(NodeReadiness(services.clone()));
    let operations = Router::new()
        .route("/readyz", get(ops::readyz::<NodeReadiness>))
        .with_state(readiness)
        .route("/healthz", get(ops::healthz));
    let operations = match extras.metrics {
        Some(render) => operations.route(
            "/metrics",
            get(move |_: LocalOrToken| async move { render() }),
        ),
        None => operations,
    };
    let console = Router::new()
        .route("/", get(console::page))
        .route("/console/{*path}", get(console::file))
        .layer(CompressionLayer::new());
    let pages = Router::new()
        .merge(console)
        .route("/embed/{slug}", get(embed::page).post(embed::renew))
        .route("/embed/assets/{*path}", get(embed::file))
        .route("/editor", get(editor::page::page))
        .route(
            "/editor/assets/{*path}",
            get(editor::page::file).layer(CompressionLayer::new()),
        )
        .merge(docs::docs_routes())
        .merge(static_files::viewer_routes());
    let docs = Router::new()
        .merge(
            utoipa_swagger_ui::SwaggerUi::new("/api/v2/docs")
                .url("/api/v2/openapi.json", openapi_geometry()),
        )
        .merge(
            utoipa_swagger_ui::SwaggerUi::new("/api/v1/docs")
                .url("/api/v1/openapi.json", openapi_platform()),
        );
    let request_ids = extras
        .request_ids
        .unwrap_or_else(|| Arc::new(ServiceEntropy(services.clone())));
    let mut config = LayerConfig::new(request_ids);
    config.limiter = Some(services.clone());
    config.proxies = Arc::new(services.settings().trusted_proxies.clone());
    config.platform_origins = Arc::new(services.settings().platform_origins.clone());
    let router = Router::new()
        .merge(routes::router(&services))
        .merge(pages)
        .with_state(services);
    let router = router.merge(operations).merge(docs);
    let router = layers::with_api_fallbacks(router);
    let router = match extras.operator_token {
        Some(token) => router.layer(Extension(token)),
        None => router,
    };
    layers::wrap(router, config)
}

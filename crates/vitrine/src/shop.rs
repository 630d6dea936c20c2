//! The demo's shop: pages on an origin of their own, as a customer's web server has it, and the back
//! end behind them, which alone holds the right to mint access tokens.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use rust_embed::RustEmbed;
use vitrine_access::grant::Subject;
use vitrine_access::ids::ModelId;
use vitrine_access::time::Timestamp;
use vitrine_service::Services;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../web/dist/shop"]
#[allow_missing = true]
struct Pages;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../demo/thumbnails"]
#[allow_missing = true]
struct Thumbnails;

/// What the shop's visitors may do.
const SCOPES: [&str; 2] = ["group.view", "group.export"];

/// The shop's own back end: it gives its visitors short tokens, the same one until it has run out.
pub(crate) struct BackEnd {
    services: Services,
    models: HashSet<ModelId>,
    ttl: Duration,
    given: Mutex<HashMap<ModelId, (String, Timestamp)>>,
}

impl BackEnd {
    /// Gives tokens for `models` and no others.
    pub(crate) fn new(
        services: Services,
        models: impl IntoIterator<Item = ModelId>,
        ttl: Duration,
    ) -> Arc<Self> {
        Arc::new(Self {
            services,
            models: models.into_iter().collect(),
            ttl,
            given: Mutex::default(),
        })
    }

    /// A token for one of the shop's models; `None` for anything else.
    fn token(&self, model: &str) -> Option<String> {
        let model: ModelId = model.parse().ok()?;
        if !self.models.contains(&model) {
            return None;
        }
        let now = self.services.now();
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((token, until)) = given.get(&model)
            && now < *until
        {
            return Some(token.clone());
        }
        let scopes = SCOPES.map(str::to_owned).to_vec();
        let token = self
            .services
            .mint_token(Subject::Model(model), scopes, self.ttl)
            .inspect_err(|error| tracing::warn!(%error, "the shop got no token"))
            .ok()?;
        given.insert(model, (token.clone(), now.plus(self.ttl)));
        Some(token)
    }
}

/// The shop's pages; `config` is what `/config.json` answers. Without a back end nobody gets tokens.
pub(crate) fn router(config: serde_json::Value, back_end: Option<Arc<BackEnd>>) -> Router {
    Router::new()
        .route(
            "/token/{model}",
            post(|Path(model): Path<String>| async move {
                let token = back_end.as_ref().and_then(|shop| shop.token(&model));
                let headers = [(header::CACHE_CONTROL, "no-store")];
                match token {
                    Some(token) => (headers, token).into_response(),
                    None => (
                        StatusCode::FORBIDDEN,
                        headers,
                        "This shop has no token for this model.\n",
                    )
                        .into_response(),
                }
            }),
        )
        .route(
            "/config.json",
            get(|State(config): State<Arc<serde_json::Value>>| async move {
                (
                    [(header::CACHE_CONTROL, "no-store")],
                    axum::Json((*config).clone()),
                )
            }),
        )
        .route(
            "/thumbnails/{name}",
            get(|Path(name): Path<String>| async move { file(Thumbnails::get(&name), &name) }),
        )
        .route(
            "/",
            get(|| async { file(Pages::get("index.html"), "index.html") }),
        )
        .route(
            "/{*path}",
            get(|Path(path): Path<String>| async move { file(Pages::get(&path), &path) }),
        )
        .with_state(Arc::new(config))
}

pub(crate) fn file(found: Option<rust_embed::EmbeddedFile>, name: &str) -> Response {
    let Some(found) = found else {
        return (
            StatusCode::NOT_FOUND,
            "There is no such page in this shop.\n",
        )
            .into_response();
    };
    let kind = mime_guess::from_path(name).first_or_octet_stream();
    let kind = HeaderValue::from_str(kind.as_ref())
        .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"));
    (
        [
            (header::CONTENT_TYPE, kind),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (
                header::X_CONTENT_TYPE_OPTIONS,
                HeaderValue::from_static("nosniff"),
            ),
        ],
        found.data.into_owned(),
    )
        .into_response()
}

/// A demo model's picture.
pub(crate) fn thumbnail(slug: &str) -> Option<Vec<u8>> {
    Thumbnails::get(&format!("{slug}.png")).map(|file| file.data.into_owned())
}

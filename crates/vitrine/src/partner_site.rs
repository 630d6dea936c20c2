//! The demo's partner: a page on an origin of its own that shows the drawing editor in a frame, and the
//! back end behind it, which alone holds the partner's key and trades it for tokens.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use rust_embed::RustEmbed;
use serde::Deserialize;
use serde_json::{Value, json};
use vitrine_access::editor_token::EditorParameters;
use vitrine_access::secret::{ApiKey, PartnerKeyKind};
use vitrine_service::Services;
use vitrine_service::editor_tokens::TokenWish;
use vitrine_service::partners::PresentedKey;
use vitrine_service::who::Caller;

use crate::shop::file;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../web/dist/partner"]
#[allow_missing = true]
struct Pages;

/// What is shown where the pages were not built.
const BARE_PAGE: &str = include_str!("partner_site.html");
/// Users of the demo that may be asked for: the page plays two of them against each other.
const USERS: [(&str, &str); 2] = [("u-1", "Ada"), ("u-2", "Grace")];

/// A drawing of the demo.
pub(crate) struct Drawing {
    /// How the page asks for it.
    pub(crate) id: &'static str,
    /// Its name for people.
    pub(crate) title: &'static str,
    /// Its name in the partner's bucket; no page learns it.
    pub(crate) file: &'static str,
    /// Its bytes.
    pub(crate) content: &'static [u8],
}

/// The drawings of the demo.
pub(crate) const DRAWINGS: [Drawing; 2] = [
    Drawing {
        id: "flat",
        title: "Flat with two rooms",
        file: "plans/second-floor/flat.dxf",
        content: include_bytes!("../../../demo/drawings/flat.dxf"),
    },
    Drawing {
        id: "flat-dwg",
        title: "The same flat from a DWG file",
        file: "plans/second-floor/flat-2018.dwg",
        content: include_bytes!("../../../demo/drawings/flat.dwg"),
    },
];

/// The partner's own back end.
pub(crate) struct BackEnd {
    services: Services,
    key: ApiKey<PartnerKeyKind>,
    config: Value,
}

/// What the page asks its back end for. Which file that is, and whose, the back end alone knows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a box that the page's reader ticks"
)]
struct Wish {
    drawing: String,
    #[serde(default)]
    access: Option<String>,
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    locale: Option<String>,
    #[serde(default)]
    mobile: bool,
    #[serde(default)]
    whitebackground: bool,
    #[serde(default)]
    autosavedisabled: bool,
    #[serde(default)]
    one_time: bool,
}

impl BackEnd {
    pub(crate) fn new(
        services: Services,
        key: ApiKey<PartnerKeyKind>,
        content_url: &str,
    ) -> Arc<Self> {
        let drawings: Vec<Value> = DRAWINGS
            .iter()
            .map(|drawing| json!({ "id": drawing.id, "title": drawing.title }))
            .collect();
        let users: Vec<Value> = USERS
            .iter()
            .map(|(id, name)| json!({ "id": id, "name": name }))
            .collect();
        let config = json!({
            "editor_url": format!("{content_url}/editor"),
            "drawings": drawings,
            "users": users,
        });
        Arc::new(Self {
            services,
            key,
            config,
        })
    }

    /// A token for a drawing of the demo; `None` for anything else.
    async fn token(&self, wish: Wish) -> anyhow::Result<Option<Value>> {
        const OPERATION: &str = "GenerateEditorToken";
        let Some(drawing) = DRAWINGS.iter().find(|drawing| drawing.id == wish.drawing) else {
            return Ok(None);
        };
        let asked = wish.user.as_deref().unwrap_or(USERS[0].0);
        let Some((user, name)) = USERS.iter().find(|(id, _)| *id == asked) else {
            return Ok(None);
        };
        let mut parameters = json!({
            "file": drawing.file,
            "title": drawing.title,
            "userId": user,
            "userName": name,
            "access": wish.access.as_deref().unwrap_or("view"),
            "mobile": wish.mobile,
            "modelBackgrndColorWhite": wish.whitebackground,
            "autosavedisabled": wish.autosavedisabled,
        });
        if let Some(locale) = wish.locale {
            parameters["locale"] = locale.into();
        }
        let parameters = EditorParameters::parse(parameters.to_string().as_bytes())?;
        let caller = Caller::default();
        let presented = PresentedKey {
            key: Some(self.key.reveal()),
            app_id: None,
        };
        let access = self.services.partner_access(OPERATION, presented, &caller);
        let access = access.await?;
        let wish = TokenWish {
            lifetime_s: None,
            one_time: wish.one_time,
        };
        let made = self
            .services
            .generate_editor_token(OPERATION, &access, &caller, &parameters, wish)
            .await?;
        Ok(Some(json!({
            "token": made.token.reveal(),
            "expires": made.expires_at.unix_s(),
        })))
    }
}

/// The partner's pages and its back end.
pub(crate) fn router(back_end: Arc<BackEnd>) -> Router {
    Router::new()
        .route("/config.json", get(config))
        .route("/token", post(token))
        .route("/", get(index))
        .route(
            "/{*path}",
            get(|Path(path): Path<String>| async move { file(Pages::get(&path), &path) }),
        )
        .with_state(back_end)
}

async fn index() -> Response {
    match Pages::get("index.html") {
        Some(page) => file(Some(page), "index.html"),
        None => (
            [(
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/html; charset=utf-8"),
            )],
            BARE_PAGE,
        )
            .into_response(),
    }
}

async fn config(State(back_end): State<Arc<BackEnd>>) -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store")];
    (headers, Json(back_end.config.clone())).into_response()
}

async fn token(State(back_end): State<Arc<BackEnd>>, Json(wish): Json<Wish>) -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store")];
    match back_end.token(wish).await {
        Ok(Some(token)) => (headers, Json(token)).into_response(),
        Ok(None) => (
            StatusCode::NOT_FOUND,
            headers,
            "This partner has no such drawing or user.\n",
        )
            .into_response(),
        Err(error) => {
            tracing::warn!(%error, "the partner got no token");
            (
                StatusCode::BAD_GATEWAY,
                headers,
                "The partner got no token.\n",
            )
                .into_response()
        }
    }
}

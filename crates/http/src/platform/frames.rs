//! `POST /api/v1/models/iframe/{slug}` and `POST /api/v1/models/decrypt_ticket`.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use vitrine_access::platform::Relation;
use vitrine_service::Services;
use vitrine_service::platform::PlatformGuest;
use vitrine_service::platform_models::PlatformModel;

use super::Asking;
use super::model_view::public;
use super::wire::answer;
use crate::error::{ApiError, Form};
use crate::extract::{Page, Path, Tokenless, Unread};
use crate::geometry::wire::convert::decrypted_ticket;

/// A model for a page that shows it in a frame: nobody has to be signed in.
#[utoipa::path(
    post, path = "/api/v1/models/iframe/{slug}", operation_id = "PlatformFrameModel", tag = "models",
    params(
        ("slug" = String, Path, description = "The model's slug"),
        ("X-ShapeDiver-Origin" = Option<String>, Header, description = "The page around the asking one; \
          counts where the asking one is a frame of ours or of `trusted_iframe_hosts`")
    ),
    responses(
        (status = 200, description = "Ticket, token and model"),
        (status = 403, description = "The page may not show the model"),
        (status = 404, description = "There is no such model")
    ),
    security(())
)]
pub(crate) async fn frame(
    State(services): State<Services>,
    Tokenless(caller): Tokenless,
    page: Page,
    Path(slug): Path<String>,
) -> Result<Response, ApiError> {
    let done = async {
        let operation = "PlatformFrameModel";
        let framed = services
            .platform_frame(operation, &slug, &page.evidence(), &caller)
            .await?;
        let seen = PlatformModel {
            record: framed.model,
            // What visitors of a page are to a model that it may show.
            relation: Relation::Public,
        };
        let nobody = PlatformGuest::nobody(operation, &caller, services.now());
        let embeds = ["backend_system", "tags"].map(str::to_owned);
        let mut model = public(&services, &nobody, &seen, &embeds);
        model["ticket"] = json!({ "ticket": framed.ticket });
        model["access_token"] = json!(framed.token);
        Ok(answer(&json!({
            "token": framed.token,
            "model_view_url": services.settings().public_url,
            "ticket": framed.ticket,
            "model": model,
        })))
    };
    done.await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}

/// A ticket that shall be read.
#[derive(Deserialize, ToSchema)]
pub(crate) struct DecryptRequest {
    /// The ticket.
    ticket: String,
}

/// What a ticket of a model that the account manages says.
#[utoipa::path(
    post, path = "/api/v1/models/decrypt_ticket", operation_id = "PlatformDecryptTicket",
    tag = "models",
    request_body(content = DecryptRequest),
    responses(
        (status = 200, description = "The ticket and its model"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "It is no ticket of this server"),
        (status = 404, description = "There is no such model, as far as the account may know")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn decrypt_ticket(
    State(services): State<Services>,
    Asking(caller): Asking,
    body: Unread<DecryptRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformDecryptTicket", &caller))
            .await?;
        let (model, ticket) = services
            .platform_decrypt_ticket(&access, &request.ticket)
            .await?;
        let record = &model.record;
        Ok(answer(&json!({
            "model": {
                "id": record.id.to_string(),
                "title": record.title,
                "slug": record.slug,
                "description": record.listing.about.description,
                "thumbnail_url": null,
            },
            "ticket": decrypted_ticket(&ticket),
        })))
    };
    done.await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}

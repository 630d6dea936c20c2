//! `GET /api/v1/usage/export` (ours): usage rows as CSV or as `CloudEvents`, streamed.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream;
use serde::Deserialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use vitrine_access::ids::{ModelId, OrganizationId};
use vitrine_access::owner::Payer;
use vitrine_access::time::Timestamp;
use vitrine_service::platform::PlatformAccess;
use vitrine_service::usage_export::{ExportedUsage, UsageExport};
use vitrine_service::{MetricScope, Services};

use super::Asking;
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::Query;

/// How far back an export reaches that names no beginning: the longest month.
const SPAN_S: i64 = 31 * 86_400;
/// The first line of a CSV file.
const CSV_HEAD: &str = "id,time,kind,class,credits,count,duration_ms,model_id,model_title,user_id,\
    organization_id,payer,ticket_id,token_id\r\n";

/// In which form usage is exported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ExportForm {
    /// RFC 4180, with a head.
    #[default]
    Csv,
    /// A batch of `CloudEvents` 1.0 in JSON.
    CloudEvents,
}

/// Query of `PlatformExportUsage`.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    /// `csv` without it.
    #[param(inline)]
    format: ExportForm,
    /// From this instant on, in seconds since 1970; 31 days back without it.
    from: Option<i64>,
    /// Before this instant, in seconds since 1970; now without it.
    until: Option<i64>,
    /// Only of this model, by its id.
    model_id: Option<String>,
    /// Of all models of the organization, for its managers, instead of the account's own.
    organization_id: Option<String>,
}

fn unknown(what: &str) -> ApiError {
    let message = format!("There is no such {what}, as far as this account may know.");
    ApiError::new(ErrorKind::EntityUnknown, message)
}

fn scope(access: &PlatformAccess, query: &ExportQuery) -> Result<MetricScope, ApiError> {
    match (&query.model_id, &query.organization_id) {
        (None, None) => Ok(MetricScope::User(access.user.id)),
        (Some(id), None) => {
            let id: ModelId = id.parse().map_err(|_| unknown("model"))?;
            Ok(MetricScope::Model(id))
        }
        (None, Some(id)) => {
            let id: OrganizationId = id.parse().map_err(|_| unknown("organization"))?;
            Ok(MetricScope::Organization(id))
        }
        (Some(_), Some(_)) => Err(ApiError::new(
            ErrorKind::RequestInvalid,
            "Name 'model_id' or 'organization_id', not both.",
        )),
    }
}

/// Usage rows of the account, of one of its models, or of its organization.
#[utoipa::path(
    get, path = "/api/v1/usage/export", operation_id = "PlatformExportUsage", tag = "metrics",
    params(ExportQuery),
    responses(
        (status = 200, description = "The rows, oldest first", content(
            (String = "text/csv"), (String = "application/cloudevents-batch+json")
        )),
        (status = 400, description = "The query is wrong"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no manager of the organization"),
        (status = 404, description = "There is no such model or organization, as far as it may know")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn export(
    State(services): State<Services>,
    Asking(caller): Asking,
    query: Result<Query<ExportQuery>, ApiError>,
) -> Result<Response, ApiError> {
    let begun = async {
        let access = services
            .platform_access("PlatformExportUsage", &caller)
            .await?;
        let Query(query) = query?;
        let scope = scope(&access, &query)?;
        services.may_export(&access, scope).await?;
        let until = query.until.unwrap_or_else(|| services.now().unix_s() + 1);
        let from = query.from.unwrap_or_else(|| until.saturating_sub(SPAN_S));
        let instant = |seconds: i64| Timestamp::from_unix_ms(seconds.saturating_mul(1000));
        let export = services.usage_export(&access, scope, instant(from), instant(until));
        // The first page before the answer begins: what fails then fails with an error of ours.
        let mut lines = Lines::new(services, export, query.format);
        let first = lines.next().await?;
        Ok(lines.into_response(first))
    };
    begun
        .await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}

/// The lines of an export in the making; one page is in memory at a time.
struct Lines {
    services: Services,
    export: UsageExport,
    form: ExportForm,
    begun: bool,
    ended: bool,
}

impl Lines {
    fn new(services: Services, export: UsageExport, form: ExportForm) -> Self {
        Self {
            services,
            export,
            form,
            begun: false,
            ended: false,
        }
    }

    /// The next piece; `None` after the last.
    async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        if self.ended {
            return Ok(None);
        }
        let rows = self.services.exported(&mut self.export).await?;
        self.ended = rows.is_empty();
        let source = &self.services.settings().public_url;
        let mut piece = String::new();
        if !self.begun {
            piece.push_str(match self.form {
                ExportForm::Csv => CSV_HEAD,
                ExportForm::CloudEvents => "[",
            });
        }
        for (at, row) in rows.iter().enumerate() {
            match self.form {
                ExportForm::Csv => piece.push_str(&csv_line(row)),
                ExportForm::CloudEvents => {
                    if self.begun || at > 0 {
                        piece.push(',');
                    }
                    piece.push('\n');
                    piece.push_str(&cloud_event(row, source).to_string());
                }
            }
        }
        if self.ended && self.form == ExportForm::CloudEvents {
            piece.push_str("\n]\n");
        }
        self.begun = true;
        Ok(Some(Bytes::from(piece)))
    }

    fn into_response(self, first: Option<Bytes>) -> Response {
        let (content_type, disposition) = match self.form {
            ExportForm::Csv => (
                "text/csv; charset=utf-8",
                "attachment; filename=\"usage.csv\"",
            ),
            ExportForm::CloudEvents => (
                "application/cloudevents-batch+json",
                "attachment; filename=\"usage.json\"",
            ),
        };
        let rest = stream::try_unfold((self, first), |(mut lines, first)| async move {
            let piece = match first {
                Some(first) => Some(first),
                // The client sees that the answer breaks off: a part shall not pass for the whole.
                None => lines.next().await.map_err(std::io::Error::other)?,
            };
            Ok::<_, std::io::Error>(piece.map(|piece| (piece, (lines, None))))
        });
        let headers = [
            (CONTENT_TYPE, content_type),
            (CONTENT_DISPOSITION, disposition),
            (CACHE_CONTROL, "no-store"),
        ];
        (headers, Body::from_stream(rest)).into_response()
    }
}

fn payer(payer: Payer) -> String {
    match payer {
        Payer::User(id) => format!("user:{id}"),
        Payer::Organization(id) => format!("organization:{id}"),
    }
}

fn csv_line(row: &ExportedUsage) -> String {
    let event = &row.event;
    let text = |id: Option<String>| id.unwrap_or_default();
    let fields = [
        event.id.to_string(),
        event.at.to_iso_ms(),
        event.kind.as_str().to_owned(),
        event.class.as_str().to_owned(),
        event.credits.to_string(),
        event.count.to_string(),
        event.duration_ms.to_string(),
        event.model.to_string(),
        row.title.as_deref().unwrap_or_default().to_owned(),
        event.owner.user.to_string(),
        text(event.owner.organization.map(|id| id.to_string())),
        payer(event.payer),
        text(event.ticket.map(|id| id.to_string())),
        text(event.token.map(|id| id.to_string())),
    ];
    let mut line = fields.map(|field| csv_field(&field)).join(",");
    line.push_str("\r\n");
    line
}

/// A field as RFC 4180 quotes it. What a spreadsheet would take for a formula gets an apostrophe in front, also
/// where some of them see a new field: after a semicolon or a tab.
fn csv_field(text: &str) -> String {
    let guarded: String = text
        .split_inclusive([';', '\t'])
        .flat_map(|part| [if is_formula(part) { "'" } else { "" }, part])
        .collect();
    if guarded.contains([',', '"', '\r', '\n', ';', '\t', '\'']) {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}

fn is_formula(text: &str) -> bool {
    const BEGINNINGS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '＠', '－'];
    text.trim_start_matches([' ', '"', '\u{a0}', '\u{feff}'])
        .starts_with(BEGINNINGS)
}

fn cloud_event(row: &ExportedUsage, source: &str) -> serde_json::Value {
    let event = &row.event;
    json!({
        "specversion": "1.0",
        "id": event.id.to_string(),
        "source": source,
        "type": format!("vitrine.usage.{}", event.kind.as_str()),
        "subject": event.model.to_string(),
        "time": event.at.to_iso_ms(),
        "datacontenttype": "application/json",
        "data": {
            "kind": event.kind.as_str(),
            "class": event.class.as_str(),
            "credits": event.credits,
            "count": event.count,
            "duration_ms": event.duration_ms,
            "model_id": event.model.to_string(),
            "model_title": row.title.as_deref(),
            "user_id": event.owner.user.to_string(),
            "organization_id": event.owner.organization.map(|id| id.to_string()),
            "payer": payer(event.payer),
            "ticket_id": event.ticket.map(|id| id.to_string()),
            "token_id": event.token.map(|id| id.to_string()),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_field_becomes_a_formula_or_another_field() {
        for (text, field) in [
            ("Shelf", "Shelf"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=1+1", "\"'=1+1\""),
            (" =1+1", "\"' =1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t'=1\""),
            ("\n=1", "\"'\n=1\""),
            ("＝1", "\"'＝1\""),
            ("a;=1", "\"a;'=1\""),
            ("a;b", "\"a;b\""),
            ("a\t=1", "\"a\t'=1\""),
            ("a;\"=1", "\"a;'\"\"=1\""),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
        ] {
            assert_eq!(csv_field(text), field, "{text:?}");
        }
    }
}

//! `POST /api/v1/user_credit_metrics/query`, `POST /api/v1/organization_credit_metrics/query`.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};
use vitrine_access::ids::{ModelId, OrganizationId, UserId};
use vitrine_access::platform::Role;
use vitrine_access::time::Timestamp;
use vitrine_service::Services;
use vitrine_service::platform::PlatformAccess;
use vitrine_service::platform_metrics::{MetricRow, MetricScope, Period};

use super::Asking;
use super::query::{QueryRequest, instant, shortened};
use super::wire::{answer, epoch};
use crate::credit_metric::ResBaseCreditMetric;
use crate::error::{ApiError, ErrorKind, Form};
use crate::extract::Unread;

/// What a query for metrics may say; all else is refused by its name.
struct Wanted {
    account: Option<String>,
    model: Option<ModelId>,
    period: Period,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    descending: bool,
}

fn invalid(member: &str, why: &str) -> ApiError {
    let member = shortened(member);
    ApiError::new(ErrorKind::RequestInvalid, format!("'{member}': {why}."))
}

fn wanted(request: &QueryRequest, account: &str) -> Result<Wanted, ApiError> {
    let mut wanted = Wanted {
        account: None,
        model: None,
        period: Period::Day,
        from: None,
        until: None,
        descending: false,
    };
    for (key, value) in request.filters.iter().flatten() {
        let member = format!("filters.{key}");
        let (name, operator) = match key.strip_suffix(']').and_then(|key| key.split_once('[')) {
            Some((name, operator)) => (name, operator.trim_end_matches(':')),
            None => (key.as_str(), ""),
        };
        let wrong = |why: &str| invalid(&member, why);
        let text = || value.as_str().ok_or_else(|| wrong("the value is a text"));
        let at = || instant(value).ok_or_else(|| wrong("the value is in seconds since 1970"));
        let later = |at: Timestamp| Timestamp::from_unix_ms(at.unix_ms().saturating_add(1000));
        match (name, operator) {
            (name, "" | "=") if name == account => wanted.account = Some(text()?.to_owned()),
            ("model_id", "" | "=") => {
                let id = text()?.parse();
                wanted.model = Some(id.map_err(|_| wrong("the value is a model's id"))?);
            }
            ("timestamp_type", "" | "=") => {
                let period = text()?.parse();
                wanted.period = period.map_err(|_| wrong("this is hour, day or month"))?;
            }
            ("timestamp_date", ">=") => wanted.from = Some(at()?),
            ("timestamp_date", ">") => wanted.from = Some(later(at()?)),
            ("timestamp_date", "<") => wanted.until = Some(at()?),
            ("timestamp_date", "<=") => wanted.until = Some(later(at()?)),
            _ => {
                return Err(wrong(
                    "there are the account's id, model_id and timestamp_type by =, and \
                     timestamp_date by <, <=, > and >=",
                ));
            }
        }
    }
    for (name, direction) in request.sorters.iter().flatten() {
        wanted.descending = match (name.as_str(), direction.as_str()) {
            ("timestamp_date", Some("desc")) => true,
            ("timestamp_date", Some("asc")) => false,
            _ => {
                let why = "rows are ordered by timestamp_date, asc or desc";
                return Err(invalid(&format!("sorters.{name}"), why));
            }
        };
    }
    Ok(wanted)
}

/// The page of rows that begins at the offset, which counts rows.
fn page(
    rows: &[MetricRow],
    request: &QueryRequest,
    show: impl Fn(&MetricRow) -> Value,
) -> Result<Response, ApiError> {
    let start: usize = match &request.offset {
        None => 0,
        Some(text) => text
            .parse()
            .map_err(|_| invalid("offset", "send the 'next_offset' of the page before"))?,
    };
    let limit = request.rows() as usize;
    let end = start.saturating_add(limit);
    let next = (end < rows.len()).then(|| end.to_string());
    let shown: Vec<Value> = rows.iter().skip(start).take(limit).map(show).collect();
    Ok(answer(&json!({
        "result": shown,
        "pagination": { "limit": limit, "next_offset": next },
    })))
}

async fn rows(
    services: &Services,
    access: &PlatformAccess,
    scope: MetricScope,
    wanted: &Wanted,
) -> Result<Vec<MetricRow>, ApiError> {
    let scope = match wanted.model {
        None => scope,
        Some(id) => {
            services.platform_managed(access, &id.to_string()).await?;
            MetricScope::Model(id)
        }
    };
    let mut rows = services
        .metrics(scope, wanted.period, wanted.from, wanted.until)
        .await?;
    if wanted.descending {
        rows.reverse();
    }
    Ok(rows)
}

fn described(row: &MetricRow, period: Period) -> Value {
    json!({
        "timestamp_type": period.as_str(),
        "timestamp_date": epoch(row.start),
        "timestamp": row.stamp,
        "data": ResBaseCreditMetric::of(row.stamp.clone(), row.done, &row.groups),
    })
}

/// The credit metrics of the account that asks, or of one of its models.
#[utoipa::path(
    post, path = "/api/v1/user_credit_metrics/query", operation_id = "PlatformQueryUserMetrics",
    tag = "metrics",
    request_body(content = QueryRequest),
    responses(
        (status = 200, description = "A page of stretches of time in which something was charged"),
        (status = 400, description = "A filter or sorter is not served"),
        (status = 401, description = "Nobody is signed in"),
        (status = 404, description = "The metrics are another account's")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn of_user(
    State(services): State<Services>,
    Asking(caller): Asking,
    body: Unread<QueryRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformQueryUserMetrics", &caller))
            .await?;
        let wanted = wanted(&request, "user_id")?;
        let user = access.user.id;
        let asked = wanted.account.as_deref().map(str::parse::<UserId>);
        if asked.is_some_and(|asked| asked.ok() != Some(user)) {
            return Err(ApiError::new(
                ErrorKind::EntityUnknown,
                "There is no such user. Ask for the user that is signed in.",
            ));
        }
        let rows = rows(&services, &access, MetricScope::User(user), &wanted).await?;
        page(&rows, &request, |row| {
            let mut shown = described(row, wanted.period);
            shown["user_id"] = json!(user.to_string());
            shown
        })
    };
    done.await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}

/// The credit metrics of the organization, for its managers.
#[utoipa::path(
    post, path = "/api/v1/organization_credit_metrics/query",
    operation_id = "PlatformQueryOrganizationMetrics", tag = "metrics",
    request_body(content = QueryRequest),
    responses(
        (status = 200, description = "A page of stretches of time in which something was charged"),
        (status = 400, description = "A filter or sorter is not served"),
        (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The account is no manager of the organization"),
        (status = 404, description = "The account belongs to no such organization")
    ),
    security(("PlatformToken" = []))
)]
pub(crate) async fn of_organization(
    State(services): State<Services>,
    Asking(caller): Asking,
    body: Unread<QueryRequest>,
) -> Result<Response, ApiError> {
    let done = async {
        let (access, request) = body
            .after(|| services.platform_access("PlatformQueryOrganizationMetrics", &caller))
            .await?;
        let wanted = wanted(&request, "organization_id")?;
        let asked = wanted.account.as_deref().map(str::parse::<OrganizationId>);
        let own = access.user.member.map(|(id, _)| id);
        let id = match asked {
            Some(Ok(id)) => Some(id),
            Some(Err(_)) => None,
            None => own,
        };
        let id = id.ok_or_else(|| {
            ApiError::new(
                ErrorKind::EntityUnknown,
                "There is no such organization, as far as this account may know.",
            )
        })?;
        services
            .platform_organization(&access, id, Role::Manager)
            .await?;
        let rows = rows(&services, &access, MetricScope::Organization(id), &wanted).await?;
        page(&rows, &request, |row| {
            let mut shown = described(row, wanted.period);
            shown["organization_id"] = json!(id.to_string());
            shown
        })
    };
    done.await
        .map_err(|error: ApiError| error.in_form(Form::Platform))
}

//! `GetCreditMetrics` and its siblings, and `GetModelComputations`.

use std::future::ready;

use axum::Json;
use axum::extract::State;
use vitrine_access::ids::{ModelId, OrganizationId, UserId};
use vitrine_access::owner::Payer;
use vitrine_access::time::Timestamp;
use vitrine_service::analytics::{ComputationQuery, Ending, MetricQuestion, Span, ending_of};
use vitrine_service::{ComputationRecord, MetricGroup, MetricScope, ResultKind, Services};

use super::wire::analytics::{
    ComputationStatisticsStatus, ComputationType, ModelComputationsQuery, QueryOrder,
    ReqCreditMetric, ReqCreditMetrics, ResAnalytics, ResAnyCreditMetric, ResGetCreditMetrics,
    ResGetModelComputations, ResModelComputation, ResModelComputationStats,
};
use super::wire::{API_VERSION, PAGE_ITEMS_MAX, ResPagination};
use crate::credit_metric::ResBaseCreditMetric;
use crate::error::{ApiError, ErrorKind};
use crate::extract::{From, Path, Query, Unread};

/// What stands for several stretches of time, or for all of it.
const MERGED: &str = "merged";

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorKind::RequestInvalid, message)
}

fn span(member: &str, text: &str) -> Result<Span, ApiError> {
    Span::parse(text).ok_or_else(|| {
        invalid(format!(
            "'{member}' is a date as YYYY, YYYYMM, YYYYMMDD or YYYYMMDDhh (UTC)."
        ))
    })
}

/// A question, and how its answer is named: by its ids where it has one of a kind, and by its stretch.
struct Item {
    question: MetricQuestion,
    shown: ResAnyCreditMetric,
}

fn ids<T: std::str::FromStr>(member: &str, texts: &[String]) -> Result<Vec<T>, ApiError> {
    if texts.is_empty() {
        return Err(invalid(format!("'{member}' is empty. Name at least one.")));
    }
    let parsed = texts.iter().map(|text| {
        text.parse().map_err(|_| {
            invalid(format!(
                "'{member}' holds something that is no id. Give UUIDs."
            ))
        })
    });
    parsed.collect()
}

/// One id is shown as it is, several by a comma between them: they are one sum.
fn named(texts: &[String]) -> String {
    texts.join(",")
}

fn scopes(item: &ReqCreditMetric) -> Result<(Vec<MetricScope>, ResAnyCreditMetric), ApiError> {
    let id = &item.id;
    let mut shown = ResAnyCreditMetric::default();
    let models = id.model_ids.as_ref();
    let parsed_models = models
        .map(|texts| ids::<ModelId>("modelIds", &texts.0))
        .transpose()?;
    shown.model_id = models.map(|texts| named(&texts.0));
    shown.user_id = id.user_ids.as_ref().map(|texts| named(&texts.0));
    shown.org_id = id.org_ids.as_ref().map(|texts| named(&texts.0));
    let pairs = |of: &dyn Fn(ModelId) -> Vec<MetricScope>| {
        parsed_models
            .iter()
            .flatten()
            .flat_map(|model| of(*model))
            .collect::<Vec<_>>()
    };
    let scopes = match (&id.user_ids, &id.org_ids, id.systems) {
        (None, None, Some(true)) if models.is_none() => {
            shown.system = Some(true);
            vec![MetricScope::System]
        }
        (None, None, None | Some(false)) if models.is_some() => {
            pairs(&|model| vec![MetricScope::Model(model)])
        }
        (Some(users), None, None | Some(false)) => {
            let users = ids::<UserId>("userIds", &users.0)?;
            match models {
                None => users.into_iter().map(MetricScope::User).collect(),
                Some(_) => pairs(&|model| {
                    let of = |user: &UserId| MetricScope::ModelOfUser(model, *user);
                    users.iter().map(of).collect()
                }),
            }
        }
        (None, Some(organizations), None | Some(false)) => {
            let organizations = ids::<OrganizationId>("orgIds", &organizations.0)?;
            match models {
                None => organizations
                    .into_iter()
                    .map(MetricScope::Organization)
                    .collect(),
                Some(_) => pairs(&|model| {
                    let of = |id: &OrganizationId| MetricScope::ModelOfOrganization(model, *id);
                    organizations.iter().map(of).collect()
                }),
            }
        }
        _ => {
            return Err(invalid(
                "'id' names modelIds, userIds, orgIds, modelIds with userIds, modelIds with orgIds, or \
                 systems: true.",
            ));
        }
    };
    let mut unique = scopes;
    let mut seen = Vec::with_capacity(unique.len());
    // Naming something twice does not count it twice.
    unique.retain(|scope| {
        let new = !seen.contains(scope);
        seen.push(*scope);
        new
    });
    Ok((unique, shown))
}

fn read(item: &ReqCreditMetric, now: Timestamp) -> Result<Item, ApiError> {
    let (scopes, mut shown) = scopes(item)?;
    let range = (&item.timestamp_from, &item.timestamp_to);
    let spans = match (&item.timestamp, range) {
        (Some(texts), (None, None)) => {
            let mut texts = texts.0.clone();
            texts.sort_unstable();
            texts.dedup();
            let spans = texts.iter().map(|text| span("timestamp", text));
            let spans = spans.collect::<Result<Vec<_>, _>>()?;
            if spans.windows(2).any(|pair| pair[1].from < pair[0].until) {
                return Err(invalid(
                    "'timestamp' names some time twice: one of its dates lies within another.",
                ));
            }
            shown.base.timestamp = match &texts[..] {
                [] => return Err(invalid("'timestamp' is empty. Name at least one date.")),
                [one] => one.clone(),
                _ => MERGED.to_owned(),
            };
            spans
        }
        (None, (from, to)) => {
            let from = from.as_deref().map(|text| span("timestamp_from", text));
            let to = to.as_deref().map(|text| span("timestamp_to", text));
            let whole = Span {
                from: from.transpose()?.unwrap_or(Span::EVER).from,
                until: to.transpose()?.unwrap_or(Span::EVER).until,
            };
            if whole.from >= whole.until {
                return Err(invalid("'timestamp_to' lies before 'timestamp_from'."));
            }
            MERGED.clone_into(&mut shown.base.timestamp);
            vec![whole]
        }
        (Some(_), _) => {
            return Err(invalid(
                "Send 'timestamp', or 'timestamp_from' and 'timestamp_to', not both.",
            ));
        }
    };
    shown.base.is_compilation_done = spans.iter().all(|span| span.until <= now);
    Ok(Item {
        question: MetricQuestion { scopes, spans },
        shown,
    })
}

fn filled(mut shown: ResAnyCreditMetric, groups: &[MetricGroup]) -> ResAnyCreditMetric {
    let base = std::mem::take(&mut shown.base);
    shown.base = ResBaseCreditMetric::of(base.timestamp, base.is_compilation_done, groups);
    shown
}

fn answer(credit_metrics: Vec<ResAnyCreditMetric>) -> Json<ResGetCreditMetrics> {
    Json(ResGetCreditMetrics {
        analytics: ResAnalytics { credit_metrics },
        version: API_VERSION,
    })
}

/// Sums of usage, one for each item of the request, in its order.
#[utoipa::path(
    put, path = "/api/v2/analytics/credit-metrics", operation_id = "GetCreditMetrics",
    tag = "analytics", request_body = ReqCreditMetrics,
    responses((status = 200, description = "One sum for each item", body = ResGetCreditMetrics)),
    security(("JwtAuth" = []))
)]
pub(crate) async fn credit_metrics(
    State(services): State<Services>,
    From(caller): From,
    request: Unread<ReqCreditMetrics>,
) -> Result<Json<ResGetCreditMetrics>, ApiError> {
    let (access, request) = request
        .after(|| ready(services.analytics_access("GetCreditMetrics", &caller)))
        .await?;
    let now = services.now();
    let items = request.parameters.iter().map(|item| read(item, now));
    let items = items.collect::<Result<Vec<_>, _>>()?;
    let (questions, shown): (Vec<_>, Vec<_>) = items
        .into_iter()
        .map(|item| (item.question, item.shown))
        .unzip();
    let sums = services.credit_metrics(&access, &questions).await?;
    let metrics = shown.into_iter().zip(&sums);
    Ok(answer(
        metrics
            .map(|(shown, groups)| filled(shown, groups))
            .collect(),
    ))
}

/// Usage of every user active in a stretch of time.
#[utoipa::path(
    get, path = "/api/v2/analytics/credit-metrics/timestamp/{timestamp}/user",
    operation_id = "GetUserCreditMetrics", tag = "analytics",
    params(("timestamp" = String, Path, description = "YYYY, YYYYMM, YYYYMMDD or YYYYMMDDhh")),
    responses((status = 200, description = "One sum for each user", body = ResGetCreditMetrics)),
    security(("JwtAuth" = []))
)]
pub(crate) async fn users(
    State(services): State<Services>,
    From(caller): From,
    Path(timestamp): Path<String>,
) -> Result<Json<ResGetCreditMetrics>, ApiError> {
    services.backend_only("GetUserCreditMetrics", &caller)?;
    let stretch = span("timestamp", &timestamp)?;
    let done = stretch.until <= services.now();
    let users = services.users_active(stretch).await?;
    let metrics = users.into_iter().map(|(id, groups)| ResAnyCreditMetric {
        base: ResBaseCreditMetric::of(timestamp.clone(), done, &groups),
        user_id: Some(id.to_string()),
        ..ResAnyCreditMetric::default()
    });
    Ok(answer(metrics.collect()))
}

/// Usage of every organization active in a stretch of time.
#[utoipa::path(
    get, path = "/api/v2/analytics/credit-metrics/timestamp/{timestamp}/org",
    operation_id = "GetOrganizationCreditMetrics", tag = "analytics",
    params(("timestamp" = String, Path, description = "YYYY, YYYYMM, YYYYMMDD or YYYYMMDDhh")),
    responses((status = 200, description = "One sum for each organization", body = ResGetCreditMetrics)),
    security(("JwtAuth" = []))
)]
pub(crate) async fn organizations(
    State(services): State<Services>,
    From(caller): From,
    Path(timestamp): Path<String>,
) -> Result<Json<ResGetCreditMetrics>, ApiError> {
    services.backend_only("GetOrganizationCreditMetrics", &caller)?;
    let stretch = span("timestamp", &timestamp)?;
    let done = stretch.until <= services.now();
    let organizations = services.organizations_active(stretch).await?;
    let metrics = organizations
        .into_iter()
        .map(|(id, groups)| ResAnyCreditMetric {
            base: ResBaseCreditMetric::of(timestamp.clone(), done, &groups),
            org_id: Some(id.to_string()),
            ..ResAnyCreditMetric::default()
        });
    Ok(answer(metrics.collect()))
}

async fn models_of(
    services: &Services,
    operation: &str,
    caller: &vitrine_service::who::Caller,
    timestamp: &str,
    account: Option<Payer>,
) -> Result<Json<ResGetCreditMetrics>, ApiError> {
    let access = services.analytics_access(operation, caller)?;
    let account = account.ok_or_else(|| invalid("The account's id in the path is no UUID."))?;
    let stretch = span("timestamp", timestamp)?;
    let done = stretch.until <= services.now();
    let models = services
        .models_of_account(&access, account, stretch)
        .await?;
    let (user_id, org_id) = match account {
        Payer::User(user) => (Some(user.to_string()), None),
        Payer::Organization(organization) => (None, Some(organization.to_string())),
    };
    let metrics = models.into_iter().map(|(id, groups)| ResAnyCreditMetric {
        base: ResBaseCreditMetric::of(timestamp.to_owned(), done, &groups),
        model_id: Some(id.to_string()),
        user_id: user_id.clone(),
        org_id: org_id.clone(),
        system: None,
    });
    Ok(answer(metrics.collect()))
}

/// Usage of each model that a user had in use in a stretch of time.
#[utoipa::path(
    get, path = "/api/v2/analytics/credit-metrics/timestamp/{timestamp}/user/{userId}",
    operation_id = "GetModelUserCreditMetrics", tag = "analytics",
    params(
        ("timestamp" = String, Path, description = "YYYY, YYYYMM, YYYYMMDD or YYYYMMDDhh"),
        ("userId" = String, Path, description = "Id of the user")
    ),
    responses((status = 200, description = "One sum for each model", body = ResGetCreditMetrics)),
    security(("JwtAuth" = []))
)]
pub(crate) async fn models_of_user(
    State(services): State<Services>,
    From(caller): From,
    Path((timestamp, user)): Path<(String, String)>,
) -> Result<Json<ResGetCreditMetrics>, ApiError> {
    let account = user.parse().ok().map(Payer::User);
    models_of(
        &services,
        "GetModelUserCreditMetrics",
        &caller,
        &timestamp,
        account,
    )
    .await
}

/// Usage of each model that an organization had in use in a stretch of time.
#[utoipa::path(
    get, path = "/api/v2/analytics/credit-metrics/timestamp/{timestamp}/org/{orgId}",
    operation_id = "GetModelOrganizationCreditMetrics", tag = "analytics",
    params(
        ("timestamp" = String, Path, description = "YYYY, YYYYMM, YYYYMMDD or YYYYMMDDhh"),
        ("orgId" = String, Path, description = "Id of the organization")
    ),
    responses((status = 200, description = "One sum for each model", body = ResGetCreditMetrics)),
    security(("JwtAuth" = []))
)]
pub(crate) async fn models_of_organization(
    State(services): State<Services>,
    From(caller): From,
    Path((timestamp, organization)): Path<(String, String)>,
) -> Result<Json<ResGetCreditMetrics>, ApiError> {
    let account = organization.parse().ok().map(Payer::Organization);
    models_of(
        &services,
        "GetModelOrganizationCreditMetrics",
        &caller,
        &timestamp,
        account,
    )
    .await
}

fn instant(member: &str, text: Option<&str>) -> Result<Option<Timestamp>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    // The contract's default is a bare zero.
    if text == "0" {
        return Ok(None);
    }
    let parsed = Timestamp::parse_digits17(text);
    parsed.map(Some).map_err(|_| {
        invalid(format!(
            "'{member}' is an instant of 17 digits, YYYYMMDDhhmmsszzz (UTC)."
        ))
    })
}

fn wanted(query: ModelComputationsQuery) -> Result<ComputationQuery, ApiError> {
    let limit = query.limit.unwrap_or(PAGE_ITEMS_MAX);
    if !(1..=PAGE_ITEMS_MAX).contains(&limit) {
        return Err(invalid(format!(
            "'limit' is between 1 and {PAGE_ITEMS_MAX}."
        )));
    }
    Ok(ComputationQuery {
        ascending: query.order == Some(QueryOrder::Asc),
        from: instant("timestamp_from", query.timestamp_from.as_deref())?,
        to: instant("timestamp_to", query.timestamp_to.as_deref())?,
        ending: match query.status {
            None | Some(ComputationStatisticsStatus::All) => None,
            Some(ComputationStatisticsStatus::Success) => Some(Ending::Success),
            Some(ComputationStatisticsStatus::Timeout) => Some(Ending::Timeout),
            Some(ComputationStatisticsStatus::Other) => Some(Ending::Other),
        },
        kind: match query.kind {
            // Loading has no record of its own: it is part of the first computation.
            None | Some(ComputationType::All | ComputationType::Load) => None,
            Some(ComputationType::Computation) => Some(ResultKind::Output),
            Some(ComputationType::Export) => Some(ResultKind::Export),
        },
        strict: query.strict_limit.unwrap_or_default(),
        limit,
        offset: query.offset,
    })
}

fn shown(record: &ComputationRecord) -> ResModelComputation {
    let started = record.at.unix_ms();
    let started = started.saturating_sub(i64::try_from(record.wall_ms).unwrap_or(i64::MAX));
    let started = Timestamp::from_unix_ms(started);
    let digits = started.to_digits17();
    let (status, message) = match &record.status {
        vitrine_service::ComputationStatus::Success => ("success".to_owned(), None),
        vitrine_service::ComputationStatus::Failed { api_word, message } => {
            (api_word.clone(), Some(message.clone()))
        }
    };
    ResModelComputation {
        id: record.model.to_string(),
        timestamp: digits.parse().unwrap_or_default(),
        timestamp_str: digits.clone(),
        compute_request_id: record.id.to_string(),
        kind: match record.kind {
            ResultKind::Output => "computation",
            ResultKind::Export => "export",
        },
        exports: serde_json::Map::new(),
        outputs: serde_json::Map::new(),
        params: serde_json::Map::new(),
        stats: ResModelComputationStats {
            time_completion: record.wall_ms,
            time_processing: record.wall_ms,
            cpu_time_processing: record.cpu_ms,
        },
        succeeded: ending_of(record) == Ending::Success,
        status,
        timestamp_fin: record.at.to_digits17(),
        timestamp_req: started.unix_ms().to_string(),
        timestamp_req_iso: digits.clone(),
        timestamp_resp: digits,
        msg: message,
        credits: vitrine_service::analytics::computation_credits(record),
    }
}

/// What was computed of a model, how long it took and how it ended.
#[utoipa::path(
    get, path = "/api/v2/model/{modelId}/computations", operation_id = "GetModelComputations",
    tag = "model",
    params(
        ("modelId" = String, Path, description = "Id of the model"),
        ModelComputationsQuery
    ),
    responses((status = 200, description = "A page of computations", body = ResGetModelComputations)),
    security(("JwtAuth" = []))
)]
pub(crate) async fn computations(
    State(services): State<Services>,
    From(caller): From,
    Path(id): Path<String>,
    Query(query): Query<ModelComputationsQuery>,
) -> Result<Json<ResGetModelComputations>, ApiError> {
    let access = services
        .model_access("GetModelComputations", &id, &caller)
        .await?;
    let nothing_is_loaded_alone = query.kind == Some(ComputationType::Load);
    let wanted = wanted(query)?;
    let (records, next_offset) = if nothing_is_loaded_alone {
        (Vec::new(), None)
    } else {
        services.model_computations(&access, &wanted).await?
    };
    Ok(Json(ResGetModelComputations {
        computations: records.iter().map(shown).collect(),
        pagination: ResPagination {
            limit: wanted.limit,
            next_offset,
        },
        version: API_VERSION,
    }))
}

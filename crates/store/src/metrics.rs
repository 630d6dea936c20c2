//! Usage added up by stretches of time: the sums that are kept ([`crate::rollups`]) and the rows that are in
//! none yet, in one statement.

use std::collections::BTreeMap;

use vitrine_access::caps::CapWindow;
use vitrine_access::{
    ModelId, OrganizationId, SessionClass, Timestamp, UsageKind, UserId,
    limits::COMPUTATION_CHUNK_MS,
};

use crate::db::{Column as _, Handle, Row};
use crate::error::StoreError;
use crate::limits::METRIC_ACCOUNTS_MAX;
use crate::list::Assembly;
use crate::rollups::{OF_ORGANIZATION, OF_SYSTEM, OF_USER, Sum, Sums};
use crate::store::finders;

/// Whose usage is added up.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum MetricScope {
    /// Of everybody.
    System,
    /// Of one model, whoever owned it.
    Model(ModelId),
    /// Of all models that this user had at that time.
    User(UserId),
    /// Of all models that this organization had at that time.
    Organization(OrganizationId),
    /// Of one model while this user had it.
    ModelOfUser(ModelId, UserId),
    /// Of one model while this organization had it.
    ModelOfOrganization(ModelId, OrganizationId),
}

/// Whose models, or which accounts, are listed with their usage.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum MetricList {
    /// The models that this user had.
    ModelsOfUser(UserId),
    /// The models that this organization had.
    ModelsOfOrganization(OrganizationId),
    /// Every user, whoever asks.
    UsersUnscoped,
    /// Every organization, whoever asks.
    OrganizationsUnscoped,
}

/// The usage of one kind, one class of session and one stretch of time.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct MetricGroup {
    /// When the stretch begins.
    pub start: Timestamp,
    /// What happened.
    pub kind: UsageKind,
    /// In sessions of which class.
    pub class: SessionClass,
    /// Started chunks of time of each, for computations; else 0.
    pub chunks: u64,
    /// Credits.
    pub credits: u64,
    /// Counted things.
    pub count: u64,
    /// Milliseconds.
    pub duration_ms: u64,
}

finders! {
    /// The sums of the scope by hours, days or months (UTC) that begin with `from <= start < until`, oldest
    /// first. Both ends are ends of such stretches, or rows in between are left out.
    usage_groups(scope: MetricScope, period: CapWindow, from: Timestamp, until: Timestamp)
        -> Vec<MetricGroup>;
    /// The sums of the stretch that begins at `start`, by the bytes of the model's or account's id, in their
    /// order. More than [`METRIC_ACCOUNTS_MAX`] are an error.
    usage_list(list: MetricList, period: CapWindow, start: Timestamp)
        -> Vec<([u8; 16], Vec<MetricGroup>)>;
}

/// Which column, if any, names the model or account of a row.
type Named = Option<&'static str>;

/// The sums of `table` that begin within the interval; the caller adds conditions.
fn rolled(
    sql: &mut Assembly,
    (table, named): (&'static str, Named),
    period: CapWindow,
    (from, until): (Timestamp, Timestamp),
) {
    sql.text("SELECT start");
    if let Some(column) = named {
        sql.text(", ").text(column).text(" AS id");
    }
    sql.text(
        ", sums, CAST(NULL AS TEXT) AS kind, CAST(NULL AS TEXT) AS class, \
         CAST(NULL AS BIGINT) AS chunks, CAST(NULL AS BIGINT) AS credits, \
         CAST(NULL AS BIGINT) AS count, CAST(NULL AS BIGINT) AS duration_ms FROM ",
    );
    sql.text(table).text(" WHERE period = ");
    sql.value(period.encode());
    sql.text(" AND start >= ").value(from.encode());
    sql.text(" AND start < ").value(until.encode());
}

/// The rows of the interval that are in no sum yet, by hours: who reads tells days and months apart. The
/// caller adds conditions and then [`by_parts`].
fn unrolled(sql: &mut Assembly, named: Named, (from, until): (Timestamp, Timestamp)) {
    sql.text(" UNION ALL SELECT at - at % 3600000 AS start");
    if let Some(column) = named {
        sql.text(", ").text(column).text(" AS id");
    }
    sql.text(
        ", CAST(NULL AS TEXT) AS sums, kind, class, \
         CASE WHEN kind = 'computation' THEN (duration_ms + 9999) / 10000 ELSE 0 END AS chunks, \
         CAST(SUM(credits) AS BIGINT) AS credits, CAST(SUM(count) AS BIGINT) AS count, \
         CAST(SUM(duration_ms) AS BIGINT) AS duration_ms FROM usage_event \
         WHERE rolled = 0 AND at >= ",
    );
    sql.value(from.encode());
    sql.text(" AND at < ").value(until.encode());
}

fn by_parts(sql: &mut Assembly, named: Named) {
    sql.text(match named {
        None => " GROUP BY 1, 3, 4, 5",
        Some(_) => " GROUP BY 1, 2, 4, 5, 6",
    });
}

// The text above says these numbers.
const _: () = assert!(COMPUTATION_CHUNK_MS == 10_000);

async fn usage_groups(
    handle: &mut Handle,
    scope: MetricScope,
    period: CapWindow,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<MetricGroup>, StoreError> {
    let table = match scope {
        MetricScope::System | MetricScope::User(_) | MetricScope::Organization(_) => {
            "usage_of_account"
        }
        _ => "usage_of_model",
    };
    let mut sql = Assembly::new("");
    rolled(&mut sql, (table, None), period, (from, until));
    let account = |sql: &mut Assembly, kind: &'static str, id: Vec<u8>| {
        sql.text(" AND kind = ").value(kind.to_owned().encode());
        sql.text(" AND account = ").value(id.encode());
    };
    match scope {
        MetricScope::System => account(&mut sql, OF_SYSTEM, Vec::new()),
        MetricScope::User(id) => account(&mut sql, OF_USER, id.as_bytes().to_vec()),
        MetricScope::Organization(id) => {
            account(&mut sql, OF_ORGANIZATION, id.as_bytes().to_vec());
        }
        MetricScope::Model(_)
        | MetricScope::ModelOfUser(..)
        | MetricScope::ModelOfOrganization(..) => restrict(&mut sql, scope),
    }
    unrolled(&mut sql, None, (from, until));
    restrict(&mut sql, scope);
    by_parts(&mut sql, None);
    let mut stretches: BTreeMap<Timestamp, Sums> = BTreeMap::new();
    for row in handle.all(sql.finish()).await? {
        let start = period.start(row.get("start")?);
        add(stretches.entry(start).or_default(), &row)?;
    }
    let groups = stretches
        .iter()
        .flat_map(|(start, sums)| groups(*start, sums));
    Ok(groups.collect())
}

/// The conditions of the scope on usage rows, and on sums of models.
pub(crate) fn restrict(sql: &mut Assembly, scope: MetricScope) {
    match scope {
        MetricScope::System => {}
        MetricScope::Model(model) => drop(sql.text(" AND model = ").value(model.encode())),
        MetricScope::User(user) => drop(sql.text(" AND owner_user = ").value(user.encode())),
        MetricScope::Organization(organization) => {
            sql.text(" AND owner_organization = ")
                .value(organization.encode());
        }
        MetricScope::ModelOfUser(model, user) => {
            restrict(sql, MetricScope::Model(model));
            restrict(sql, MetricScope::User(user));
        }
        MetricScope::ModelOfOrganization(model, organization) => {
            restrict(sql, MetricScope::Model(model));
            restrict(sql, MetricScope::Organization(organization));
        }
    }
}

async fn usage_list(
    handle: &mut Handle,
    list: MetricList,
    period: CapWindow,
    start: Timestamp,
) -> Result<Vec<([u8; 16], Vec<MetricGroup>)>, StoreError> {
    let (table, kept, raw) = match list {
        MetricList::ModelsOfUser(_) | MetricList::ModelsOfOrganization(_) => {
            ("usage_of_model", "model", "model")
        }
        MetricList::UsersUnscoped => ("usage_of_account", "account", "owner_user"),
        MetricList::OrganizationsUnscoped => ("usage_of_account", "account", "owner_organization"),
    };
    let start = period.start(start);
    let whole = (start, period.end(start));
    let first = (
        start,
        Timestamp::from_unix_ms(start.unix_ms().saturating_add(1)),
    );
    let mut sql = Assembly::new("");
    rolled(&mut sql, (table, Some(kept)), period, first);
    match list {
        MetricList::ModelsOfUser(user) => restrict(&mut sql, MetricScope::User(user)),
        MetricList::ModelsOfOrganization(organization) => {
            restrict(&mut sql, MetricScope::Organization(organization));
        }
        MetricList::UsersUnscoped => drop(sql.text(" AND kind = 'user'")),
        MetricList::OrganizationsUnscoped => drop(sql.text(" AND kind = 'organization'")),
    }
    unrolled(&mut sql, Some(raw), whole);
    match list {
        MetricList::ModelsOfUser(user) => restrict(&mut sql, MetricScope::User(user)),
        MetricList::ModelsOfOrganization(organization) => {
            restrict(&mut sql, MetricScope::Organization(organization));
        }
        MetricList::UsersUnscoped => {}
        MetricList::OrganizationsUnscoped => drop(sql.text(" AND owner_organization IS NOT NULL")),
    }
    by_parts(&mut sql, Some(raw));
    let mut listed: BTreeMap<[u8; 16], Sums> = BTreeMap::new();
    for row in handle.all(sql.finish()).await? {
        let id: Vec<u8> = row.get("id")?;
        let id = id
            .try_into()
            .map_err(|_| StoreError::corrupt("id", "it has the wrong length"))?;
        add(listed.entry(id).or_default(), &row)?;
    }
    if listed.len() > METRIC_ACCOUNTS_MAX {
        return Err(StoreError::TooMuch {
            what: "models or accounts of one list of metrics",
            given: listed.len(),
            allowed: METRIC_ACCOUNTS_MAX,
        });
    }
    Ok(listed
        .into_iter()
        .map(|(id, sums)| (id, groups(start, &sums).collect()))
        .collect())
}

/// Adds one row of the answer, which holds sums that are kept or one part of the others.
fn add(sums: &mut Sums, row: &Row) -> Result<(), StoreError> {
    if let Some(kept) = row.get_option::<String>("sums")? {
        return sums.add_storage(&kept);
    }
    let part = (row.get("kind")?, row.get("class")?, row.get("chunks")?);
    let sum = Sum {
        credits: row.get("credits")?,
        count: row.get("count")?,
        duration_ms: row.get("duration_ms")?,
    };
    sums.add(part, sum);
    Ok(())
}

fn groups(start: Timestamp, sums: &Sums) -> impl Iterator<Item = MetricGroup> + '_ {
    sums.0
        .iter()
        .map(move |(&(kind, class, chunks), sum)| MetricGroup {
            start,
            kind,
            class,
            chunks,
            credits: sum.credits,
            count: sum.count,
            duration_ms: sum.duration_ms,
        })
}

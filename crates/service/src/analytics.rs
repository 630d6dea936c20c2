//! Credit metrics and records of computations, for those who hold `analytics.model.get.*`: owners of models
//! by tokens for a model, a group or an account, and the back end for everybody.

use std::collections::BTreeMap;
use std::sync::Arc;

use vitrine_access::caps::CapWindow;
use vitrine_access::credits::{UsageKind, credits_for};
use vitrine_access::grant::Subject;
use vitrine_access::ids::{ModelId, OrganizationId, UserId};
use vitrine_access::owner::Payer;
use vitrine_access::refusal::RefusalKind;
use vitrine_access::session::SessionClass;
use vitrine_access::time::Timestamp;
use vitrine_store::{ComputationCursor, ComputationRecord, MetricGroup, MetricList, MetricScope};

use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::offset;
use crate::tokens::{VerifiedToken, issued_for_certain, revoked};
use crate::who::{Caller, ModelAccess, refuse, wrong_model};

/// Items of one question. Clients ask for a handful.
pub const METRIC_ITEMS_MAX: usize = 100;
/// Ids of one question, all items together; each is looked up by itself.
pub const METRIC_IDS_MAX: usize = 1_000;
/// Stretches of time that one item names: two months of days.
pub const METRIC_SPANS_MAX: usize = 62;
/// Look-ups of one question: ids times stretches.
const LOOKUPS_MAX: usize = 5_000;
/// Pages of records that are read to fill one page that leaves some out.
const PAGES_READ_MAX: u32 = 20;

/// A stretch of time, as a partial date names it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
}

impl Span {
    /// All the time there is.
    pub const EVER: Self = Self {
        from: Timestamp::from_unix_ms(0),
        until: Timestamp::MAX_14,
    };

    /// Reads `YYYY`, `YYYYMM`, `YYYYMMDD` or `YYYYMMDDhh` (UTC); `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let start = |text: String| Timestamp::parse_digits14(&text).ok();
        let of = |window: CapWindow, at: Timestamp| Self {
            from: at,
            until: window.end(at),
        };
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        match text.len() {
            4 => Some(Self {
                from: start(format!("{text}0101000000"))?,
                until: match text.parse::<u32>().ok()? {
                    9999 => Timestamp::MAX_14,
                    year => start(format!("{:04}0101000000", year + 1))?,
                },
            }),
            6 => start(format!("{text}01000000")).map(|at| of(CapWindow::Month, at)),
            8 => start(format!("{text}000000")).map(|at| of(CapWindow::Day, at)),
            10 => start(format!("{text}0000")).map(|at| of(CapWindow::Hour, at)),
            _ => None,
        }
    }

    /// Cuts it into whole months, days and hours, so that few rows are read: at most five parts.
    fn parts(self) -> Vec<(CapWindow, Self)> {
        let mut parts = Vec::new();
        self.cut(&CapWindow::ALL, &mut parts);
        parts
    }

    /// Takes the largest whole windows out of the middle, and cuts both ends into smaller ones.
    fn cut(self, windows: &[CapWindow], parts: &mut Vec<(CapWindow, Self)>) {
        let Some((window, smaller)) = windows.split_last() else {
            return;
        };
        if self.from >= self.until {
            return;
        }
        let first = match window.start(self.from) {
            start if start == self.from => start,
            start => window.end(start),
        };
        let last = window.start(self.until);
        if smaller.is_empty() || first >= last {
            match smaller {
                [] => parts.push((*window, self)),
                _ => self.cut(smaller, parts),
            }
            return;
        }
        Self {
            from: self.from,
            until: first,
        }
        .cut(smaller, parts);
        let middle = Self {
            from: first,
            until: last,
        };
        parts.push((*window, middle));
        Self {
            from: last,
            until: self.until,
        }
        .cut(smaller, parts);
    }
}

/// One item of a question: sums over all of these, in all of these stretches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricQuestion {
    /// Whose usage.
    pub scopes: Vec<MetricScope>,
    /// When.
    pub spans: Vec<Span>,
}

/// The right to read usage by a token; of whom, each question asks again.
#[derive(Clone, Debug)]
pub struct AnalyticsAccess {
    token: Arc<VerifiedToken>,
}

/// What a model was used for so far.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelStatistic {
    /// Computations.
    pub computations: u64,
    /// Their milliseconds.
    pub computation_ms: u64,
    /// Milliseconds with loading.
    pub request_ms: u64,
    /// Sessions.
    pub sessions: u64,
    /// When the last one was opened.
    pub last_session: Option<Timestamp>,
}

/// How computations ended.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With results.
    Success,
    /// They took too long.
    Timeout,
    /// In any other way.
    Other,
}

/// Which records of computations are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComputationQuery {
    /// Oldest first instead of newest first.
    pub ascending: bool,
    /// Not before this.
    pub from: Option<Timestamp>,
    /// Not after this.
    pub to: Option<Timestamp>,
    /// Only those that ended like this.
    pub ending: Option<Ending>,
    /// Only those of outputs, or of exports.
    pub kind: Option<vitrine_store::ResultKind>,
    /// Whether the page is filled as long as there are records; else some may be left out of it.
    pub strict: bool,
    /// Most records.
    pub limit: u32,
    /// Where the page before ended.
    pub offset: Option<String>,
}

impl ComputationQuery {
    fn wants(&self, record: &ComputationRecord) -> bool {
        self.kind.is_none_or(|kind| record.kind == kind)
            && self.ending.is_none_or(|ending| ending_of(record) == ending)
    }
}

/// How a computation ended.
#[must_use]
pub fn ending_of(record: &ComputationRecord) -> Ending {
    match &record.status {
        vitrine_store::ComputationStatus::Success => Ending::Success,
        vitrine_store::ComputationStatus::Failed { api_word, .. } if api_word == "timeout" => {
            Ending::Timeout
        }
        vitrine_store::ComputationStatus::Failed { .. } => Ending::Other,
    }
}

/// The credits that a computation's time costs.
#[must_use]
pub fn computation_credits(record: &ComputationRecord) -> u32 {
    credits_for(
        UsageKind::Computation,
        SessionClass::Default,
        record.wall_ms,
    )
}

fn wrong_account() -> Error {
    refuse(
        RefusalKind::SubjectRestricted,
        "The access token is not for this account's usage. Ask its issuer for one that is.",
    )
}

impl Services {
    /// Checks a request for usage that names no model in its path.
    ///
    /// # Errors
    /// Token refusals, `PermissionMissing`.
    pub fn analytics_access(&self, operation: &str, caller: &Caller) -> Result<AnalyticsAccess> {
        let token = self.token_for_operation(operation, caller)?;
        Ok(AnalyticsAccess { token })
    }

    /// The sums of each item, in the order of the items.
    ///
    /// # Errors
    /// `WrongModel` or `SubjectRestricted` for what the token does not cover, whether it exists or not;
    /// `RequestInvalid` for too much at once; database failures.
    pub async fn credit_metrics(
        &self,
        access: &AnalyticsAccess,
        items: &[MetricQuestion],
    ) -> Result<Vec<Vec<MetricGroup>>> {
        let ids: usize = items.iter().map(|item| item.scopes.len()).sum();
        let work = items
            .iter()
            .map(|item| item.scopes.len().saturating_mul(item.spans.len()));
        let spans = items.iter().map(|item| item.spans.len()).max();
        if items.len() > METRIC_ITEMS_MAX
            || ids > METRIC_IDS_MAX
            || spans.unwrap_or_default() > METRIC_SPANS_MAX
            || work.sum::<usize>() > LOOKUPS_MAX
        {
            return Err(Error::new(
                ErrorKind::RequestInvalid,
                format!(
                    "A request has at most {METRIC_ITEMS_MAX} items, {METRIC_IDS_MAX} ids, \
                     {METRIC_SPANS_MAX} timestamps in an item and {LOOKUPS_MAX} ids times timestamps. \
                     Ask for less at once."
                ),
            ));
        }
        for scope in items.iter().flat_map(|item| &item.scopes) {
            self.check_scope(access, *scope).await?;
        }
        let mut answers = Vec::with_capacity(items.len());
        for item in items {
            answers.push(self.sums_of(item).await?);
        }
        Ok(answers)
    }

    async fn sums_of(&self, item: &MetricQuestion) -> Result<Vec<MetricGroup>> {
        let mut groups = Vec::new();
        for (window, span) in item.spans.iter().flat_map(|span| span.parts()) {
            for scope in &item.scopes {
                let some = self
                    .inner
                    .store
                    .usage_groups(*scope, window, span.from, span.until);
                groups.extend(some.await?);
            }
            // Only sums are asked for: a long time shall not fill the memory.
            groups = merged(groups);
        }
        Ok(groups)
    }

    /// The sums of each model that an account had in use during a stretch.
    ///
    /// # Errors
    /// `SubjectRestricted` for an account that the token does not cover; database failures.
    pub async fn models_of_account(
        &self,
        access: &AnalyticsAccess,
        account: Payer,
        span: Span,
    ) -> Result<Vec<(ModelId, Vec<MetricGroup>)>> {
        if !self.covers_account(&access.token, account).await? {
            return Err(wrong_account());
        }
        let list = match account {
            Payer::User(user) => MetricList::ModelsOfUser(user),
            Payer::Organization(organization) => MetricList::ModelsOfOrganization(organization),
        };
        let listed = self.usage_listed(list, span).await?;
        Ok(listed
            .into_iter()
            .map(|(id, groups)| (ModelId::from_bytes(id), groups))
            .collect())
    }

    /// The sums of every user active in a stretch, for the back end.
    ///
    /// # Errors
    /// Database failures.
    pub async fn users_active(&self, span: Span) -> Result<Vec<(UserId, Vec<MetricGroup>)>> {
        let listed = self.usage_listed(MetricList::UsersUnscoped, span).await?;
        let users = listed
            .into_iter()
            .map(|(id, groups)| (UserId::from_bytes(id), groups));
        Ok(users.collect())
    }

    /// The same for organizations.
    ///
    /// # Errors
    /// Database failures.
    pub async fn organizations_active(
        &self,
        span: Span,
    ) -> Result<Vec<(OrganizationId, Vec<MetricGroup>)>> {
        let listed = self
            .usage_listed(MetricList::OrganizationsUnscoped, span)
            .await?;
        let organizations = listed
            .into_iter()
            .map(|(id, groups)| (OrganizationId::from_bytes(id), groups));
        Ok(organizations.collect())
    }

    async fn usage_listed(
        &self,
        list: MetricList,
        span: Span,
    ) -> Result<Vec<([u8; 16], Vec<MetricGroup>)>> {
        let mut listed: BTreeMap<[u8; 16], Vec<MetricGroup>> = BTreeMap::new();
        for (window, part) in span.parts() {
            let mut start = part.from;
            while start < part.until {
                let some = self.inner.store.usage_list(list, window, start);
                for (id, groups) in some.await? {
                    listed.entry(id).or_default().extend(groups);
                }
                start = window.end(start);
            }
        }
        Ok(listed
            .into_iter()
            .map(|(id, groups)| (id, merged(groups)))
            .collect())
    }

    async fn check_scope(&self, access: &AnalyticsAccess, scope: MetricScope) -> Result<()> {
        let token = &access.token;
        let user = |user| self.covers_account(token, Payer::User(user));
        let organization = |id| self.covers_account(token, Payer::Organization(id));
        let (covered, refused) = match scope {
            MetricScope::System => (token.grant.is_backend(), wrong_account()),
            MetricScope::User(id) => (user(id).await?, wrong_account()),
            MetricScope::Organization(id) => (organization(id).await?, wrong_account()),
            MetricScope::Model(id) => (self.covers_model(token, id).await?, wrong_model()),
            MetricScope::ModelOfUser(model, id) => (
                user(id).await? || self.covers_model(token, model).await?,
                wrong_model(),
            ),
            MetricScope::ModelOfOrganization(model, id) => (
                organization(id).await? || self.covers_model(token, model).await?,
                wrong_model(),
            ),
        };
        if covered { Ok(()) } else { Err(refused) }
    }

    async fn covers_model(&self, token: &Arc<VerifiedToken>, id: ModelId) -> Result<bool> {
        if !token.names(id) && !token.may_cover(id) {
            return Ok(false);
        }
        match self.model_record(id).await? {
            Some(model) => {
                let covering = self.token_on(Arc::clone(token), &model).await?;
                Ok(covering.is_some())
            }
            // An erased model leaves what it was charged with.
            None => Ok(token.names(id)),
        }
    }

    /// Whether a token may read what an account is charged with.
    async fn covers_account(&self, token: &VerifiedToken, account: Payer) -> Result<bool> {
        if token.account.is_some_and(|mapped| mapped != account) {
            return Ok(false);
        }
        let subject = match account {
            Payer::User(user) => Subject::User(user),
            Payer::Organization(organization) => Subject::Organization(organization),
        };
        let covered = match token.token.subject {
            Subject::Backend => token.grant.is_backend(),
            Subject::Model(_) => false,
            Subject::AuthGroup(id) => self.group_has(id, account).await?,
            own => own == subject,
        };
        let issued_at = issued_for_certain(token.token.issued_at, token.issuer_key);
        if covered
            && !token.grant.is_backend()
            && self.inner.tokens.is_subject_revoked(&subject, issued_at)
        {
            return Err(revoked().into());
        }
        Ok(covered)
    }

    /// What a model was used for so far, whoever owned it.
    ///
    /// # Errors
    /// Database failures.
    pub async fn model_statistic(&self, model: ModelId) -> Result<ModelStatistic> {
        let groups = self
            .sums_of(&MetricQuestion {
                scopes: vec![MetricScope::Model(model)],
                spans: vec![Span::EVER],
            })
            .await?;
        let last_session = self.inner.store.last_session_charged(model).await?;
        let sum = |kinds: &[UsageKind], value: fn(&MetricGroup) -> u64| {
            let some = groups.iter().filter(|group| kinds.contains(&group.kind));
            some.map(value).sum::<u64>()
        };
        let computed = [UsageKind::Computation];
        Ok(ModelStatistic {
            computations: sum(&computed, |group| group.count),
            computation_ms: sum(&computed, |group| group.duration_ms),
            request_ms: sum(&[UsageKind::Computation, UsageKind::Loading], |group| {
                group.duration_ms
            }),
            sessions: sum(&[UsageKind::Session], |group| group.count),
            last_session,
        })
    }

    /// A page of a model's computations, and where the next one begins.
    ///
    /// # Errors
    /// `RequestInvalid` for an offset of somebody else's; database failures.
    pub async fn model_computations(
        &self,
        access: &ModelAccess,
        query: &ComputationQuery,
    ) -> Result<(Vec<ComputationRecord>, Option<String>)> {
        let mut after = query
            .offset
            .as_deref()
            .map(offset::to_computation_cursor)
            .transpose()?;
        let from = query.from.unwrap_or(Span::EVER.from);
        let to = query.to.unwrap_or(Span::EVER.until);
        let mut found = Vec::new();
        for _ in 0..PAGES_READ_MAX {
            let store = &self.inner.store;
            let (model, limit) = (access.model.id, query.limit.saturating_add(1));
            let mut rows = store
                .model_computations(model, (from, to), query.ascending, after, limit)
                .await?;
            let more = offset::cut_page(&mut rows, query.limit).is_some();
            let last = rows.last().map(|record| record.id);
            for record in rows {
                after = Some(ComputationCursor {
                    at: record.at,
                    id: record.id,
                });
                if query.wants(&record) {
                    found.push(record);
                }
                if found.len() == query.limit as usize {
                    break;
                }
            }
            if !more && after.map(|after| after.id) == last.or(after.map(|after| after.id)) {
                return Ok((found, None));
            }
            if !query.strict || found.len() == query.limit as usize {
                break;
            }
        }
        Ok((found, after.as_ref().map(offset::of_computation_cursor)))
    }
}

/// The groups with those of one kind, class and length added up; their times are told no more.
fn merged(groups: Vec<MetricGroup>) -> Vec<MetricGroup> {
    let mut sums: BTreeMap<(UsageKind, SessionClass, u64), MetricGroup> = BTreeMap::new();
    for group in groups {
        sums.entry((group.kind, group.class, group.chunks))
            .and_modify(|sum| {
                sum.start = sum.start.min(group.start);
                sum.credits = sum.credits.saturating_add(group.credits);
                sum.count = sum.count.saturating_add(group.count);
                sum.duration_ms = sum.duration_ms.saturating_add(group.duration_ms);
            })
            .or_insert(group);
    }
    sums.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(text: &str) -> Span {
        Span::parse(text).unwrap()
    }

    #[test]
    fn partial_dates_name_whole_stretches() {
        for (text, from, until) in [
            ("2024", "20240101000000", "20250101000000"),
            ("202402", "20240201000000", "20240301000000"),
            ("20240229", "20240229000000", "20240301000000"),
            ("2024022923", "20240229230000", "20240301000000"),
            ("9999", "99990101000000", "99991231235959"),
        ] {
            let found = span(text);
            assert_eq!(found.from.to_digits14(), from, "{text}");
            assert_eq!(found.until.to_digits14(), until, "{text}");
        }
        for text in [
            "",
            "24",
            "20241",
            "202413",
            "20240230",
            "2024022924",
            "٢٠٢٤",
            "-024",
            "2024-01",
        ] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_stretch_is_cut_into_parts_that_follow_each_other() {
        for (from, until) in [
            ("2024", "2024"),
            ("2024022905", "2024022905"),
            ("2024022905", "2024022907"),
            ("2024022905", "2024030203"),
            ("2023110517", "2025020311"),
            ("20240229", "202405"),
        ] {
            let whole = Span {
                from: span(from).from,
                until: span(until).until,
            };
            let parts = whole.parts();
            assert!(parts.len() <= 5, "{parts:?}");
            let mut at = whole.from;
            for (window, part) in parts {
                assert_eq!(part.from, at);
                assert!(part.until > at);
                assert_eq!(window.start(part.from), part.from, "{window:?}");
                assert_eq!(window.start(part.until), part.until, "{window:?}");
                at = part.until;
            }
            assert_eq!(at, whole.until);
        }
    }
}

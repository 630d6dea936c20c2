//! Usage rows added up ahead of the questions: by hour, day and month, of each model, account and the whole.
//!
//! A row is in the sums exactly once: the transaction that adds it marks it. Whoever asks takes the sums and
//! the rows that are not marked yet in one statement, so that the answer always equals the rows, whatever
//! clocks, restarts and repetitions did. Sums that are wrong all the same are made anew by
//! [`Store::rebuild_rollups`].
//!
//! [`Store::rebuild_rollups`]: crate::Store::rebuild_rollups

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vitrine_access::caps::CapWindow;
use vitrine_access::limits::COMPUTATION_CHUNK_MS;
use vitrine_access::{ModelId, OrganizationId, SessionClass, Timestamp, UsageKind, UserId};

use crate::db::{Handle, Query, Row};
use crate::error::StoreError;
use crate::limits::ROLLUP_ROWS_MAX;
use crate::store::writers;

/// The word of a user's sums.
pub(crate) const OF_USER: &str = "user";
/// The word of an organization's sums.
pub(crate) const OF_ORGANIZATION: &str = "organization";
/// The word of everybody's sums, whose account is empty.
pub(crate) const OF_SYSTEM: &str = "system";

/// What is added up separately: kind, class of session, started chunks of computing time.
pub(crate) type Part = (UsageKind, SessionClass, u64);

/// Sums of some usage rows.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) credits: u64,
    pub(crate) count: u64,
    pub(crate) duration_ms: u64,
}

/// The sums of one stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums(pub(crate) BTreeMap<Part, Sum>);

/// The stored form of one part: kind, class, chunks, credits, count, milliseconds.
#[derive(Serialize, Deserialize)]
struct StoredPart<'a>(&'a str, &'a str, u64, u64, u64, u64);

impl Sums {
    pub(crate) fn add(&mut self, part: Part, sum: Sum) {
        let known = self.0.entry(part).or_default();
        known.credits = known.credits.saturating_add(sum.credits);
        known.count = known.count.saturating_add(sum.count);
        known.duration_ms = known.duration_ms.saturating_add(sum.duration_ms);
    }

    /// Adds sums as they are stored.
    pub(crate) fn add_storage(&mut self, text: &str) -> Result<(), StoreError> {
        let parts: Vec<StoredPart<'_>> =
            serde_json::from_str(text).map_err(|error| StoreError::corrupt("sums", error))?;
        for StoredPart(kind, class, chunks, credits, count, duration_ms) in parts {
            let kind = kind.parse();
            let class = class.parse();
            let part = (
                kind.map_err(|error| StoreError::corrupt("sums", error))?,
                class.map_err(|error| StoreError::corrupt("sums", error))?,
                chunks,
            );
            let sum = Sum {
                credits,
                count,
                duration_ms,
            };
            self.add(part, sum);
        }
        Ok(())
    }

    fn to_storage(&self) -> Result<String, StoreError> {
        let parts = self.0.iter().map(|((kind, class, chunks), sum)| {
            let Sum {
                credits,
                count,
                duration_ms,
            } = *sum;
            let (kind, class) = (kind.as_str(), class.as_str());
            StoredPart(kind, class, *chunks, credits, count, duration_ms)
        });
        serde_json::to_string(&parts.collect::<Vec<_>>()).map_err(|error| StoreError::Unstorable {
            what: "sums of usage",
            why: error.to_string(),
        })
    }
}

/// Started chunks of a computation's time; 0 for what is no computation.
pub(crate) fn started_chunks(kind: UsageKind, duration_ms: u64) -> u64 {
    match kind {
        UsageKind::Computation => duration_ms.div_ceil(COMPUTATION_CHUNK_MS),
        _ => 0,
    }
}

writers! {
    /// Adds up to `limit` ([`ROLLUP_ROWS_MAX`]) usage rows to the sums that are kept, oldest first. Returns how
    /// many there were.
    roll_usage(limit: u32) -> u64;
    /// Forgets all sums that are kept, so that they are made anew. Answers stay right meanwhile, and are slower.
    /// Charges wait until this is done.
    rebuild_rollups() -> ();
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct OfModel {
    model: ModelId,
    period: CapWindow,
    start: Timestamp,
    user: UserId,
    organization: Option<OrganizationId>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct OfAccount {
    kind: &'static str,
    account: Vec<u8>,
    period: CapWindow,
    start: Timestamp,
}

async fn roll_usage(handle: &mut Handle, limit: u32) -> Result<u64, StoreError> {
    lock(handle).await?;
    let sql = "UPDATE usage_event SET rolled = 1 WHERE id IN (\
        SELECT id FROM usage_event WHERE rolled = 0 ORDER BY at, id LIMIT $1) \
        RETURNING kind, class, credits, count, duration_ms, owner_user, owner_organization, model, at";
    let query = Query::new(sql).bind(&limit.min(ROLLUP_ROWS_MAX));
    let rows = handle.all(query).await?;
    let mut models: BTreeMap<OfModel, Sums> = BTreeMap::new();
    let mut accounts: BTreeMap<OfAccount, Sums> = BTreeMap::new();
    for row in &rows {
        let kind: UsageKind = row.get("kind")?;
        let sum = Sum {
            credits: row.get("credits")?,
            count: row.get("count")?,
            duration_ms: row.get("duration_ms")?,
        };
        let part = (
            kind,
            row.get("class")?,
            started_chunks(kind, sum.duration_ms),
        );
        let (model, owner, at) = (row.get("model")?, row.owner()?, row.get("at")?);
        for period in CapWindow::ALL {
            let start = period.start(at);
            let key = OfModel {
                model,
                period,
                start,
                user: owner.user,
                organization: owner.organization,
            };
            models.entry(key).or_default().add(part, sum);
            let organization = owner.organization;
            let whose = [
                Some((OF_SYSTEM, Vec::new())),
                Some((OF_USER, owner.user.as_bytes().to_vec())),
                organization.map(|id| (OF_ORGANIZATION, id.as_bytes().to_vec())),
            ];
            for (kind, account) in whose.into_iter().flatten() {
                let key = OfAccount {
                    kind,
                    account,
                    period,
                    start,
                };
                accounts.entry(key).or_default().add(part, sum);
            }
        }
    }
    for (key, sums) in models {
        add_to_model(handle, &key, sums).await?;
    }
    for (key, sums) in accounts {
        add_to_account(handle, &key, sums).await?;
    }
    Ok(rows.len() as u64)
}

/// Nobody else rolls up until the end of the transaction.
async fn lock(handle: &mut Handle) -> Result<(), StoreError> {
    let sql = "UPDATE usage_roller SET rounds = rounds + 1 WHERE only_row = 1";
    handle.execute(Query::new(sql)).await.map(drop)
}

async fn add_to_model(
    handle: &mut Handle,
    key: &OfModel,
    mut sums: Sums,
) -> Result<(), StoreError> {
    let keyed = |sql| {
        let organization = key.organization.map(|id| id.as_bytes().to_vec());
        Query::new(sql)
            .bind(&key.model)
            .bind(&key.period)
            .bind(&key.start)
            .bind(&key.user)
            .bind(&organization.unwrap_or_default())
    };
    let known = keyed(
        "SELECT sums FROM usage_of_model WHERE model = $1 AND period = $2 AND start = $3 \
         AND owner_user = $4 AND owner_organization = $5",
    );
    add_known(handle.optional(known).await?, &mut sums)?;
    let write = keyed(
        "INSERT INTO usage_of_model (model, period, start, owner_user, owner_organization, sums) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (model, period, start, owner_user, owner_organization) \
         DO UPDATE SET sums = excluded.sums",
    );
    let write = write.bind_text(&sums.to_storage()?);
    handle.execute(write).await.map(drop)
}

async fn add_to_account(
    handle: &mut Handle,
    key: &OfAccount,
    mut sums: Sums,
) -> Result<(), StoreError> {
    let keyed = |sql| {
        Query::new(sql)
            .bind_text(key.kind)
            .bind(&key.account)
            .bind(&key.period)
            .bind(&key.start)
    };
    let known = keyed(
        "SELECT sums FROM usage_of_account WHERE kind = $1 AND account = $2 AND period = $3 \
         AND start = $4",
    );
    add_known(handle.optional(known).await?, &mut sums)?;
    let write = keyed(
        "INSERT INTO usage_of_account (kind, account, period, start, sums) \
         VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (kind, account, period, start) DO UPDATE SET sums = excluded.sums",
    );
    let write = write.bind_text(&sums.to_storage()?);
    handle.execute(write).await.map(drop)
}

fn add_known(row: Option<Row>, sums: &mut Sums) -> Result<(), StoreError> {
    if let Some(row) = row {
        let known: String = row.get("sums")?;
        sums.add_storage(&known)?;
    }
    Ok(())
}

async fn rebuild_rollups(handle: &mut Handle) -> Result<(), StoreError> {
    lock(handle).await?;
    // From the smallest key on: so that each has an index to go along.
    for sql in [
        "DELETE FROM usage_of_model WHERE model >= $1",
        "DELETE FROM usage_of_account WHERE kind > '' AND account >= $1",
        "UPDATE usage_event SET rolled = 0 WHERE payer >= $1",
    ] {
        let query = Query::new(sql).bind(&Vec::<u8>::new());
        handle.execute(query).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_survive_storage_and_others_add_up() {
        let mut sums = Sums::default();
        let sum = Sum {
            credits: 1,
            count: 2,
            duration_ms: 12_345,
        };
        let part = (UsageKind::Computation, SessionClass::Limited, 2);
        sums.add(part, sum);
        sums.add((UsageKind::Export, SessionClass::Default, 0), sum);
        let text = sums.to_storage().unwrap();
        let mut read = Sums::default();
        read.add_storage(&text).unwrap();
        assert_eq!(read, sums);
        read.add_storage(&text).unwrap();
        assert_eq!(read.0[&part].duration_ms, 24_690);
        for wrong in ["", "{}", r#"[["tea","limited",0,0,0,0]]"#, "[[1]]"] {
            assert!(read.add_storage(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_chunk_counts_when_it_has_begun() {
        let chunks = |ms| started_chunks(UsageKind::Computation, ms);
        assert_eq!([0, 1, 10_000, 10_001].map(chunks), [0, 1, 1, 2]);
        assert_eq!(started_chunks(UsageKind::Loading, 10_001), 0);
    }
}

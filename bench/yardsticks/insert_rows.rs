//! Durable rows, as many in flight as asked for, over connections that stay open.
//!
//! `insert_rows appends SQLITE_URL IN_FLIGHT`: sessions with their charge through the group commit of the store, without a server around
//! it. `insert_rows inserts POSTGRES_URL IN_FLIGHT SQL BYTES...`: single inserts, each a transaction of its own; each parameter of the
//! statement is so many random bytes.
//!
//! Reads numbers from standard input, one a line; makes so many rows and prints the nanoseconds that it took.

use std::error::Error;
use std::io::BufRead as _;
use std::time::Instant;

use futures::StreamExt as _;
use futures::stream;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, query};
use vitrine_access::{Entropy as _, UsageKind};
use vitrine_store::{ModelRecord, Store, StoreOptions};
use vitrine_testkit::{Builder, SeededEntropy};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Keys without order, and others in each process: several fill one database.
fn seed() -> u64 {
    u64::from(std::process::id())
}

enum Work {
    Appends(Box<Appends>),
    Inserts(Box<Inserts>),
}

struct Appends {
    store: Store,
    builder: Builder,
    model: ModelRecord,
}

struct Inserts {
    pool: PgPool,
    sql: String,
    bytes: Vec<usize>,
    entropy: SeededEntropy,
}

impl Work {
    async fn open(args: &[String]) -> Result<(Self, usize)> {
        match args {
            [kind, url, in_flight] if kind == "appends" => {
                let store = Store::open(url, StoreOptions::default()).await?;
                let builder = Builder::new(seed());
                let model = builder.stored_model(&store).await?;
                let appends = Appends {
                    store,
                    builder,
                    model,
                };
                Ok((Self::Appends(Box::new(appends)), in_flight.parse()?))
            }
            [kind, url, in_flight, sql, bytes @ ..] if kind == "inserts" => {
                let connections = in_flight.parse()?;
                let pool = PgPoolOptions::new()
                    .max_connections(connections)
                    .min_connections(connections)
                    .test_before_acquire(false)
                    .max_lifetime(None)
                    .idle_timeout(None)
                    .connect(url)
                    .await?;
                let bytes = bytes.iter().map(|text| text.parse());
                let inserts = Inserts {
                    pool,
                    sql: sql.clone(),
                    bytes: bytes.collect::<std::result::Result<_, _>>()?,
                    entropy: SeededEntropy::new(seed()),
                };
                Ok((Self::Inserts(Box::new(inserts)), in_flight.parse()?))
            }
            _ => Err("usage: insert_rows appends|inserts URL IN_FLIGHT [SQL BYTES...]".into()),
        }
    }

    async fn one(&self) -> Result<()> {
        match self {
            Self::Appends(appends) => {
                let session = appends.builder.session(&appends.model);
                let usage = appends.builder.usage(&session, UsageKind::Session);
                appends.store.append_session(session, vec![usage]).await?;
            }
            Self::Inserts(inserts) => {
                let mut insert = query(AssertSqlSafe(inserts.sql.as_str()));
                for bytes in &inserts.bytes {
                    let mut value = vec![0; *bytes];
                    inserts.entropy.fill(&mut value);
                    insert = insert.bind(value);
                }
                insert.execute(&inserts.pool).await?;
            }
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (work, in_flight) = Work::open(&args).await?;
    for line in std::io::stdin().lock().lines() {
        let count: usize = line?.trim().parse()?;
        let began = Instant::now();
        let mut rows = stream::iter(0..count)
            .map(|_| work.one())
            .buffer_unordered(in_flight);
        while let Some(done) = rows.next().await {
            done?;
        }
        println!("{}", began.elapsed().as_nanos());
    }
    Ok(())
}

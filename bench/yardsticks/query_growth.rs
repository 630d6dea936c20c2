//! What the hot queries of the store cost while their tables grow. Usage: `query_growth FOLDER ROWS...`, the numbers in growing order.
//! Fills one `SQLite` file up to each number (every table gets so many rows, with keys that have no order) and prints a line of JSON for
//! each query: rows, query, nanoseconds of CPU for one.

use std::error::Error;
use std::path::Path;

use futures::StreamExt as _;
use futures::stream;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _, Row as _, query};
use vitrine_access::{
    EditorToken, EditorTokenHash, Entropy as _, PartnerId, PartnerKeyId, SessionAlias, SessionHash,
    TicketId, UsageKind,
};
use vitrine_store::{
    EditorTokenRecord, ModelRecord, PartnerRecord, PartnerSettings, ResultKind, Store, StoreOptions,
};
use vitrine_testkit::{Builder, SeededEntropy};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const SEED: u64 = 1;
/// Rows of one transaction while a table is filled.
const FILL_ROWS: u64 = 10_000;
/// Queries of each kind.
const QUERIES: usize = 4_000;
/// Appends that wait at once.
const IN_FLIGHT: usize = 64;

/// How a column's fresh value is made.
#[derive(Clone, Copy)]
enum Fresh {
    Bytes(usize),
    /// As hexadecimal text.
    Text(usize),
}

/// A table that grows: rows are copies of its first one but for some columns.
struct Table {
    name: &'static str,
    fresh: &'static [(&'static str, Fresh)],
}

const TABLES: [Table; 5] = [
    Table {
        name: "session",
        fresh: &[("hash", Fresh::Bytes(32)), ("alias", Fresh::Bytes(16))],
    },
    Table {
        name: "ticket",
        fresh: &[("id", Fresh::Bytes(16))],
    },
    Table {
        name: "usage_event",
        fresh: &[("session", Fresh::Bytes(32)), ("id", Fresh::Bytes(16))],
    },
    Table {
        name: "result",
        fresh: &[("version", Fresh::Text(16))],
    },
    Table {
        name: "editor_token",
        fresh: &[("hash", Fresh::Bytes(32)), ("user_hash", Fresh::Bytes(32))],
    },
];

/// The file, and keys of each table that were put in.
struct Growing {
    connection: SqliteConnection,
    entropy: SeededEntropy,
    keys: [Vec<Vec<Vec<u8>>>; TABLES.len()],
    rows: u64,
}

impl Growing {
    async fn grow(&mut self, rows: u64) -> Result<()> {
        for (at, table) in TABLES.iter().enumerate() {
            self.keys[at].clear();
            let sql = self.copying(table).await?;
            let mut left = rows - self.rows;
            let every = (left / QUERIES as u64).max(1);
            while left > 0 {
                let mut transaction = self.connection.begin().await?;
                for _ in 0..left.min(FILL_ROWS) {
                    let mut copy = query(AssertSqlSafe(sql.as_str()));
                    let mut key = Vec::with_capacity(table.fresh.len());
                    for (_, fresh) in table.fresh {
                        let (Fresh::Bytes(length) | Fresh::Text(length)) = *fresh;
                        let mut value = vec![0; length];
                        self.entropy.fill(&mut value);
                        copy = match fresh {
                            Fresh::Bytes(_) => copy.bind(value.clone()),
                            Fresh::Text(_) => copy.bind(hex::encode(&value)),
                        };
                        key.push(value);
                    }
                    copy.execute(&mut *transaction).await?;
                    if left.is_multiple_of(every) {
                        self.keys[at].push(key);
                    }
                    left -= 1;
                }
                transaction.commit().await?;
            }
        }
        self.rows = rows;
        query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// The statement that copies the first row, with parameters for the fresh columns.
    async fn copying(&mut self, table: &Table) -> Result<String> {
        let Table { name, fresh } = table;
        let info = format!("SELECT name FROM pragma_table_info('{name}')");
        let rows = query(AssertSqlSafe(info))
            .fetch_all(&mut self.connection)
            .await?;
        let mut columns = Vec::new();
        let mut values = Vec::new();
        for row in rows {
            let column: String = row.try_get(0)?;
            let parameter = fresh.iter().position(|(known, _)| *known == column);
            values.push(parameter.map_or_else(|| column.clone(), |at| format!("?{}", at + 1)));
            columns.push(column);
        }
        Ok(format!(
            "INSERT INTO {name} ({}) SELECT {} FROM {name} WHERE rowid = (SELECT min(rowid) FROM {name})",
            columns.join(", "),
            values.join(", ")
        ))
    }
}

fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    Ok(bytes.try_into()?)
}

/// Whether a row was there is looked at, so that nothing is measured that finds nothing.
async fn ask(
    store: &Store,
    model: &ModelRecord,
    query: usize,
    keys: &[Vec<Vec<u8>>],
) -> Result<()> {
    for key in keys {
        let (first, last) = (&key[0], &key[key.len() - 1]);
        let found = match query {
            0 => store
                .session(SessionHash::from_bytes(array(first)?))
                .await?
                .is_some(),
            1 => store
                .session_by_alias(SessionAlias::from_bytes(array(last)?))
                .await?
                .is_some(),
            2 => store
                .ticket_unscoped(TicketId::from_bytes(array(first)?))
                .await?
                .is_some(),
            3 => {
                let session = SessionHash::from_bytes(array(first)?);
                !store.usage_of_session(session, 100).await?.is_empty()
            }
            4 => {
                let version = hex::encode(first);
                let output = Builder::new(SEED).result(model.id, &version).output;
                store
                    .result(ResultKind::Output, &output, model.id, &version)
                    .await?
                    .is_some()
            }
            _ => store
                .editor_token_unscoped(EditorTokenHash::from_bytes(array(first)?))
                .await?
                .is_some(),
        };
        if !found {
            return Err("a row that was put in is not found".into());
        }
    }
    Ok(())
}

/// Queries of [`ask`] by name, each with the table that its keys are of.
const QUERIED: [(&str, usize); 6] = [
    ("session by its id", 0),
    ("session by its alias", 0),
    ("ticket", 1),
    ("charges of a session", 2),
    ("computed result", 3),
    ("editor token", 4),
];

async fn append(store: &Store, builder: &Builder, model: &ModelRecord) -> Result<()> {
    let mut appends = stream::iter(0..QUERIES)
        .map(|_| {
            let session = builder.session(model);
            let usage = builder.usage(&session, UsageKind::Session);
            store.append_session(session, vec![usage])
        })
        .buffer_unordered(IN_FLIGHT);
    while let Some(done) = appends.next().await {
        done?;
    }
    Ok(())
}

/// One row in each table.
async fn first_rows(store: &Store, builder: &Builder) -> Result<ModelRecord> {
    let model = builder.stored_model(store).await?;
    let ticket = builder.ticket(model.id);
    store.insert_ticket(&ticket).await?;
    append(store, builder, &model).await?;
    let result = builder.result(model.id, "0");
    store.put_result(result).await?;
    let partner = PartnerId::new(builder.entropy());
    store
        .insert_partner(&PartnerRecord {
            id: partner,
            app_id: partner.to_string().parse()?,
            name: "Acme CAD".to_owned(),
            settings: PartnerSettings::default(),
            created_at: builder.now,
            updated_at: builder.now,
        })
        .await?;
    store
        .append_editor_token(EditorTokenRecord {
            hash: EditorToken::new(builder.entropy()).hash(),
            partner,
            key: PartnerKeyId::new(builder.entropy()),
            user: None,
            sealed: vec![7; 120],
            one_time: false,
            created_at: builder.now,
            expires_at: builder.now,
            used_at: None,
            revoked_at: None,
        })
        .await?;
    Ok(model)
}

/// Nanoseconds that all threads of this process have computed so far.
fn cpu_ns() -> Result<u64> {
    let mut sum = 0;
    for task in std::fs::read_dir("/proc/self/task")? {
        let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
        sum += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
    }
    Ok(sum)
}

#[tokio::main]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, sizes @ ..] = args.as_slice() else {
        return Err("usage: query_growth FOLDER ROWS...".into());
    };
    let file = Path::new(folder).join("growth.db");
    let url = format!("sqlite://{}", file.display());
    let store = Store::open(&url, StoreOptions::default()).await?;
    let builder = Builder::new(SEED + 1);
    let model = first_rows(&store, &builder).await?;
    let options = SqliteConnectOptions::new().filename(&file);
    let mut growing = Growing {
        connection: SqliteConnection::connect_with(&options).await?,
        entropy: SeededEntropy::new(SEED),
        keys: Default::default(),
        rows: 0,
    };
    for size in sizes {
        let rows: u64 = size.parse()?;
        growing.grow(rows).await?;
        for (at, (name, table)) in QUERIED.iter().enumerate() {
            let keys = &growing.keys[*table];
            ask(&store, &model, at, keys).await?;
            let before = cpu_ns()?;
            ask(&store, &model, at, keys).await?;
            let ns = (cpu_ns()? - before) / keys.len().max(1) as u64;
            println!(r#"{{"rows":{rows},"query":"{name}","ns":{ns}}}"#);
        }
        append(&store, &builder, &model).await?;
        let before = cpu_ns()?;
        append(&store, &builder, &model).await?;
        let ns = (cpu_ns()? - before) / QUERIES as u64;
        println!(r#"{{"rows":{rows},"query":"a new session with its charge, written","ns":{ns}}}"#);
    }
    store.close().await;
    Ok(())
}

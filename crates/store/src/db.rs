//! The thin layer between queries and the two drivers. The dialect is chosen once, when the store is
//! opened; queries are written once, with `$n`, and never ask which database they run on.

use std::borrow::Cow;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{
    Arguments, AssertSqlSafe, ColumnIndex, Database, Decode, Encode, PgConnection, Pool, Postgres,
    Row as _, SqlSafeStr as _, SqlStr, Sqlite, SqliteConnection, Transaction, Type,
};

use crate::error::StoreError;
use crate::listen::NOTIFY_CHANGE;

/// One value on its way to or from a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

/// The three column types that both databases share.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Text,
    Bytes,
}

/// A Rust type that fits one column.
pub(crate) trait Column: Sized {
    /// Column type.
    const KIND: Kind;
    /// Never null here; `Option` adds that.
    fn encode(&self) -> Value;
    /// `None` when the value has the wrong form.
    fn decode(value: Value) -> Option<Self>;
}

/// A statement with its values. The text is a constant, or put together from constants by
/// [`crate::list`], so nothing a client sends can be part of it.
pub(crate) struct Query {
    sql: Cow<'static, str>,
    values: Vec<Value>,
}

impl Query {
    pub(crate) fn new(sql: &'static str) -> Self {
        Self {
            sql: Cow::Borrowed(sql),
            values: Vec::new(),
        }
    }

    pub(crate) fn assembled(sql: Cow<'static, str>, values: Vec<Value>) -> Self {
        Self { sql, values }
    }

    fn into_parts(self) -> (SqlStr, Vec<Value>) {
        let sql = match self.sql {
            Cow::Borrowed(sql) => sql.into_sql_str(),
            Cow::Owned(sql) => AssertSqlSafe(sql).into_sql_str(),
        };
        (sql, self.values)
    }

    /// Binds the next `$n`.
    pub(crate) fn bind<T: Column>(mut self, value: &T) -> Self {
        self.values.push(value.encode());
        self
    }

    /// Binds the next `$n`, null when absent.
    pub(crate) fn bind_option<T: Column>(mut self, value: Option<&T>) -> Self {
        self.values.push(match (value, T::KIND) {
            (Some(value), _) => value.encode(),
            (None, Kind::Int) => Value::Int(None),
            (None, Kind::Text) => Value::Text(None),
            (None, Kind::Bytes) => Value::Bytes(None),
        });
        self
    }

    pub(crate) fn bind_text(mut self, value: &str) -> Self {
        self.values.push(Value::Text(Some(value.to_owned())));
        self
    }
}

/// Writes the values into a driver's argument list. Both databases refuse the same texts.
fn arguments<A>(values: Vec<Value>) -> Result<A, StoreError>
where
    A: Arguments + Default,
    Option<i64>: for<'q> Encode<'q, A::Database> + Type<A::Database>,
    Option<String>: for<'q> Encode<'q, A::Database> + Type<A::Database>,
    Option<Vec<u8>>: for<'q> Encode<'q, A::Database> + Type<A::Database>,
{
    let mut arguments = A::default();
    for value in values {
        match value {
            Value::Int(value) => arguments.add(value),
            Value::Text(Some(text)) if text.contains('\0') => return Err(StoreError::Nul),
            Value::Text(value) => arguments.add(value),
            Value::Bytes(value) => arguments.add(value),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// One row of either database.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// A column that is never null.
    pub(crate) fn get<T: Column>(&self, column: &'static str) -> Result<T, StoreError> {
        self.get_option(column)?
            .ok_or_else(|| StoreError::corrupt(column, "it is null"))
    }

    /// A column that may be null.
    pub(crate) fn get_option<T: Column>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        let value = match self {
            Self::Sqlite(row) => read(row, column, T::KIND)?,
            Self::Postgres(row) => read(row, column, T::KIND)?,
        };
        match value {
            Value::Int(None) | Value::Text(None) | Value::Bytes(None) => Ok(None),
            value => T::decode(value)
                .map(Some)
                .ok_or_else(|| StoreError::corrupt(column, "it has the wrong form")),
        }
    }
}

fn read<R>(row: &R, column: &'static str, kind: Kind) -> Result<Value, StoreError>
where
    R: sqlx::Row,
    for<'c> &'c str: ColumnIndex<R>,
    for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
{
    Ok(match kind {
        Kind::Int => Value::Int(row.try_get(column)?),
        Kind::Text => Value::Text(row.try_get(column)?),
        Kind::Bytes => Value::Bytes(row.try_get(column)?),
    })
}

/// A connection that is held, inside a transaction or not.
pub(crate) enum Held<DB: Database> {
    Plain(PoolConnection<DB>),
    Transaction(Transaction<'static, DB>),
}

impl<DB: Database> Held<DB> {
    fn connection(&mut self) -> &mut DB::Connection {
        match self {
            Self::Plain(connection) => connection,
            Self::Transaction(transaction) => transaction,
        }
    }
}

/// What every query runs on.
pub(crate) enum Handle {
    Sqlite(Held<Sqlite>, Plans),
    Postgres(Held<Postgres>, Plans),
}

/// Whether to look at the plan of each query before it runs.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Plans {
    Trusted,
    Checked,
}

/// Tables that are read as a whole, because they never have more than a few rows; `json_each` is a list
/// that the query brings along.
const SMALL_TABLES: [&str; 4] = [
    "signing_key",
    "schema_migration",
    "json_each",
    "application",
];

/// Fails when `SQLite` would read a whole table, or a whole index of it, to answer.
async fn check_plan(connection: &mut SqliteConnection, sql: &str) -> Result<(), StoreError> {
    // Plans are made from constants only, never from what a client sends.
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    for row in sqlx::query(explain).fetch_all(&mut *connection).await? {
        let step: String = row.try_get("detail")?;
        let Some(scanned) = step.strip_prefix("SCAN ") else {
            continue;
        };
        let table = scanned.split(' ').next().unwrap_or_default();
        if !SMALL_TABLES.contains(&table) && scanned != "CONSTANT ROW" {
            return Err(StoreError::Config(format!(
                "a query has no index ({step}): {sql}"
            )));
        }
    }
    Ok(())
}

/// Fails when `PostgreSQL` could answer only by reading a whole table, or a whole index. Connections that
/// check plans are told to read tables as a whole only where nothing else is possible, because a planner
/// rightly reads small tables so.
async fn check_postgres_plan(
    connection: &mut PgConnection,
    query: &Query,
) -> Result<(), StoreError> {
    // What only the server's own tables answer, and statements that have no plan.
    let planned = ["SELECT", "UPDATE", "DELETE", "INSERT"];
    if !planned.iter().any(|verb| query.sql.starts_with(verb)) {
        return Ok(());
    }
    let arguments: PgArguments = arguments(query.values.clone())?;
    let explain = AssertSqlSafe(format!("EXPLAIN {}", query.sql));
    let rows = sqlx::query_with(explain, arguments)
        .fetch_all(&mut *connection)
        .await?;
    let mut steps = Vec::with_capacity(rows.len());
    for row in rows {
        steps.push(row.try_get::<String, _>(0)?);
    }
    for (at, step) in steps.iter().enumerate() {
        let own = step.trim_start_matches([' ', '-', '>']);
        let conditions = steps[at + 1..].iter();
        let conditional = conditions
            .take_while(|line| !line.contains("->"))
            .any(|line| line.trim_start().starts_with("Index Cond:"));
        let index = match own.split_once("Scan using ") {
            Some((_, rest)) if !conditional => rest.split(' ').next(),
            _ => None,
        };
        let whole = match index {
            Some(index) => !is_partial(connection, index).await?,
            None => own.starts_with("Seq Scan"),
        };
        let table = own.split_once(" on ").map_or("", |(_, rest)| rest);
        let table = table.split(' ').next().unwrap_or_default();
        if whole && !SMALL_TABLES.contains(&table) {
            return Err(StoreError::Config(format!(
                "a query has no index ({own}): {}",
                query.sql
            )));
        }
    }
    Ok(())
}

/// Whether an index holds a part of its table only. Where such a part is all but empty, as in tests, reading
/// the whole of it costs a planner no more than the primary key does, and says nothing of larger tables;
/// the plans of `SQLite`, which has no costs, tell whether there is an index for the query.
async fn is_partial(connection: &mut PgConnection, index: &str) -> Result<bool, StoreError> {
    let sql = "SELECT indpred IS NOT NULL FROM pg_index WHERE indexrelid = $1::regclass";
    let row = sqlx::query(sql).bind(index).fetch_one(connection).await?;
    Ok(row.try_get(0)?)
}

impl Handle {
    /// All rows. The query bounds them.
    pub(crate) async fn all(&mut self, query: Query) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(held, plans) => {
                if *plans == Plans::Checked {
                    check_plan(held.connection(), &query.sql).await?;
                }
                let (sql, values) = query.into_parts();
                let arguments: SqliteArguments = arguments(values)?;
                let rows = sqlx::query_with(sql, arguments)
                    .fetch_all(held.connection())
                    .await?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            Self::Postgres(held, plans) => {
                if *plans == Plans::Checked {
                    check_postgres_plan(held.connection(), &query).await?;
                }
                let (sql, values) = query.into_parts();
                let arguments: PgArguments = arguments(values)?;
                let rows = sqlx::query_with(sql, arguments)
                    .fetch_all(held.connection())
                    .await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// The row, if there is one. The query selects by a unique value or says `LIMIT 1`.
    pub(crate) async fn optional(&mut self, query: Query) -> Result<Option<Row>, StoreError> {
        Ok(self.all(query).await?.into_iter().next())
    }

    /// A query that always has a row, such as an aggregate.
    pub(crate) async fn one(&mut self, query: Query) -> Result<Row, StoreError> {
        self.optional(query)
            .await?
            .ok_or_else(|| sqlx::Error::RowNotFound.into())
    }

    /// How many rows were changed.
    pub(crate) async fn execute(&mut self, query: Query) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(held, plans) => {
                if *plans == Plans::Checked {
                    check_plan(held.connection(), &query.sql).await?;
                }
                let (sql, values) = query.into_parts();
                let arguments: SqliteArguments = arguments(values)?;
                let done = sqlx::query_with(sql, arguments)
                    .execute(held.connection())
                    .await?;
                Ok(done.rows_affected())
            }
            Self::Postgres(held, plans) => {
                if *plans == Plans::Checked {
                    check_postgres_plan(held.connection(), &query).await?;
                }
                let (sql, values) = query.into_parts();
                let arguments: PgArguments = arguments(values)?;
                let done = sqlx::query_with(sql, arguments)
                    .execute(held.connection())
                    .await?;
                Ok(done.rows_affected())
            }
        }
    }

    /// Tells whoever listens on other nodes that this change exists, when, and only when, the
    /// transaction commits. On `SQLite` nobody else can listen; other processes read the log.
    pub(crate) async fn notify_change(&mut self, id: i64) -> Result<(), StoreError> {
        if matches!(self, Self::Postgres(..)) {
            let tell = Query::new(NOTIFY_CHANGE).bind_text(&id.to_string());
            self.execute(tell).await?;
        }
        Ok(())
    }

    /// Several statements without values: migrations.
    pub(crate) async fn script(&mut self, sql: &'static str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(held, _) => sqlx::raw_sql(sql)
                .execute(held.connection())
                .await
                .map(drop)?,
            Self::Postgres(held, _) => sqlx::raw_sql(sql)
                .execute(held.connection())
                .await
                .map(drop)?,
        }
        Ok(())
    }

    /// Commits a transaction; a plain connection has nothing to commit.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(Held::Transaction(transaction), _) => transaction.commit().await?,
            Self::Postgres(Held::Transaction(transaction), _) => transaction.commit().await?,
            Self::Sqlite(Held::Plain(_), _) | Self::Postgres(Held::Plain(_), _) => {}
        }
        Ok(())
    }

    /// Rolls a transaction back and waits until that is done.
    pub(crate) async fn roll_back(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(Held::Transaction(transaction), _) => transaction.rollback().await?,
            Self::Postgres(Held::Transaction(transaction), _) => transaction.rollback().await?,
            Self::Sqlite(Held::Plain(_), _) | Self::Postgres(Held::Plain(_), _) => {}
        }
        Ok(())
    }
}

/// The connections of one database.
#[derive(Clone)]
pub(crate) enum Pools {
    Sqlite {
        readers: Pool<Sqlite>,
        /// Exactly one connection: writers queue here instead of at the file's lock.
        writer: Pool<Sqlite>,
        plans: Plans,
    },
    Postgres {
        readers: Pool<Postgres>,
        writers: Pool<Postgres>,
        plans: Plans,
        /// For the connection that listens, which belongs to no pool.
        listen: Box<PgConnectOptions>,
    },
}

/// How many connections a pool has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSize {
    /// `readers` or `writers`.
    pub name: &'static str,
    /// Open connections.
    pub open: u32,
    /// Those of them that nobody uses.
    pub idle: u32,
}

fn size_of<DB: Database>(name: &'static str, pool: &Pool<DB>) -> PoolSize {
    PoolSize {
        name,
        open: pool.size(),
        idle: u32::try_from(pool.num_idle()).unwrap_or(u32::MAX),
    }
}

impl Pools {
    pub(crate) fn sizes(&self) -> [PoolSize; 2] {
        match self {
            Self::Sqlite {
                readers, writer, ..
            } => [size_of("readers", readers), size_of("writers", writer)],
            Self::Postgres {
                readers, writers, ..
            } => [size_of("readers", readers), size_of("writers", writers)],
        }
    }

    pub(crate) async fn read(&self) -> Result<Handle, StoreError> {
        Ok(match self {
            Self::Sqlite { readers, plans, .. } => {
                Handle::Sqlite(Held::Plain(readers.acquire().await?), *plans)
            }
            Self::Postgres { readers, plans, .. } => {
                Handle::Postgres(Held::Plain(readers.acquire().await?), *plans)
            }
        })
    }

    /// Begins a transaction that may write. On `SQLite` it takes the write lock at once, because a
    /// reader that becomes a writer later can fail without having been able to wait.
    pub(crate) async fn write(&self) -> Result<Handle, StoreError> {
        Ok(match self {
            Self::Sqlite { writer, plans, .. } => Handle::Sqlite(
                Held::Transaction(writer.begin_with("BEGIN IMMEDIATE").await?),
                *plans,
            ),
            Self::Postgres { writers, plans, .. } => {
                Handle::Postgres(Held::Transaction(writers.begin().await?), *plans)
            }
        })
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite {
                readers, writer, ..
            } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres {
                readers, writers, ..
            } => {
                readers.close().await;
                writers.close().await;
            }
        }
    }
}

/// The statements whose text differs between the databases; everything else is written once.
pub(crate) struct Texts {
    /// Milliseconds since the epoch by the database's clock, as `now_ms`.
    pub(crate) database_clock: &'static str,
    /// Waits until no other program migrates this database.
    pub(crate) migration_lock: &'static str,
    /// The caps on any scope of the JSON list `$1`, in one order, kept from others until the end.
    pub(crate) lock_caps: &'static str,
    /// Keeps every charge out until the end of the transaction.
    pub(crate) lock_cap_table: &'static str,
    /// The oldest job that is ready at `$1`; `$2` is the end of the lease.
    pub(crate) take_job: &'static str,
    /// The `$3` oldest deliveries that are ready at `$1`; `$2` is the end of the lease.
    pub(crate) take_deliveries: &'static str,
    pub(crate) take_script_job: &'static str,
}

/// One migration, by its number.
pub(crate) struct Migration {
    pub(crate) version: i64,
    pub(crate) sql: &'static str,
}

/// All that is known about one of the two databases.
pub(crate) struct Dialect {
    pub(crate) texts: Texts,
    /// In increasing order.
    pub(crate) migrations: &'static [Migration],
}

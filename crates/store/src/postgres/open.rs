//! Connects.

use std::str::FromStr as _;

use sqlx::Executor as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::db::{Plans, Pools};
use crate::error::StoreError;
use crate::store::StoreOptions;

/// An acknowledged write is durable whatever the server's default is; a stronger setting stays.
const DURABLE: &str = "SELECT set_config('synchronous_commit', 'on', false) \
    WHERE current_setting('synchronous_commit') IN ('off', 'local')";

/// For tests of plans: a whole table is read only where nothing else is possible.
const INDEXES_FIRST: &str = "SET enable_seqscan = off; SET enable_hashjoin = off; \
    SET enable_mergejoin = off";

/// How the listening connection calls itself, so that an operator finds it in `pg_stat_activity`.
const LISTENER_NAME: &str = "vitrine change feed";

/// Connects to `url`.
pub(crate) async fn open(url: &str, options: &StoreOptions) -> Result<Pools, StoreError> {
    let timeout_ms = options.busy_timeout.as_millis().to_string();
    let connect = PgConnectOptions::from_str(url)
        .map_err(|error| {
            // The URL may hold a password: the driver's message names the fault, we never the URL.
            StoreError::Config(format!("the database URL is not understood: {error}"))
        })?
        .application_name("vitrine")
        .options([("lock_timeout", timeout_ms.as_str())]);
    let check_plans = options.check_plans;
    let pool = || {
        PgPoolOptions::new()
            .acquire_timeout(options.busy_timeout)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if check_plans {
                        connection.execute(INDEXES_FIRST).await?;
                    }
                    connection.execute(DURABLE).await.map(drop)
                })
            })
    };
    let writers = pool()
        .max_connections(options.write_connections)
        .connect_with(connect.clone())
        .await?;
    let readers = pool()
        .max_connections(options.read_connections)
        .connect_lazy_with(connect.clone());
    Ok(Pools::Postgres {
        readers,
        writers,
        plans: if check_plans {
            Plans::Checked
        } else {
            Plans::Trusted
        },
        listen: Box::new(connect.application_name(LISTENER_NAME)),
    })
}

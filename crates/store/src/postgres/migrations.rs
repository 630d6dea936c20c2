//! The migrations, embedded.

use crate::db::Migration;

pub(super) static MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        sql: include_str!("../../migrations/postgres/0001_first.sql"),
    },
    Migration {
        version: 2,
        sql: include_str!("../../migrations/postgres/0002_authorization.sql"),
    },
    Migration {
        version: 5,
        sql: include_str!("../../migrations/postgres/0005_audit.sql"),
    },
];

//! The migrations, embedded.

use crate::db::Migration;

pub(super) static MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        sql: include_str!("../../migrations/postgres/0001_first.sql"),
    },
    Migration {
        version: 6,
        sql: include_str!("../../migrations/postgres/0006_partners.sql"),
    },
];

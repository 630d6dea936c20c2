//! `PostgreSQL`: one schema of one database.

mod migrations;
mod open;
mod texts;

pub(crate) use open::open;

use crate::db::Dialect;

pub(crate) static DIALECT: Dialect = Dialect {
    texts: texts::TEXTS,
    migrations: migrations::MIGRATIONS,
};

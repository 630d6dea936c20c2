//! `SQLite`: one file, one writer, write-ahead log.

mod migrations;
mod open;
mod texts;

pub(crate) use open::open;

use crate::db::Dialect;

pub(crate) static DIALECT: Dialect = Dialect {
    texts: texts::TEXTS,
    migrations: migrations::MIGRATIONS,
};

//! Web pages and the viewer module.

pub mod docs;
pub mod static_files;

pub(crate) mod console;
pub(crate) mod embed;

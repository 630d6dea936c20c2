//! Geometry API v2: wire forms, and one file per group of operations.

pub mod wire;

pub(crate) mod analytics;
pub(crate) mod assets;
pub(crate) mod audit;
mod audited;
pub(crate) mod auth_groups;
pub(crate) mod authoring;
mod blocks;
pub(crate) mod config;
pub(crate) mod exports;
pub(crate) mod keys;
pub(crate) mod life;
mod links;
pub(crate) mod models;
pub(crate) mod outputs;
mod prepared;
pub(crate) mod routes;
pub(crate) mod sessions;
pub(crate) mod tickets;

//! The whole server in one process: real database, blobs and worker processes, but time and chance
//! of the test's own, and no socket.
//!
//! One binary, because linking the server once per file would cost more than all tests together.

#![expect(clippy::unwrap_used, reason = "tests end where they fail")]

mod analytics;
mod app;
mod applications;
mod assets;
mod attempts;
mod audit;
mod authorize;
mod authors;
mod bounds;
mod caching;
mod caps;
mod charges;
mod console;
mod doctor;
mod drills;
mod editor;
mod editor_remote;
mod embedding;
mod forgery;
mod frames;
mod generated;
mod grounds;
mod groups;
mod instructions;
mod invariants;
mod issuers;
mod keys;
mod life;
mod lifecycle;
mod logs;
mod memberships;
mod notices;
mod openscad;
mod operators;
mod partner;
mod partner_withdrawal;
mod passkeys;
mod platform;
mod platform_lists;
mod platform_metrics;
mod platform_models;
mod platform_roles;
mod protocol;
mod providers;
mod rates;
mod scripts;
mod second_factors;
mod sharing;
mod sign_ins;
mod simulation;
mod snapshots;
mod strong;
mod tenants;
mod texts;
mod tickets;
mod trust;
mod uploads;
mod walk;
mod work;

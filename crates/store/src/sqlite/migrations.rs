//! The migrations, embedded.

use crate::db::Migration;

pub(super) static MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        sql: include_str!("../../migrations/sqlite/0001_first.sql"),
    },
    Migration {
        version: 2,
        sql: include_str!("../../migrations/sqlite/0002_authorization.sql"),
    },
    Migration {
        version: 3,
        sql: include_str!("../../migrations/sqlite/0003_authors.sql"),
    },
    Migration {
        version: 4,
        sql: include_str!("../../migrations/sqlite/0004_caps.sql"),
    },
    Migration {
        version: 5,
        sql: include_str!("../../migrations/sqlite/0005_audit.sql"),
    },
    Migration {
        version: 6,
        sql: include_str!("../../migrations/sqlite/0006_partners.sql"),
    },
    Migration {
        version: 7,
        sql: include_str!("../../migrations/sqlite/0007_sign_ins.sql"),
    },
    Migration {
        version: 8,
        sql: include_str!("../../migrations/sqlite/0008_drawings.sql"),
    },
    Migration {
        version: 9,
        sql: include_str!("../../migrations/sqlite/0009_platform.sql"),
    },
    Migration {
        version: 10,
        sql: include_str!("../../migrations/sqlite/0010_plans.sql"),
    },
    Migration {
        version: 11,
        sql: include_str!("../../migrations/sqlite/0011_bounds.sql"),
    },
    Migration {
        version: 13,
        sql: include_str!("../../migrations/sqlite/0013_script_jobs.sql"),
    },
    Migration {
        version: 16,
        sql: include_str!("../../migrations/sqlite/0016_applications.sql"),
    },
    Migration {
        version: 17,
        sql: include_str!("../../migrations/sqlite/0017_second_factors.sql"),
    },
    Migration {
        version: 18,
        sql: include_str!("../../migrations/sqlite/0018_sharing.sql"),
    },
    Migration {
        version: 19,
        sql: include_str!("../../migrations/sqlite/0019_rollups.sql"),
    },
    Migration {
        version: 20,
        sql: include_str!("../../migrations/sqlite/0020_notices.sql"),
    },
    Migration {
        version: 21,
        sql: include_str!("../../migrations/sqlite/0021_identities.sql"),
    },
    Migration {
        version: 22,
        sql: include_str!("../../migrations/sqlite/0022_passkeys.sql"),
    },
    Migration {
        version: 23,
        sql: include_str!("../../migrations/sqlite/0023_own_caps.sql"),
    },
    Migration {
        version: 24,
        sql: include_str!("../../migrations/sqlite/0024_share_lists.sql"),
    },
];

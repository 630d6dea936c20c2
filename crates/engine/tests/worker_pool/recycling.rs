//! When a worker that did nothing wrong is replaced all the same.

use std::time::Duration;

use vitrine_engine::{WorkerPool, WorkerPoolConfig};

use crate::cases::{act, pid};
use crate::fake::KEPT_BYTES;
use crate::harness::{Case, cases, config};

cases![
    a_worker_is_replaced_after_its_runs,
    a_worker_is_replaced_at_its_age,
    a_worker_that_keeps_too_much_memory_is_replaced,
];

async fn a_worker_is_replaced_after_its_runs() {
    let pool = WorkerPool::start(WorkerPoolConfig {
        recycle_after_runs: 2,
        ..config()
    })
    .unwrap();
    let first = pid(&pool).await;
    assert_eq!(pid(&pool).await, first);
    assert_ne!(pid(&pool).await, first);
    assert_eq!(pool.health().restarts, 1);
}

async fn a_worker_is_replaced_at_its_age() {
    let pool = WorkerPool::start(WorkerPoolConfig {
        recycle_after_age: Duration::ZERO,
        ..config()
    })
    .unwrap();
    let first = pid(&pool).await;
    assert_ne!(pid(&pool).await, first);
    assert_eq!(pool.health().restarts, 2);
}

async fn a_worker_that_keeps_too_much_memory_is_replaced() {
    // The test program itself needs far less than the half of this.
    let pool = WorkerPool::start(WorkerPoolConfig {
        recycle_above_bytes: u64::try_from(KEPT_BYTES).unwrap(),
        ..config()
    })
    .unwrap();
    let first = pid(&pool).await;
    assert_eq!(pid(&pool).await, first);
    // It answers, and is replaced afterwards.
    act(&pool, "keep").await.unwrap();
    assert_ne!(pid(&pool).await, first);
    assert_eq!(pool.health().restarts, 1);
}

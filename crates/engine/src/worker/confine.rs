//! What a worker gives up before it sees a model.
//!
//! These are the layers that safe calls can set: the process can open no file, write none, start
//! no other program with more rights, be inspected by no neighbour, and dies with its parent.

use std::io;

use rlimit::Resource;
use rustix::process::{DumpableBehavior, Signal};
use vitrine_model::RunLimits;

/// Address space for what neither budget counts: the runtime, buffers of messages, and the
/// allocator's own reserve.
const ADDRESS_SPACE_SPARE_BYTES: u64 = 128 * 1024 * 1024;

/// Processor time beyond the wall-clock bound after which the kernel ends the process. The server
/// kills earlier; this holds when the server hangs.
const CPU_GRACE_S: u64 = 5;

/// Makes the kernel take a worker before the server when the machine runs out of memory.
const OOM_SCORE_ADJUSTMENT: &str = "1000";

/// Names of the layers that are in force, in the order in which they were set.
pub(super) type Layers = Vec<String>;

/// Gives up what needs no other thread's cooperation. Call it first in the process.
///
/// Returns the active layers and the address space that the process uses already.
///
/// # Errors
/// When a layer that every Linux offers cannot be set: a worker then must not start.
pub(super) fn at_start() -> io::Result<(Layers, u64)> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // A hint only: without it the kernel chooses by size alone.
    let _ = std::fs::write("/proc/self/oom_score_adj", OOM_SCORE_ADJUSTMENT);
    let address_space_bytes = address_space_bytes()?;
    rustix::thread::set_no_new_privs(true)?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    for resource in [Resource::CORE, Resource::FSIZE, Resource::NOFILE] {
        resource.set(0, 0)?;
    }
    let layers = [
        "process",
        "resource_limits",
        "no_new_privs",
        "not_dumpable",
        "no_files",
    ];
    Ok((layers.map(str::to_owned).to_vec(), address_space_bytes))
}

/// Forbids further threads and processes. The kernel does not hold root to it.
///
/// # Errors
/// When the kernel refuses.
pub(super) fn after_threads() -> io::Result<()> {
    Resource::NPROC.set(0, 0)
}

/// Bounds the address space for the rest of the process's life.
///
/// # Errors
/// When the kernel refuses.
pub(super) fn memory(limits: &RunLimits, used_bytes: u64) -> io::Result<()> {
    let budget = limits
        .js_memory_bytes
        .saturating_add(limits.native_memory_bytes)
        .saturating_add(limits.js_stack_bytes)
        .saturating_add(used_bytes)
        .saturating_add(ADDRESS_SPACE_SPARE_BYTES);
    let (_, hard) = Resource::AS.get()?;
    let budget = budget.min(hard);
    Resource::AS.set(budget, budget)
}

/// Bounds the processor time of the run that starts now.
///
/// # Errors
/// When the kernel refuses.
pub(super) fn processor_time(spent_ms: u64, wall_ms: u64) -> io::Result<()> {
    let (_, hard) = Resource::CPU.get()?;
    let soft = spent_ms
        .saturating_add(wall_ms)
        .div_ceil(1000)
        .saturating_add(CPU_GRACE_S);
    Resource::CPU.set(soft.min(hard), hard)
}

/// Address space of this process, in bytes.
fn address_space_bytes() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmSize:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok())
        .ok_or_else(|| io::Error::other("/proc/self/status names no VmSize in kB"))?;
    Ok(kib.saturating_mul(1024))
}

//! Bounds that the kernel holds the process to.

use std::io;

use rlimit::Resource;
use vitrine_model::RunLimits;

/// Address space for what neither budget counts: the runtime, buffers of messages, and the
/// allocator's own reserve.
const ADDRESS_SPACE_SPARE_BYTES: u64 = 128 * 1024 * 1024;

/// Processor time beyond the wall-clock bound after which the kernel ends the process. The server
/// kills earlier; this holds when the server hangs.
const CPU_GRACE_S: u64 = 5;

/// Stack of the first thread, which only reads requests. The engine's thread has its own.
const FIRST_STACK_BYTES: u64 = 8 * 1024 * 1024;

/// Descriptors of a program: its pipes, and the library or font that it reads at the moment.
const PROGRAM_FILES_MAX: u64 = 64;

/// Makes the kernel take a worker before the server when the machine runs out of memory.
const OOM_SCORE_ADJUSTMENT: &str = "1000";

/// Asks the kernel to end this process first. A hint only: without it the kernel chooses by size.
pub(super) fn offer_to_the_kernel() {
    let _ = std::fs::write("/proc/self/oom_score_adj", OOM_SCORE_ADJUSTMENT);
}

/// How far a worker stands back behind the server when both want to compute: the server's turns are short and
/// somebody waits for each. Computations lose nothing where a core is free.
const NICE: i32 = 10;

/// Lets the server go first. A hint only: without it all wait equally long.
pub(super) fn stand_back() {
    let _ = rustix::process::nice(NICE);
}

/// Forbids core files, growing files, locked memory and message queues, and bounds the stack.
pub(super) fn at_start() -> io::Result<()> {
    for resource in [
        Resource::CORE,
        Resource::FSIZE,
        Resource::MEMLOCK,
        Resource::MSGQUEUE,
    ] {
        resource.set(0, 0)?;
    }
    let (_, hard) = Resource::STACK.get()?;
    let stack = FIRST_STACK_BYTES.min(hard);
    Resource::STACK.set(stack, stack)
}

/// Forbids further file descriptors.
pub(super) fn no_files() -> io::Result<()> {
    Resource::NOFILE.set(0, 0)
}

/// Leaves the descriptors that a program needs for its libraries and data.
pub(super) fn few_files() -> io::Result<()> {
    Resource::NOFILE.set(PROGRAM_FILES_MAX, PROGRAM_FILES_MAX)
}

/// Forbids further threads and processes. The kernel does not hold root to it.
pub(super) fn no_processes() -> io::Result<()> {
    Resource::NPROC.set(0, 0)
}

/// Bounds the address space for the rest of the process's life.
///
/// # Errors
/// When the kernel refuses.
pub(crate) fn memory(limits: &RunLimits, used_bytes: u64) -> io::Result<()> {
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
pub(crate) fn processor_time(spent_ms: u64, wall_ms: u64) -> io::Result<()> {
    let (_, hard) = Resource::CPU.get()?;
    let soft = spent_ms
        .saturating_add(wall_ms)
        .div_ceil(1000)
        .saturating_add(CPU_GRACE_S);
    Resource::CPU.set(soft.min(hard), hard)
}

/// Address space of this process, in bytes.
pub(super) fn address_space_bytes() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmSize:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok())
        .ok_or_else(|| io::Error::other("/proc/self/status names no VmSize in kB"))?;
    Ok(kib.saturating_mul(1024))
}

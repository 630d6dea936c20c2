//! The filter of system calls: what computing needs, and nothing else.

use std::collections::BTreeMap;
use std::io;

use libc::{c_int, c_long, c_void, siginfo_t};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

use crate::worker::EXIT_FORBIDDEN;

/// What a worker says before the number of a forbidden call.
pub(crate) const FORBIDDEN_CALL: &str = "worker: forbidden system call ";

/// Calls that are allowed whatever their arguments: frames on the pipes, memory, time, locks
/// between the two threads, and the ways to end.
pub(super) const ALLOWED: [c_long; 23] = [
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_getrandom,
    libc::SYS_clock_gettime,
    libc::SYS_sched_yield,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_sigaltstack,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_set_robust_list,
];

/// What becomes of whoever opens a file once the cage has closed. Nothing is ever opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opens {
    /// The process ends.
    TheEnd,
    /// The call fails, and the process goes on.
    Refused,
}

/// Holds all threads of the process to the allowed calls for the rest of its life. Any other call
/// ends it with [`EXIT_FORBIDDEN`] and says its number on standard error.
///
/// # Errors
/// When the kernel has no such filters or refuses this one.
pub(super) fn allow_only_computing(opens: Opens) -> io::Result<()> {
    let program = program(opens).map_err(io::Error::other)?;
    report_forbidden_calls()?;
    if opens == Opens::Refused {
        // Of two filters the stricter answer counts, and this one is stricter than being allowed.
        let refusing = refusing_opens().map_err(io::Error::other)?;
        seccompiler::apply_filter_all_threads(&refusing).map_err(io::Error::other)?;
    }
    seccompiler::apply_filter_all_threads(&program).map_err(io::Error::other)
}

/// Answers `openat` with an error before anything is looked up.
fn refusing_opens() -> Result<BpfProgram, seccompiler::BackendError> {
    let rules = BTreeMap::from([(libc::SYS_openat, Vec::new())]);
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EACCES.unsigned_abs()),
        architecture,
    )?
    .try_into()
}

fn program(opens: Opens) -> Result<BpfProgram, seccompiler::BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        ALLOWED.into_iter().map(|call| (call, Vec::new())).collect();
    if opens == Opens::Refused {
        rules.insert(libc::SYS_openat, Vec::new());
    }
    // Memory, but never memory that can be executed.
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        let executable = u64::from(libc::PROT_EXEC.unsigned_abs());
        let not_executable = argument(2, SeccompCmpOp::MaskedEq(executable), 0)?;
        rules.insert(call, vec![SeccompRule::new(vec![not_executable])?]);
    }
    // Signals to itself alone: this is how a program aborts.
    let own = u64::from(std::process::id());
    let to_itself = argument(0, SeccompCmpOp::Eq, own)?;
    rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![to_itself])?]);
    // Before each run the bound on processor time moves, and the first one sets that on memory.
    let mut own_limits = Vec::new();
    for resource in [libc::RLIMIT_AS, libc::RLIMIT_CPU] {
        own_limits.push(SeccompRule::new(vec![
            argument(0, SeccompCmpOp::Eq, 0)?,
            argument(1, SeccompCmpOp::Eq, u64::from(resource))?,
        ])?);
    }
    rules.insert(libc::SYS_prlimit64, own_limits);
    // The runtime asks whether a descriptor is open before it closes one.
    let asks = argument(1, SeccompCmpOp::Eq, u64::from(libc::F_GETFD.unsigned_abs()))?;
    rules.insert(libc::SYS_fcntl, vec![SeccompRule::new(vec![asks])?]);
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    SeccompFilter::new(
        rules,
        SeccompAction::Trap,
        SeccompAction::Allow,
        architecture,
    )?
    .try_into()
}

pub(super) fn argument(
    index: u8,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(index, SeccompCmpArgLen::Qword, operator, value)
}

/// Installs the handler of the signal that a forbidden call raises.
fn report_forbidden_calls() -> io::Result<()> {
    let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = on_forbidden_call;
    #[expect(unsafe_code, reason = "no safe wrapper installs a signal handler")]
    // SAFETY: the structure is plain data for which all zeroes are valid, both pointers are valid
    // for the call, and the handler only does what is allowed inside a signal.
    let result = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as libc::sighandler_t;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigaction(libc::SIGSYS, &raw const action, std::ptr::null_mut())
    };
    if result == 0 {
        return Ok(());
    }
    Err(io::Error::last_os_error())
}

/// The part of the kernel's `siginfo` that a filter fills in.
#[repr(C)]
struct ForbiddenCall {
    signal: c_int,
    errno: c_int,
    code: c_int,
    padding: c_int,
    address: *const c_void,
    number: c_int,
    architecture: u32,
}

extern "C" fn on_forbidden_call(_signal: c_int, info: *mut siginfo_t, _context: *mut c_void) {
    const DIGITS_MAX: usize = 10;
    let mut text = [0; FORBIDDEN_CALL.len() + DIGITS_MAX + 1];
    #[expect(unsafe_code, reason = "a signal handler gets a pointer")]
    // SAFETY: the kernel passes a valid siginfo to a handler with SA_SIGINFO, which is larger than
    // this part of it, and its layout on 64-bit machines is the declared one.
    let number = unsafe { (*info.cast::<ForbiddenCall>()).number };
    let mut length = FORBIDDEN_CALL.len();
    text[..length].copy_from_slice(FORBIDDEN_CALL.as_bytes());
    let mut rest = number.unsigned_abs();
    let mut digits = [0_u8; DIGITS_MAX];
    let mut count = 0;
    loop {
        digits[count] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        count += 1;
        rest /= 10;
        if rest == 0 || count == DIGITS_MAX {
            break;
        }
    }
    for digit in digits[..count].iter().rev() {
        text[length] = *digit;
        length += 1;
    }
    text[length] = b'\n';
    end(&text[..=length], EXIT_FORBIDDEN);
}

/// Writes a message to standard error and ends the process at once, without running anything of it.
/// Nothing here allocates, so it can be called inside a signal and inside the allocator.
pub(crate) fn end(message: &[u8], code: i32) -> ! {
    #[expect(
        unsafe_code,
        reason = "the safe ways to write and exit allocate or run handlers"
    )]
    // SAFETY: the pointer and the length are those of a live slice, and both calls may be made at
    // any time, inside a signal too.
    unsafe {
        libc::write(libc::STDERR_FILENO, message.as_ptr().cast(), message.len());
        libc::_exit(code)
    }
}

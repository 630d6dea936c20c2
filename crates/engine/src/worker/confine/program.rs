//! The one program that a worker of its kind may start, and what the cage lets that program do: read its own files, compute,
//! and write to the pipes that it was given.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use libc::c_long;
use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

use super::calls::{ALLOWED, argument};

/// The first bytes of a program that the kernel runs by itself. A script would need an interpreter.
const ELF: [u8; 4] = *b"\x7fELF";

/// The environment variable that makes the dynamic loader list a program's libraries instead of running it.
const LIST_LIBRARIES: (&str, &str) = ("LD_TRACE_LOADED_OBJECTS", "1");

/// Where fonts and their settings lie, for models with text.
const FONT_PLACES: [&str; 6] = [
    "/etc/fonts",
    "/usr/share/fontconfig",
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/usr/share/texmf/fonts",
    "/var/cache/fontconfig",
];

/// The loader's index of libraries.
const LIBRARY_INDEX: &str = "/etc/ld.so.cache";

/// What the program and its worker need beyond computing: reading files that Landlock allows, and asking who and where they are.
const READING: [c_long; 32] = [
    libc::SYS_openat,
    libc::SYS_newfstatat,
    libc::SYS_fstat,
    libc::SYS_statx,
    libc::SYS_fstatfs,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
    libc::SYS_getdents64,
    libc::SYS_getcwd,
    libc::SYS_chdir,
    libc::SYS_lseek,
    libc::SYS_pread64,
    libc::SYS_fadvise64,
    libc::SYS_fcntl,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_pipe2,
    libc::SYS_eventfd2,
    libc::SYS_ppoll,
    libc::SYS_uname,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getppid,
    libc::SYS_getrusage,
    libc::SYS_set_tid_address,
    libc::SYS_rseq,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_sched_getaffinity,
];

/// The same by the names that older machines have.
#[cfg(target_arch = "x86_64")]
const READING_OF_THE_MACHINE: [c_long; 9] = [
    libc::SYS_arch_prctl,
    libc::SYS_open,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_poll,
    libc::SYS_pipe,
    libc::SYS_dup2,
];
#[cfg(not(target_arch = "x86_64"))]
const READING_OF_THE_MACHINE: [c_long; 0] = [];

/// Memory that the program may also execute: its libraries are mapped like that.
const MAPPING: [c_long; 2] = [libc::SYS_mmap, libc::SYS_mprotect];

/// What only the worker needs: starting the program, fencing it in further, waiting for its end.
const STARTING: [c_long; 6] = [
    libc::SYS_clone,
    libc::SYS_prctl,
    libc::SYS_seccomp,
    libc::SYS_wait4,
    libc::SYS_waitid,
    libc::SYS_recvfrom,
];

/// A program and every file that it may read.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    /// Shared libraries, and the loader among them.
    libraries: Vec<PathBuf>,
    /// Folders and files of data.
    data: Vec<PathBuf>,
}

impl Program {
    /// Finds out what a program needs, by asking the system's loader. Call it before the cage closes.
    ///
    /// # Errors
    /// When the file is no program of this machine, or one of its libraries is missing.
    pub fn discover(path: &Path) -> io::Result<Self> {
        let path = path.canonicalize()?;
        let mut magic = [0; ELF.len()];
        File::open(&path)?.read_exact(&mut magic)?;
        if magic != ELF {
            return Err(io::Error::other(format!(
                "{} is a script; name the program that it starts",
                path.display()
            )));
        }
        let (name, value) = LIST_LIBRARIES;
        let listed = Command::new(&path)
            .env_clear()
            .env(name, value)
            .current_dir("/")
            .stdin(Stdio::null())
            .output()?;
        let libraries = libraries(&String::from_utf8_lossy(&listed.stdout))?;
        let own = path.parent().and_then(Path::parent).into_iter();
        let data = own
            .filter_map(|prefix| Some(prefix.join("share").join(path.file_name()?)))
            .chain(FONT_PLACES.map(PathBuf::from))
            .chain([PathBuf::from(LIBRARY_INDEX)])
            .filter(|place| place.exists())
            .collect();
        Ok(Self {
            path,
            libraries,
            data,
        })
    }

    /// What may be executed: the program and the loader, which the kernel starts in its stead.
    pub(super) fn executable(&self) -> impl Iterator<Item = &Path> {
        let loaders = self.libraries.iter().filter(|path| is_loader(path));
        [self.path.as_path()]
            .into_iter()
            .chain(loaders.map(PathBuf::as_path))
    }

    /// What may be read: the program, its libraries and its data.
    pub(super) fn readable(&self) -> impl Iterator<Item = &Path> {
        let all = self.libraries.iter().chain(&self.data);
        [self.path.as_path()]
            .into_iter()
            .chain(all.map(PathBuf::as_path))
    }

    /// A run of the program, with pipes and nothing else. It ends with the calling thread, and can start nothing itself.
    ///
    /// # Errors
    /// When the filter of system calls cannot be made for this machine.
    pub fn command<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> io::Result<Command> {
        let filter = program_filter().map_err(io::Error::other)?;
        let parent = getpid();
        let mut command = Command::new(&self.path);
        command
            .args(arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        #[expect(
            unsafe_code,
            reason = "the standard library calls this between fork and exec"
        )]
        // SAFETY: the closure allocates nothing and takes no lock: it makes three system calls with memory that the parent
        // has prepared.
        unsafe {
            command.pre_exec(move || {
                set_parent_process_death_signal(Some(Signal::KILL))?;
                if getppid() != Some(parent) {
                    return Err(io::Error::from_raw_os_error(libc::ESRCH));
                }
                seccompiler::apply_filter(&filter)
                    .map_err(|_| io::Error::from_raw_os_error(libc::EPERM))
            });
        }
        Ok(command)
    }
}

/// The files in a loader's list: `name => /path (address)`, or `/path (address)` for the loader itself.
fn libraries(list: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for line in list.lines() {
        let (name, place) = match line.split_once("=>") {
            Some((name, place)) => (name.trim(), place.trim()),
            None => ("", line.trim()),
        };
        let path = place.rsplit_once(" (").map_or(place, |(path, _)| path);
        if path.starts_with('/') {
            found.push(PathBuf::from(path));
        } else if !name.is_empty() {
            return Err(io::Error::other(format!(
                "the library {name} is not installed"
            )));
        }
    }
    if found.is_empty() {
        return Err(io::Error::other("its libraries cannot be listed"));
    }
    Ok(found)
}

/// Whether a library is the dynamic loader: `ld-linux-x86-64.so.2`, `ld-musl-x86_64.so.1`.
fn is_loader(path: &Path) -> bool {
    path.file_name()
        .and_then(OsStr::to_str)
        .is_some_and(|name| name.starts_with("ld-") && name.contains(".so"))
}

/// Holds the worker and all that it starts to what a program needs. Other calls are answered as by a kernel that does not know
/// them, because a program of others has to find another way where ours may just end.
///
/// # Errors
/// When the kernel has no such filters or refuses this one.
pub(super) fn allow_the_program() -> io::Result<()> {
    let filter = worker_filter().map_err(io::Error::other)?;
    seccompiler::apply_filter_all_threads(&filter).map_err(io::Error::other)
}

type Rules = std::collections::BTreeMap<i64, Vec<SeccompRule>>;
type Built<T> = Result<T, seccompiler::BackendError>;

/// What both may do.
fn shared_rules() -> Built<Rules> {
    let always = ALLOWED
        .into_iter()
        .chain(READING)
        .chain(READING_OF_THE_MACHINE)
        .chain(MAPPING)
        .chain([libc::SYS_execve]);
    let mut rules: Rules = always.map(|call| (call, Vec::new())).collect();
    // Its own limits only, of which none can be raised again.
    let own = argument(0, SeccompCmpOp::Eq, 0)?;
    rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(vec![own])?]);
    Ok(rules)
}

fn worker_filter() -> Built<BpfProgram> {
    let mut rules = shared_rules()?;
    rules.extend(STARTING.map(|call| (call, Vec::new())));
    // The standard library asks a process that it starts how that went over a pair of sockets, which lead nowhere else.
    let local = argument(0, SeccompCmpOp::Eq, u64::from(libc::AF_UNIX.unsigned_abs()))?;
    let connected = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
    let connected = argument(1, SeccompCmpOp::Eq, u64::from(connected.unsigned_abs()))?;
    rules.insert(
        libc::SYS_socketpair,
        vec![SeccompRule::new(vec![local, connected])?],
    );
    // Signals to itself alone: this is how the worker aborts.
    let own = argument(0, SeccompCmpOp::Eq, u64::from(std::process::id()))?;
    rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![own])?]);
    filter(rules)
}

/// The program's own filter, on top of its worker's: threads but no processes, and no way to outlive the worker.
fn program_filter() -> Built<BpfProgram> {
    let mut rules = shared_rules()?;
    let thread = u64::from(libc::CLONE_THREAD.unsigned_abs());
    let threads = argument(0, SeccompCmpOp::MaskedEq(thread), thread)?;
    rules.insert(libc::SYS_clone, vec![SeccompRule::new(vec![threads])?]);
    let harmless = [libc::PR_CAPBSET_READ, libc::PR_SET_NAME, libc::PR_GET_NAME];
    let harmless = harmless.map(|option| -> Built<SeccompRule> {
        let option = u64::from(option.unsigned_abs());
        let option: SeccompCondition = argument(0, SeccompCmpOp::Eq, option)?;
        SeccompRule::new(vec![option])
    });
    let harmless = harmless.into_iter().collect::<Built<Vec<_>>>()?;
    rules.insert(libc::SYS_prctl, harmless);
    filter(rules)
}

fn filter(rules: Rules) -> Built<BpfProgram> {
    SeccompFilter::new(
        rules,
        SeccompAction::Errno(libc::ENOSYS.unsigned_abs()),
        SeccompAction::Allow,
        TargetArch::try_from(std::env::consts::ARCH)?,
    )?
    .try_into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_a_loader_is_read() {
        let list = "\tlinux-vdso.so.1 (0x00007f)\n\
                    \tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n";
        let found = libraries(list).unwrap();
        let expected = [
            "/lib/x86_64-linux-gnu/libm.so.6",
            "/lib64/ld-linux-x86-64.so.2",
        ];
        assert_eq!(found, expected.map(PathBuf::from));
        assert!(!is_loader(&found[0]));
        assert!(is_loader(&found[1]));
    }

    #[test]
    fn a_missing_library_is_named() {
        let error = libraries("\tlibgone.so.1 => not found\n").unwrap_err();
        assert!(error.to_string().contains("libgone.so.1"), "{error}");
        assert!(libraries("").is_err());
    }

    #[test]
    fn a_script_is_no_program() {
        let error = Program::discover(Path::new("/usr/bin/ldd")).unwrap_err();
        assert!(error.to_string().contains("is a script"), "{error}");
    }
}

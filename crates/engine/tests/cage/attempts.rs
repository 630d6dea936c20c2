//! What a hostile program would try first.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;

use libc::{c_long, c_void};
use vitrine_engine::worker::Layer;

/// What is worth attacking.
pub(crate) struct Targets {
    secret: PathBuf,
    listener: SocketAddr,
    server: i32,
}

impl Targets {
    pub(crate) fn parse(words: &[&str]) -> Self {
        let [secret, listener, server] = words else {
            panic!("give a file, an address and a process: {words:?}");
        };
        Self {
            secret: secret.into(),
            listener: listener.parse().unwrap(),
            server: server.parse().unwrap(),
        }
    }
}

/// What stops an attempt when the filter of system calls does not.
pub(crate) enum Held {
    /// Some layer that every machine has.
    Always,
    /// This layer, where the kernel has it.
    By(Layer),
    /// Nothing else.
    ByTheFilterAlone,
}

type Attempt = fn(&Targets) -> io::Result<()>;

pub(crate) const ATTEMPTS: [(&str, Attempt, Held); 37] = [
    ("read_a_secret", |t| open(&t.secret), Held::Always),
    ("write_into_the_data_folder", write_beside, Held::Always),
    ("list_the_data_folder", list, Held::Always),
    ("own_memory", |_| open("/proc/self/mem"), Held::Always),
    ("first_process", |_| open("/proc/1/environ"), Held::Always),
    ("memory_of_the_server", server_memory, Held::Always),
    ("password_file", |_| open("/etc/passwd"), Held::Always),
    ("list_processes", |_| list_folder("/proc"), Held::Always),
    (
        "environment_of_the_server",
        |t| open(of_server(t, "environ")),
        Held::Always,
    ),
    (
        "files_of_the_server",
        |t| list_folder(of_server(t, "fd")),
        Held::Always,
    ),
    (
        "commands_of_the_machine",
        |_| list_folder("/usr/bin"),
        Held::Always,
    ),
    ("look_at_a_file", look, Held::ByTheFilterAlone),
    ("socket", |_| socket(libc::AF_INET), Held::Always),
    ("local_socket", |_| socket(libc::AF_UNIX), Held::Always),
    ("kernel_socket", |_| socket(libc::AF_NETLINK), Held::Always),
    ("connect", connect, Held::Always),
    (
        "signal_to_the_server",
        signal,
        Held::By(Layer::LandlockScope),
    ),
    (
        "signal_to_a_thread_of_the_server",
        |t| {
            call(
                libc::SYS_tgkill,
                [t.server.into(), t.server.into(), 0, 0, 0],
            )
        },
        Held::By(Layer::LandlockScope),
    ),
    (
        "queued_signal_to_the_server",
        queue_signal,
        Held::By(Layer::LandlockScope),
    ),
    (
        "handle_of_the_server",
        |t| call(libc::SYS_pidfd_open, [t.server.into(), 0, 0, 0, 0]),
        Held::Always,
    ),
    ("raw_socket", |_| socket(libc::AF_PACKET), Held::Always),
    ("trace_the_server", trace, Held::Always),
    ("read_the_server", read_memory, Held::Always),
    // The bound on processes is set together with the filter.
    ("fork", |_| fork(), Held::ByTheFilterAlone),
    ("execute", |_| execute(), Held::Always),
    ("memory_file", |_| memory_file(), Held::Always),
    (
        "executable_memory",
        |_| executable(),
        Held::ByTheFilterAlone,
    ),
    (
        "executable_later",
        |_| executable_later(),
        Held::ByTheFilterAlone,
    ),
    (
        "new_namespace",
        |_| call(libc::SYS_unshare, [0x1000_0000, 0, 0, 0, 0]),
        Held::ByTheFilterAlone,
    ),
    ("mount", |_| mount(), Held::Always),
    (
        "keys",
        |_| call(libc::SYS_keyctl, [0, -3, 0, 0, 0]),
        Held::ByTheFilterAlone,
    ),
    (
        "kernel_programs",
        |_| call(libc::SYS_bpf, [0, 0, 0, 0, 0]),
        Held::Always,
    ),
    (
        "asynchronous_calls",
        |_| call(libc::SYS_io_uring_setup, [1, 0, 0, 0, 0]),
        Held::Always,
    ),
    (
        "more_memory_than_allowed",
        |_| raise_a_limit(libc::RLIMIT_NOFILE),
        Held::Always,
    ),
    ("leave_the_root", |_| leave_root(), Held::Always),
    (
        "become_root",
        |_| call(libc::SYS_setresuid, [0, 0, 0, 0, 0]),
        Held::By(Layer::UnprivilegedUser),
    ),
    (
        "outlive_the_server",
        |_| call(libc::SYS_prctl, [libc::PR_SET_PDEATHSIG.into(), 0, 0, 0, 0]),
        Held::ByTheFilterAlone,
    ),
];

/// What begins by opening something, and nothing else.
pub(crate) const OPENING: [&str; 11] = [
    "read_a_secret",
    "write_into_the_data_folder",
    "list_the_data_folder",
    "own_memory",
    "first_process",
    "memory_of_the_server",
    "password_file",
    "list_processes",
    "environment_of_the_server",
    "files_of_the_server",
    "commands_of_the_machine",
];

/// What a program of others may do in its worker's cage, because its loader does it: see whether a file exists, and map
/// libraries so that they can be executed.
pub(crate) const PROGRAMS_MAY: [&str; 3] =
    ["look_at_a_file", "executable_memory", "executable_later"];

/// What a model is made of: memory that comes and goes, time, and text on the pipes.
pub(crate) fn compute() {
    let started = std::time::Instant::now();
    let blocks: Vec<Vec<u8>> = (1..200_usize).map(|i| vec![1; i * 4096]).collect();
    let grown: Vec<u8> = blocks.concat();
    drop(blocks);
    println!("{} bytes in {:?}", grown.len(), started.elapsed());
}

fn open(path: impl AsRef<std::path::Path>) -> io::Result<()> {
    File::open(path).map(drop)
}

fn write_beside(targets: &Targets) -> io::Result<()> {
    let path = targets.secret.with_extension("new");
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)?
        .write_all(b"x")
}

fn list(targets: &Targets) -> io::Result<()> {
    list_folder(targets.secret.parent().unwrap())
}

fn list_folder(path: impl AsRef<std::path::Path>) -> io::Result<()> {
    std::fs::read_dir(path).map(drop)
}

fn of_server(targets: &Targets, file: &str) -> String {
    format!("/proc/{}/{file}", targets.server)
}

fn server_memory(targets: &Targets) -> io::Result<()> {
    open(of_server(targets, "mem"))
}

fn look(targets: &Targets) -> io::Result<()> {
    std::fs::metadata(&targets.secret).map(drop)
}

fn socket(family: i32) -> io::Result<()> {
    let kind = libc::SOCK_DGRAM;
    call(libc::SYS_socket, [family.into(), kind.into(), 0, 0, 0])
}

fn connect(targets: &Targets) -> io::Result<()> {
    TcpStream::connect(targets.listener).map(drop)
}

/// Signal 0 only asks whether a signal may be sent.
fn signal(targets: &Targets) -> io::Result<()> {
    call(libc::SYS_kill, [targets.server.into(), 0, 0, 0, 0])
}

/// A signal with a value, which goes another way through the kernel. 0 only asks.
fn queue_signal(targets: &Targets) -> io::Result<()> {
    /// `siginfo` as the kernel reads it: number, error, code, and room for the rest.
    const FROM_A_QUEUE: i32 = -1;
    let mut info = [0_i32; 32];
    info[2] = FROM_A_QUEUE;
    call(
        libc::SYS_rt_sigqueueinfo,
        [targets.server.into(), 0, address(info.as_ptr()), 0, 0],
    )
}

fn trace(targets: &Targets) -> io::Result<()> {
    let attach = i64::from(libc::PTRACE_SEIZE);
    call(libc::SYS_ptrace, [attach, targets.server.into(), 0, 0, 0])
}

fn read_memory(targets: &Targets) -> io::Result<()> {
    let mut byte = 0_u8;
    let own = libc::iovec {
        iov_base: (&raw mut byte).cast(),
        iov_len: 1,
    };
    let own = address(&raw const own);
    call(
        libc::SYS_process_vm_readv,
        [targets.server.into(), own, 1, own, 1],
    )
}

fn fork() -> io::Result<()> {
    call(libc::SYS_clone, [i64::from(libc::SIGCHLD), 0, 0, 0, 0])
}

/// Becomes a program that succeeds, whose exit code stands for an escape.
fn execute() -> io::Result<()> {
    use std::os::unix::process::CommandExt;
    Err(std::process::Command::new("/bin/sh")
        .args(["-c", "exit 11"])
        .exec())
}

fn memory_file() -> io::Result<()> {
    let name = c"escape";
    call(libc::SYS_memfd_create, [address(name.as_ptr()), 0, 0, 0, 0])
}

fn map(protection: i32) -> io::Result<i64> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    answer(
        libc::SYS_mmap,
        [0, 4096, protection.into(), flags.into(), -1],
    )
}

fn executable() -> io::Result<()> {
    map(libc::PROT_READ | libc::PROT_EXEC).map(drop)
}

fn executable_later() -> io::Result<()> {
    let page = map(libc::PROT_READ | libc::PROT_WRITE)?;
    let protection = libc::PROT_READ | libc::PROT_EXEC;
    call(libc::SYS_mprotect, [page, 4096, protection.into(), 0, 0])
}

fn mount() -> io::Result<()> {
    let (kind, place) = (c"tmpfs", c"/");
    let (kind, place) = (address(kind.as_ptr()), address(place.as_ptr()));
    call(libc::SYS_mount, [kind, place, kind, 0, 0])
}

fn raise_a_limit(resource: libc::__rlimit_resource_t) -> io::Result<()> {
    let limit = libc::rlimit {
        rlim_cur: 100,
        rlim_max: 100,
    };
    call(
        libc::SYS_prlimit64,
        [0, i64::from(resource), address(&raw const limit), 0, 0],
    )
}

fn leave_root() -> io::Result<()> {
    call(libc::SYS_chroot, [address(c"/tmp".as_ptr()), 0, 0, 0, 0])
}

fn address<T>(value: *const T) -> i64 {
    value.cast::<c_void>().expose_provenance().cast_signed() as i64
}

fn call(number: c_long, arguments: [i64; 5]) -> io::Result<()> {
    answer(number, arguments).map(drop)
}

/// Asks the kernel for anything.
fn answer(number: c_long, with: [i64; 5]) -> io::Result<i64> {
    #[expect(unsafe_code, reason = "an attacker does not use safe wrappers")]
    // SAFETY: the pointers among the arguments are valid for the call, and nothing that the calls
    // of this file map, open or change is used by anybody else.
    let result =
        unsafe { libc::syscall(number, with[0], with[1], with[2], with[3], with[4], 0_i64) };
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}

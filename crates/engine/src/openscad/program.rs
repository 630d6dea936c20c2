//! Runs of the program: what goes in, what may come out, and how long it may take.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use vitrine_model::{EngineError, LimitExceeded, LimitKind, RunContext};

use super::mesh;
use super::says::{Verdict, verdict};
use crate::export::Scene;
use crate::jscad::import::{self, POINTS_2D_MAX, Watch};
use crate::worker::OPENSCAD_ARGUMENT;
use crate::worker::confine::Program;

/// How long the program may take to say its version.
const VERSION_MAX: Duration = Duration::from_secs(10);

/// Bytes of the version in the program's own words.
const VERSION_CHARS_MAX: usize = 40;

/// How often a running program is looked after: its deadline, and whether anybody still waits.
const LOOK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 20_000_000,
};

/// Bytes of a mesh as text for each byte that a result may have: a binary triangle takes 50, its text some 100.
const TEXT_FACTOR: u64 = 2;

/// Bytes that are moved at once.
const CHUNK_BYTES: usize = 16 * 1024;

/// An installed OpenSCAD, as the server knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenScad {
    path: PathBuf,
    version: String,
}

impl OpenScad {
    /// Asks the program at `path` for its version. Takes milliseconds, and seconds at most.
    ///
    /// # Errors
    /// When there is no such program, or it does not say a version.
    pub fn find(path: &Path) -> io::Result<Self> {
        let path = path.canonicalize()?;
        let mut command = Command::new(&path);
        command
            .arg("--version")
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::null());
        let (sender, answer) = mpsc::channel();
        thread::Builder::new()
            .name("openscad-version".into())
            .spawn(move || sender.send(command.output()))?;
        let output = answer
            .recv_timeout(VERSION_MAX)
            .map_err(|_| io::Error::from(ErrorKind::TimedOut))??;
        // Version 2021.01 says it on standard error.
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let version = said
            .lines()
            .find_map(|line| line.trim().strip_prefix("OpenSCAD version "))
            .filter(|version| version.len() <= VERSION_CHARS_MAX)
            .ok_or_else(|| io::Error::other("it does not say a version of OpenSCAD"))?;
        Ok(Self {
            path,
            version: version.to_owned(),
        })
    }

    /// The version in the program's own words, for example `2021.01`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What a worker needs to be told.
    pub(crate) fn arguments(&self) -> [String; 2] {
        [
            OPENSCAD_ARGUMENT.to_owned(),
            self.path.to_string_lossy().into_owned(),
        ]
    }
}

/// The scene of a file with some assignments behind it, and its triangles.
pub(super) fn scene(
    program: &Program,
    source: &str,
    assignments: &str,
    ctx: &RunContext,
    watch: &Watch,
) -> Result<(Scene, usize), EngineError> {
    let input = format!("{source}\n{assignments}");
    let run = |format: &str| {
        let ended = Run::start(program, format, input.as_bytes(), ctx)?.finish(watch)?;
        let said = String::from_utf8_lossy(&ended.said).into_owned();
        let verdict = verdict(&said, ended.status, &ctx.limits)?;
        Ok::<_, EngineError>((verdict, ended.written))
    };
    let (solid, written) = run("off")?;
    match solid {
        Verdict::Empty => return Ok((Scene::default(), 0)),
        Verdict::Written => {
            let polygons = mesh::off(&written, ctx.limits.triangles_max)?;
            drop(written);
            return import::solid(&polygons, ctx);
        }
        Verdict::Flat => {}
    }
    match run("svg")? {
        (Verdict::Written, written) => {
            let sides = mesh::svg(&written, POINTS_2D_MAX)?;
            Ok((import::flat(&sides, ctx)?, 0))
        }
        _ => Ok((Scene::default(), 0)),
    }
}

/// A finished run.
struct Ended {
    status: ExitStatus,
    written: Vec<u8>,
    said: Vec<u8>,
}

/// A running program. It reads the file from standard input and writes the mesh to standard output.
struct Run<'a> {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    unsent: &'a [u8],
    written: Bounded,
    said: Bounded,
}

/// Bytes up to a bound.
struct Bounded {
    bytes: Vec<u8>,
    max: usize,
}

impl<'a> Run<'a> {
    fn start(
        program: &Program,
        format: &str,
        input: &'a [u8],
        ctx: &RunContext,
    ) -> Result<Self, EngineError> {
        let mut child = program
            .command(["-o", "-", "--export-format", format, "-"])
            .and_then(|mut command| command.spawn())
            .map_err(|error| lost(&error))?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let pipes = [
            stdin.as_ref().map(AsFd::as_fd),
            stdout.as_ref().map(AsFd::as_fd),
            stderr.as_ref().map(AsFd::as_fd),
        ];
        for pipe in pipes.into_iter().flatten() {
            fcntl_setfl(pipe, OFlags::NONBLOCK).map_err(|error| lost(&error.into()))?;
        }
        let written_max = ctx.limits.output_bytes_max.saturating_mul(TEXT_FACTOR);
        Ok(Self {
            child,
            stdin,
            stdout,
            stderr,
            unsent: input,
            written: Bounded::new(written_max),
            said: Bounded::new(ctx.limits.log_bytes_max),
        })
    }

    /// Serves the pipes until the program ends. An error leaves it running: the worker ends then, and takes it along.
    fn finish(mut self, watch: &Watch) -> Result<Ended, EngineError> {
        let status = loop {
            if let Some(error) = watch.expired("OpenSCAD") {
                return Err(error);
            }
            self.wait_for_pipes().map_err(|error| lost(&error))?;
            self.move_bytes()?;
            if self.stdout.is_none() && self.stderr.is_none() {
                let ended = self.child.try_wait().map_err(|error| lost(&error))?;
                if let Some(status) = ended {
                    break status;
                }
            }
        };
        Ok(Ended {
            status,
            written: self.written.bytes,
            said: self.said.bytes,
        })
    }

    fn wait_for_pipes(&self) -> io::Result<()> {
        let input = self.stdin.iter().map(|p| PollFd::new(p, PollFlags::OUT));
        let output = self.stdout.iter().map(|p| PollFd::new(p, PollFlags::IN));
        let errors = self.stderr.iter().map(|p| PollFd::new(p, PollFlags::IN));
        let mut pipes: Vec<PollFd<'_>> = input.chain(output).chain(errors).collect();
        match poll(&mut pipes, Some(&LOOK)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn move_bytes(&mut self) -> Result<(), EngineError> {
        if let Some(stdin) = &mut self.stdin {
            match stdin.write(&self.unsent[..self.unsent.len().min(CHUNK_BYTES)]) {
                Ok(count) => self.unsent = &self.unsent[count..],
                Err(error) if is_later(&error) => {}
                // It has read enough.
                Err(_) => self.unsent = &[],
            }
        }
        if self.unsent.is_empty() {
            self.stdin = None;
        }
        if drained(&mut self.stdout, &mut self.written).map_err(|error| lost(&error))? {
            self.stdout = None;
        }
        if drained(&mut self.stderr, &mut self.said).map_err(|error| lost(&error))? {
            self.stderr = None;
        }
        self.written.check(
            LimitKind::OutputBytes,
            "the result",
            "lower $fn or use fewer details",
        )?;
        self.said
            .check(LimitKind::LogBytes, "echo", "let the file say less")
    }
}

impl Bounded {
    fn new(max: u64) -> Self {
        Self {
            bytes: Vec::new(),
            max: usize::try_from(max).unwrap_or(usize::MAX),
        }
    }

    fn check(&self, limit: LimitKind, at: &str, raise: &str) -> Result<(), EngineError> {
        if self.bytes.len() <= self.max {
            return Ok(());
        }
        Err(EngineError::Limit(LimitExceeded {
            limit,
            at: at.to_owned(),
            spent: format!("more than {} bytes", self.max),
            raise: raise.to_owned(),
        }))
    }
}

/// Reads what has come, at most until the bound is passed. True when nothing more can come.
fn drained(pipe: &mut Option<impl Read>, into: &mut Bounded) -> io::Result<bool> {
    let Some(pipe) = pipe else { return Ok(false) };
    let mut chunk = [0; CHUNK_BYTES];
    while into.bytes.len() <= into.max {
        match pipe.read(&mut chunk) {
            Ok(0) => return Ok(true),
            Ok(count) => into.bytes.extend_from_slice(&chunk[..count]),
            Err(error) if is_later(&error) => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

fn lost(error: &io::Error) -> EngineError {
    EngineError::WorkerLost {
        message: format!("OpenSCAD could not be run: {error}"),
    }
}

//! The cage: what a worker gives up before it sees a model.
//!
//! Two steps, because threads inherit what their maker gave up. [`at_start`] comes first in the
//! process: it leaves namespaces, user, capabilities and files behind. [`before_models`] comes when
//! both threads run and the engine has loaded what it needs: from then on the kernel refuses
//! every call that computing does not need. A worker that runs a program of others has a wider cage: that program's own files
//! may be read, and it alone be started ([`Program`]). This is the one place of the project with `unsafe`.

pub(crate) mod calls;
mod files;
mod layer;
pub(crate) mod limits;
pub(crate) mod memory;
mod privileges;
mod program;

use std::io;

use rustix::process::{
    DumpableBehavior, Pid, Signal, getppid, set_dumpable_behavior, set_parent_process_death_signal,
};

pub use memory::MeteredAllocator;

pub(crate) use calls::Opens;
pub use layer::{Confinement, Layer, missing_layers};
pub use program::Program;

/// The layers that are in force so far.
#[derive(Debug)]
pub struct Cage {
    confinement: Confinement,
    layers: Vec<Layer>,
    /// Whether it leaves room for a program of others.
    holds_program: bool,
    pub(crate) opens: Opens,
    /// Address space that the process used before anything was computed, in bytes.
    pub address_space_bytes: u64,
}

impl Cage {
    /// The names of the active layers, in the order in which they were set.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let names = self.layers.iter().map(|layer| layer.name().to_owned());
        names.collect()
    }

    /// For libraries that try to open files when they are first used: once the cage has closed, opening fails
    /// instead of ending the process. Nothing is ever opened.
    pub fn let_opens_fail(&mut self) {
        self.opens = Opens::Refused;
    }

    /// Takes note of a layer; when it failed the process may go on only if the operator said so.
    fn add(&mut self, layer: Layer, outcome: io::Result<()>) -> io::Result<()> {
        match outcome {
            Ok(()) => self.layers.push(layer),
            Err(error) if self.confinement == Confinement::BestEffort => {
                eprintln!("worker: goes on without {}: {error}", layer.name());
            }
            Err(error) => {
                return Err(io::Error::other(format!(
                    "the kernel does not give the layer {}: {error}",
                    layer.name()
                )));
            }
        }
        Ok(())
    }
}

/// Closes every descriptor but the standard streams. Call it before anything is opened.
///
/// # Errors
/// When the kernel refuses and the layer is required.
pub fn close_inherited(confinement: Confinement) -> io::Result<Cage> {
    let mut cage = Cage {
        confinement,
        layers: Vec::new(),
        holds_program: false,
        opens: Opens::TheEnd,
        address_space_bytes: limits::address_space_bytes()?,
    };
    let closed = privileges::close_inherited();
    cage.add(Layer::ClosedFiles, closed)?;
    Ok(cage)
}

/// Gives up what the process inherited. Call it while the process has one thread.
///
/// # Errors
/// When a required layer cannot be set: a worker then must not start.
pub fn at_start(cage: &mut Cage) -> io::Result<()> {
    give_up(cage, None)
}

/// The same for a worker that runs one program of others. The program may read its own files and nothing else.
///
/// # Errors
/// As [`at_start`].
pub fn at_start_with(cage: &mut Cage, program: &Program) -> io::Result<()> {
    cage.holds_program = true;
    give_up(cage, Some(program))
}

fn give_up(cage: &mut Cage, program: Option<&Program>) -> io::Result<()> {
    let server = getppid();
    limits::offer_to_the_kernel();
    limits::stand_back();
    die_with(server)?;
    cage.layers.extend(privileges::leave_namespaces());
    privileges::empty_bounding_set();
    if privileges::become_nobody() == Some(true) {
        cage.layers.push(Layer::UnprivilegedUser);
    }
    let dropped = privileges::drop_capabilities();
    cage.add(Layer::NoCapabilities, dropped)?;
    let fixed = rustix::thread::set_no_new_privs(true);
    cage.add(Layer::NoNewPrivileges, fixed.map_err(Into::into))?;
    let hidden = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    cage.add(Layer::NotDumpable, hidden.map_err(Into::into))?;
    // A change of user or capabilities makes the kernel forget it, so it is asked again.
    cage.add(Layer::DiesWithServer, die_with(server))?;
    cage.add(Layer::ResourceLimits, limits::at_start())?;
    match files::deny_all(program) {
        Ok(layers) => cage.layers.extend(layers),
        Err(error) => cage.add(Layer::LandlockFiles, Err(error))?,
    }
    match program {
        Some(_) => cage.add(Layer::FewFiles, limits::few_files()),
        None => cage.add(Layer::NoFiles, limits::no_files()),
    }
}

/// Closes the cage. Call it when all threads run and the engine has opened whatever it needs.
///
/// # Errors
/// As [`at_start`].
pub fn before_models(cage: &mut Cage) -> io::Result<()> {
    if cage.holds_program {
        return cage.add(Layer::ProgramCalls, program::allow_the_program());
    }
    limits::no_processes()?;
    // The library finds the kernel's fast calls when it is first asked for the time, by a call that
    // the filter does not know.
    let _ = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let filtered = calls::allow_only_computing(cage.opens);
    cage.add(Layer::SystemCalls, filtered)
}

/// Asks the kernel to end this process with the thread that started it.
fn die_with(server: Option<Pid>) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    if getppid() == server {
        return Ok(());
    }
    Err(io::Error::other("the server ended meanwhile"))
}

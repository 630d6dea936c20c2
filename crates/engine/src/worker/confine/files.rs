//! Landlock: no path, no port, no signal to the outside.

use std::io;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetStatus, Scope,
};

use super::layer::Layer;
use super::program::Program;

/// The newest form of the rules that is asked for; what an older kernel does not know is left out.
const NEWEST: ABI = ABI::V6;

/// Denies everything that Landlock knows about, but for the files of `program` if there is one. Returns the layers that the
/// kernel gives.
///
/// # Errors
/// When the kernel has no Landlock or refuses the rules.
pub(super) fn deny_all(program: Option<&Program>) -> io::Result<Vec<Layer>> {
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(NEWEST)))
        .and_then(|rules| rules.scope(Scope::from_all(NEWEST)))
        .and_then(Ruleset::create)
        .map_err(io::Error::other)?;
    if let Some(program) = program {
        for path in program.readable() {
            let access = if path.is_dir() {
                AccessFs::ReadFile | AccessFs::ReadDir
            } else {
                AccessFs::ReadFile.into()
            };
            rules = allow(rules, path, access)?;
        }
        for path in program.executable() {
            rules = allow(rules, path, AccessFs::ReadFile | AccessFs::Execute)?;
        }
    }
    let status = rules.restrict_self().map_err(io::Error::other)?;
    if status.ruleset == RulesetStatus::NotEnforced {
        return Err(io::Error::other(
            "the kernel has no Landlock; use Linux 5.13 or newer with landlock in its list of \
             security modules (lsm=…)",
        ));
    }
    let files = match program {
        Some(_) => Layer::ProgramFiles,
        None => Layer::LandlockFiles,
    };
    let mut layers = vec![files];
    if let LandlockStatus::Available { effective_abi, .. } = status.landlock {
        if effective_abi >= ABI::V4 {
            layers.push(Layer::LandlockNetwork);
        }
        if effective_abi >= ABI::V6 {
            layers.push(Layer::LandlockScope);
        }
    }
    Ok(layers)
}

fn allow(
    rules: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> io::Result<RulesetCreated> {
    let place = PathFd::new(path).map_err(io::Error::other)?;
    rules
        .add_rule(PathBeneath::new(place, access))
        .map_err(io::Error::other)
}

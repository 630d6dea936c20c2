//! Landlock: no path, no port, no signal to the outside.

use std::io;

use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, Ruleset, RulesetAttr, RulesetStatus, Scope,
};

use super::layer::Layer;

/// The newest form of the rules that is asked for; what an older kernel does not know is left out.
const NEWEST: ABI = ABI::V6;

/// Denies everything that Landlock knows about. Returns the layers that the kernel gives.
///
/// # Errors
/// When the kernel has no Landlock or refuses the rules.
pub(super) fn deny_all() -> io::Result<Vec<Layer>> {
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(NEWEST)))
        .and_then(|rules| rules.scope(Scope::from_all(NEWEST)))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self)
        .map_err(io::Error::other)?;
    if status.ruleset == RulesetStatus::NotEnforced {
        return Err(io::Error::other(
            "the kernel has no Landlock; use Linux 5.13 or newer with landlock in its list of \
             security modules (lsm=…)",
        ));
    }
    let mut layers = vec![Layer::LandlockFiles];
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

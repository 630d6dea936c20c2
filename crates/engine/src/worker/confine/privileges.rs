//! Namespaces, user, capabilities: what the process was born with and gives away.

use std::fs::write;
use std::io;

use rustix::process::{Gid, Uid, getegid, geteuid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, UnshareFlags, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_thread_groups, set_thread_res_gid,
    set_thread_res_uid,
};

use super::layer::Layer;

/// User and group of a worker whose server is root: by convention they own nothing.
const NOBODY: u32 = 65_534;

/// Namespaces that any privileged process may leave, and the layers they give.
const NAMESPACES: [(UnshareFlags, Layer); 5] = [
    (UnshareFlags::NEWNET, Layer::NetworkNamespace),
    (UnshareFlags::NEWIPC, Layer::IpcNamespace),
    (UnshareFlags::NEWUTS, Layer::UtsNamespace),
    (UnshareFlags::NEWNS, Layer::MountNamespace),
    (UnshareFlags::NEWCGROUP, Layer::CgroupNamespace),
];

/// Closes every descriptor but the three standard streams.
pub(super) fn close_inherited() -> io::Result<()> {
    const FIRST: libc::c_uint = 3;
    #[expect(
        unsafe_code,
        reason = "no safe wrapper closes a range of descriptors; the standard library cannot"
    )]
    // SAFETY: called first in the process, before any descriptor above the standard streams is
    // owned by a value of the program, so nothing can use a closed one. The call takes numbers only.
    let result = unsafe { libc::syscall(libc::SYS_close_range, FIRST, libc::c_uint::MAX, 0) };
    if result == 0 {
        return Ok(());
    }
    Err(io::Error::last_os_error())
}

/// Leaves as many of the server's namespaces as the kernel lets go. Containers often refuse all.
///
/// The process namespace is not among them: it would only concern children, which a worker cannot
/// have, and would forbid the engine's thread.
pub(super) fn leave_namespaces() -> Vec<Layer> {
    let mut left = Vec::new();
    if !geteuid().is_root() {
        let (user, group) = (geteuid(), getegid());
        if unshare(UnshareFlags::NEWUSER).is_err() {
            return left;
        }
        left.push(Layer::UserNamespace);
        // Without maps the process is the overflow user inside, which is as good.
        let _ = write("/proc/self/setgroups", "deny");
        let _ = write("/proc/self/uid_map", identity(user.as_raw()));
        let _ = write("/proc/self/gid_map", identity(group.as_raw()));
    }
    let all = NAMESPACES
        .iter()
        .fold(UnshareFlags::empty(), |all, (flag, _)| all | *flag);
    if unshare(all).is_ok() {
        left.extend(NAMESPACES.map(|(_, layer)| layer));
    } else {
        // A kernel without one of them refuses all together.
        left.extend(
            NAMESPACES
                .into_iter()
                .filter(|(flag, _)| unshare(*flag).is_ok())
                .map(|(_, layer)| layer),
        );
    }
    left
}

fn identity(id: u32) -> String {
    format!("{id} {id} 1")
}

fn unshare(flags: UnshareFlags) -> io::Result<()> {
    #[expect(unsafe_code, reason = "no safe wrapper unshares namespaces")]
    // SAFETY: the danger of the call is a private table of descriptors (FILES), which no caller asks
    // for, and the process has one thread.
    unsafe { rustix::thread::unshare_unsafe(flags) }.map_err(Into::into)
}

/// Becomes nobody when the process is root. False when the kernel refuses.
pub(super) fn become_nobody() -> Option<bool> {
    if !geteuid().is_root() {
        return None;
    }
    let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
    let became = set_thread_groups(&[])
        .and_then(|()| set_thread_res_gid(group, group, group))
        .and_then(|()| set_thread_res_uid(user, user, user));
    Some(became.is_ok())
}

/// Takes every capability out of the set that programs may gain. Call it before changing the user.
pub(super) fn empty_bounding_set() {
    for number in 0..u64::BITS {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        // Unprivileged processes may not, and numbers end somewhere: no_new_privs holds as well.
        if remove_capability_from_bounding_set(capability).is_err() {
            break;
        }
    }
}

/// Gives up every capability.
pub(super) fn drop_capabilities() -> io::Result<()> {
    // Kernels that know no ambient set have none to clear.
    let _ = clear_ambient_capability_set();
    let none = CapabilitySet::empty();
    set_capabilities(
        None,
        CapabilitySets {
            effective: none,
            permitted: none,
            inheritable: none,
        },
    )?;
    Ok(())
}

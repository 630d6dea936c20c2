//! The layers of the cage: what each is called, and which of them a worker cannot do without.

/// One layer. Any of them may fail to hold one day; an attack has to get through all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layer {
    /// No descriptor of the server is open in the worker.
    ClosedFiles,
    /// The kernel ends the worker with the thread that started it.
    DiesWithServer,
    /// A user of its own kind in a namespace; only when the server is not root.
    UserNamespace,
    /// No network device, not even loopback.
    NetworkNamespace,
    /// No shared memory or queues of others.
    IpcNamespace,
    /// A host name of its own.
    UtsNamespace,
    /// Mounts of its own.
    MountNamespace,
    /// Control groups of its own.
    CgroupNamespace,
    /// The user nobody, when the server is root.
    UnprivilegedUser,
    /// No capability, and none to be had.
    NoCapabilities,
    /// No program can give it more rights.
    NoNewPrivileges,
    /// Neighbours of the same user cannot look into it.
    NotDumpable,
    /// Bounds on files, memory, processor time, processes and the stack.
    ResourceLimits,
    /// No path can be opened, made, removed or executed.
    LandlockFiles,
    /// No TCP port can be bound or connected to.
    LandlockNetwork,
    /// No signal and no abstract socket reaches a process outside.
    LandlockScope,
    /// No new descriptor.
    NoFiles,
    /// Of the kernel's calls only those that computing needs.
    SystemCalls,
    /// Instead of [`Layer::LandlockFiles`]: only the files of one program can be opened, to be read, and only it executed.
    ProgramFiles,
    /// Instead of [`Layer::NoFiles`]: few descriptors.
    FewFiles,
    /// Instead of [`Layer::SystemCalls`]: besides, reading files and starting one program that can start no other.
    ProgramCalls,
}

impl Layer {
    /// All of them, in the order in which they are set.
    pub const ALL: [Self; 21] = [
        Self::ClosedFiles,
        Self::DiesWithServer,
        Self::UserNamespace,
        Self::NetworkNamespace,
        Self::IpcNamespace,
        Self::UtsNamespace,
        Self::MountNamespace,
        Self::CgroupNamespace,
        Self::UnprivilegedUser,
        Self::NoCapabilities,
        Self::NoNewPrivileges,
        Self::NotDumpable,
        Self::ResourceLimits,
        Self::LandlockFiles,
        Self::LandlockNetwork,
        Self::LandlockScope,
        Self::NoFiles,
        Self::SystemCalls,
        Self::ProgramFiles,
        Self::FewFiles,
        Self::ProgramCalls,
    ];

    /// The name in health details, logs and the protocol.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClosedFiles => "closed_files",
            Self::DiesWithServer => "dies_with_server",
            Self::UserNamespace => "user_namespace",
            Self::NetworkNamespace => "network_namespace",
            Self::IpcNamespace => "ipc_namespace",
            Self::UtsNamespace => "uts_namespace",
            Self::MountNamespace => "mount_namespace",
            Self::CgroupNamespace => "cgroup_namespace",
            Self::UnprivilegedUser => "unprivileged_user",
            Self::NoCapabilities => "no_capabilities",
            Self::NoNewPrivileges => "no_new_privileges",
            Self::NotDumpable => "not_dumpable",
            Self::ResourceLimits => "resource_limits",
            Self::LandlockFiles => "landlock_files",
            Self::LandlockNetwork => "landlock_network",
            Self::LandlockScope => "landlock_scope",
            Self::NoFiles => "no_files",
            Self::SystemCalls => "system_calls",
            Self::ProgramFiles => "program_files",
            Self::FewFiles => "few_files",
            Self::ProgramCalls => "program_calls",
        }
    }

    /// Whether a worker must not run without it, unless the operator says otherwise. Containers
    /// and older kernels refuse namespaces, and what those keep away is kept away by the filter of
    /// system calls as well.
    #[must_use]
    pub const fn is_required(self) -> bool {
        !matches!(
            self,
            Self::UserNamespace
                | Self::NetworkNamespace
                | Self::IpcNamespace
                | Self::UtsNamespace
                | Self::MountNamespace
                | Self::CgroupNamespace
                | Self::UnprivilegedUser
                | Self::LandlockNetwork
                | Self::LandlockScope
                | Self::ProgramFiles
                | Self::FewFiles
                | Self::ProgramCalls
        )
    }

    /// The layer that takes this one's place in a worker that runs a program of others.
    const fn substitute(self) -> Option<Self> {
        match self {
            Self::LandlockFiles => Some(Self::ProgramFiles),
            Self::NoFiles => Some(Self::FewFiles),
            Self::SystemCalls => Some(Self::ProgramCalls),
            _ => None,
        }
    }
}

/// Names of required layers that are not among `active`, nor what stands in their place.
#[must_use]
pub fn missing_layers(active: &[String]) -> Vec<&'static str> {
    let is_active = |layer: Layer| active.iter().any(|name| name == layer.name());
    Layer::ALL
        .into_iter()
        .filter(|layer| layer.is_required())
        .filter(|layer| !is_active(*layer) && !layer.substitute().is_some_and(is_active))
        .map(Layer::name)
        .collect()
}

/// What a worker does when the kernel lacks a required layer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Confinement {
    /// It does not start.
    #[default]
    Required,
    /// It goes on without: for kernels that cannot do better, and models of people one knows.
    BestEffort,
}

impl Confinement {
    const BEST_EFFORT: &'static str = "best-effort";
    const REQUIRED: &'static str = "required";

    /// The text in settings and in the arguments of a worker.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => Self::REQUIRED,
            Self::BestEffort => Self::BEST_EFFORT,
        }
    }

    /// What a worker's argument says. Anything but the exact words for less means the full cage.
    #[must_use]
    pub fn from_argument(argument: Option<&str>) -> Self {
        match argument {
            Some(Self::BEST_EFFORT) => Self::BestEffort,
            _ => Self::Required,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_words_loosen_the_cage() {
        assert_eq!(
            Confinement::from_argument(Some("best-effort")),
            Confinement::BestEffort
        );
        for argument in [None, Some(""), Some("required"), Some("Best-Effort")] {
            assert_eq!(Confinement::from_argument(argument), Confinement::Required);
        }
    }

    #[test]
    fn names_are_unique_and_what_misses_is_named() {
        let mut names = Layer::ALL.map(Layer::name).to_vec();
        let all: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Layer::ALL.len());
        assert!(missing_layers(&all).is_empty());
        let fewer: Vec<String> = all
            .into_iter()
            .filter(|name| {
                !["system_calls", "program_calls", "network_namespace"].contains(&name.as_str())
            })
            .collect();
        assert_eq!(missing_layers(&fewer), ["system_calls"]);
        let program: Vec<String> = fewer
            .into_iter()
            .filter(|name| name != "no_files")
            .chain(["program_calls".to_owned()])
            .collect();
        assert!(missing_layers(&program).is_empty());
    }
}

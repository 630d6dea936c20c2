//! Which engine a file is for.

use std::path::Path;

use crate::ENGINE_VERSION;
use crate::openscad::OPENSCAD_FORM;

/// The engines that there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EngineKind {
    /// JSCAD scripts: every file whose extension names no other engine.
    Jscad,
    /// OpenSCAD files: `.scad`.
    OpenScad,
}

impl EngineKind {
    /// The engine for a file of this name.
    #[must_use]
    pub fn of_file(name: &str) -> Self {
        match Path::new(name).extension() {
            Some(extension) if extension.eq_ignore_ascii_case("scad") => Self::OpenScad,
            _ => Self::Jscad,
        }
    }

    /// What a worker with this engine says when it is ready.
    pub(crate) const fn worker_version(self) -> &'static str {
        match self {
            Self::Jscad => ENGINE_VERSION,
            Self::OpenScad => OPENSCAD_FORM,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_chooses_the_engine() {
        for name in ["box.scad", "Box.SCAD", "a.b.scad"] {
            assert_eq!(EngineKind::of_file(name), EngineKind::OpenScad, "{name}");
        }
        for name in ["box.js", "scad", "box.scad.js", "", ".scad"] {
            assert_eq!(EngineKind::of_file(name), EngineKind::Jscad, "{name}");
        }
    }
}

//! The viewer's settings object and the versions it comes in.
//!
//! A viewer reads settings of its own version and of every older one; newer ones stop it. Vitrine
//! stores what it is sent and does not convert: a viewer that is too old for the stored settings is
//! given `{}`, which stands for the viewer's own defaults.

use std::fmt;
use std::str::FromStr;

use axum::http::HeaderMap;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Viewer settings. `config` is always there: viewers give up without it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct ResViewer {
    /// `{}` or a complete settings object.
    #[schema(value_type = Object)]
    pub config: Map<String, Value>,
}

impl ResViewer {
    /// What a viewer is given: the stored settings when it can read them, otherwise `{}`.
    #[must_use]
    pub fn for_viewer(stored: &Value, headers: &ViewerHeaders) -> Self {
        let Value::Object(stored) = stored else {
            return Self::default();
        };
        let readable = match headers {
            ViewerHeaders::AsStored => true,
            ViewerHeaders::Build(newest) => SettingsVersion::of_config(stored) <= *newest,
        };
        Self {
            config: if readable { stored.clone() } else { Map::new() },
        }
    }
}

/// Version of a settings object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SettingsVersion {
    major: u32,
    minor: u32,
}

impl SettingsVersion {
    const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// Version of a stored object; one that names none has the first.
    fn of_config(config: &Map<String, Value>) -> Self {
        config
            .get("settings_version")
            .and_then(Value::as_str)
            .and_then(|text| text.parse().ok())
            .unwrap_or(Self::new(1, 0))
    }

    /// The newest version that a viewer build reads. Builds from 3 on carry an extra leading `3.`
    /// (`3.3.16.6` is viewer 3.16.6 with settings package 3.3.16).
    #[must_use]
    pub fn of_build(build: &str) -> Option<Self> {
        let parts: Vec<u32> = build
            .split('.')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .ok()?;
        let at = |index: usize| parts.get(index).copied().unwrap_or(0);
        let build = (at(0), at(1), at(2));
        if parts.is_empty() {
            return None;
        }
        READS
            .iter()
            .rev()
            .find(|(since, _)| *since <= build)
            .map(|(_, version)| *version)
            .or(Some(Self::new(1, 0)))
    }
}

/// From which build on which version is read, ascending.
const READS: [((u32, u32, u32), SettingsVersion); 14] = [
    ((2, 0, 0), SettingsVersion::new(1, 0)),
    ((2, 18, 0), SettingsVersion::new(2, 0)),
    ((3, 0, 0), SettingsVersion::new(3, 0)),
    ((3, 1, 12), SettingsVersion::new(3, 1)),
    ((3, 2, 6), SettingsVersion::new(3, 2)),
    ((3, 2, 7), SettingsVersion::new(3, 3)),
    ((3, 2, 9), SettingsVersion::new(3, 4)),
    ((3, 2, 10), SettingsVersion::new(4, 0)),
    ((3, 2, 11), SettingsVersion::new(4, 1)),
    ((3, 3, 0), SettingsVersion::new(5, 0)),
    ((3, 3, 8), SettingsVersion::new(6, 1)),
    ((3, 3, 11), SettingsVersion::new(6, 2)),
    ((3, 3, 12), SettingsVersion::new(7, 0)),
    ((3, 3, 16), SettingsVersion::new(7, 1)),
];

impl FromStr for SettingsVersion {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
        Ok(Self::new(major.parse()?, minor.parse()?))
    }
}

impl fmt::Display for SettingsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What the `x-shapediver-*` headers of a request say about the settings that it can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewerHeaders {
    /// Whatever is stored: no conversion was asked for, or nothing is known of the viewer.
    AsStored,
    /// Settings up to the version that the viewer's build reads.
    Build(SettingsVersion),
}

impl ViewerHeaders {
    /// Reads the headers by the API's priority: `noconvert`, `useconfigversion`, `buildversion`. A
    /// build that cannot be read counts as unknown.
    #[must_use]
    pub fn read(headers: &HeaderMap) -> Self {
        let says_true = |name| headers.get(name).is_some_and(|value| value == "true");
        if says_true("x-shapediver-noconvert") || says_true("x-shapediver-useconfigversion") {
            return Self::AsStored;
        }
        headers
            .get("x-shapediver-buildversion")
            .and_then(|value| value.to_str().ok())
            .and_then(SettingsVersion::of_build)
            .map_or(Self::AsStored, Self::Build)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn headers(build: &str) -> ViewerHeaders {
        let mut map = HeaderMap::new();
        map.insert("x-shapediver-buildversion", build.parse().unwrap());
        ViewerHeaders::read(&map)
    }

    #[test]
    fn builds_read_the_documented_versions() {
        for (build, version) in [
            ("1.9", "1.0"),
            ("2.17.3", "1.0"),
            ("2.18.0", "2.0"),
            ("3.1.11.0", "3.0"),
            ("3.1.12", "3.1"),
            ("3.2.10.1", "4.0"),
            ("3.3.8.0", "6.1"),
            ("3.3.16.6", "7.1"),
            ("4.0.0", "7.1"),
        ] {
            assert_eq!(
                SettingsVersion::of_build(build).unwrap().to_string(),
                version,
                "{build}"
            );
        }
        assert_eq!(SettingsVersion::of_build("beta"), None);
    }

    #[test]
    fn an_older_viewer_is_given_its_own_defaults() {
        let stored = json!({"settings_version": "7.0", "light": {}});
        assert!(
            ResViewer::for_viewer(&stored, &headers("3.3.11.0"))
                .config
                .is_empty()
        );
        assert_eq!(
            ResViewer::for_viewer(&stored, &headers("3.3.12.0"))
                .config
                .len(),
            2
        );
        assert_eq!(
            ResViewer::for_viewer(&stored, &headers("nonsense"))
                .config
                .len(),
            2
        );
    }

    #[test]
    fn asking_for_no_conversion_wins_over_the_build() {
        let mut map = HeaderMap::new();
        map.insert("x-shapediver-buildversion", "2.0".parse().unwrap());
        map.insert("x-shapediver-noconvert", "true".parse().unwrap());
        assert_eq!(ViewerHeaders::read(&map), ViewerHeaders::AsStored);
    }

    #[test]
    fn settings_that_are_no_object_become_empty() {
        assert!(
            ResViewer::for_viewer(&Value::Null, &ViewerHeaders::AsStored)
                .config
                .is_empty()
        );
    }
}

//! Versions: names of computed results that depend on everything that can change them and on nothing else.

use std::fmt;
use std::str::FromStr;

use vitrine_access::BlobKey;

use crate::hash::FieldHash;
use crate::ids::{ExportId, IdError, OutputId, ParameterId};

/// The version of a result: 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version([u8; 16]);

impl Version {
    /// The raw bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({self})")
    }
}

impl FromStr for Version {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| IdError::VERSION)?;
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(IdError::VERSION);
        }
        Ok(Self(bytes))
    }
}

/// The version of an output. `values` are the wire forms of the values that it depends on; their order does not matter.
#[must_use]
pub fn output_version(
    source: &BlobKey,
    engine: &str,
    id: &OutputId,
    values: &[(ParameterId, String)],
) -> Version {
    version(
        "vitrine output version v1",
        source,
        engine,
        id.as_str(),
        values,
    )
}

/// The version of an export. `values` are the wire forms of the values that it depends on; their order does not matter.
#[must_use]
pub fn export_version(
    source: &BlobKey,
    engine: &str,
    id: &ExportId,
    values: &[(ParameterId, String)],
) -> Version {
    version(
        "vitrine export version v1",
        source,
        engine,
        id.as_str(),
        values,
    )
}

fn version(
    label: &str,
    source: &BlobKey,
    engine: &str,
    id: &str,
    values: &[(ParameterId, String)],
) -> Version {
    let mut sorted: Vec<&(ParameterId, String)> = values.iter().collect();
    sorted.sort();
    let mut hash = FieldHash::new(label);
    hash.field(source.to_string().as_bytes());
    hash.field(engine.as_bytes());
    hash.field(id.as_bytes());
    for (id, wire) in sorted {
        hash.field(id.as_str().as_bytes());
        hash.field(wire.as_bytes());
    }
    Version(hash.finish())
}

//! Ids of parameters, outputs and exports. They are derived from the model's lineage and the name, so that uploading a
//! new version of a model keeps them and pages that use them go on working.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::hash::FieldHash;

/// A text that is not an id of the wanted form.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not {0}")]
pub struct IdError(&'static str);

impl IdError {
    pub(crate) const VERSION: Self = Self("a version (32 lower-case hexadecimal digits)");
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $label:literal, $form:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id that belongs to `name` in the model family `lineage`.
            #[must_use]
            pub fn derive(lineage: &str, name: &str) -> Self {
                Self($form(derive_bytes($label, lineage, name)))
            }

            /// The id as it stands on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let bytes = parse_hex(text).ok_or(IdError($what))?;
                let canonical = $form(bytes);
                if canonical.eq_ignore_ascii_case(text) {
                    Ok(Self(canonical))
                } else {
                    Err(IdError($what))
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

text_id!(
    /// Id of a parameter: UUID form, the same for every upload of one model.
    ParameterId, "vitrine parameter id v1", uuid_form, "a parameter id (a UUID)"
);
text_id!(
    /// Id of an output: 32 lower-case hexadecimal digits.
    OutputId, "vitrine output id v1", plain_form, "an output id (32 hexadecimal digits)"
);
text_id!(
    /// Id of an export: 32 lower-case hexadecimal digits.
    ExportId, "vitrine export id v1", plain_form, "an export id (32 hexadecimal digits)"
);

/// The constant second id (`uid`) of an output, in UUID form.
#[must_use]
pub fn output_uid(lineage: &str, name: &str) -> String {
    uuid_form(derive_bytes("vitrine output uid v1", lineage, name))
}

/// The constant second id (`uid`) of an export, in UUID form.
#[must_use]
pub fn export_uid(lineage: &str, name: &str) -> String {
    uuid_form(derive_bytes("vitrine export uid v1", lineage, name))
}

fn derive_bytes(label: &str, lineage: &str, name: &str) -> [u8; 16] {
    let mut hash = FieldHash::new(label);
    hash.field(lineage.as_bytes());
    hash.field(name.as_bytes());
    hash.finish()
}

fn plain_form(bytes: [u8; 16]) -> String {
    hex::encode(bytes)
}

/// UUID text with the version number of name-based UUIDs: older clients that check the form know no version above 5.
fn uuid_form(mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0f) | 0x50;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = hex::encode(bytes);
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

fn parse_hex(text: &str) -> Option<[u8; 16]> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    let mut bytes = [0; 16];
    hex::decode_to_slice(digits, &mut bytes).ok()?;
    Some(bytes)
}

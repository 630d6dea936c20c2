//! A complete set of values for the parameters of a model.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::definition::Definition;
use crate::error::{ParameterError, ParameterProblem};
use crate::ids::ParameterId;
use crate::limits::WARNINGS_MAX;
use crate::value::{RawValue, Value};

/// A value for every parameter of one definition.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Customization(BTreeMap<ParameterId, Value>);

impl Customization {
    /// The defaults of all parameters.
    #[must_use]
    pub fn defaults(definition: &Definition) -> Self {
        let values = definition
            .parameters
            .iter()
            .map(|p| (p.id.clone(), p.default.clone()));
        Self(values.collect())
    }

    /// The value of one parameter; none when the definition that this was made for has no such parameter.
    #[must_use]
    pub fn get(&self, id: &ParameterId) -> Option<&Value> {
        self.0.get(id)
    }

    /// All values, ordered by parameter id.
    pub fn iter(&self) -> impl Iterator<Item = (&ParameterId, &Value)> {
        self.0.iter()
    }
}

/// Reads a request's values; parameters that it does not mention keep their defaults. Returns warnings about keys that
/// were ignored.
///
/// # Errors
/// The first value that is refused, an unknown key unless `ignore_unknown`, or a parameter that is set twice.
pub fn resolve(
    definition: &Definition,
    raw: &[(String, RawValue)],
    ignore_unknown: bool,
) -> Result<(Customization, Vec<String>), ParameterError> {
    resolve_over(
        definition,
        Customization::defaults(definition),
        raw,
        ignore_unknown,
    )
}

/// Like [`resolve`], with the values of `base` for what the request does not mention.
///
/// # Errors
/// As [`resolve`].
pub fn resolve_over(
    definition: &Definition,
    base: Customization,
    raw: &[(String, RawValue)],
    ignore_unknown: bool,
) -> Result<(Customization, Vec<String>), ParameterError> {
    let mut values = base;
    let mut seen = std::collections::BTreeSet::new();
    let mut ignored = Vec::new();
    for (key, raw_value) in raw {
        let Some(parameter) = definition.parameter_by_key(key) else {
            if !ignore_unknown {
                return Err(ParameterError::new(key, ParameterProblem::Unknown));
            }
            ignored.push(key.as_str());
            continue;
        };
        if !seen.insert(&parameter.id) {
            return Err(ParameterError::new(
                &parameter.name,
                ParameterProblem::Repeated,
            ));
        }
        values
            .0
            .insert(parameter.id.clone(), parameter.parse_value(raw_value)?);
    }
    Ok((values, warnings(&ignored)))
}

fn warnings(ignored: &[&str]) -> Vec<String> {
    let mut out: Vec<String> = ignored
        .iter()
        .take(WARNINGS_MAX)
        .map(|key| {
            format!(
                "Parameter \"{}\" is unknown and was ignored.",
                crate::error::echo(key)
            )
        })
        .collect();
    if ignored.len() > WARNINGS_MAX {
        out.push(format!(
            "{} more unknown parameters were ignored.",
            ignored.len() - WARNINGS_MAX
        ));
    }
    out
}

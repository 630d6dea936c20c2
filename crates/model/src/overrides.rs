//! What a model's author has changed of what the engine found in the file: defaults, names, groups, order. It is kept
//! beside the definition, so that a new version of the model takes over whatever still fits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::definition::Definition;
use crate::error::{DefinitionError, ParameterError, ParameterProblem, echo};
use crate::ids::{ExportId, OutputId, ParameterId};
use crate::parameter::{Group, Parameter, ParameterKind};
use crate::value::{RawValue, Value};

/// All changes of one model. The serde form is stored; members are only ever added, with a default.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Overrides {
    /// By parameter.
    pub parameters: BTreeMap<ParameterId, ParameterOverride>,
    /// By output.
    pub outputs: BTreeMap<OutputId, Presentation>,
    /// By export.
    pub exports: BTreeMap<ExportId, Presentation>,
}

/// Something that may be there or not.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change<T> {
    /// It is taken away.
    Removed,
    /// It becomes this.
    To(T),
}

/// How something is shown; `None` leaves a member as the file has it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Presentation {
    /// Shown instead of the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub displayname: Option<Change<String>>,
    /// The group under which clients show it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<Change<Group>>,
    /// Usable, but not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
    /// Position in clients, ascending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<i32>,
    /// One sentence of help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tooltip: Option<Change<String>>,
}

/// The changes of one parameter.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ParameterOverride {
    /// How it is shown.
    pub presentation: Presentation,
    /// Free object for clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<serde_json::Value>,
    /// The value when a request does not mention the parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<DefaultOverride>,
}

/// A changed default, in a form that outlives the type of its parameter.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DefaultOverride {
    /// The value's wire form.
    pub wire: String,
    /// For lists the chosen labels: a new version may offer its choices in another order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choices: Option<Vec<String>>,
}

impl Presentation {
    /// Takes over what the other one says, and keeps the rest.
    pub fn merge(&mut self, later: Self) {
        fn take<T>(to: &mut Option<T>, later: Option<T>) {
            if later.is_some() {
                *to = later;
            }
        }
        take(&mut self.displayname, later.displayname);
        take(&mut self.group, later.group);
        take(&mut self.hidden, later.hidden);
        take(&mut self.order, later.order);
        take(&mut self.tooltip, later.tooltip);
    }

    fn apply(&self, to: Shown<'_>) {
        fn set<T: Clone>(to: &mut Option<T>, change: Option<&Change<T>>) {
            match change {
                None => {}
                Some(Change::Removed) => *to = None,
                Some(Change::To(value)) => *to = Some(value.clone()),
            }
        }
        let Shown {
            displayname,
            group,
            hidden,
            order,
            tooltip,
        } = to;
        set(displayname, self.displayname.as_ref());
        set(group, self.group.as_ref());
        set(tooltip, self.tooltip.as_ref());
        *hidden = self.hidden.unwrap_or(*hidden);
        *order = self.order.or(*order);
    }
}

/// The members that parameters, outputs and exports share.
struct Shown<'a> {
    displayname: &'a mut Option<String>,
    group: &'a mut Option<Group>,
    hidden: &'a mut bool,
    order: &'a mut Option<i32>,
    tooltip: &'a mut Option<String>,
}

macro_rules! shown {
    ($of:expr) => {
        Shown {
            displayname: &mut $of.displayname,
            group: &mut $of.group,
            hidden: &mut $of.hidden,
            order: &mut $of.order,
            tooltip: &mut $of.tooltip,
        }
    };
}

impl DefaultOverride {
    fn of(parameter: &Parameter, value: &Value) -> Self {
        let labels = match (&parameter.kind, value) {
            (ParameterKind::StringList { choices, .. }, Value::Choice(indices)) => Some(
                indices
                    .iter()
                    .filter_map(|index| choices.get(*index as usize).cloned())
                    .collect(),
            ),
            _ => None,
        };
        Self {
            wire: parameter.to_wire(value),
            choices: labels,
        }
    }

    /// The value for the parameter as it is now; none when it no longer takes this one.
    fn value(&self, parameter: &Parameter) -> Option<Value> {
        let wire = match (&parameter.kind, &self.choices) {
            (ParameterKind::StringList { choices, .. }, Some(labels)) => {
                let index = |label| choices.iter().position(|choice| choice == label);
                let indices: Option<Vec<String>> = labels
                    .iter()
                    .map(|label| index(label).map(|index| index.to_string()))
                    .collect();
                indices?.join(",")
            }
            _ => self.wire.clone(),
        };
        parameter.parse_value(&RawValue::Text(wire)).ok()
    }
}

impl Overrides {
    /// Whether nothing was changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parameters.is_empty() && self.outputs.is_empty() && self.exports.is_empty()
    }

    /// What everybody sees. Changes of things that the definition no longer has, and defaults that their parameter no
    /// longer takes, do nothing.
    #[must_use]
    pub fn apply(&self, described: &Definition) -> Definition {
        let mut shown = described.clone();
        for parameter in &mut shown.parameters {
            let Some(change) = self.parameters.get(&parameter.id) else {
                continue;
            };
            if let Some(value) = change.default.as_ref().and_then(|d| d.value(parameter)) {
                parameter.default = value;
            }
            if let Some(settings) = &change.settings {
                parameter.settings = Some(settings.clone());
            }
            change.presentation.apply(shown!(parameter));
        }
        for output in &mut shown.outputs {
            if let Some(change) = self.outputs.get(&output.id) {
                change.apply(shown!(output));
            }
        }
        for export in &mut shown.exports {
            if let Some(change) = self.exports.get(&export.id) {
                change.apply(shown!(export));
            }
        }
        shown
    }

    /// Only the changes of what this definition has.
    #[must_use]
    pub fn that_fit(&self, described: &Definition) -> Self {
        let mut kept = self.clone();
        kept.parameters
            .retain(|id, _| described.parameter(id).is_some());
        kept.outputs.retain(|id, _| described.output(id).is_some());
        kept.exports.retain(|id, _| described.export(id).is_some());
        kept
    }

    /// Sets default values. Keys are ids, names or display names as everybody sees them.
    ///
    /// # Errors
    /// The first value that its parameter does not take, an unknown key unless `ignore_unknown`, or a parameter that is
    /// set twice. Nothing is changed then.
    pub fn set_defaults(
        &mut self,
        described: &Definition,
        raw: &[(String, RawValue)],
        ignore_unknown: bool,
    ) -> Result<(), ParameterError> {
        let shown = self.apply(described);
        let mut changed = BTreeMap::new();
        for (key, raw_value) in raw {
            let Some(parameter) = shown.parameter_by_key(key) else {
                if ignore_unknown {
                    continue;
                }
                return Err(ParameterError::new(key, ParameterProblem::Unknown));
            };
            let value = parameter.parse_value(raw_value)?;
            let default = DefaultOverride::of(parameter, &value);
            if changed.insert(parameter.id.clone(), default).is_some() {
                return Err(ParameterError::new(
                    &parameter.name,
                    ParameterProblem::Repeated,
                ));
            }
        }
        for (id, default) in changed {
            self.parameters.entry(id).or_default().default = Some(default);
        }
        Ok(())
    }

    /// Changes how parameters are shown; keys are ids.
    ///
    /// # Errors
    /// An id that the model does not have, or a text beyond its bounds. Nothing is changed then.
    pub fn present_parameters(
        &mut self,
        described: &Definition,
        changes: Vec<(String, ParameterOverride)>,
    ) -> Result<(), DefinitionError> {
        let mut next = self.clone();
        for (key, change) in changes {
            let parameter = described
                .parameters
                .iter()
                .find(|parameter| parameter.id.as_str() == key)
                .ok_or_else(|| unknown("parameter", &key))?;
            let own = next.parameters.entry(parameter.id.clone()).or_default();
            own.presentation.merge(change.presentation);
            if change.settings.is_some() {
                own.settings = change.settings;
            }
        }
        self.adopt(described, next)
    }

    /// Changes how outputs are shown; keys are ids.
    ///
    /// # Errors
    /// As for parameters.
    pub fn present_outputs(
        &mut self,
        described: &Definition,
        changes: Vec<(String, Presentation)>,
    ) -> Result<(), DefinitionError> {
        let mut next = self.clone();
        for (key, change) in changes {
            let output = described
                .outputs
                .iter()
                .find(|output| output.id.as_str() == key)
                .ok_or_else(|| unknown("output", &key))?;
            next.outputs
                .entry(output.id.clone())
                .or_default()
                .merge(change);
        }
        self.adopt(described, next)
    }

    /// Changes how exports are shown; keys are ids.
    ///
    /// # Errors
    /// As for parameters.
    pub fn present_exports(
        &mut self,
        described: &Definition,
        changes: Vec<(String, Presentation)>,
    ) -> Result<(), DefinitionError> {
        let mut next = self.clone();
        for (key, change) in changes {
            let export = described
                .exports
                .iter()
                .find(|export| export.id.as_str() == key)
                .ok_or_else(|| unknown("export", &key))?;
            next.exports
                .entry(export.id.clone())
                .or_default()
                .merge(change);
        }
        self.adopt(described, next)
    }

    fn adopt(&mut self, described: &Definition, next: Self) -> Result<(), DefinitionError> {
        next.apply(described).validate()?;
        *self = next;
        Ok(())
    }
}

fn unknown(what: &str, key: &str) -> DefinitionError {
    DefinitionError::new(
        format!("{what} \"{}\"", echo(key)),
        format!("the model has no {what} with this id; use the ids that GetModel lists"),
    )
}

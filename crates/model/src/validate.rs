//! The rules that a definition has to keep before it is stored or shown.

use std::collections::HashSet;
use std::hash::Hash;

use crate::definition::{Definition, Export, ExportSource, Output, OutputKind};
use crate::error::{DefinitionError, echo};
use crate::ids::ParameterId;
use crate::limits::{
    CHOICE_LENGTH_MAX, CHOICES_MAX, DECIMALS_MAX, DEFINITION_BYTES_MAX, EXPORTS_MAX,
    FILE_FORMATS_MAX, FILE_SIZE_MAX, FLOAT_ABS_MAX, INTEGER_ABS_MAX, NAME_LENGTH_MAX, OUTPUTS_MAX,
    PARAMETERS_MAX, SETTINGS_BYTES_MAX, STRING_LENGTH_MAX, TOOLTIP_LENGTH_MAX,
};
use crate::parameter::{Group, Parameter, ParameterKind, round_to_decimals};
use crate::value::{RawValue, Value};

type Checked = Result<(), DefinitionError>;

impl Definition {
    /// Checks every bound of [`crate::limits`] and that the definition agrees with itself.
    ///
    /// # Errors
    /// The first rule that is broken, with its place.
    pub fn validate(&self) -> Checked {
        count("parameters", self.parameters.len(), PARAMETERS_MAX)?;
        count("outputs", self.outputs.len(), OUTPUTS_MAX)?;
        count("exports", self.exports.len(), EXPORTS_MAX)?;
        distinct(
            "parameters",
            "name",
            self.parameters.iter().map(|p| &p.name),
        )?;
        distinct("parameters", "id", self.parameters.iter().map(|p| &p.id))?;
        distinct("outputs", "name", self.outputs.iter().map(|o| &o.name))?;
        distinct("outputs", "id", self.outputs.iter().map(|o| &o.id))?;
        distinct("exports", "name", self.exports.iter().map(|e| &e.name))?;
        distinct("exports", "id", self.exports.iter().map(|e| &e.id))?;
        for parameter in &self.parameters {
            check_parameter(parameter)?;
        }
        for output in &self.outputs {
            self.check_output(output)?;
        }
        for export in &self.exports {
            self.check_export(export)?;
        }
        let bytes = serde_json::to_vec(self)
            .map_err(|error| DefinitionError::new("definition", error.to_string()))?
            .len();
        bounded("definition", "bytes as JSON", bytes, DEFINITION_BYTES_MAX)
    }

    fn check_output(&self, output: &Output) -> Checked {
        let place = place("output", &output.name);
        let texts = Texts {
            name: &output.name,
            group: output.group.as_ref(),
            tooltip: output.tooltip.as_deref(),
            displayname: output.displayname.as_deref(),
        };
        texts.check(&place)?;
        self.check_dependency(&place, &output.dependency)?;
        match &output.material {
            Some(id) if self.output(id).is_none() => {
                fail(&place, "its material is an output that does not exist")
            }
            _ => Ok(()),
        }
    }

    fn check_export(&self, export: &Export) -> Checked {
        let place = place("export", &export.name);
        let texts = Texts {
            name: &export.name,
            group: export.group.as_ref(),
            tooltip: export.tooltip.as_deref(),
            displayname: export.displayname.as_deref(),
        };
        texts.check(&place)?;
        self.check_dependency(&place, &export.dependency)?;
        let ExportSource::Output(id) = &export.source else {
            return Ok(());
        };
        match self.output(id).map(|output| output.kind) {
            Some(OutputKind::Geometry) => Ok(()),
            Some(OutputKind::Data) => fail(
                &place,
                "it exports a data output; only geometry can be exported",
            ),
            None => fail(&place, "it exports an output that does not exist"),
        }
    }

    fn check_dependency(&self, place: &str, dependency: &[ParameterId]) -> Checked {
        distinct(place, "dependency", dependency.iter())?;
        match dependency.iter().find(|id| self.parameter(id).is_none()) {
            Some(id) => fail(
                place,
                format!("it depends on the parameter {id}, which does not exist"),
            ),
            None => Ok(()),
        }
    }
}

/// The texts that parameters, outputs and exports share.
struct Texts<'a> {
    name: &'a str,
    group: Option<&'a Group>,
    tooltip: Option<&'a str>,
    displayname: Option<&'a str>,
}

impl Texts<'_> {
    fn check(&self, place: &str) -> Checked {
        label(place, "name", self.name)?;
        if let Some(group) = self.group {
            label(place, "group id", &group.id)?;
            label(place, "group name", &group.name)?;
        }
        if let Some(text) = self.displayname {
            label(place, "display name", text)?;
        }
        let tooltip = self.tooltip.map_or(0, |text| text.chars().count());
        bounded(place, "characters of tooltip", tooltip, TOOLTIP_LENGTH_MAX)
    }
}

fn check_parameter(parameter: &Parameter) -> Checked {
    let place = place("parameter", &parameter.name);
    let texts = Texts {
        name: &parameter.name,
        group: parameter.group.as_ref(),
        tooltip: parameter.tooltip.as_deref(),
        displayname: parameter.displayname.as_deref(),
    };
    texts.check(&place)?;
    check_kind(&place, &parameter.kind)?;
    check_settings(&place, parameter.settings.as_ref())?;
    check_default(&place, parameter)
}

fn check_settings(place: &str, settings: Option<&serde_json::Value>) -> Checked {
    let Some(settings) = settings else {
        return Ok(());
    };
    if !settings.is_object() {
        return fail(place, "its settings are not an object");
    }
    bounded(
        place,
        "bytes of settings as JSON",
        settings.to_string().len(),
        SETTINGS_BYTES_MAX,
    )
}

/// The default must be what reading its own wire form gives: in range, rounded, of the right variant.
fn check_default(place: &str, parameter: &Parameter) -> Checked {
    if let Value::Float(number) = parameter.default
        && !number.is_finite()
    {
        return fail(place, "its default is not a usable number");
    }
    match parameter.parse_value(&RawValue::Text(parameter.default_wire())) {
        Ok(value) if value == parameter.default => Ok(()),
        Ok(_) => fail(place, "its default does not fit its type"),
        Err(error) => fail(
            place,
            format!("its default does not fit: {}", error.problem),
        ),
    }
}

fn check_kind(place: &str, kind: &ParameterKind) -> Checked {
    match kind {
        ParameterKind::Int { min, max, step } => {
            whole_range(place, *min, *max)?;
            match step {
                Some(step) if *step < 1 => fail(place, "its step is not 1 or more"),
                _ => Ok(()),
            }
        }
        ParameterKind::Even { min, max } | ParameterKind::Odd { min, max } => {
            whole_range(place, *min, *max)
        }
        ParameterKind::Float { min, max, decimals } => decimal_range(place, *min, *max, *decimals),
        ParameterKind::String { max_length } => bounded(
            place,
            "characters allowed",
            *max_length as usize,
            STRING_LENGTH_MAX as usize,
        ),
        ParameterKind::StringList {
            choices, values, ..
        } => check_choices(place, choices, values.len()),
        ParameterKind::File { formats, size_max } => {
            bounded(place, "accepted formats", formats.len(), FILE_FORMATS_MAX)?;
            for format in formats {
                label(place, "accepted format", format)?;
            }
            if *size_max == 0 || *size_max > FILE_SIZE_MAX {
                return fail(
                    place,
                    format!("its largest file is not 1 to {FILE_SIZE_MAX} bytes"),
                );
            }
            Ok(())
        }
        ParameterKind::Bool | ParameterKind::Color => Ok(()),
    }
}

fn check_choices(place: &str, choices: &[String], values: usize) -> Checked {
    if choices.is_empty() {
        return fail(place, "it offers no choices");
    }
    bounded(place, "choices", choices.len(), CHOICES_MAX)?;
    if values != 0 && values != choices.len() {
        return fail(
            place,
            format!("it has {} choices but {values} values", choices.len()),
        );
    }
    for choice in choices {
        bounded(
            place,
            "characters of a choice",
            choice.chars().count(),
            CHOICE_LENGTH_MAX,
        )?;
    }
    Ok(())
}

fn whole_range(place: &str, min: Option<i64>, max: Option<i64>) -> Checked {
    for end in [min, max].into_iter().flatten() {
        if end.unsigned_abs() > INTEGER_ABS_MAX.unsigned_abs() {
            return fail(place, format!("its range goes beyond {INTEGER_ABS_MAX}"));
        }
    }
    match (min, max) {
        (Some(min), Some(max)) if min > max => fail(
            place,
            format!("its smallest value {min} is above its largest {max}"),
        ),
        _ => Ok(()),
    }
}

fn decimal_range(place: &str, min: Option<f64>, max: Option<f64>, decimals: u8) -> Checked {
    bounded(
        place,
        "decimal places",
        usize::from(decimals),
        usize::from(DECIMALS_MAX),
    )?;
    for end in [min, max].into_iter().flatten() {
        if !end.is_finite() || end.abs() > FLOAT_ABS_MAX {
            return fail(place, format!("its range goes beyond {FLOAT_ABS_MAX}"));
        }
        if (round_to_decimals(end, decimals) - end).abs() > 0.0 {
            return fail(
                place,
                format!("the end {end} of its range needs more than {decimals} decimal places"),
            );
        }
    }
    match (min, max) {
        (Some(min), Some(max)) if min > max => fail(
            place,
            format!("its smallest value {min} is above its largest {max}"),
        ),
        _ => Ok(()),
    }
}

fn place(kind: &str, name: &str) -> String {
    format!("{kind} \"{}\"", echo(name))
}

fn fail<T>(place: &str, problem: impl Into<String>) -> Result<T, DefinitionError> {
    Err(DefinitionError::new(place, problem))
}

fn count(what: &str, is: usize, max: usize) -> Checked {
    bounded("definition", what, is, max)
}

fn bounded(place: &str, what: &str, is: usize, max: usize) -> Checked {
    if is > max {
        return fail(
            place,
            format!("it has {is} {what}; at most {max} are allowed"),
        );
    }
    Ok(())
}

/// A text that becomes a label: not empty, not long, no control characters.
fn label(place: &str, what: &str, text: &str) -> Checked {
    if text.trim().is_empty() {
        return fail(place, format!("its {what} is empty"));
    }
    if text.chars().any(char::is_control) {
        return fail(place, format!("its {what} holds control characters"));
    }
    let length = text.chars().count();
    if length > NAME_LENGTH_MAX {
        return fail(
            place,
            format!("its {what} has {length} characters; at most {NAME_LENGTH_MAX} are allowed"),
        );
    }
    Ok(())
}

fn distinct<'a, T: Hash + Eq + std::fmt::Debug + 'a>(
    place: &str,
    what: &str,
    items: impl Iterator<Item = &'a T>,
) -> Checked {
    let mut seen = HashSet::new();
    for item in items {
        if !seen.insert(item) {
            return fail(
                place,
                format!("the {what} {item:?} stands twice; make each unique"),
            );
        }
    }
    Ok(())
}

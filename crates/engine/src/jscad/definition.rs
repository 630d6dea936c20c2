//! From what a script says about itself to a [`Definition`].

use serde::Deserialize;
use serde_json::Value as Json;
use vitrine_model::{
    Definition, EngineError, Export, ExportFormat, ExportSource, Group, Output, OutputId,
    OutputKind, ParameterId,
};

use vitrine_model::limits::NAME_LENGTH_MAX;

use super::parameters;

/// What the glue in JavaScript reports. Members that may be anything are JSON and checked here.
#[derive(Deserialize, Debug)]
pub(super) struct Report {
    #[serde(default)]
    title: Json,
    #[serde(default)]
    description: Json,
    #[serde(default)]
    definitions: Json,
    #[serde(default)]
    parameters: Json,
    outputs: Vec<ReportedOutput>,
    exports: Vec<ReportedExport>,
}

#[derive(Deserialize, Debug)]
struct Shared {
    name: String,
    #[serde(default)]
    title: Json,
    #[serde(default)]
    parameters: Option<Vec<String>>,
    #[serde(default)]
    order: Json,
    #[serde(default)]
    group: Json,
    #[serde(default)]
    tooltip: Json,
    #[serde(default)]
    hidden: Json,
}

#[derive(Deserialize, Debug)]
struct ReportedOutput {
    #[serde(flatten)]
    shared: Shared,
    kind: OutputKind,
}

#[derive(Deserialize, Debug)]
#[serde(rename_all = "camelCase")]
struct ReportedExport {
    #[serde(flatten)]
    shared: Shared,
    format: String,
    #[serde(default)]
    sources: Option<Vec<String>>,
    #[serde(default)]
    by_default: bool,
}

/// What the default exports have to suit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Dimensions {
    Solid,
    Flat,
    Both,
}

impl Dimensions {
    fn suits(self, format: ExportFormat) -> bool {
        let flat = matches!(format, ExportFormat::Svg | ExportFormat::Dxf);
        match self {
            Self::Solid => !flat,
            Self::Flat => flat,
            Self::Both => true,
        }
    }
}

/// An error of the author, with what to do.
pub(super) fn bad(message: impl Into<String>) -> EngineError {
    EngineError::BadModel {
        message: message.into(),
    }
}

impl Report {
    /// Reads the glue's report.
    pub(super) fn read(json: Json) -> Result<Self, EngineError> {
        let report: Self = serde_json::from_value(json)
            .map_err(|error| bad(format!("the vitrine object cannot be read: {error}")))?;
        optional_text("vitrine.title", &report.title)?;
        optional_text("vitrine.description", &report.description)?;
        Ok(report)
    }

    /// The parameters alone, which have to be known before the script can run once.
    pub(super) fn parameters(&self, lineage: &str) -> Result<Definition, EngineError> {
        Ok(Definition {
            parameters: parameters::read(lineage, &self.definitions, &self.parameters)?,
            ..Definition::default()
        })
    }

    /// The name of the first geometry output.
    pub(super) fn first_geometry(&self) -> Option<&str> {
        let mut geometries = self
            .outputs
            .iter()
            .filter(|o| o.kind == OutputKind::Geometry);
        geometries.next().map(|output| output.shared.name.as_str())
    }

    /// Adds outputs and exports to the parameters, and checks the whole.
    pub(super) fn complete(
        &self,
        lineage: &str,
        mut definition: Definition,
        dimensions: Dimensions,
    ) -> Result<Definition, EngineError> {
        for reported in &self.outputs {
            let output = reported.read(lineage, &definition)?;
            definition.outputs.push(output);
        }
        for reported in &self.exports {
            let export = reported.read(lineage, &definition, &self.outputs)?;
            if !reported.by_default || dimensions.suits(export.format) {
                definition.exports.push(export);
            }
        }
        definition
            .validate()
            .map_err(|error| bad(error.to_string()))?;
        Ok(definition)
    }
}

impl Shared {
    fn dependency(
        &self,
        place: &str,
        definition: &Definition,
    ) -> Result<Vec<ParameterId>, EngineError> {
        let Some(names) = &self.parameters else {
            return Ok(definition.all_parameter_ids());
        };
        names
            .iter()
            .map(|name| {
                let found = definition.parameters.iter().find(|p| p.name == *name);
                found.map(|p| p.id.clone()).ok_or_else(|| {
                    bad(format!(
                        "{place}.parameters names '{name}', but getParameterDefinitions has no such parameter"
                    ))
                })
            })
            .collect()
    }
}

impl ReportedOutput {
    fn read(&self, lineage: &str, definition: &Definition) -> Result<Output, EngineError> {
        let shared = &self.shared;
        let place = format!("vitrine.outputs.{}", shared.name);
        let dependency = shared.dependency(&place, definition)?;
        Ok(Output {
            hidden: optional_bool(&format!("{place}.hidden"), &shared.hidden)?,
            group: group(&format!("{place}.group"), &shared.group)?,
            order: optional_order(&format!("{place}.order"), &shared.order)?,
            tooltip: optional_text(&format!("{place}.tooltip"), &shared.tooltip)?,
            displayname: optional_text(&format!("{place}.title"), &shared.title)?,
            ..Output::new(lineage, &shared.name, self.kind, dependency)
        })
    }
}

impl ReportedExport {
    fn read(
        &self,
        lineage: &str,
        definition: &Definition,
        outputs: &[ReportedOutput],
    ) -> Result<Export, EngineError> {
        let shared = &self.shared;
        let place = format!("vitrine.exports.{}", shared.name);
        let format = ExportFormat::from_extension(&self.format)
            .ok_or_else(|| bad(format!("{place}.format '{}' is unknown", self.format)))?;
        let source = match self.sources.as_deref() {
            Some([only]) => ExportSource::Output(OutputId::derive(lineage, only)),
            _ => ExportSource::Own,
        };
        let dependency = self.dependency(&place, definition, outputs)?;
        let title = optional_text(&format!("{place}.title"), &shared.title)?;
        Ok(Export {
            hidden: optional_bool(&format!("{place}.hidden"), &shared.hidden)?,
            group: group(&format!("{place}.group"), &shared.group)?,
            order: optional_order(&format!("{place}.order"), &shared.order)?,
            tooltip: optional_text(&format!("{place}.tooltip"), &shared.tooltip)?,
            displayname: display_name(format, &shared.name, title),
            ..Export::new(lineage, &shared.name, format, source, dependency)
        })
    }

    /// What the export names itself, or else all that its outputs depend on.
    fn dependency(
        &self,
        place: &str,
        definition: &Definition,
        outputs: &[ReportedOutput],
    ) -> Result<Vec<ParameterId>, EngineError> {
        let Some(sources) = &self.sources else {
            return self.shared.dependency(place, definition);
        };
        let mut wanted = Vec::new();
        for output in outputs.iter().filter(|o| sources.contains(&o.shared.name)) {
            wanted.extend(output.shared.dependency(place, definition)?);
        }
        let in_order = definition.parameters.iter().map(|p| p.id.clone());
        Ok(in_order.filter(|id| wanted.contains(id)).collect())
    }
}

/// What clients show for an export. Somebody who expects curved faces in a STEP file is told before the download that there are
/// none.
fn display_name(format: ExportFormat, name: &str, title: Option<String>) -> Option<String> {
    const WORD: &str = "faceted";
    let shown = title.as_deref().unwrap_or(name);
    if format != ExportFormat::Step || shown.to_lowercase().contains(WORD) {
        return title;
    }
    let room = NAME_LENGTH_MAX.saturating_sub(WORD.len() + " ()".len());
    let short: String = shown.chars().take(room).collect();
    Some(format!("{short} ({WORD})"))
}

/// A text, or nothing.
pub(super) fn optional_text(place: &str, value: &Json) -> Result<Option<String>, EngineError> {
    match value {
        Json::Null => Ok(None),
        Json::String(text) if text.trim().is_empty() => Ok(None),
        Json::String(text) => Ok(Some(text.trim().to_owned())),
        other => Err(bad(format!("{place} must be a text, not {other}"))),
    }
}

/// Yes or no; nothing is no.
pub(super) fn optional_bool(place: &str, value: &Json) -> Result<bool, EngineError> {
    match value {
        Json::Null => Ok(false),
        Json::Bool(yes) => Ok(*yes),
        other => Err(bad(format!("{place} must be true or false, not {other}"))),
    }
}

/// A place in a list, or nothing.
pub(super) fn optional_order(place: &str, value: &Json) -> Result<Option<i32>, EngineError> {
    if value.is_null() {
        return Ok(None);
    }
    let order = value.as_i64().and_then(|order| i32::try_from(order).ok());
    order
        .map(Some)
        .ok_or_else(|| bad(format!("{place} must be a whole number, not {value}")))
}

/// A group by its title; equal titles are one group.
pub(super) fn group(place: &str, value: &Json) -> Result<Option<Group>, EngineError> {
    Ok(optional_text(place, value)?.map(|name| Group {
        id: name.clone(),
        name,
    }))
}

//! What a model offers: parameters in, outputs and exports out. The serde form of these types is stored and sent to
//! workers; a golden file guards it.

use serde::{Deserialize, Serialize};
use vitrine_access::BlobKey;

use crate::customization::Customization;
use crate::ids::{self, ExportId, OutputId, ParameterId};
use crate::parameter::{Group, Parameter};
use crate::version::{self, Version};

/// All that an engine found out about a model without computing it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// In the author's order.
    pub parameters: Vec<Parameter>,
    /// In the author's order.
    pub outputs: Vec<Output>,
    /// In the author's order.
    pub exports: Vec<Export>,
}

/// What an output delivers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputKind {
    /// One GLB file.
    Geometry,
    /// One JSON value.
    Data,
}

/// Something that a model computes for display.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// 32 hexadecimal digits.
    pub id: OutputId,
    /// Second, constant id in UUID form.
    pub uid: String,
    /// The author's name, unique among the outputs of a model.
    pub name: String,
    /// What it delivers.
    pub kind: OutputKind,
    /// Every parameter that can change the result.
    pub dependency: Vec<ParameterId>,
    /// Computed, but not shown.
    #[serde(default)]
    pub hidden: bool,
    /// The group under which clients list it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// Position in clients, ascending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<i32>,
    /// One sentence of help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tooltip: Option<String>,
    /// Shown instead of the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub displayname: Option<String>,
    /// The output that holds materials for this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub material: Option<OutputId>,
}

/// File format of an export.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// Binary STL.
    Stl,
    /// 3D Manufacturing Format.
    #[serde(rename = "3mf")]
    ThreeMf,
    /// Binary glTF 2.0.
    Glb,
    /// Wavefront OBJ.
    Obj,
    /// STEP with a faceted boundary representation.
    Step,
    /// Scalable Vector Graphics, for flat results.
    Svg,
    /// ASCII DXF, for flat results.
    Dxf,
}

impl ExportFormat {
    /// Every format, in the order in which they are offered.
    pub const ALL: [Self; 7] = [
        Self::Stl,
        Self::ThreeMf,
        Self::Glb,
        Self::Obj,
        Self::Step,
        Self::Svg,
        Self::Dxf,
    ];

    /// File name extension, without the dot; also the `format` of content items.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Stl => "stl",
            Self::ThreeMf => "3mf",
            Self::Glb => "glb",
            Self::Obj => "obj",
            Self::Step => "step",
            Self::Svg => "svg",
            Self::Dxf => "dxf",
        }
    }

    /// Registered content type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Stl => "model/stl",
            Self::ThreeMf => "model/3mf",
            Self::Glb => "model/gltf-binary",
            Self::Obj => "model/obj",
            Self::Step => "model/step",
            Self::Svg => "image/svg+xml",
            Self::Dxf => "image/vnd.dxf",
        }
    }

    /// Reads an extension in any letter case.
    #[must_use]
    pub fn from_extension(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|f| f.extension().eq_ignore_ascii_case(text))
    }
}

/// Where the geometry of an export comes from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportSource {
    /// The geometry of an output.
    Output(OutputId),
    /// The model makes it for this export alone, under the export's name.
    Own,
}

/// A file that a model computes for download.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// 32 hexadecimal digits.
    pub id: ExportId,
    /// Second, constant id in UUID form.
    pub uid: String,
    /// The author's name, unique among the exports of a model.
    pub name: String,
    /// File format.
    pub format: ExportFormat,
    /// Where the geometry comes from.
    pub source: ExportSource,
    /// Every parameter that can change the result.
    pub dependency: Vec<ParameterId>,
    /// Usable, but not shown.
    #[serde(default)]
    pub hidden: bool,
    /// The group under which clients list it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// Position in clients, ascending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<i32>,
    /// One sentence of help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tooltip: Option<String>,
    /// Shown instead of the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub displayname: Option<String>,
}

impl Output {
    /// A visible output without group, order or texts.
    #[must_use]
    pub fn new(lineage: &str, name: &str, kind: OutputKind, dependency: Vec<ParameterId>) -> Self {
        Self {
            id: OutputId::derive(lineage, name),
            uid: ids::output_uid(lineage, name),
            name: name.to_owned(),
            kind,
            dependency,
            hidden: false,
            group: None,
            order: None,
            tooltip: None,
            displayname: None,
            material: None,
        }
    }
}

impl Export {
    /// A visible export without group, order or texts.
    #[must_use]
    pub fn new(
        lineage: &str,
        name: &str,
        format: ExportFormat,
        source: ExportSource,
        dependency: Vec<ParameterId>,
    ) -> Self {
        Self {
            id: ExportId::derive(lineage, name),
            uid: ids::export_uid(lineage, name),
            name: name.to_owned(),
            format,
            source,
            dependency,
            hidden: false,
            group: None,
            order: None,
            tooltip: None,
            displayname: None,
        }
    }
}

impl Definition {
    /// The parameter with this id.
    #[must_use]
    pub fn parameter(&self, id: &ParameterId) -> Option<&Parameter> {
        self.parameters.iter().find(|p| p.id == *id)
    }

    /// The parameter that a request's key means: by id, then by name, then by display name.
    #[must_use]
    pub fn parameter_by_key(&self, key: &str) -> Option<&Parameter> {
        let all = || self.parameters.iter();
        all()
            .find(|p| p.id.as_str().eq_ignore_ascii_case(key))
            .or_else(|| all().find(|p| p.name == key))
            .or_else(|| all().find(|p| p.displayname.as_deref() == Some(key)))
    }

    /// The output with this id.
    #[must_use]
    pub fn output(&self, id: &OutputId) -> Option<&Output> {
        self.outputs.iter().find(|o| o.id == *id)
    }

    /// The export with this id.
    #[must_use]
    pub fn export(&self, id: &ExportId) -> Option<&Export> {
        self.exports.iter().find(|e| e.id == *id)
    }

    /// Ids of all parameters: the dependency of an output about which nothing more is known.
    #[must_use]
    pub fn all_parameter_ids(&self) -> Vec<ParameterId> {
        self.parameters.iter().map(|p| p.id.clone()).collect()
    }

    /// The wire forms of the values of some parameters, in the order of `dependency`.
    #[must_use]
    pub fn wire_values(
        &self,
        dependency: &[ParameterId],
        values: &Customization,
    ) -> Vec<(ParameterId, String)> {
        let wire = |id: &ParameterId| {
            let parameter = self.parameter(id)?;
            let value = values.get(id).unwrap_or(&parameter.default);
            Some((id.clone(), parameter.to_wire(value)))
        };
        dependency.iter().filter_map(wire).collect()
    }

    /// The version of an output for a set of values.
    #[must_use]
    pub fn version_of_output(
        &self,
        source: &BlobKey,
        engine: &str,
        output: &Output,
        values: &Customization,
    ) -> Version {
        let wire = self.wire_values(&output.dependency, values);
        version::output_version(source, engine, &output.id, &wire)
    }

    /// The version of an export for a set of values.
    #[must_use]
    pub fn version_of_export(
        &self,
        source: &BlobKey,
        engine: &str,
        export: &Export,
        values: &Customization,
    ) -> Version {
        let wire = self.wire_values(&export.dependency, values);
        version::export_version(source, engine, &export.id, &wire)
    }
}

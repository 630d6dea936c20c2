//! The JSCAD engine: scripts in `QuickJS`, solids by the native kernel.
//!
//! Every call gets a `QuickJS` of its own, so nothing of one run can be seen in the next. What a script may say is written in
//! `docs/authors.md`.

mod definition;
mod esm;
mod fault;
mod guard;
mod host;
pub(crate) mod import;
mod kernel;
mod measure;
mod parameters;
mod plane;
mod scene;
mod script;
mod shapes;
mod solid;
mod watch;

#[cfg(test)]
mod tests;

use vitrine_model::{
    Body, ContentItem, Customization, Definition, Engine, EngineError, Export, ExportFormat,
    LimitExceeded, LimitKind, Output, OutputKind, ResultItem, Results, RunContext, RunStats,
    Wanted,
};

use crate::export::{self, ExportError, Scene};
use definition::{Dimensions, Report, bad};
use script::{Script, Shapes};

/// Bytes of a script. Models are written by people; more is data that should come from a parameter.
const SOURCE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Runs JSCAD scripts.
#[derive(Debug, Default)]
pub struct JscadEngine {
    _private: (),
}

impl JscadEngine {
    /// An engine. It keeps nothing between calls, and has opened every file that it will ever need: a worker makes it before
    /// its cage closes.
    #[must_use]
    pub fn new() -> Self {
        script::load_time_zone();
        Self::default()
    }
}

impl Engine for JscadEngine {
    fn describe(
        &mut self,
        source: &[u8],
        _filename: &str,
        lineage: &str,
        ctx: &RunContext,
    ) -> Result<Definition, EngineError> {
        let script = load(source, ctx)?;
        let report = Report::read(script.describe()?)?;
        let parameters = report.parameters(lineage)?;
        let defaults = Customization::defaults(&parameters);
        script.prepare(&parameters::for_script(&parameters, &defaults))?;
        let dimensions = match report.first_geometry() {
            Some(name) => dimensions(&script, name)?,
            None => Dimensions::Both,
        };
        report.complete(lineage, parameters, dimensions)
    }

    fn compute(
        &mut self,
        source: &[u8],
        definition: &Definition,
        values: &Customization,
        wanted: &[Wanted],
        ctx: &RunContext,
    ) -> Result<Results, EngineError> {
        let script = load(source, ctx)?;
        script.prepare(&parameters::for_script(definition, values))?;
        let mut run = Run {
            script,
            triangles: 0,
            bytes: 0,
        };
        let mut items = Vec::with_capacity(wanted.len());
        for want in wanted {
            items.push(run.item(definition, want)?);
        }
        Ok(Results {
            items,
            stats: RunStats {
                wall_ms: run.script.kernel().watch().elapsed_ms(),
                // Whoever owns the process measures its processor time.
                cpu_ms: 0,
                triangles: u64::try_from(run.triangles).unwrap_or(u64::MAX),
            },
        })
    }
}

fn load(source: &[u8], ctx: &RunContext) -> Result<Script, EngineError> {
    if source.len() > SOURCE_BYTES_MAX {
        return Err(EngineError::Limit(LimitExceeded {
            limit: LimitKind::Definition,
            at: "the model file".to_owned(),
            spent: format!("{} of {SOURCE_BYTES_MAX} bytes", source.len()),
            raise: "move data out of the script".to_owned(),
        }));
    }
    Script::load(source, ctx)
}

/// Runs the first geometry output with the default values: a model that shows nothing then is a mistake, and what it shows
/// decides which files it offers.
fn dimensions(script: &Script, name: &str) -> Result<Dimensions, EngineError> {
    let (scene, _) = script.scene(Shapes::OfOutput(name), 0)?;
    let flat = !scene.outlines.is_empty() || !scene.paths.is_empty();
    match (scene.solids.is_empty(), flat) {
        (false, false) => Ok(Dimensions::Solid),
        (false, true) => Ok(Dimensions::Both),
        (true, true) => Ok(Dimensions::Flat),
        (true, false) => Err(bad(format!(
            "the output '{name}' shows nothing with the default values; let its function return at least one shape"
        ))),
    }
}

/// One computation.
struct Run {
    script: Script,
    triangles: usize,
    bytes: u64,
}

impl Run {
    fn item(
        &mut self,
        definition: &Definition,
        wanted: &Wanted,
    ) -> Result<ResultItem, EngineError> {
        let (content, bbox) = match wanted {
            Wanted::Output(id) => {
                let output = definition
                    .output(id)
                    .ok_or_else(|| bad(format!("the model has no output {id}")))?;
                self.output(output)?
            }
            Wanted::Export(id) => {
                let export = definition
                    .export(id)
                    .ok_or_else(|| bad(format!("the model has no export {id}")))?;
                self.export(export)?
            }
        };
        Ok(ResultItem {
            wanted: wanted.clone(),
            content,
            bbox,
        })
    }

    fn output(&mut self, output: &Output) -> Result<Made, EngineError> {
        if output.kind == OutputKind::Data {
            let value = self.script.data(&output.name)?;
            let item = ContentItem {
                format: "data".to_owned(),
                content_type: Some("application/json".to_owned()),
                name: Some(output.name.clone()),
                body: Body::Data(value),
                filename_ext: None,
            };
            return Ok((vec![item], None));
        }
        let scene = self.scene(Shapes::OfOutput(&output.name))?;
        if is_empty(&scene) {
            return Ok((Vec::new(), None));
        }
        self.file(&scene, ExportFormat::Glb, &output.name)
    }

    fn export(&mut self, export: &Export) -> Result<Made, EngineError> {
        let scene = self.scene(Shapes::OfExport(&export.name))?;
        self.file(&scene, export.format, &export.name)
    }

    fn scene(&mut self, what: Shapes<'_>) -> Result<Scene, EngineError> {
        let (scene, triangles) = self.script.scene(what, self.triangles)?;
        self.triangles = triangles;
        Ok(scene)
    }

    fn file(
        &mut self,
        scene: &Scene,
        format: ExportFormat,
        name: &str,
    ) -> Result<Made, EngineError> {
        let bytes = export::write(format, scene).map_err(|error| unwritable(name, &error))?;
        if let Some(error) = self.script.kernel().stopped() {
            return Err(error);
        }
        let max = self.script.kernel().limits().output_bytes_max;
        self.bytes = self
            .bytes
            .saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.bytes > max {
            return Err(EngineError::Limit(LimitExceeded {
                limit: LimitKind::OutputBytes,
                at: name.to_owned(),
                spent: format!("{} of {max} bytes", self.bytes),
                raise:
                    "use fewer segments, or raise the model's max_output_size or max_export_size"
                        .to_owned(),
            }));
        }
        let item = ContentItem {
            format: format.extension().to_owned(),
            content_type: Some(format.content_type().to_owned()),
            name: None,
            body: Body::Bytes(bytes),
            filename_ext: Some(format.extension().to_owned()),
        };
        Ok((vec![item], export::bounding_box(scene)))
    }
}

/// Parts of a result and the corners of its geometry.
type Made = (Vec<ContentItem>, Option<export::Bounds>);

fn is_empty(scene: &Scene) -> bool {
    scene.solids.is_empty() && scene.outlines.is_empty() && scene.paths.is_empty()
}

fn unwritable(name: &str, error: &ExportError) -> EngineError {
    EngineError::Script {
        message: format!("'{name}': {error}"),
        line: None,
    }
}

//! The OpenSCAD engine: `.scad` files through an `openscad` program that the operator has installed.
//!
//! The program is neither linked nor shipped. A worker of this kind starts it once for each set of values, feeds it the file on
//! standard input and reads the mesh from its standard output; no file is ever written. What its cage allows beyond that of
//! other workers stands in [`crate::worker::confine`]. What may be adjusted is read from the file's own Customizer comments,
//! as `docs/authors.md` describes.

mod assign;
mod customizer;
mod lexer;
mod mesh;
mod polygon;
mod program;
mod says;
mod widget;

#[cfg(test)]
mod tests;

pub use program::OpenScad;

use vitrine_model::{
    Body, ContentItem, Customization, Definition, Engine, EngineError, Export, ExportFormat,
    ExportSource, LimitExceeded, LimitKind, Output, OutputKind, ResultItem, Results, RunContext,
    RunStats, Wanted,
};

use crate::export::{self, Bounds, Scene};
use crate::jscad::import::{self, Watch};
use crate::worker::confine::Program;

/// Part of every version of a result, beside the program's own version: it changes whenever the same mesh may give other bytes.
pub const OPENSCAD_FORM: &str = "openscad, form 1";

/// Name of the one output: everything that the file shows.
const OUTPUT: &str = "model";

/// Bytes of a model file. Models are written by people.
const SOURCE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What a solid is given away as.
const SOLID_EXPORTS: [ExportFormat; 4] = [
    ExportFormat::Stl,
    ExportFormat::ThreeMf,
    ExportFormat::Obj,
    ExportFormat::Glb,
];

/// What a drawing is given away as.
const FLAT_EXPORTS: [ExportFormat; 2] = [ExportFormat::Svg, ExportFormat::Dxf];

/// Runs OpenSCAD files.
#[derive(Debug)]
pub struct OpenScadEngine {
    program: Program,
    /// What the newest values gave. The analysis, the outputs and the exports of one customization ask for the same scene.
    newest: Option<Shown>,
}

/// The scene of one set of values.
#[derive(Debug)]
struct Shown {
    /// The values as the program was told them.
    assignments: String,
    scene: Scene,
    triangles: usize,
}

impl OpenScadEngine {
    /// An engine that runs this program.
    #[must_use]
    pub fn new(program: Program) -> Self {
        Self {
            program,
            newest: None,
        }
    }

    /// The scene of a file with some values changed.
    fn show(
        &mut self,
        source: &str,
        assignments: String,
        ctx: &RunContext,
        watch: &Watch,
    ) -> Result<&Shown, EngineError> {
        let newest = self.newest.take();
        let shown = match newest {
            Some(shown) if shown.assignments == assignments => shown,
            _ => {
                let (scene, triangles) =
                    program::scene(&self.program, source, &assignments, ctx, watch)?;
                Shown {
                    assignments,
                    scene,
                    triangles,
                }
            }
        };
        Ok(self.newest.insert(shown))
    }
}

impl Engine for OpenScadEngine {
    fn describe(
        &mut self,
        source: &[u8],
        _filename: &str,
        lineage: &str,
        ctx: &RunContext,
    ) -> Result<Definition, EngineError> {
        let source = text(source)?;
        let watch = Watch::start(ctx);
        let variables = customizer::read(source);
        let mut definition = Definition {
            parameters: widget::parameters(lineage, &variables),
            ..Definition::default()
        };
        let scene = &self.show(source, String::new(), ctx, &watch)?.scene;
        if import::is_empty(scene) {
            return Err(bad(
                "the file shows nothing with its own values; call at least one module at the top level",
            ));
        }
        let formats: &[ExportFormat] = if scene.solids.is_empty() {
            &FLAT_EXPORTS
        } else {
            &SOLID_EXPORTS
        };
        let all = definition.all_parameter_ids();
        let output = Output::new(lineage, OUTPUT, OutputKind::Geometry, all.clone());
        let source = ExportSource::Output(output.id.clone());
        definition.exports = formats
            .iter()
            .map(|format| {
                let name = format.extension().to_uppercase();
                Export::new(lineage, &name, *format, source.clone(), all.clone())
            })
            .collect();
        definition.outputs = vec![output];
        definition
            .validate()
            .map_err(|error| bad(error.to_string()))?;
        Ok(definition)
    }

    fn compute(
        &mut self,
        source: &[u8],
        definition: &Definition,
        values: &Customization,
        wanted: &[Wanted],
        ctx: &RunContext,
    ) -> Result<Results, EngineError> {
        let source = text(source)?;
        let watch = Watch::start(ctx);
        let assignments = assign::text(&customizer::read(source), definition, values);
        let shown = self.show(source, assignments, ctx, &watch)?;
        let mut items = Vec::with_capacity(wanted.len());
        let mut bytes_left = ctx.limits.output_bytes_max;
        for want in wanted {
            let (name, format) = wanted_file(definition, want)?;
            let (content, bbox) = file(shown, name, format, &mut bytes_left)?;
            if let Some(error) = watch.expired(name) {
                return Err(error);
            }
            items.push(ResultItem {
                wanted: want.clone(),
                content,
                bbox,
            });
        }
        Ok(Results {
            items,
            stats: RunStats {
                wall_ms: watch.elapsed_ms(),
                // Whoever owns the process measures its processor time.
                cpu_ms: 0,
                triangles: u64::try_from(shown.triangles).unwrap_or(u64::MAX),
            },
        })
    }
}

/// The name and the format of a result.
fn wanted_file<'a>(
    definition: &'a Definition,
    wanted: &Wanted,
) -> Result<(&'a str, ExportFormat), EngineError> {
    match wanted {
        Wanted::Output(id) => definition
            .output(id)
            .map(|output| (output.name.as_str(), ExportFormat::Glb))
            .ok_or_else(|| bad(format!("the model has no output {id}"))),
        Wanted::Export(id) => definition
            .export(id)
            .map(|export| (export.name.as_str(), export.format))
            .ok_or_else(|| bad(format!("the model has no export {id}"))),
    }
}

/// The file of one result; none when there is nothing to see.
fn file(
    shown: &Shown,
    name: &str,
    format: ExportFormat,
    bytes_left: &mut u64,
) -> Result<(Vec<ContentItem>, Option<Bounds>), EngineError> {
    if import::is_empty(&shown.scene) {
        return Ok((Vec::new(), None));
    }
    let bytes = export::write(format, &shown.scene).map_err(|error| EngineError::Script {
        message: format!("'{name}': {error}"),
        line: None,
    })?;
    let spent = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let left = bytes_left.checked_sub(spent).ok_or_else(|| {
        EngineError::Limit(LimitExceeded {
            limit: LimitKind::OutputBytes,
            at: name.to_owned(),
            spent: format!("{spent} bytes where {bytes_left} are left"),
            raise: "lower $fn, or raise the model's max_output_size or max_export_size".to_owned(),
        })
    })?;
    *bytes_left = left;
    let item = ContentItem {
        format: format.extension().to_owned(),
        content_type: Some(format.content_type().to_owned()),
        name: None,
        body: Body::Bytes(bytes),
        filename_ext: Some(format.extension().to_owned()),
    };
    Ok((vec![item], export::bounding_box(&shown.scene)))
}

/// The file as the program reads it.
fn text(source: &[u8]) -> Result<&str, EngineError> {
    if source.len() > SOURCE_BYTES_MAX {
        return Err(EngineError::Limit(LimitExceeded {
            limit: LimitKind::Definition,
            at: "the model file".to_owned(),
            spent: format!("{} of {SOURCE_BYTES_MAX} bytes", source.len()),
            raise: "move data out of the file".to_owned(),
        }));
    }
    let source = std::str::from_utf8(source)
        .map_err(|_| bad("the file is not UTF-8 text; save it as such"))?;
    if source.contains('\0') {
        return Err(bad("the file holds a zero byte, which no text has"));
    }
    Ok(source.strip_prefix('\u{feff}').unwrap_or(source))
}

/// An error of the author, with what to do.
fn bad(message: impl Into<String>) -> EngineError {
    EngineError::BadModel {
        message: message.into(),
    }
}

//! Writers for the files that models give away. All of them are pure functions from a [`Scene`] to bytes, and equal
//! scenes give equal bytes.

mod check;
mod dxf;
mod error;
mod fill;
mod glb;
mod mesh;
mod obj;
mod shells;
mod step;
mod stl;
mod svg;
mod text;
mod threemf;
mod weld;

pub use dxf::dxf;
pub use error::ExportError;
pub use glb::glb;
pub use mesh::{IndexedMesh, Material, Outline2d, Part, Path, Scene, SceneSolid};
pub use obj::obj;
pub use step::step;
pub use stl::stl;
pub use svg::svg;
pub use threemf::threemf;

use vitrine_model::ExportFormat;

/// Smallest and largest corner in the model's own axes (Z up).
pub type Bounds = ([f64; 3], [f64; 3]);

/// Writes a scene in one of the formats.
///
/// # Errors
/// When the scene holds nothing that the format can show, or numbers or meshes that it cannot hold.
pub fn write(format: ExportFormat, scene: &Scene) -> Result<Vec<u8>, ExportError> {
    match format {
        ExportFormat::Stl => stl(scene),
        ExportFormat::ThreeMf => threemf(scene),
        ExportFormat::Glb => glb(scene),
        ExportFormat::Obj => obj(scene),
        ExportFormat::Step => step(scene),
        ExportFormat::Svg => svg(scene),
        ExportFormat::Dxf => dxf(scene),
    }
}

/// The box around everything in a scene; flat things lie at height 0. None when the scene is empty.
#[must_use]
pub fn bounding_box(scene: &Scene) -> Option<Bounds> {
    let flat = |p: &[f64; 2]| [p[0], p[1], 0.0];
    let solids = scene.solids.iter().flat_map(|solid| {
        let render = solid
            .render
            .iter()
            .flat_map(|part| part.positions.iter().copied());
        solid.mesh.positions.iter().copied().chain(render)
    });
    let outlines = scene
        .outlines
        .iter()
        .flat_map(|o| o.polygons.iter().flatten().map(flat));
    let paths = scene.paths.iter().flat_map(|p| p.points.iter().map(flat));
    let mut points = solids.chain(outlines).chain(paths);
    let first = points.next()?;
    Some(points.fold((first, first), |(mut low, mut high), point| {
        for axis in 0..3 {
            low[axis] = low[axis].min(point[axis]);
            high[axis] = high[axis].max(point[axis]);
        }
        (low, high)
    }))
}

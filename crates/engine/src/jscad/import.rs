//! The kernel for engines whose geometry comes as finished polygons.

use vitrine_model::{EngineError, RunContext};

use super::fault::Fault;
use super::guard;
use super::kernel::{Kernel, OPEN_SHAPE};
use super::scene::SceneBuilder;
use super::shapes;
pub(crate) use super::watch::Watch;
use crate::export::{Material, Scene};

/// Points of one flat shape that the kernel takes.
pub(crate) const POINTS_2D_MAX: usize = guard::POINTS_2D_MAX;

/// Convex polygons with an optional colour each.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Polygons {
    coordinates: Vec<f64>,
    counts: Vec<f64>,
    colors: Vec<Option<[f32; 4]>>,
}

impl Polygons {
    /// Adds a polygon; counter-clockwise seen from outside.
    pub(crate) fn push(&mut self, corners: &[[f64; 3]], color: Option<[f32; 4]>) {
        self.coordinates.extend(corners.iter().flatten());
        let count = u32::try_from(corners.len()).unwrap_or(u32::MAX);
        self.counts.push(f64::from(count));
        self.colors.push(color);
    }

    /// How many there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.counts.len()
    }
}

/// Whether there is nothing to see.
pub(crate) fn is_empty(scene: &Scene) -> bool {
    scene.solids.is_empty() && scene.outlines.is_empty() && scene.paths.is_empty()
}

/// The scene of one body, and its triangles. Polygons that do not close are shown all the same, as they are.
pub(crate) fn solid(polygons: &Polygons, ctx: &RunContext) -> Result<(Scene, usize), EngineError> {
    let kernel = Kernel::new(ctx);
    let build = || {
        let paints = polygons
            .colors
            .iter()
            .map(|color| paint(&kernel, *color))
            .collect::<Result<Vec<f64>, Fault>>()?;
        let mut builder = SceneBuilder::new(&kernel, 0);
        match shapes::polyhedron(&kernel, &polygons.coordinates, &polygons.counts, &paints) {
            Ok(solid) => builder.solid(&solid)?,
            Err(Fault::Refused(why)) if why.ends_with(OPEN_SHAPE) => {
                builder.polygons(&polygons.coordinates, &polygons.counts, 0)?;
            }
            Err(fault) => return Err(fault),
        }
        Ok(builder.finish())
    };
    build().map_err(error)
}

/// The scene of one flat shape, given by its sides: four numbers each.
pub(crate) fn flat(sides: &[f64], ctx: &RunContext) -> Result<Scene, EngineError> {
    let kernel = Kernel::new(ctx);
    let mut builder = SceneBuilder::new(&kernel, 0);
    builder.outline(sides, 0).map_err(error)?;
    Ok(builder.finish().0)
}

/// The number of the material with this colour, 0 for none.
fn paint(kernel: &Kernel, color: Option<[f32; 4]>) -> Result<f64, Fault> {
    let Some(color) = color else { return Ok(0.0) };
    let number = kernel.material(Material {
        color,
        ..Material::default()
    })?;
    Ok(f64::from(u32::try_from(number).unwrap_or(u32::MAX)))
}

fn error(fault: Fault) -> EngineError {
    match fault {
        Fault::Refused(message) => EngineError::Script {
            message,
            line: None,
        },
        Fault::Stop(error) => error,
    }
}

//! What every writer may rely on once it has called one of these: finite numbers, lists that fit each other.

use super::error::ExportError;
use super::mesh::{IndexedMesh, Material, Outline2d, Part, Path, Scene, SceneSolid};
use super::weld::bad_edges;

/// Largest coordinate that is written. Beyond it single precision no longer tells whole units apart and viewers show
/// nothing useful.
pub(super) const COORDINATE_ABS_MAX: f64 = 1e9;

/// Checks the closed meshes of all solids.
pub(super) fn meshes(scene: &Scene) -> Result<(), ExportError> {
    for (number, solid) in scene.solids.iter().enumerate() {
        mesh(&place(solid, number), &solid.mesh, solid.materials.len())?;
        materials(&place(solid, number), solid.materials.iter())?;
    }
    Ok(())
}

/// Checks the shaded parts of all solids.
pub(super) fn parts(scene: &Scene) -> Result<(), ExportError> {
    for (number, solid) in scene.solids.iter().enumerate() {
        let place = place(solid, number);
        for shaded in &solid.render {
            part(&place, shaded)?;
        }
        materials(&place, solid.render.iter().map(|part| &part.material))?;
    }
    Ok(())
}

/// Checks everything that lies in the plane.
pub(super) fn flat(scene: &Scene) -> Result<(), ExportError> {
    for (
        number,
        Outline2d {
            name,
            polygons,
            color,
        },
    ) in scene.outlines.iter().enumerate()
    {
        let place = named("area", name.as_deref(), number);
        points(&place, polygons.iter().flatten())?;
        finite(&place, color.iter().flatten().copied())?;
    }
    for (
        number,
        Path {
            name,
            points: line,
            color,
            ..
        },
    ) in scene.paths.iter().enumerate()
    {
        let place = named("line", name.as_deref(), number);
        points(&place, line.iter())?;
        finite(&place, color.iter().flatten().copied())?;
    }
    Ok(())
}

/// Checks that every solid encloses a volume.
pub(super) fn closed(scene: &Scene, format: &'static str) -> Result<(), ExportError> {
    for (number, solid) in scene.solids.iter().enumerate() {
        let open_edges = bad_edges(&solid.mesh.triangles).len();
        if open_edges > 0 {
            return Err(ExportError::Open {
                place: place(solid, number),
                format,
                open_edges,
            });
        }
    }
    Ok(())
}

/// How messages call a solid.
pub(super) fn place(solid: &SceneSolid, number: usize) -> String {
    named("solid", solid.name.as_deref(), number)
}

fn named(what: &str, name: Option<&str>, number: usize) -> String {
    match name {
        Some(name) => format!("{what} \"{}\"", name.chars().take(80).collect::<String>()),
        None => format!("{what} {}", number + 1),
    }
}

fn mesh(place: &str, mesh: &IndexedMesh, materials: usize) -> Result<(), ExportError> {
    points(place, mesh.positions.iter())?;
    indices(place, &mesh.triangles, mesh.positions.len())?;
    let colours = &mesh.triangle_material;
    if !colours.is_empty() && colours.len() != mesh.triangles.len() {
        return Err(inconsistent(place, "not every triangle has a material"));
    }
    if colours.iter().any(|index| *index as usize >= materials) {
        return Err(inconsistent(
            place,
            "a triangle has a material that does not exist",
        ));
    }
    Ok(())
}

fn part(place: &str, part: &Part) -> Result<(), ExportError> {
    points(place, part.positions.iter())?;
    finite(place, part.normals.iter().flatten().copied())?;
    if part.normals.len() != part.positions.len() {
        return Err(inconsistent(
            place,
            "there are not as many normals as corners",
        ));
    }
    indices(place, &part.triangles, part.positions.len())
}

fn materials<'a>(
    place: &str,
    materials: impl Iterator<Item = &'a Material>,
) -> Result<(), ExportError> {
    for material in materials {
        finite(
            place,
            material
                .color
                .into_iter()
                .chain([material.metalness, material.roughness]),
        )?;
    }
    Ok(())
}

fn indices(place: &str, triangles: &[[u32; 3]], vertices: usize) -> Result<(), ExportError> {
    if triangles
        .iter()
        .flatten()
        .any(|index| *index as usize >= vertices)
    {
        return Err(inconsistent(
            place,
            "a triangle has a corner that does not exist",
        ));
    }
    Ok(())
}

fn points<'a, const N: usize>(
    place: &str,
    points: impl IntoIterator<Item = &'a [f64; N]>,
) -> Result<(), ExportError> {
    // NaN compares false and is refused with the rest.
    let usable = |c: &f64| c.abs() <= COORDINATE_ABS_MAX;
    if points.into_iter().flatten().all(usable) {
        Ok(())
    } else {
        Err(ExportError::NotFinite {
            place: place.to_owned(),
        })
    }
}

fn finite(place: &str, mut numbers: impl Iterator<Item = f32>) -> Result<(), ExportError> {
    if numbers.all(f32::is_finite) {
        Ok(())
    } else {
        Err(ExportError::NotFinite {
            place: place.to_owned(),
        })
    }
}

fn inconsistent(place: &str, problem: &'static str) -> ExportError {
    ExportError::Inconsistent {
        place: place.to_owned(),
        problem,
    }
}

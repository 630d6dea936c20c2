//! Flat areas as triangles, for formats that show surfaces.

use std::panic::{AssertUnwindSafe, catch_unwind};

use manifold_rust::linalg::Vec2;
use manifold_rust::polygon::triangulate;

use super::mesh::{Material, Outline2d, Part};

/// The area as a thin sheet at height 0, seen from above. None when it has no area.
pub(super) fn fill(outline: &Outline2d) -> Option<Part> {
    let polygons: Vec<Vec<Vec2>> = outline
        .polygons
        .iter()
        .filter(|ring| ring.len() > 2)
        .map(|ring| ring.iter().map(|[x, y]| Vec2::new(*x, *y)).collect())
        .collect();
    let positions: Vec<[f64; 3]> = polygons
        .iter()
        .flatten()
        .map(|point| [point.x, point.y, 0.0])
        .collect();
    // The kernel may panic over rings that cross themselves; such an area is then shown by its border alone.
    let found = catch_unwind(AssertUnwindSafe(|| triangulate(&polygons, -1.0, true))).ok()?;
    let index = |i: i32| {
        u32::try_from(i)
            .ok()
            .filter(|i| (*i as usize) < positions.len())
    };
    let triangles: Vec<[u32; 3]> = found
        .iter()
        .filter_map(|t| Some([index(t.x)?, index(t.y)?, index(t.z)?]))
        .collect();
    if triangles.is_empty() {
        return None;
    }
    let normals = vec![[0.0, 0.0, 1.0]; positions.len()];
    let color = outline.color.unwrap_or(Material::default().color);
    let material = Material {
        color,
        ..Material::default()
    };
    Some(Part {
        material,
        positions,
        normals,
        triangles,
    })
}

//! Wavefront OBJ: indexed triangles with object and material names.

use std::fmt::Write as _;

use super::check;
use super::error::ExportError;
use super::mesh::{Scene, SceneSolid};
use super::text;

/// Writes all solids as one OBJ file. Vertices carry no colour; `usemtl` names the materials.
///
/// # Errors
/// No solid, or unusable numbers.
pub fn obj(scene: &Scene) -> Result<Vec<u8>, ExportError> {
    check::meshes(scene)?;
    if scene
        .solids
        .iter()
        .all(|solid| solid.mesh.triangles.is_empty())
    {
        return Err(ExportError::Empty {
            format: "obj",
            needs: "a solid with a volume",
        });
    }
    let mut out = String::from("# Vitrine, lengths in millimetres, Z up\n");
    // OBJ counts vertices from 1, over all objects of a file.
    let mut base = 1_u64;
    for (number, solid) in scene.solids.iter().enumerate() {
        let name = solid
            .name
            .clone()
            .unwrap_or_else(|| format!("solid_{}", number + 1));
        // Writing to a String cannot fail.
        let _ = writeln!(out, "o {}", word(&name));
        for [x, y, z] in &solid.mesh.positions {
            let (x, y, z) = (text::number(*x), text::number(*y), text::number(*z));
            let _ = writeln!(out, "v {x} {y} {z}");
        }
        faces(&mut out, solid, base);
        base += solid.mesh.positions.len() as u64;
    }
    Ok(out.into_bytes())
}

fn faces(out: &mut String, solid: &SceneSolid, base: u64) {
    let mut current = None;
    for (number, triangle) in solid.mesh.triangles.iter().enumerate() {
        let material = solid
            .mesh
            .triangle_material
            .get(number)
            .copied()
            .unwrap_or(0);
        if current != Some(material) {
            current = Some(material);
            let name = solid.materials.get(material as usize).map(|material| {
                let color = || text::hex_rgba(material.color).replace('#', "color_");
                word(&material.name.clone().unwrap_or_else(color))
            });
            if let Some(name) = name {
                let _ = writeln!(out, "usemtl {name}");
            }
        }
        let [a, b, c] = triangle.map(|i| base + u64::from(i));
        let _ = writeln!(out, "f {a} {b} {c}");
    }
}

/// A name without white space, which would end it.
fn word(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_whitespace() || c.is_control() {
                '_'
            } else {
                c
            }
        })
        .collect()
}

//! Binary STL: loose triangles in single precision, without units, names or colours.

use super::check;
use super::error::ExportError;
use super::mesh::Scene;
use super::text;
use super::weld::{cross, sub, unit, weld};

const HEADER_BYTES: usize = 80;
const TRIANGLE_BYTES: usize = 50;

/// Writes all solids as one binary STL file that is closed in single precision.
///
/// # Errors
/// No solid, unusable numbers, or a body that is not closed.
pub fn stl(scene: &Scene) -> Result<Vec<u8>, ExportError> {
    check::meshes(scene)?;
    let meshes: Vec<_> = scene.solids.iter().map(|solid| &solid.mesh).collect();
    let welded = match weld(&meshes) {
        Ok(welded) => welded,
        Err(open) => {
            check::closed(scene, "stl")?;
            return Err(ExportError::Rounding {
                place: match scene.solids.as_slice() {
                    [one] => check::place(one, 0),
                    _ => "one of the solids".to_owned(),
                },
                format: "stl",
                open_edges: open.count,
                detail: text::number(open.grid * 10.0),
            });
        }
    };
    if welded.triangles.is_empty() {
        return Err(ExportError::Empty {
            format: "stl",
            needs: "a solid with a volume",
        });
    }
    let count = u32::try_from(welded.triangles.len()).map_err(|_| ExportError::TooLarge {
        format: "stl",
        problem: "it counts triangles with 32 bits",
    })?;
    let mut out = Vec::with_capacity(HEADER_BYTES + 4 + welded.triangles.len() * TRIANGLE_BYTES);
    // A binary file must not begin with "solid".
    out.extend_from_slice(b"Vitrine binary STL");
    out.resize(HEADER_BYTES, b' ');
    out.extend_from_slice(&count.to_le_bytes());
    for triangle in &welded.triangles {
        let corners = triangle.map(|i| welded.points[i as usize]);
        for vector in std::iter::once(facet_normal(corners)).chain(corners) {
            for coordinate in vector {
                out.extend_from_slice(&coordinate.to_le_bytes());
            }
        }
        out.extend_from_slice(&[0, 0]);
    }
    Ok(out)
}

#[expect(clippy::cast_possible_truncation, reason = "a unit vector")]
fn facet_normal(corners: [[f32; 3]; 3]) -> [f32; 3] {
    let [a, b, c] = corners.map(|corner| corner.map(f64::from));
    unit(cross(sub(b, a), sub(c, a)))
        .unwrap_or_default()
        .map(|c| c as f32 + 0.0)
}

//! Measures of solids and their bare triangles.

use manifold_rust::csg_tree::CsgLeafNode;
use manifold_rust::linalg::{Mat3x4, Vec3, cross, dot, length};

use super::fault::Fault;
use super::kernel::Kernel;
use super::solid::Solid;

/// What can be measured in one pass.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Measures {
    /// Cubic millimetres.
    pub(super) volume: f64,
    /// Square millimetres.
    pub(super) area: f64,
    /// Smallest and largest corner.
    pub(super) bounds: ([f64; 3], [f64; 3]),
    /// Centre of mass.
    pub(super) center: [f64; 3],
}

impl Measures {
    /// As the script gets them: volume, area, bounds, centre.
    pub(super) fn to_numbers(self) -> Vec<f64> {
        let (low, high) = self.bounds;
        [self.volume, self.area]
            .into_iter()
            .chain(low)
            .chain(high)
            .chain(self.center)
            .collect()
    }
}

fn apply(matrix: &Mat3x4, p: Vec3) -> Vec3 {
    matrix.x * p.x + matrix.y * p.y + matrix.z * p.z + matrix.w
}

fn mirrors(matrix: &Mat3x4) -> bool {
    dot(cross(matrix.x, matrix.y), matrix.z) < 0.0
}

fn each_triangle(leaf: &CsgLeafNode, mut take: impl FnMut([Vec3; 3])) {
    let mesh = &leaf.p_impl;
    let flipped = mirrors(&leaf.transform);
    let corner = |index: usize| {
        let vertex = mesh.halfedge.get(index).map(|edge| edge.start_vert)?;
        let position = mesh.vert_pos.get(usize::try_from(vertex).ok()?)?;
        Some(apply(&leaf.transform, *position))
    };
    for triangle in 0..mesh.num_tri() {
        let corners = (
            corner(3 * triangle),
            corner(3 * triangle + 1),
            corner(3 * triangle + 2),
        );
        if let (Some(a), Some(b), Some(c)) = corners {
            take(if flipped { [a, c, b] } else { [a, b, c] });
        }
    }
}

/// Measures a solid. An empty one measures nothing, at the origin.
pub(super) fn measure(kernel: &Kernel, solid: &Solid) -> Result<Measures, Fault> {
    let leaf = solid.evaluate(kernel)?;
    let mut volume6 = 0.0;
    let mut area2 = 0.0;
    let mut moment = Vec3::new(0.0, 0.0, 0.0);
    let mut low = [f64::INFINITY; 3];
    let mut high = [f64::NEG_INFINITY; 3];
    each_triangle(&leaf, |[a, b, c]| {
        let part = dot(a, cross(b, c));
        volume6 += part;
        area2 += length(cross(b - a, c - a));
        moment += (a + b + c) * (part / 4.0);
        for p in [a, b, c] {
            for (axis, value) in [p.x, p.y, p.z].into_iter().enumerate() {
                low[axis] = low[axis].min(value);
                high[axis] = high[axis].max(value);
            }
        }
    });
    if !low[0].is_finite() {
        return Ok(Measures::default());
    }
    let center = if volume6 == 0.0 {
        [0.0; 3]
    } else {
        [moment.x / volume6, moment.y / volume6, moment.z / volume6]
    };
    Ok(Measures {
        volume: volume6 / 6.0,
        area: area2 / 2.0,
        bounds: (low, high),
        center,
    })
}

/// All triangles of a solid, nine numbers each.
pub(super) fn triangles(kernel: &Kernel, solid: &Solid) -> Result<Vec<f64>, Fault> {
    let leaf = solid.evaluate(kernel)?;
    let mut flat = Vec::with_capacity(9 * leaf.p_impl.num_tri());
    each_triangle(&leaf, |corners| {
        for p in corners {
            flat.extend([p.x, p.y, p.z]);
        }
    });
    Ok(flat)
}

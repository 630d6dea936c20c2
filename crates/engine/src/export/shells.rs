//! The separate surfaces of a mesh, and which of them are hollows of which: formats of boundary representations ask for it.

use super::mesh::IndexedMesh;
use super::weld::{cross, sub};

/// One body: an outer surface and the hollows inside it, each as triangles of the mesh.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub(super) outer: Vec<[u32; 3]>,
    pub(super) hollows: Vec<Vec<[u32; 3]>>,
}

/// Cuts a closed mesh into its bodies, in the order of their first triangles. A hollow that lies in no body is left out: it
/// encloses nothing.
pub(super) fn bodies(mesh: &IndexedMesh) -> Vec<Body> {
    let (mut bodies, mut hollows) = (Vec::new(), Vec::new());
    for triangles in surfaces(mesh) {
        if volume6(mesh, &triangles) > 0.0 {
            bodies.push(Body {
                outer: triangles,
                hollows: Vec::new(),
            });
        } else {
            hollows.push(triangles);
        }
    }
    for hollow in hollows {
        let Some(corner) = hollow.first().map(|triangle| position(mesh, triangle[0])) else {
            continue;
        };
        // The smallest body around it is the one whose hollow it is.
        let around = bodies
            .iter_mut()
            .filter(|body| is_inside(mesh, &body.outer, corner))
            .map(|body| (volume6(mesh, &body.outer), body))
            .min_by(|(one, _), (two, _)| one.total_cmp(two));
        if let Some((_, body)) = around {
            body.hollows.push(hollow);
        }
    }
    bodies
}

/// Triangles that hang together by their corners.
fn surfaces(mesh: &IndexedMesh) -> Vec<Vec<[u32; 3]>> {
    let mut parents: Vec<u32> = (0_u32..).take(mesh.positions.len()).collect();
    for [a, b, c] in &mesh.triangles {
        let root = root_of(&mut parents, *a);
        for other in [*b, *c] {
            let other = root_of(&mut parents, other);
            parents[other as usize] = root;
        }
    }
    let mut place_of: Vec<Option<usize>> = vec![None; mesh.positions.len()];
    let mut surfaces: Vec<Vec<[u32; 3]>> = Vec::new();
    for triangle in &mesh.triangles {
        let root = root_of(&mut parents, triangle[0]) as usize;
        let place = *place_of[root].get_or_insert_with(|| {
            surfaces.push(Vec::new());
            surfaces.len() - 1
        });
        surfaces[place].push(*triangle);
    }
    surfaces
}

fn root_of(parents: &mut [u32], mut vertex: u32) -> u32 {
    while parents[vertex as usize] != vertex {
        let up = parents[parents[vertex as usize] as usize];
        parents[vertex as usize] = up;
        vertex = up;
    }
    vertex
}

fn position(mesh: &IndexedMesh, vertex: u32) -> [f64; 3] {
    mesh.positions[vertex as usize]
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// Six times the volume inside; negative when the surface is turned inwards.
fn volume6(mesh: &IndexedMesh, triangles: &[[u32; 3]]) -> f64 {
    let six = |triangle: &[u32; 3]| {
        let [a, b, c] = triangle.map(|vertex| position(mesh, vertex));
        dot(a, cross(b, c))
    };
    triangles.iter().map(six).sum()
}

/// Whether a surface goes around a point, by the sum of the angles under which its triangles are seen from there.
fn is_inside(mesh: &IndexedMesh, triangles: &[[u32; 3]], point: [f64; 3]) -> bool {
    let angle = |triangle: &[u32; 3]| {
        let [a, b, c] = triangle.map(|vertex| sub(position(mesh, vertex), point));
        let [la, lb, lc] = [a, b, c].map(|v| dot(v, v).sqrt());
        let over = dot(a, cross(b, c));
        let under = la * lb * lc + dot(a, b) * lc + dot(b, c) * la + dot(c, a) * lb;
        2.0 * f64::atan2(over, under)
    };
    let sum: f64 = triangles.iter().map(angle).sum();
    sum > std::f64::consts::TAU
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tetrahedron around the origin; inside out when the size is negative.
    fn tetrahedron(size: f64, at: f64, first: u32) -> IndexedMesh {
        let corners = [
            [1.0, 1.0, 1.0],
            [1.0, -1.0, -1.0],
            [-1.0, 1.0, -1.0],
            [-1.0, -1.0, 1.0],
        ];
        let faces = [[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]];
        IndexedMesh {
            positions: corners
                .map(|corner| corner.map(|c: f64| c * size + at))
                .to_vec(),
            triangles: faces.map(|face: [u32; 3]| face.map(|i| i + first)).to_vec(),
            triangle_material: Vec::new(),
        }
    }

    fn together(parts: &[(f64, f64)]) -> IndexedMesh {
        let mut all = IndexedMesh::default();
        for (size, at) in parts {
            let first = u32::try_from(all.positions.len()).unwrap();
            let part = tetrahedron(*size, *at, first);
            all.positions.extend(part.positions);
            all.triangles.extend(part.triangles);
        }
        all
    }

    #[test]
    fn a_hollow_belongs_to_the_smallest_body_around_it() {
        let mesh = together(&[
            (100.0, 0.0),
            (-30.0, 0.0),
            (20.0, 0.0),
            (-5.0, 0.0),
            (3.0, 500.0),
        ]);
        let hollows: Vec<usize> = bodies(&mesh)
            .iter()
            .map(|body| body.hollows.len())
            .collect();
        assert_eq!(hollows, [1, 1, 0]);
    }

    #[test]
    fn a_hollow_in_nothing_is_left_out() {
        let found = bodies(&together(&[(10.0, 0.0), (-5.0, 300.0)]));
        assert_eq!((found.len(), found[0].hollows.len()), (1, 0));
    }
}

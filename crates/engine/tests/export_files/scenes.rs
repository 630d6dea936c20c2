//! Small scenes, made by hand.

use vitrine_engine::export::{IndexedMesh, Material, Outline2d, Part, Path, Scene, SceneSolid};

pub(crate) const ORANGE: [f32; 4] = [1.0, 0.5, 0.0, 1.0];

/// The twelve triangles of a box, with eight shared corners.
pub(crate) fn box_mesh(low: [f64; 3], high: [f64; 3]) -> IndexedMesh {
    let positions = (0..8_usize)
        .map(|i| {
            let pick = |axis: usize| {
                if i >> axis & 1 == 0 {
                    low[axis]
                } else {
                    high[axis]
                }
            };
            [pick(0), pick(1), pick(2)]
        })
        .collect();
    let quads: [[u32; 4]; 6] = [
        [0, 2, 3, 1],
        [4, 5, 7, 6],
        [0, 1, 5, 4],
        [2, 6, 7, 3],
        [0, 4, 6, 2],
        [1, 3, 7, 5],
    ];
    let triangles = quads
        .iter()
        .flat_map(|[a, b, c, d]| [[*a, *b, *c], [*a, *c, *d]])
        .collect();
    IndexedMesh {
        positions,
        triangles,
        triangle_material: Vec::new(),
    }
}

/// Flat-shaded triangles of a mesh.
pub(crate) fn shade(mesh: &IndexedMesh, material: &Material) -> Part {
    let mut part = Part {
        material: material.clone(),
        ..Part::default()
    };
    for (number, triangle) in (0_u32..).zip(&mesh.triangles) {
        let corners = triangle.map(|i| mesh.positions[i as usize]);
        let normal = unit_normal(corners);
        part.positions.extend(corners);
        part.normals.extend([normal; 3]);
        part.triangles
            .push([0, 1, 2].map(|corner| number * 3 + corner));
    }
    part
}

/// Points to where the triangle is seen counter-clockwise; twice as long as its area.
pub(crate) fn face_normal(corners: [[f64; 3]; 3]) -> [f64; 3] {
    let [first, second] =
        [1, 2].map(|corner| [0, 1, 2].map(|axis| corners[corner][axis] - corners[0][axis]));
    [(1, 2), (2, 0), (0, 1)].map(|(one, two)| first[one] * second[two] - first[two] * second[one])
}

#[expect(clippy::cast_possible_truncation, reason = "a unit vector")]
fn unit_normal(corners: [[f64; 3]; 3]) -> [f32; 3] {
    let normal = face_normal(corners);
    let length = normal.iter().map(|c| c * c).sum::<f64>().sqrt();
    normal.map(|c| (c / length) as f32)
}

pub(crate) fn solid(name: &str, mesh: IndexedMesh, color: [f32; 4]) -> SceneSolid {
    let material = Material {
        name: Some(format!("{name} paint")),
        color,
        ..Material::default()
    };
    SceneSolid {
        name: Some(name.to_owned()),
        render: vec![shade(&mesh, &material)],
        mesh,
        materials: vec![material],
    }
}

/// One orange cube of 10 mm.
pub(crate) fn cube() -> Scene {
    let mesh = box_mesh([0.0; 3], [10.0; 3]);
    Scene {
        solids: vec![solid("cube", mesh, ORANGE)],
        ..Scene::default()
    }
}

/// A plate with a hole, and a line.
pub(crate) fn plate() -> Scene {
    let ring = vec![[0.0, 0.0], [20.0, 0.0], [20.0, 20.0], [0.0, 20.0]];
    let hole = vec![[5.0, 5.0], [5.0, 15.0], [15.0, 15.0], [15.0, 5.0]];
    let outline = Outline2d {
        name: Some("plate <1>".to_owned()),
        polygons: vec![ring, hole],
        color: Some([1.0, 0.0, 0.0, 0.5]),
    };
    let path = Path {
        name: None,
        points: vec![[-5.0, 0.0], [-5.0, 12.5]],
        closed: false,
        color: None,
    };
    Scene {
        outlines: vec![outline],
        paths: vec![path],
        ..Scene::default()
    }
}

/// Two solids, an area and a line.
pub(crate) fn everything() -> Scene {
    let other = solid(
        "glass",
        box_mesh([12.0, 0.0, 0.0], [14.0, 3.0, 3.0]),
        [0.0, 0.0, 1.0, 0.25],
    );
    let mut scene = Scene {
        solids: cube().solids,
        ..plate()
    };
    scene.solids.push(other);
    scene
}

//! Solids of the real kernel, whose cuts leave edges far below single precision.

use manifold_rust::linalg::Vec3;
use manifold_rust::manifold::Manifold;
use vitrine_engine::export::{IndexedMesh, Scene, stl, threemf};

use crate::scenes::{ORANGE, solid};
use crate::solid::{assert_watertight, read_stl, volume};

fn mesh_of(body: &Manifold) -> IndexedMesh {
    let mesh = body.get_mesh_gl64(-1);
    let stride = usize::try_from(mesh.num_prop).unwrap();
    let mut own: Vec<u64> = (0..(mesh.vert_properties.len() / stride) as u64).collect();
    for (from, to) in mesh.merge_from_vert.iter().zip(&mesh.merge_to_vert) {
        own[usize::try_from(*from).unwrap()] = *to;
    }
    let vertex = |i: &u64| u32::try_from(own[usize::try_from(*i).unwrap()]).unwrap();
    IndexedMesh {
        positions: mesh
            .vert_properties
            .chunks(stride)
            .map(|v| [v[0], v[1], v[2]])
            .collect(),
        triangles: mesh
            .tri_verts
            .chunks(3)
            .map(|t| [vertex(&t[0]), vertex(&t[1]), vertex(&t[2])])
            .collect(),
        triangle_material: Vec::new(),
    }
}

/// A ball with many nearly equal balls cut from it and added to it, somewhere far from the origin.
fn worn_ball(at: f64) -> Manifold {
    let mut body = Manifold::sphere(10.0, 48);
    for step in 0..12 {
        let angle = f64::from(step) * 30.0 + 1e-4;
        let tool = Manifold::sphere(4.0, 32)
            .translate(Vec3::new(9.0, 1e-5 * f64::from(step), 1e-6))
            .rotate(angle, angle / 3.0, 0.1);
        body = if step % 3 == 0 {
            body.union(&tool)
        } else {
            body.difference(&tool)
        };
    }
    body.translate(Vec3::new(at, -at / 3.0, at / 7.0))
}

#[test]
fn solids_of_many_cuts_are_watertight_as_stl_and_closed_as_3mf() {
    for at in [0.0, 50.0, 1000.0, 20_000.0] {
        let body = worn_ball(at);
        let scene = Scene {
            solids: vec![solid("ball", mesh_of(&body), ORANGE)],
            ..Scene::default()
        };
        threemf(&scene).unwrap();
        let triangles = read_stl(&stl(&scene).unwrap());
        assert!(triangles.len() > 3000);
        assert_watertight(&triangles);
        let relative = volume(&triangles) / body.volume() - 1.0;
        assert!(relative.abs() < 1e-2, "{at}: {relative}");
    }
}

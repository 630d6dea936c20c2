//! What the files that models give away look like from outside, read with means of their own.

#![expect(
    clippy::unwrap_used,
    reason = "a step that fails here is a failed test"
)]

#[path = "export_files/flat.rs"]
mod flat;
#[path = "export_files/glb.rs"]
mod glb;
#[path = "export_files/kernel.rs"]
mod kernel;
#[path = "export_files/scenes.rs"]
mod scenes;
#[path = "export_files/solid.rs"]
mod solid;
#[path = "export_files/step.rs"]
mod step;

use vitrine_engine::export::{Scene, bounding_box, write};
use vitrine_model::ExportFormat;

#[test]
fn an_empty_scene_is_refused_by_every_format_with_a_sentence() {
    for format in ExportFormat::ALL {
        let message = write(format, &Scene::default()).unwrap_err().to_string();
        assert!(message.contains(format.extension()), "{message}");
        assert!(
            message.contains("Check what the model returns"),
            "{message}"
        );
    }
}

#[test]
fn equal_scenes_give_equal_bytes() {
    for format in ExportFormat::ALL {
        let scene = scenes::everything();
        assert_eq!(
            write(format, &scene),
            write(format, &scene.clone()),
            "{format:?}"
        );
    }
}

#[test]
fn numbers_that_are_none_are_refused_by_every_format() {
    for bad in [f64::NAN, f64::INFINITY, 1e300] {
        let mut scene = scenes::everything();
        scene.solids[0].mesh.positions[3][1] = bad;
        scene.solids[0].render[0].positions[3][1] = bad;
        scene.outlines[0].polygons[0][1][0] = bad;
        for format in ExportFormat::ALL {
            let message = write(format, &scene).unwrap_err().to_string();
            assert!(
                message.contains("not a usable number"),
                "{format:?}: {message}"
            );
        }
    }
}

#[test]
fn corners_and_materials_that_do_not_exist_are_refused() {
    let mut lost_corner = scenes::cube();
    lost_corner.solids[0].mesh.triangles[0][0] = 8;
    lost_corner.solids[0].render[0].triangles[0][0] = 36;
    let mut lost_material = scenes::cube();
    lost_material.solids[0].mesh.triangle_material = vec![1; 12];
    let mut too_few = scenes::cube();
    too_few.solids[0].mesh.triangle_material = vec![0; 11];
    let mut normals = scenes::cube();
    normals.solids[0].render[0].normals.pop();
    let solid = [ExportFormat::Stl, ExportFormat::ThreeMf, ExportFormat::Obj];
    for format in solid {
        for scene in [&lost_corner, &lost_material, &too_few] {
            let message = write(format, scene).unwrap_err().to_string();
            assert!(message.contains("inconsistent"), "{format:?}: {message}");
        }
    }
    for scene in [&lost_corner, &normals] {
        let message = write(ExportFormat::Glb, scene).unwrap_err().to_string();
        assert!(message.contains("inconsistent"), "{message}");
    }
}

#[test]
fn the_bounding_box_holds_solids_areas_and_lines() {
    assert_eq!(bounding_box(&Scene::default()), None);
    assert_eq!(bounding_box(&scenes::cube()), Some(([0.0; 3], [10.0; 3])));
    let (low, high) = bounding_box(&scenes::everything()).unwrap();
    assert_eq!((low, high), ([-5.0, 0.0, 0.0], [20.0, 20.0, 10.0]));
}

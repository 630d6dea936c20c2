//! STL, 3MF and OBJ files, read back.

use std::collections::HashMap;
use std::io::Cursor;

use aws_lc_rs::digest::{SHA256, digest};
use threemf2::package::ThreemfPackage;
use vitrine_engine::export::{IndexedMesh, Scene, obj, stl, threemf};

use crate::scenes::{ORANGE, box_mesh, cube, everything, plate, solid};

pub(crate) type Corner = [u32; 3];

/// Corners of all triangles, as bits.
pub(crate) fn read_stl(bytes: &[u8]) -> Vec<[Corner; 3]> {
    assert!(!bytes.starts_with(b"solid"));
    let count = u32::from_le_bytes(bytes[80..84].try_into().unwrap()) as usize;
    assert_eq!(bytes.len(), 84 + count * 50);
    bytes[84..]
        .chunks(50)
        .map(|record| {
            let bits = |at: usize| {
                let number = f32::from_le_bytes(record[at..at + 4].try_into().unwrap());
                assert!(number.is_finite());
                assert!(
                    number != 0.0 || number.is_sign_positive(),
                    "negative zero splits corners"
                );
                number.to_bits()
            };
            [12, 24, 36].map(|at| [bits(at), bits(at + 4), bits(at + 8)])
        })
        .collect()
}

/// Every edge is passed once in each direction, by triangles that have an area's worth of distinct corners.
pub(crate) fn assert_watertight(triangles: &[[Corner; 3]]) {
    let mut passes: HashMap<(Corner, Corner), i32> = HashMap::new();
    for [a, b, c] in triangles {
        assert!(a != b && b != c && c != a, "a triangle lost its area");
        for (from, to) in [(a, b), (b, c), (c, a)] {
            *passes.entry((*from, *to)).or_default() += 1;
        }
    }
    for ((from, to), count) in &passes {
        assert_eq!((*count, passes.get(&(*to, *from))), (1, Some(&1)));
    }
}

pub(crate) fn volume(triangles: &[[Corner; 3]]) -> f64 {
    let six: f64 = triangles
        .iter()
        .map(|t| {
            let [a, b, c] = t.map(|p| p.map(|bits| f64::from(f32::from_bits(bits))));
            a[0] * (b[1] * c[2] - b[2] * c[1])
                + a[1] * (b[2] * c[0] - b[0] * c[2])
                + a[2] * (b[0] * c[1] - b[1] * c[0])
        })
        .sum();
    six / 6.0
}

fn scene_of(meshes: Vec<IndexedMesh>) -> Scene {
    let solids = meshes
        .into_iter()
        .map(|mesh| solid("body", mesh, ORANGE))
        .collect();
    Scene {
        solids,
        ..Scene::default()
    }
}

/// A closed tube whose rings are `step` apart, so that rounding puts some of them onto each other.
fn fine_tube(at: f64, step: f64) -> IndexedMesh {
    const RINGS: u32 = 40;
    const SIDES: u32 = 24;
    let mut mesh = IndexedMesh::default();
    for ring in 0..RINGS {
        for side in 0..SIDES {
            let angle = f64::from(side) * std::f64::consts::TAU / f64::from(SIDES);
            let z = at + f64::from(ring) * step;
            mesh.positions.push([at + angle.cos(), at + angle.sin(), z]);
        }
    }
    let id = |ring: u32, side: u32| ring * SIDES + side % SIDES;
    for ring in 1..RINGS {
        for side in 0..SIDES {
            let [a, b] = [id(ring - 1, side), id(ring - 1, side + 1)];
            let [c, d] = [id(ring, side), id(ring, side + 1)];
            mesh.triangles.extend([[a, b, d], [a, d, c]]);
        }
    }
    for side in 1..SIDES - 1 {
        mesh.triangles
            .push([id(0, 0), id(0, side + 1), id(0, side)]);
        mesh.triangles.push([
            id(RINGS - 1, 0),
            id(RINGS - 1, side),
            id(RINGS - 1, side + 1),
        ]);
    }
    mesh
}

#[test]
fn an_stl_cube_is_watertight_and_keeps_its_volume() {
    let triangles = read_stl(&stl(&cube()).unwrap());
    assert_eq!(triangles.len(), 12);
    assert_watertight(&triangles);
    assert!((volume(&triangles) - 1000.0).abs() < 1e-6);
}

#[test]
fn details_below_single_precision_leave_an_stl_watertight() {
    for (at, step) in [
        (0.0, 1e-9),
        (100.0, 1e-6),
        (1000.0, 3e-5),
        (12345.678, 1e-3),
        (-77.7, 4e-6),
    ] {
        let bytes = stl(&scene_of(vec![fine_tube(at, step)])).unwrap();
        assert_watertight(&read_stl(&bytes));
    }
}

#[test]
fn bodies_that_touch_stay_watertight_in_an_stl() {
    let stacked = vec![
        box_mesh([0.0; 3], [1.0; 3]),
        box_mesh([0.0, 0.0, 1.0], [1.0, 1.0, 2.0]),
    ];
    let at_an_edge = vec![
        box_mesh([0.0; 3], [1.0; 3]),
        box_mesh([1.0, 1.0, 0.0], [2.0, 2.0, 1.0]),
    ];
    let twice = vec![box_mesh([0.0; 3], [1.0; 3]), box_mesh([0.0; 3], [1.0; 3])];
    let many = (0..50)
        .map(|i| {
            box_mesh(
                [f64::from(i) * 0.1, 0.0, 0.0],
                [f64::from(i + 1) * 0.1, 1.0, 1.0],
            )
        })
        .collect();
    for (meshes, expected) in [(stacked, 2.0), (at_an_edge, 2.0), (twice, 2.0), (many, 5.0)] {
        let triangles = read_stl(&stl(&scene_of(meshes)).unwrap());
        assert_watertight(&triangles);
        assert!(
            (volume(&triangles) - expected).abs() < 1e-4,
            "{}",
            volume(&triangles)
        );
    }
}

#[test]
fn noise_around_zero_does_not_tear_an_stl() {
    let mut mesh = box_mesh([0.0; 3], [10.0; 3]);
    mesh.positions[0] = [6e-17, -6e-17, 1e-18];
    let triangles = read_stl(&stl(&scene_of(vec![mesh])).unwrap());
    assert_watertight(&triangles);
    assert_eq!(
        triangles,
        read_stl(&stl(&scene_of(vec![box_mesh([0.0; 3], [10.0; 3])])).unwrap())
    );
}

#[test]
fn a_body_with_a_hole_is_refused_where_it_has_to_be_closed() {
    let mut scene = cube();
    scene.solids[0].mesh.triangles.pop();
    for message in [stl(&scene).unwrap_err(), threemf(&scene).unwrap_err()] {
        let message = message.to_string();
        assert!(
            message.starts_with("solid \"cube\" is not closed (3 edges"),
            "{message}"
        );
    }
}

#[test]
fn flat_results_have_no_stl() {
    let message = stl(&plate()).unwrap_err().to_string();
    assert!(message.contains("a solid with a volume"), "{message}");
}

fn read_threemf(scene: &Scene) -> ThreemfPackage {
    let bytes = threemf(scene).unwrap();
    ThreemfPackage::from_reader_with_memory_optimized_deserializer(Cursor::new(bytes), true)
        .unwrap()
}

#[test]
fn a_3mf_is_read_back_by_another_library_with_names_and_meshes() {
    let mut scene = everything();
    scene.solids[0].name = Some("Böks <1> & \"lid\"".to_owned());
    let package = read_threemf(&scene);
    let objects = &package.root.resources.object;
    assert_eq!(objects.len(), 2);
    assert_eq!(package.root.build.item.len(), 2);
    assert_eq!(objects[0].name.as_deref(), Some("Böks <1> & \"lid\""));
    let mesh = objects[0].get_mesh().unwrap();
    assert_eq!(
        (mesh.vertices.vertex.len(), mesh.triangles.triangle.len()),
        (8, 12)
    );
}

/// The model part of a package as text.
fn model_part(bytes: &[u8]) -> String {
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut part = zip.by_name("3D/3dmodel.model").unwrap();
    assert_eq!(part.last_modified(), Some(zip::DateTime::default()));
    let mut text = String::new();
    std::io::Read::read_to_string(&mut part, &mut text).unwrap();
    text
}

#[test]
fn a_3mf_names_materials_once_and_says_which_triangles_have_them() {
    let mut scene = everything();
    let glass = scene.solids[1].materials[0].clone();
    scene.solids[0].materials.push(glass);
    scene.solids[0].mesh.triangle_material = vec![0; 12];
    scene.solids[0].mesh.triangle_material[5] = 1;
    let text = model_part(&threemf(&scene).unwrap());
    assert_eq!(text.matches("<base ").count(), 2, "{text}");
    assert!(text.contains("<base name=\"cube paint\" displaycolor=\"#FF8000FF\"/>"));
    assert!(text.contains("<base name=\"glass paint\" displaycolor=\"#0000FF40\"/>"));
    assert_eq!(text.matches("p1=\"1\"").count(), 1);
    assert!(text.contains("unit=\"millimeter\""));
}

#[test]
fn an_obj_counts_vertices_from_one_over_all_objects() {
    let text = String::from_utf8(obj(&everything()).unwrap()).unwrap();
    assert_eq!(
        text.lines().filter(|line| line.starts_with("v ")).count(),
        16
    );
    assert_eq!(
        text.lines().filter(|line| line.starts_with("f ")).count(),
        24
    );
    assert!(text.contains("o cube\n") && text.contains("usemtl glass_paint\n"));
    let largest = text
        .lines()
        .filter_map(|line| line.strip_prefix("f "))
        .flat_map(|line| line.split(' ').map(|n| n.parse::<u32>().unwrap()))
        .max();
    assert_eq!(largest, Some(16));
}

#[test]
fn the_bytes_of_a_cube_do_not_change_unnoticed() {
    let note = "files that are cached already would differ from new ones: raise the engine version";
    let hash = |bytes: &[u8]| hex::encode(digest(&SHA256, bytes));
    assert_eq!(
        hash(&stl(&cube()).unwrap()),
        "f25963c9988899c4e65aee4fd163f2eab29f6d95b07d7637f4b9006fc290a821",
        "{note}"
    );
    assert_eq!(
        hash(&obj(&cube()).unwrap()),
        "6021947c9ade9800bcee4be4b81bb9da5871f6b4a55dc39ddb79a2d5aa0a1609",
        "{note}"
    );
    let text = model_part(&threemf(&cube()).unwrap());
    assert_eq!(
        hash(text.as_bytes()),
        "19ed8379595626a131530ae3ddfcaf38b36dec8d01c1899626f46baf4e98a998",
        "{note}"
    );
}

#[test]
fn bodies_that_touch_along_an_edge_stay_apart_when_a_reader_joins_equal_corners() {
    let mut both = box_mesh([0.0; 3], [10.0; 3]);
    let other = box_mesh([10.0, 10.0, 0.0], [20.0, 20.0, 10.0]);
    both.positions.extend(other.positions);
    let triangles = other.triangles.iter().map(|t| t.map(|i| i + 8));
    both.triangles.extend(triangles);
    let scene = scene_of(vec![both.clone()]);
    assert_watertight(&read_stl(&stl(&scene).unwrap()));

    let package = read_threemf(&scene);
    let mesh = package.root.resources.object[0].get_mesh().unwrap();
    let corners: Vec<[f64; 3]> = mesh
        .vertices
        .vertex
        .iter()
        .map(|v| [v.x.value(), v.y.value(), v.z.value()])
        .collect();
    let mut far = 0.0_f64;
    for (ours, theirs) in both.positions.iter().zip(&corners) {
        for axis in 0..3 {
            far = far.max((ours[axis] - theirs[axis]).abs());
        }
    }
    assert!(far > 0.0 && far < 1e-5, "moved by {far}");
    let bits = |corner: u32| {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "as a reader in single precision"
        )]
        let single = |c: f64| (c as f32).to_bits();
        corners[corner as usize].map(single)
    };
    let triangles: Vec<[Corner; 3]> = both.triangles.iter().map(|t| t.map(bits)).collect();
    assert_watertight(&triangles);
}

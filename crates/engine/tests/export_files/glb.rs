//! GLB files, read back byte by byte.

use aws_lc_rs::digest::{SHA256, digest};
use gltf_json::Root;
use gltf_json::validation::Validate;
use serde_json::{Value, json};
use vitrine_engine::export::{Material, Part, Scene, SceneSolid, glb};

use crate::scenes::{box_mesh, cube, everything, face_normal, plate, shade};

struct Read {
    json: Value,
    bin: Vec<u8>,
}

fn word(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// Checks header, chunks, views, accessors and the rules that the JSON's own types know.
fn read(bytes: &[u8]) -> Read {
    assert_eq!(&bytes[..4], b"glTF");
    assert_eq!(word(bytes, 4), 2);
    assert_eq!(word(bytes, 8), bytes.len());
    assert_eq!(bytes.len() % 4, 0);
    let json_length = word(bytes, 12);
    assert_eq!(&bytes[16..20], b"JSON");
    assert_eq!(json_length % 4, 0);
    let bin_at = 20 + json_length;
    assert_eq!(&bytes[bin_at + 4..bin_at + 8], b"BIN\0");
    let bin = bytes[bin_at + 8..].to_vec();
    assert_eq!(word(bytes, bin_at), bin.len());
    let text = &bytes[20..bin_at];
    let root = Root::from_slice(text).unwrap();
    root.validate(&root, gltf_json::Path::new, &mut |path, error| {
        panic!("{}: {error}", path());
    });
    let json: Value = serde_json::from_slice(text).unwrap();
    assert_eq!(json["buffers"][0]["byteLength"], json!(bin.len()));
    let read = Read { json, bin };
    for accessor in read.list("accessors") {
        read.check(accessor);
    }
    read
}

impl Read {
    fn list(&self, name: &str) -> &[Value] {
        self.json[name].as_array().map_or(&[], Vec::as_slice)
    }

    fn number(value: &Value) -> usize {
        usize::try_from(value.as_u64().unwrap()).unwrap()
    }

    fn bytes(&self, accessor: &Value) -> &[u8] {
        let view = &self.list("bufferViews")[Self::number(&accessor["bufferView"])];
        let offset = Self::number(&view["byteOffset"]);
        assert_eq!(offset % 4, 0);
        &self.bin[offset..offset + Self::number(&view["byteLength"])]
    }

    fn vectors(&self, accessor: &Value) -> Vec<[f32; 3]> {
        let float = |b: &[u8]| f32::from_le_bytes(b.try_into().unwrap());
        let floats: Vec<f32> = self.bytes(accessor).chunks(4).map(float).collect();
        floats.chunks(3).map(|v| [v[0], v[1], v[2]]).collect()
    }

    fn indices(&self, accessor: &Value) -> Vec<usize> {
        let bytes = self.bytes(accessor);
        match accessor["componentType"].as_u64() {
            Some(5123) => bytes
                .chunks(2)
                .map(|b| usize::from(b[0]) | usize::from(b[1]) << 8)
                .collect(),
            Some(5125) => bytes.chunks(4).map(|b| word(b, 0)).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn check(&self, accessor: &Value) {
        let count = Self::number(&accessor["count"]);
        let size = match (
            accessor["type"].as_str(),
            accessor["componentType"].as_u64(),
        ) {
            (Some("VEC3"), Some(5126)) => 12,
            (Some("SCALAR"), Some(5125)) => 4,
            (Some("SCALAR"), Some(5123)) => 2,
            other => panic!("{other:?}"),
        };
        assert_eq!(self.bytes(accessor).len(), count * size);
        if accessor["min"].is_array() {
            let vectors = self.vectors(accessor);
            for axis in 0..3 {
                let values = || vectors.iter().map(|v| v[axis]);
                assert_eq!(
                    accessor["min"][axis],
                    json!(values().fold(f32::MAX, f32::min))
                );
                assert_eq!(
                    accessor["max"][axis],
                    json!(values().fold(f32::MIN, f32::max))
                );
            }
        }
    }

    fn primitives(&self) -> Vec<&Value> {
        self.list("meshes")
            .iter()
            .flat_map(|m| m["primitives"].as_array().unwrap())
            .collect()
    }

    fn accessor(&self, index: &Value) -> &Value {
        &self.list("accessors")[Self::number(index)]
    }
}

#[test]
fn a_cube_stands_in_the_file_with_y_up_and_outward_triangles() {
    let mut scene = cube();
    let tall = box_mesh([0.0; 3], [1.0, 2.0, 30.0]);
    scene.solids[0].render = vec![shade(&tall, &Material::default())];
    let read = read(&glb(&scene).unwrap());
    let primitive = read.primitives()[0];
    let positions = read.accessor(&primitive["attributes"]["POSITION"]);
    assert_eq!(positions["min"], json!([0.0, 0.0, -2.0]));
    assert_eq!(positions["max"], json!([1.0, 30.0, 0.0]));
    let points = read.vectors(positions);
    let normals = read.vectors(read.accessor(&primitive["attributes"]["NORMAL"]));
    let indices = read.indices(read.accessor(&primitive["indices"]));
    assert_eq!(indices.len(), 36);
    for triangle in indices.chunks(3) {
        let corners = [0, 1, 2].map(|corner| points[triangle[corner]].map(f64::from));
        let normal = normals[triangle[0]].map(f64::from);
        let along: f64 = face_normal(corners)
            .iter()
            .zip(normal)
            .map(|(a, b)| a * b)
            .sum();
        assert!(
            along > 0.0,
            "the normal points away from the front of its triangle"
        );
    }
}

#[test]
fn names_colours_and_transparency_are_written() {
    let read = read(&glb(&everything()).unwrap());
    assert_eq!(
        read.json["asset"],
        json!({"generator": "Vitrine, lengths in millimetres", "version": "2.0"})
    );
    let names: Vec<&Value> = read
        .list("nodes")
        .iter()
        .map(|node| &node["name"])
        .collect();
    assert_eq!(
        names[..3],
        [&json!("cube"), &json!("glass"), &json!("plate <1>")]
    );
    let orange = &read.list("materials")[0];
    assert_eq!(orange["name"], json!("cube paint"));
    assert_eq!(orange["alphaMode"], json!("OPAQUE"));
    assert_eq!(orange["doubleSided"], json!(false));
    let factor = &orange["pbrMetallicRoughness"]["baseColorFactor"];
    assert_eq!(factor, &json!([1.0, 0.214_041, 0.0, 1.0]));
    let glass = &read.list("materials")[1];
    assert_eq!(glass["alphaMode"], json!("BLEND"));
}

#[test]
fn parts_of_one_look_become_one_primitive_and_materials_are_shared() {
    let (warm, cold) = (paint([1.0, 0.0, 0.0, 1.0]), paint([0.0, 0.0, 1.0, 1.0]));
    let part = |x: f64, material| shade(&box_mesh([x, 0.0, 0.0], [x + 1.0, 1.0, 1.0]), material);
    let render = vec![part(0.0, &warm), part(2.0, &cold), part(4.0, &warm)];
    let one = SceneSolid {
        render,
        ..SceneSolid::default()
    };
    let scene = Scene {
        solids: vec![one.clone(), one],
        ..Scene::default()
    };
    let read = read(&glb(&scene).unwrap());
    let counts: Vec<usize> = read
        .primitives()
        .iter()
        .map(|p| read.indices(read.accessor(&p["indices"])).len())
        .collect();
    assert_eq!(counts, [72, 36, 72, 36]);
    assert_eq!(read.list("materials").len(), 2);
}

fn paint(color: [f32; 4]) -> Material {
    Material {
        color,
        ..Material::default()
    }
}

/// A strip of `vertices` corners.
fn strip(vertices: u32) -> Scene {
    let corner = |i: u32| [f64::from(i / 2), f64::from(i % 2), 0.0];
    let part = Part {
        positions: (0..vertices).map(corner).collect(),
        normals: (0..vertices).map(|_| [0.0, 0.0, 1.0]).collect(),
        triangles: (2..vertices).map(|i| [i - 2, i - 1, i]).collect(),
        material: Material::default(),
    };
    let solid = SceneSolid {
        render: vec![part],
        ..SceneSolid::default()
    };
    Scene {
        solids: vec![solid],
        ..Scene::default()
    }
}

#[test]
fn indices_are_short_while_they_fit() {
    for (vertices, component) in [(65_535, 5123), (65_536, 5125)] {
        let read = read(&glb(&strip(vertices)).unwrap());
        let indices = read.accessor(&read.primitives()[0]["indices"]);
        assert_eq!(indices["componentType"], json!(component));
        assert_eq!(
            read.indices(indices).into_iter().max(),
            Some(vertices as usize - 1)
        );
    }
}

#[test]
fn missing_normals_are_taken_from_the_triangles() {
    let mut scene = cube();
    scene.solids[0].render[0].normals.fill([0.0; 3]);
    assert_eq!(glb(&scene), glb(&cube()));
}

#[test]
fn areas_are_filled_around_their_holes_and_lines_stay_lines() {
    let read = read(&glb(&plate()).unwrap());
    let [area, line] = read.primitives()[..] else {
        panic!()
    };
    let points = read.vectors(read.accessor(&area["attributes"]["POSITION"]));
    let indices = read.indices(read.accessor(&area["indices"]));
    let doubled: f32 = indices
        .chunks(3)
        .map(|t| {
            let [a, b, c] = [points[t[0]], points[t[1]], points[t[2]]];
            -((b[0] - a[0]) * (c[2] - a[2]) - (c[0] - a[0]) * (b[2] - a[2]))
        })
        .sum();
    assert!((doubled / 2.0 - 300.0).abs() < 1e-3, "{doubled}");
    let material = Read::number(&area["material"]);
    assert_eq!(read.list("materials")[material]["doubleSided"], json!(true));
    assert_eq!(line["mode"], json!(1));
    assert_eq!(read.indices(read.accessor(&line["indices"])), [0, 1]);
}

#[test]
fn rings_that_cross_themselves_do_no_harm() {
    let mut scene = plate();
    scene.outlines[0].polygons = vec![
        vec![[0.0, 0.0], [10.0, 10.0], [10.0, 0.0], [0.0, 10.0]],
        vec![[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]],
        vec![[1.0, 1.0]],
        vec![],
    ];
    read(&glb(&scene).unwrap());
}

#[test]
fn the_bytes_of_a_cube_do_not_change_unnoticed() {
    let bytes = glb(&cube()).unwrap();
    let hash = hex::encode(digest(&SHA256, &bytes));
    assert_eq!(
        hash, "5b3f587eebe47d4e9fb5978d3b31fb9f7dd94c1aee3b6cbc9b910a8813903b2f",
        "files that are cached already would differ from new ones: raise the engine version"
    );
}

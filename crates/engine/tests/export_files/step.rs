//! STEP files, held against the rules of the format by a reader of its own. `tests/engine/trees.py` reads them by Open Cascade.

use std::collections::HashMap;

use vitrine_engine::export::{Scene, step};

use crate::scenes::{ORANGE, box_mesh, everything, plate, solid};

/// Entities by number.
type File = HashMap<usize, String>;

fn read(scene: &Scene) -> (String, File) {
    let text = String::from_utf8(step(scene).unwrap()).unwrap();
    assert!(text.is_ascii());
    assert!(text.starts_with("ISO-10303-21;\nHEADER;\n") && text.ends_with("END-ISO-10303-21;\n"));
    let (_, data) = text.split_once("DATA;\n").unwrap();
    let (data, _) = data.split_once("ENDSEC;\n").unwrap();
    let mut file = File::new();
    for line in data.lines() {
        let (id, entity) = line.strip_prefix('#').unwrap().split_once('=').unwrap();
        let entity = entity.strip_suffix(';').unwrap().to_owned();
        assert!(file.insert(id.parse().unwrap(), entity).is_none());
    }
    for entity in file.values() {
        for id in references(entity) {
            assert!(file.contains_key(&id), "{entity}");
        }
    }
    (text, file)
}

/// The numbers of the entities that one names, in order.
fn references(entity: &str) -> Vec<usize> {
    let outside_texts = entity.split('\'').step_by(2);
    let parts = outside_texts.flat_map(|part| part.split('#').skip(1));
    parts
        .map(|part| {
            let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().unwrap()
        })
        .collect()
}

fn of_kind<'a>(file: &'a File, kind: &str) -> Vec<&'a String> {
    let begins = format!("{kind}(");
    file.values().filter(|e| e.starts_with(&begins)).collect()
}

/// Every edge of a shell is passed once in each direction, between points of the file.
fn assert_closed(file: &File, shell: &str) -> usize {
    let mut passes: HashMap<(usize, usize), usize> = HashMap::new();
    let faces = references(shell);
    for face in &faces {
        let bound = references(&file[face])[0];
        let ring = references(&file[&bound])[0];
        let corners = references(&file[&ring]);
        assert_eq!(corners.len(), 3);
        for at in 0..3 {
            *passes
                .entry((corners[at], corners[(at + 1) % 3]))
                .or_default() += 1;
        }
    }
    for ((from, to), count) in &passes {
        assert_eq!((*count, passes.get(&(*to, *from))), (1, Some(&1)));
    }
    faces.len()
}

#[test]
fn step_holds_closed_shells_with_units_and_names() {
    let mut scene = everything();
    scene.solids[0].name = Some("Bod\u{e9} 'a'".to_owned());
    let (text, file) = read(&scene);
    assert!(text.contains("AUTOMOTIVE_DESIGN { 1 0 10303 214 1 1 1 1 }"));
    assert!(text.contains("faceted boundary representation"));
    assert!(text.contains("PRODUCT('faceted model','faceted model'"));
    assert!(text.contains("SI_UNIT(.MILLI.,.METRE.)"));
    assert!(text.contains(r"FACETED_BREP('Bod\X4\000000E9\X0\ ''a''',#"));
    let shells = of_kind(&file, "CLOSED_SHELL");
    assert_eq!(shells.len(), 2);
    for shell in shells {
        assert_eq!(assert_closed(&file, shell), 12);
    }
    // Corners are shared, not repeated: eight of each box, and the origin of the axes.
    assert_eq!(of_kind(&file, "CARTESIAN_POINT").len(), 17);
    assert_eq!(step(&scene).unwrap(), text.as_bytes());
}

#[test]
fn a_hollow_becomes_a_void_of_its_body_and_pieces_become_bodies() {
    let mut mesh = box_mesh([0.0; 3], [10.0; 3]);
    for (low, high, inside_out) in [([2.0; 3], [8.0; 3], true), ([20.0; 3], [21.0; 3], false)] {
        let other = box_mesh(low, high);
        let first = u32::try_from(mesh.positions.len()).unwrap();
        mesh.positions.extend(other.positions);
        mesh.triangles
            .extend(other.triangles.iter().map(|triangle| {
                let [a, b, c] = triangle.map(|i| i + first);
                if inside_out { [a, c, b] } else { [a, b, c] }
            }));
    }
    let scene = Scene {
        solids: vec![solid("box", mesh, ORANGE)],
        ..Scene::default()
    };
    let (_, file) = read(&scene);
    assert_eq!(of_kind(&file, "CLOSED_SHELL").len(), 3);
    assert_eq!(of_kind(&file, "FACETED_BREP").len(), 1);
    assert_eq!(of_kind(&file, "BREP_WITH_VOIDS").len(), 1);
    assert_eq!(of_kind(&file, "ORIENTED_CLOSED_SHELL").len(), 1);
    assert_eq!(of_kind(&file, "SHAPE_REPRESENTATION").len(), 1);
}

#[test]
fn step_needs_closed_solids() {
    let message = step(&plate()).unwrap_err().to_string();
    assert!(message.contains("a solid with a volume"), "{message}");
    let mut open = box_mesh([0.0; 3], [10.0; 3]);
    open.triangles.pop();
    let scene = Scene {
        solids: vec![solid("box", open, ORANGE)],
        ..Scene::default()
    };
    assert!(step(&scene).is_err());
}

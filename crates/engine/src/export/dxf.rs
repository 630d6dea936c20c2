//! DXF in its oldest widely read form (R12, ASCII): polylines on named layers, in millimetres.

use std::fmt::Write as _;

use super::check;
use super::error::ExportError;
use super::mesh::Scene;
use super::text::{channel, number};

/// Longest layer name of R12.
const LAYER_LENGTH_MAX: usize = 31;
/// The seven standard colours with their numbers.
const COLORS: [(u8, [u8; 3]); 7] = [
    (1, [255, 0, 0]),
    (2, [255, 255, 0]),
    (3, [0, 255, 0]),
    (4, [0, 255, 255]),
    (5, [0, 0, 255]),
    (6, [255, 0, 255]),
    (7, [0, 0, 0]),
];
/// White and black share this number: readers show it in contrast to their background.
const CONTRAST: u8 = 7;

struct Polyline<'a> {
    layer: String,
    color: u8,
    closed: bool,
    points: &'a [[f64; 2]],
}

/// Writes areas (as closed polylines) and lines as one DXF file.
///
/// # Errors
/// Nothing flat, or unusable numbers.
pub fn dxf(scene: &Scene) -> Result<Vec<u8>, ExportError> {
    check::flat(scene)?;
    let flat = Scene {
        solids: Vec::new(),
        ..scene.clone()
    };
    let Some((low, high)) = super::bounding_box(&flat) else {
        return Err(ExportError::Empty {
            format: "dxf",
            needs: "a flat area or a line",
        });
    };
    let lines = polylines(scene);
    let mut out = String::new();
    pair(&mut out, 0, "SECTION");
    pair(&mut out, 2, "HEADER");
    pair(&mut out, 9, "$ACADVER");
    pair(&mut out, 1, "AC1009");
    pair(&mut out, 9, "$INSUNITS");
    pair(&mut out, 70, "4");
    for (name, corner) in [("$EXTMIN", low), ("$EXTMAX", high)] {
        pair(&mut out, 9, name);
        point(&mut out, [corner[0], corner[1]]);
    }
    pair(&mut out, 0, "ENDSEC");
    layers(&mut out, &lines);
    pair(&mut out, 0, "SECTION");
    pair(&mut out, 2, "ENTITIES");
    for line in &lines {
        polyline(&mut out, line);
    }
    pair(&mut out, 0, "ENDSEC");
    pair(&mut out, 0, "EOF");
    Ok(out.into_bytes())
}

fn polylines(scene: &Scene) -> Vec<Polyline<'_>> {
    let areas = scene.outlines.iter().flat_map(|outline| {
        outline.polygons.iter().map(|ring| Polyline {
            layer: layer_name(outline.name.as_deref()),
            color: color_number(outline.color),
            closed: true,
            points: ring,
        })
    });
    let lines = scene.paths.iter().map(|path| Polyline {
        layer: layer_name(path.name.as_deref()),
        color: color_number(path.color),
        closed: path.closed,
        points: &path.points,
    });
    areas
        .chain(lines)
        .filter(|line| line.points.len() > 1)
        .collect()
}

fn layers(out: &mut String, lines: &[Polyline<'_>]) {
    let mut names: Vec<&str> = lines.iter().map(|line| line.layer.as_str()).collect();
    names.push("0");
    names.sort_unstable();
    names.dedup();
    pair(out, 0, "SECTION");
    pair(out, 2, "TABLES");
    pair(out, 0, "TABLE");
    pair(out, 2, "LAYER");
    pair(out, 70, &names.len().to_string());
    for name in names {
        pair(out, 0, "LAYER");
        pair(out, 2, name);
        pair(out, 70, "0");
        pair(out, 62, &CONTRAST.to_string());
        pair(out, 6, "CONTINUOUS");
    }
    pair(out, 0, "ENDTAB");
    pair(out, 0, "ENDSEC");
}

fn polyline(out: &mut String, line: &Polyline<'_>) {
    let header = |out: &mut String, kind: &str| {
        pair(out, 0, kind);
        pair(out, 8, &line.layer);
    };
    header(out, "POLYLINE");
    pair(out, 62, &line.color.to_string());
    pair(out, 66, "1");
    point(out, [0.0, 0.0]);
    pair(out, 70, if line.closed { "1" } else { "0" });
    for vertex in line.points {
        header(out, "VERTEX");
        point(out, *vertex);
    }
    header(out, "SEQEND");
}

fn point(out: &mut String, [x, y]: [f64; 2]) {
    pair(out, 10, &number(x));
    pair(out, 20, &number(y));
    pair(out, 30, "0");
}

fn pair(out: &mut String, code: u16, value: &str) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{code:>3}\r\n{value}\r\n");
}

/// Letters, digits and a few signs are all that R12 allows.
fn layer_name(name: Option<&str>) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '$' | '-' | '_');
    let clean = |c: char| {
        if allowed(c) {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    match name {
        Some(name) if !name.trim().is_empty() => name
            .trim()
            .chars()
            .map(clean)
            .take(LAYER_LENGTH_MAX)
            .collect(),
        _ => "0".to_owned(),
    }
}

/// The nearest standard colour.
fn color_number(color: Option<[f32; 4]>) -> u8 {
    let Some(color) = color else {
        return CONTRAST;
    };
    let [red, green, blue, _] = color.map(channel);
    let distance = |rgb: [u8; 3]| {
        let squares = rgb
            .iter()
            .zip([red, green, blue])
            .map(|(a, b)| u32::from(a.abs_diff(b)).pow(2));
        squares.sum::<u32>()
    };
    let white = (CONTRAST, [255, 255, 255]);
    let all = COLORS.into_iter().chain([white]);
    all.min_by_key(|(_, rgb)| distance(*rgb))
        .map_or(CONTRAST, |(number, _)| number)
}

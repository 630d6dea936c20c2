//! What the program writes: OFF for solids, SVG for drawings. It runs model code, so nothing of it is trusted.

use vitrine_model::{EngineError, LimitExceeded, LimitKind};

use super::polygon;
use crate::jscad::import::Polygons;

/// Corners for each triangle that a mesh may have: closed ones have half as many, soups three times as many.
const CORNERS_PER_TRIANGLE: u64 = 3;

/// Numbers of an OFF face that may follow its corners: red, green, blue and alpha.
const COLOR_NUMBERS: usize = 4;

/// Reads an OFF file.
pub(super) fn off(text: &[u8], triangles_max: u64) -> Result<Polygons, EngineError> {
    let text = std::str::from_utf8(text).map_err(|_| garbled("it is not text"))?;
    let text = text
        .strip_prefix("OFF")
        .ok_or_else(|| garbled("it does not begin with OFF"))?;
    let mut lines = text
        .lines()
        .map(|line| {
            line.split_once('#')
                .map_or(line, |(before, _)| before)
                .trim()
        })
        .filter(|line| !line.is_empty());
    let header = lines.next().ok_or_else(|| garbled("it has no counts"))?;
    let mut counts = header.split_ascii_whitespace().map(str::parse::<u64>);
    let (Some(Ok(corners)), Some(Ok(faces))) = (counts.next(), counts.next()) else {
        return Err(garbled("its counts are no numbers"));
    };
    let corners_max = triangles_max.saturating_mul(CORNERS_PER_TRIANGLE);
    if faces > triangles_max || corners > corners_max {
        return Err(EngineError::Limit(LimitExceeded {
            limit: LimitKind::Triangles,
            at: "the result".to_owned(),
            spent: format!("{faces} faces of {triangles_max} triangles"),
            raise: "lower $fn or use fewer details".to_owned(),
        }));
    }
    let mut points: Vec<[f64; 3]> = Vec::new();
    for _ in 0..corners {
        let line = lines.next().ok_or_else(|| garbled("corners are missing"))?;
        points.push(point(line).ok_or_else(|| garbled("a corner is not three numbers"))?);
    }
    let mut polygons = Polygons::default();
    for _ in 0..faces {
        let line = lines.next().ok_or_else(|| garbled("faces are missing"))?;
        face(line, &points, &mut polygons)
            .ok_or_else(|| garbled("a face is not as it should be"))?;
    }
    Ok(polygons)
}

fn point(line: &str) -> Option<[f64; 3]> {
    let mut numbers = line.split_ascii_whitespace().map(str::parse::<f64>);
    let mut next = || numbers.next()?.ok();
    Some([next()?, next()?, next()?])
}

/// Adds one face, cut into convex pieces.
fn face(line: &str, points: &[[f64; 3]], polygons: &mut Polygons) -> Option<()> {
    let mut words = line.split_ascii_whitespace();
    let count: usize = words.next()?.parse().ok()?;
    if count > points.len() {
        return None;
    }
    let mut ring = Vec::new();
    for _ in 0..count {
        let index: usize = words.next()?.parse().ok()?;
        ring.push(*points.get(index)?);
    }
    let numbers: Vec<f32> = words
        .take(COLOR_NUMBERS)
        .map_while(|word| word.parse().ok())
        .collect();
    let color = color(&numbers);
    for piece in polygon::convex(ring) {
        polygons.push(&piece, color);
    }
    Some(())
}

/// Red, green, blue and perhaps alpha, from 0 to 255.
fn color(numbers: &[f32]) -> Option<[f32; 4]> {
    let part = |number: f32| (number / 255.0).clamp(0.0, 1.0);
    match *numbers {
        [r, g, b] => Some([part(r), part(g), part(b), 1.0]),
        [r, g, b, a] => Some([part(r), part(g), part(b), part(a)]),
        _ => None,
    }
}

/// Reads the outlines of an SVG file as OpenSCAD writes it: sides of four numbers, Y upwards.
pub(super) fn svg(text: &[u8], points_max: usize) -> Result<Vec<f64>, EngineError> {
    let text = std::str::from_utf8(text).map_err(|_| garbled("it is not text"))?;
    let mut sides = Vec::new();
    for path in text.split("<path").skip(1) {
        let Some((_, data)) = path.split_once(" d=\"") else {
            continue;
        };
        let data = data.split('"').next().unwrap_or_default();
        outline(data, &mut sides).ok_or_else(|| garbled("a path is not as it should be"))?;
        if sides.len() / 4 > points_max {
            return Err(EngineError::Limit(LimitExceeded {
                limit: LimitKind::Segments,
                at: "the result".to_owned(),
                spent: format!("more than {points_max} points"),
                raise: "lower $fn".to_owned(),
            }));
        }
    }
    Ok(sides)
}

/// Adds the closed rings of one path: `M x,y L x,y … z`, repeated.
fn outline(data: &str, sides: &mut Vec<f64>) -> Option<()> {
    let mut ring: Vec<[f64; 2]> = Vec::new();
    let words = data
        .split(|c: char| c.is_ascii_whitespace())
        .filter(|word| !word.is_empty());
    for word in words {
        match word {
            "M" | "L" => {}
            "z" | "Z" => close(&mut ring, sides),
            pair => {
                let (x, y) = pair.split_once(',')?;
                let x: f64 = x.trim_start_matches(['M', 'L']).parse().ok()?;
                let y: f64 = y.parse().ok()?;
                ring.push([x, -y]);
            }
        }
    }
    close(&mut ring, sides);
    Some(())
}

fn close(ring: &mut Vec<[f64; 2]>, sides: &mut Vec<f64>) {
    for (index, from) in ring.iter().enumerate() {
        let to = ring[(index + 1) % ring.len()];
        sides.extend([from[0], from[1], to[0], to[1]]);
    }
    ring.clear();
}

/// The program wrote something else than its formats say.
fn garbled(what: &str) -> EngineError {
    EngineError::Script {
        message: format!("OpenSCAD wrote a file that cannot be read: {what}"),
        line: None,
    }
}

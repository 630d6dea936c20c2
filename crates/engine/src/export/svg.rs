//! SVG: flat areas and lines in millimetres, Y up in the model and down in the file.

use std::fmt::Write as _;

use super::check;
use super::error::ExportError;
use super::mesh::{Outline2d, Path, Scene};
use super::text::{channel, hex_rgb, number, xml};

/// Empty space around the drawing, so that strokes on its border are seen whole.
const MARGIN: f64 = 1.0;
/// Width of strokes, in model units: a fine pen.
const STROKE: &str = "0.25";

/// Writes areas and lines as one SVG file.
///
/// # Errors
/// Nothing flat, or unusable numbers.
pub fn svg(scene: &Scene) -> Result<Vec<u8>, ExportError> {
    check::flat(scene)?;
    let flat = Scene {
        solids: Vec::new(),
        ..scene.clone()
    };
    let Some((low, high)) = super::bounding_box(&flat) else {
        return Err(ExportError::Empty {
            format: "svg",
            needs: "a flat area or a line",
        });
    };
    let width = number(high[0] - low[0] + 2.0 * MARGIN);
    let height = number(high[1] - low[1] + 2.0 * MARGIN);
    let (left, top) = (number(low[0] - MARGIN), number(-high[1] - MARGIN));
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}mm\" height=\"{height}mm\" viewBox=\"{left} {top} {width} {height}\">"
    );
    let _ = writeln!(
        out,
        "<g stroke=\"#000000\" stroke-width=\"{STROKE}\" fill=\"none\" fill-rule=\"evenodd\" stroke-linejoin=\"round\">"
    );
    for outline in &scene.outlines {
        area(&mut out, outline);
    }
    for path in &scene.paths {
        line(&mut out, path);
    }
    out.push_str("</g>\n</svg>\n");
    Ok(out.into_bytes())
}

fn area(out: &mut String, outline: &Outline2d) {
    let rings: Vec<String> = outline
        .polygons
        .iter()
        .map(|ring| steps(ring, true))
        .collect();
    let fill = outline.color.map_or_else(String::new, |color| {
        let opacity = number(f64::from(channel(color[3])) / 255.0);
        format!(" fill=\"{}\" fill-opacity=\"{opacity}\"", hex_rgb(color))
    });
    element(out, outline.name.as_deref(), &rings.concat(), &fill);
}

fn line(out: &mut String, path: &Path) {
    let stroke = path.color.map_or_else(String::new, |color| {
        format!(" stroke=\"{}\"", hex_rgb(color))
    });
    element(
        out,
        path.name.as_deref(),
        &steps(&path.points, path.closed),
        &stroke,
    );
}

fn element(out: &mut String, name: Option<&str>, data: &str, attributes: &str) {
    if data.is_empty() {
        return;
    }
    let title = name.map_or_else(String::new, |name| format!("<title>{}</title>", xml(name)));
    let _ = writeln!(out, "<path d=\"{data}\"{attributes}>{title}</path>");
}

fn steps(points: &[[f64; 2]], closed: bool) -> String {
    let mut out = String::new();
    for (at, [x, y]) in points.iter().enumerate() {
        let command = if at == 0 { 'M' } else { 'L' };
        let _ = write!(out, "{command}{} {}", number(*x), number(-y));
    }
    if closed && !points.is_empty() {
        out.push('Z');
    }
    out
}

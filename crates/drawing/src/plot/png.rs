//! A page as a picture: 8 bits for each of three colours, one packed chunk (PNG, third edition).

use std::io::Write;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint as Brush, PathBuilder, Pixmap, Stroke, Transform,
};

use super::page::Page;
use super::{Paint, Point, Scene, Step};
use crate::DrawingError;

const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";
/// 8 bits, red green blue, the one packing, the one set of filters, not interlaced.
const FORM: [u8; 5] = [8, 2, 0, 0, 0];
const NO_FILTER: u8 = 0;
/// Pixels of the longer side: about 120 to the inch.
const LONG_PIXELS: f64 = 2_000.0;
/// Lines are not drawn thinner, pixels: thinner ones fade.
const WIDTH_PIXELS_MIN: f32 = 1.0;

pub(super) fn write(scene: &Scene, page: &Page) -> Result<Vec<u8>, DrawingError> {
    let scale = LONG_PIXELS / page.width_mm.max(page.height_mm);
    let (width, height) = (
        pixels(page.width_mm * scale),
        pixels(page.height_mm * scale),
    );
    let wrong = || DrawingError::unreadable("the picture has no size");
    let mut picture = Pixmap::new(width, height).ok_or_else(wrong)?;
    picture.fill(Color::WHITE);
    let place = |point: Point| page.place(point).map(|value| real(value * scale));
    for mark in &scene.marks {
        let mut builder = PathBuilder::new();
        for step in &mark.steps {
            match *step {
                Step::Move(to) => {
                    let [x, y] = place(to);
                    builder.move_to(x, y);
                }
                Step::Line(to) => {
                    let [x, y] = place(to);
                    builder.line_to(x, y);
                }
                Step::Curve(by, to) => {
                    let ([x1, y1], [x, y]) = (place(by), place(to));
                    builder.quad_to(x1, y1, x, y);
                }
                Step::Close => builder.close(),
            }
        }
        // Areas and lines without any extent are none.
        let Some(path) = builder.finish() else {
            continue;
        };
        let mut brush = Brush::default();
        let [red, green, blue] = mark.colour;
        brush.set_color_rgba8(red, green, blue, 255);
        brush.anti_alias = true;
        let same = Transform::identity();
        match mark.paint {
            Paint::Stroke(width) => {
                let stroke = Stroke {
                    width: real(page.width_mm(width) * scale).max(WIDTH_PIXELS_MIN),
                    line_cap: LineCap::Round,
                    line_join: LineJoin::Round,
                    ..Stroke::default()
                };
                picture.stroke_path(&path, &brush, &stroke, same, None);
            }
            Paint::Fill => picture.fill_path(&path, &brush, FillRule::Winding, same, None),
            Paint::FillEvenOdd => picture.fill_path(&path, &brush, FillRule::EvenOdd, same, None),
        }
    }
    packed(&picture).map_err(|error| DrawingError::unreadable(error.to_string()))
}

/// The picture's file.
fn packed(picture: &Pixmap) -> std::io::Result<Vec<u8>> {
    let (width, height) = (picture.width(), picture.height());
    let mut rows = ZlibEncoder::new(Vec::new(), Compression::default());
    let row_pixels = usize::try_from(width).unwrap_or(usize::MAX);
    let mut row = Vec::with_capacity(1 + 3 * row_pixels);
    for pixels in picture.pixels().chunks(row_pixels) {
        row.clear();
        // Each row stands for itself; white paper packs well without filters.
        row.push(NO_FILTER);
        for pixel in pixels {
            row.extend_from_slice(&[pixel.red(), pixel.green(), pixel.blue()]);
        }
        rows.write_all(&row)?;
    }
    let mut head = Vec::from(width.to_be_bytes());
    head.extend_from_slice(&height.to_be_bytes());
    head.extend_from_slice(&FORM);
    let mut file = Vec::from(SIGNATURE);
    chunk(&mut file, *b"IHDR", &head);
    chunk(&mut file, *b"IDAT", &rows.finish()?);
    chunk(&mut file, *b"IEND", &[]);
    Ok(file)
}

/// Length, name, content, and the checksum of the last two.
fn chunk(file: &mut Vec<u8>, name: [u8; 4], content: &[u8]) {
    let mut checksum = Crc::new();
    checksum.update(&name);
    checksum.update(content);
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    file.extend_from_slice(&length.to_be_bytes());
    file.extend_from_slice(&name);
    file.extend_from_slice(content);
    file.extend_from_slice(&checksum.sum().to_be_bytes());
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the size of a picture of a sheet of paper, which is small and positive"
)]
fn pixels(value: f64) -> u32 {
    value.round() as u32
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "places in a picture of some thousand pixels"
)]
fn real(value: f64) -> f32 {
    value as f32
}

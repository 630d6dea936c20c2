//! A page as PDF.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{LineCapStyle, LineJoinStyle};
use pdf_writer::{Content, Filter, Finish, Pdf, Rect, Ref};

use super::page::Page;
use super::{Paint, Point, Scene, Step};
use crate::DrawingError;

/// Points of a millimetre.
const POINTS: f64 = 72.0 / 25.4;

pub(super) fn write(scene: &Scene, page: &Page) -> Result<Vec<u8>, DrawingError> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    let content = encoder
        .write_all(&painted(scene, page))
        .and_then(|()| encoder.finish())
        .map_err(|error| DrawingError::unreadable(error.to_string()))?;
    let (catalog, tree, sheet, stream) = (Ref::new(1), Ref::new(2), Ref::new(3), Ref::new(4));
    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(tree);
    pdf.pages(tree).kids([sheet]).count(1);
    let mut first = pdf.page(sheet);
    let (width, height) = (real(page.width_mm * POINTS), real(page.height_mm * POINTS));
    first
        .media_box(Rect::new(0.0, 0.0, width, height))
        .parent(tree)
        .contents(stream);
    first.resources().finish();
    first.finish();
    pdf.stream(stream, &content).filter(Filter::FlateDecode);
    Ok(pdf.finish())
}

fn painted(scene: &Scene, page: &Page) -> Vec<u8> {
    let place = |point: Point| {
        let [x, y] = page.place(point);
        [real(x * POINTS), real((page.height_mm - y) * POINTS)]
    };
    let mut content = Content::new();
    content.set_line_cap(LineCapStyle::RoundCap);
    content.set_line_join(LineJoinStyle::RoundJoin);
    for mark in &scene.marks {
        let [red, green, blue] = mark.colour.map(|part| f32::from(part) / 255.0);
        match mark.paint {
            Paint::Stroke(width) => {
                content.set_stroke_rgb(red, green, blue);
                content.set_line_width(real(page.width_mm(width) * POINTS));
            }
            Paint::Fill | Paint::FillEvenOdd => {
                content.set_fill_rgb(red, green, blue);
            }
        }
        let mut at = [0.0_f32; 2];
        for step in &mark.steps {
            match *step {
                Step::Move(to) => {
                    at = place(to);
                    content.move_to(at[0], at[1]);
                }
                Step::Line(to) => {
                    at = place(to);
                    content.line_to(at[0], at[1]);
                }
                Step::Curve(by, to) => {
                    // The cubic curve that a quadratic one is.
                    let (by, to) = (place(by), place(to));
                    let toward = |end: f32, by: f32| end + (by - end) * 2.0 / 3.0;
                    content.cubic_to(
                        toward(at[0], by[0]),
                        toward(at[1], by[1]),
                        toward(to[0], by[0]),
                        toward(to[1], by[1]),
                        to[0],
                        to[1],
                    );
                    at = to;
                }
                Step::Close => {
                    content.close_path();
                }
            }
        }
        match mark.paint {
            Paint::Stroke(_) => content.stroke(),
            Paint::Fill => content.fill_nonzero(),
            Paint::FillEvenOdd => content.fill_even_odd(),
        };
    }
    content.finish().into_vec()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "places on a sheet of paper, whose numbers PDF writes with less precision"
)]
fn real(value: f64) -> f32 {
    value as f32
}

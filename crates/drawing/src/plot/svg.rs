//! A page as SVG 1.1: one path for what looks alike and follows on each other.

use std::fmt::Write;

use super::page::Page;
use super::{Mark, Paint, Point, Scene, Step};

pub(super) fn write(scene: &Scene, page: &Page) -> Vec<u8> {
    let (width, height) = (page.width_mm, page.height_mm);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"{width}mm\" \
         height=\"{height}mm\" viewBox=\"0 0 {width} {height}\" stroke-linecap=\"round\" \
         stroke-linejoin=\"round\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    let mut marks = scene.marks.iter().peekable();
    while let Some(mark) = marks.next() {
        out.push_str("<path d=\"");
        outline(&mut out, mark, page);
        let is_line = matches!(mark.paint, Paint::Stroke(_));
        while let Some(next) =
            marks.next_if(|next| is_line && next.paint == mark.paint && next.colour == mark.colour)
        {
            outline(&mut out, next, page);
        }
        let [red, green, blue] = mark.colour;
        let colour = format!("#{red:02x}{green:02x}{blue:02x}");
        let look = match mark.paint {
            Paint::Stroke(width) => format!(
                "\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{}\"/>\n",
                rounded(page.width_mm(width))
            ),
            Paint::Fill => format!("\" fill=\"{colour}\"/>\n"),
            Paint::FillEvenOdd => format!("\" fill=\"{colour}\" fill-rule=\"evenodd\"/>\n"),
        };
        out.push_str(&look);
    }
    out.push_str("</svg>\n");
    out.into_bytes()
}

fn outline(out: &mut String, mark: &Mark, page: &Page) {
    for step in &mark.steps {
        match step.map(|point| page.place(point)) {
            Step::Move(to) => point(out, 'M', to),
            Step::Line(to) => point(out, 'L', to),
            Step::Curve(by, to) => {
                point(out, 'Q', by);
                point(out, ' ', to);
            }
            Step::Close => out.push('Z'),
        }
    }
}

fn point(out: &mut String, letter: char, [x, y]: Point) {
    // Writing to a text cannot fail.
    let _ = write!(out, "{letter}{} {}", rounded(x), rounded(y));
}

/// A thousandth of a millimetre is finer than any printer.
fn rounded(value: f64) -> f64 {
    // Adding zero makes a negative zero a plain one.
    (value * 1_000.0).round() / 1_000.0 + 0.0
}

//! Letters as outlines.

use std::sync::OnceLock;

use acadrust::entities::mtext_format::{parse_mtext, parse_plain_text};
use acadrust::types::Matrix4;
use ttf_parser::{Face, GlyphId, OutlineBuilder};

use super::{Point, Step, seen};

/// `DejaVu Sans`: Latin, Greek, Cyrillic and the signs that drawings use. What it lacks is a box.
const FONT: &[u8] = include_bytes!("../fonts/DejaVuSans-subset.ttf");
/// What drawings call a text's height is that of its capitals. This is used when a font does not tell.
const CAPITALS_OF_EM: f64 = 0.729;
/// Letters of one text.
const LETTERS_MAX: usize = 10_000;
/// From one line of a text to the next, in its heights (five thirds, as drawings have it).
const LINE_HEIGHTS: f64 = 5.0 / 3.0;

fn font() -> Option<&'static Face<'static>> {
    static FACE: OnceLock<Option<Face<'static>>> = OnceLock::new();
    FACE.get_or_init(|| Face::parse(FONT, 0).ok()).as_ref()
}

/// How a text stands at its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) height: f64,
    /// How wide letters are beside their usual width.
    pub(super) width: f64,
    /// How far they lean to the right, radians.
    pub(super) lean: f64,
    /// Where the place lies in the line: 0 at its left end, 1 at its right end.
    pub(super) across: f64,
    /// Where it lies in the height of a capital: 0 at its foot, 1 at its head.
    pub(super) up: f64,
}

/// The text of a single line, with its signs.
pub(super) fn plain(value: &str) -> String {
    parse_plain_text(value)
        .paragraphs
        .iter()
        .map(acadrust::entities::mtext_format::MTextParagraph::to_plain_text)
        .collect()
}

/// How wide a line is, in its heights.
pub(super) fn width(line: &str) -> f64 {
    font().map_or(0.0, |face| {
        line.chars()
            .take(LETTERS_MAX)
            .map(|letter| advance(face, glyph(face, letter)))
            .sum()
    })
}

/// One line; `place` leads from the text's own frame (its place at zero, along the x axis).
pub(super) fn line(line: &str, look: Look, place: &Matrix4) -> Vec<Step> {
    let Some(face) = font() else {
        return Vec::new();
    };
    let (lean, size) = (look.lean.tan(), look.height);
    let start = -width(line) * look.across * size * look.width;
    let mut outline = Outline {
        steps: Vec::new(),
        pen: start,
        unit: size / capitals(face),
        width: look.width,
        lean: if lean.is_finite() { lean } else { 0.0 },
        down: look.up * size,
        place,
    };
    for letter in line.chars().take(LETTERS_MAX) {
        let glyph = glyph(face, letter);
        face.outline_glyph(glyph, &mut outline);
        outline.pen += advance(face, glyph) * size * look.width;
    }
    outline.steps
}

/// The lines of a text of several, broken where they are wider than `room` (in heights of the text).
pub(super) fn lines(value: &str, room: Option<f64>) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in parse_mtext(value, true).paragraphs {
        let text = paragraph.to_plain_text();
        let Some(room) = room else {
            lines.push(text);
            continue;
        };
        let mut line = String::new();
        for word in text.split(' ') {
            let longer = if line.is_empty() {
                word.to_owned()
            } else {
                format!("{line} {word}")
            };
            if !line.is_empty() && width(&longer) > room {
                lines.push(std::mem::replace(&mut line, word.to_owned()));
            } else {
                line = longer;
            }
        }
        lines.push(line);
    }
    lines
}

/// From a line to the next, in heights.
pub(super) fn line_step(factor: f64) -> f64 {
    let factor = if (0.25..=4.0).contains(&factor) {
        factor
    } else {
        1.0
    };
    LINE_HEIGHTS * factor
}

fn glyph(face: &Face<'_>, letter: char) -> GlyphId {
    let letter = if letter == '\t' { ' ' } else { letter };
    face.glyph_index(letter)
        .or_else(|| face.glyph_index('\u{25a1}'))
        .unwrap_or_default()
}

/// In heights of the text.
fn advance(face: &Face<'_>, glyph: GlyphId) -> f64 {
    f64::from(face.glyph_hor_advance(glyph).unwrap_or(0)) / capitals(face)
}

/// How high capitals are, in units of the font.
fn capitals(face: &Face<'_>) -> f64 {
    match face.capital_height() {
        Some(height) if height > 0 => f64::from(height),
        _ => f64::from(face.units_per_em()) * CAPITALS_OF_EM,
    }
}

struct Outline<'a> {
    steps: Vec<Step>,
    pen: f64,
    /// Drawing units of a unit of the font.
    unit: f64,
    width: f64,
    lean: f64,
    down: f64,
    place: &'a Matrix4,
}

impl Outline<'_> {
    fn at(&self, x: f32, y: f32) -> Point {
        let (x, y) = (f64::from(x) * self.unit, f64::from(y) * self.unit);
        let x = self.pen + (x + y * self.lean) * self.width;
        seen(self.place, x, y - self.down, 0.0)
    }
}

impl OutlineBuilder for Outline<'_> {
    fn move_to(&mut self, x: f32, y: f32) {
        self.steps.push(Step::Move(self.at(x, y)));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.steps.push(Step::Line(self.at(x, y)));
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let step = Step::Curve(self.at(x1, y1), self.at(x, y));
        self.steps.push(step);
    }

    fn curve_to(&mut self, _x1: f32, _y1: f32, _x2: f32, _y2: f32, x: f32, y: f32) {
        // TrueType outlines have none.
        self.line_to(x, y);
    }

    fn close(&mut self) {
        self.steps.push(Step::Close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(across: f64) -> Look {
        Look {
            height: 10.0,
            width: 1.0,
            lean: 0.0,
            across,
            up: 0.0,
        }
    }

    fn extent(steps: &[Step]) -> (f64, f64, f64) {
        let points: Vec<Point> = steps.iter().flat_map(Step::points).collect();
        let side = |pick: fn(f64, f64) -> f64, axis: usize| {
            points.iter().map(|point| point[axis]).reduce(pick).unwrap()
        };
        (side(f64::min, 0), side(f64::max, 0), side(f64::max, 1))
    }

    #[test]
    fn capitals_are_as_high_as_the_text_says_and_lie_where_it_says() {
        let (left, right, top) = extent(&line("H", look(0.0), &Matrix4::identity()));
        assert!((top - 10.0).abs() < 0.01, "{top}");
        assert!(left > 0.0 && right < 10.0 * width("H"));
        let (left, right, _) = extent(&line("H", look(1.0), &Matrix4::identity()));
        assert!(left > -10.0 * width("H") && right < 0.0);
    }

    #[test]
    fn signs_of_drawings_are_read_and_letters_that_are_missing_are_a_box() {
        assert_eq!(plain("%%c40 %%p0.1 45%%d"), "Ø40 ±0.1 45°");
        for letter in ["Ø", "±", "°", "Ж", "Ω", "漢"] {
            assert!(
                !line(letter, look(0.0), &Matrix4::identity()).is_empty(),
                "{letter}"
            );
        }
    }

    #[test]
    fn long_paragraphs_are_broken_between_words() {
        assert_eq!(lines("one\\Ptwo", None), ["one", "two"]);
        let room = width("several words");
        assert_eq!(
            lines("several words here", Some(room)),
            ["several words", "here"]
        );
        assert_eq!(lines("{\\H2x;big} small", None), ["big small"]);
    }
}

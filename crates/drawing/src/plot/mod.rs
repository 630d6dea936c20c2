//! Drawings as pages: model space, as it looks from above, on white paper. One scene of lines and areas
//! is written as SVG, PDF and PNG, so that all three show the same.
//!
//! Letters are outlines of a font that is part of the program; drawings name fonts that no server has.

mod curves;
mod entities;
mod hatch;
mod page;
mod pdf;
mod png;
mod svg;
mod text;

use acadrust::CadDocument;
use acadrust::types::Matrix4;

use crate::DrawingError;
use crate::limits::PLOT_STEPS_MAX;

use page::Page;

/// A point of the drawing seen from above, in its units.
pub(crate) type Point = [f64; 2];

/// A piece of an outline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step {
    Move(Point),
    Line(Point),
    /// A quadratic curve: control point and end.
    Curve(Point, Point),
    Close,
}

impl Step {
    fn points(&self) -> impl Iterator<Item = Point> {
        let (first, second) = match *self {
            Self::Move(to) | Self::Line(to) => (Some(to), None),
            Self::Curve(by, to) => (Some(by), Some(to)),
            Self::Close => (None, None),
        };
        first.into_iter().chain(second)
    }

    fn map(&self, place: impl Fn(Point) -> Point) -> Self {
        match *self {
            Self::Move(to) => Self::Move(place(to)),
            Self::Line(to) => Self::Line(place(to)),
            Self::Curve(by, to) => Self::Curve(place(by), place(to)),
            Self::Close => Self::Close,
        }
    }
}

/// How wide a line is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Width {
    /// Millimetres on paper.
    Paper(f64),
    /// Units of the drawing.
    Drawing(f64),
}

/// How an outline is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Paint {
    Stroke(Width),
    /// What is inside an odd number of times.
    FillEvenOdd,
    /// What the outline goes around.
    Fill,
}

/// Something to be seen.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    pub(crate) steps: Vec<Step>,
    pub(crate) paint: Paint,
    pub(crate) colour: [u8; 3],
}

/// A line without an end: shown as far as the rest of the drawing reaches.
#[derive(Clone, Copy, Debug)]
struct Endless {
    through: Point,
    along: Point,
    both_ways: bool,
    width: Width,
    colour: [u8; 3],
}

/// All that is to be seen.
#[derive(Debug)]
pub(crate) struct Scene {
    marks: Vec<Mark>,
    endless: Vec<Endless>,
    low: Point,
    high: Point,
    steps: usize,
}

impl Default for Scene {
    fn default() -> Self {
        Self {
            marks: Vec::new(),
            endless: Vec::new(),
            low: [f64::INFINITY; 2],
            high: [f64::NEG_INFINITY; 2],
            steps: 0,
        }
    }
}

impl Scene {
    /// Adds a mark. One that lies nowhere is left out: damaged drawings have such.
    fn add(&mut self, mark: Mark) -> Result<(), DrawingError> {
        let far = |point: Point| {
            point
                .iter()
                .any(|value| !value.is_finite() || value.abs() > 1e15)
        };
        if mark.steps.is_empty() || mark.steps.iter().flat_map(Step::points).any(far) {
            return Ok(());
        }
        self.count(mark.steps.len())?;
        for point in mark.steps.iter().flat_map(Step::points) {
            for (axis, value) in point.into_iter().enumerate() {
                self.low[axis] = self.low[axis].min(value);
                self.high[axis] = self.high[axis].max(value);
            }
        }
        self.marks.push(mark);
        Ok(())
    }

    /// Counts what was drawn; more than the bound is too much.
    fn count(&mut self, steps: usize) -> Result<(), DrawingError> {
        self.steps += steps;
        if self.steps > PLOT_STEPS_MAX {
            return Err(DrawingError::TooLarge {
                what: "lines on a page",
                max: PLOT_STEPS_MAX,
            });
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// Cuts the lines without an end to what is seen of them.
    fn cut_endless(&mut self) {
        if self.is_empty() {
            return;
        }
        for line in std::mem::take(&mut self.endless) {
            let (low, high) = (self.low, self.high);
            let seen = curves::cut(line.through, line.along, line.both_ways, low, high);
            if let Some((from, to)) = seen {
                self.marks.push(Mark {
                    steps: vec![Step::Move(from), Step::Line(to)],
                    paint: Paint::Stroke(line.width),
                    colour: line.colour,
                });
            }
        }
    }
}

/// A form of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageForm {
    Svg,
    Pdf,
    Png,
}

/// Model space as a page.
pub(crate) fn plotted(document: &mut CadDocument, form: PageForm) -> Result<Vec<u8>, DrawingError> {
    let mut scene = entities::scene(document)?;
    scene.cut_endless();
    let page = Page::around(&scene);
    match form {
        PageForm::Svg => Ok(svg::write(&scene, &page)),
        PageForm::Pdf => pdf::write(&scene, &page),
        PageForm::Png => png::write(&scene, &page),
    }
}

/// A point of the drawing, seen from above.
fn seen(place: &Matrix4, x: f64, y: f64, z: f64) -> Point {
    let point = place.transform_point(acadrust::types::Vector3::new(x, y, z));
    [point.x, point.y]
}

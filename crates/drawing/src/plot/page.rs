//! The sheet of paper: the drawing fills it, upright or across, with a margin.

use super::{Point, Scene, Width};

/// The sides of the sheet (ISO 216 A3), millimetres.
const LONG_MM: f64 = 420.0;
const SHORT_MM: f64 = 297.0;
/// What stays white at each edge, millimetres.
const MARGIN_MM: f64 = 10.0;
/// The thinnest line that a printer shows, millimetres.
const WIDTH_MM_MIN: f64 = 0.05;

/// Where things lie on paper. Millimetres, from the upper left corner down.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    pub(super) width_mm: f64,
    pub(super) height_mm: f64,
    /// Millimetres of a unit of the drawing.
    scale: f64,
    /// What of the drawing lies in the middle of the sheet.
    middle: Point,
}

impl Page {
    pub(super) fn around(scene: &Scene) -> Self {
        let (low, high) = if scene.is_empty() {
            ([0.0; 2], [1.0; 2])
        } else {
            (scene.low, scene.high)
        };
        let size = [high[0] - low[0], high[1] - low[1]];
        let (width_mm, height_mm) = if size[1] > size[0] {
            (SHORT_MM, LONG_MM)
        } else {
            (LONG_MM, SHORT_MM)
        };
        let fits = |room: f64, size: f64| {
            let scale = (room - 2.0 * MARGIN_MM) / size;
            if scale.is_finite() { scale } else { f64::MAX }
        };
        let scale = fits(width_mm, size[0]).min(fits(height_mm, size[1]));
        Self {
            width_mm,
            height_mm,
            // A drawing of one point has no size.
            scale: if scale < f64::MAX { scale } else { 1.0 },
            middle: [
                f64::midpoint(low[0], high[0]),
                f64::midpoint(low[1], high[1]),
            ],
        }
    }

    pub(super) fn place(&self, point: Point) -> Point {
        [
            self.width_mm / 2.0 + (point[0] - self.middle[0]) * self.scale,
            self.height_mm / 2.0 - (point[1] - self.middle[1]) * self.scale,
        ]
    }

    pub(super) fn width_mm(&self, width: Width) -> f64 {
        let width = match width {
            Width::Paper(width) => width,
            Width::Drawing(width) => width * self.scale,
        };
        width.max(WIDTH_MM_MIN)
    }
}

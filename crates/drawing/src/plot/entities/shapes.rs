//! Lines, curves and areas.

use std::f64::consts::TAU;

use acadrust::entities::{EntityType, Hatch, LwPolyline, Polyline2D};
use acadrust::types::{Matrix3, Matrix4, Vector3};

use super::super::curves::{angles, bulged, spline, sweep};
use super::super::hatch;
use super::super::{Mark, Paint, Point, Width, seen};
use super::{Painter, Place, Style, outline};
use crate::DrawingError;

impl Painter<'_> {
    /// Draws an entity that is a line or an area; `false` for others.
    pub(super) fn shape(
        &mut self,
        entity: &EntityType,
        style: &Style,
        place: &Place,
    ) -> Result<bool, DrawingError> {
        let width = Width::Paper(style.width_mm);
        let points: Vec<Vector3> = match entity {
            EntityType::Point(point) => vec![point.location, point.location],
            EntityType::Line(line) => vec![line.start, line.end],
            EntityType::Circle(circle) => angles(0.0, TAU)
                .map(|angle| circle.point_at_angle_wcs(angle))
                .collect(),
            EntityType::Arc(arc) => angles(arc.start_angle, sweep(arc.start_angle, arc.end_angle))
                .map(|angle| arc.point_at_angle_wcs(angle))
                .collect(),
            EntityType::Ellipse(ellipse) => {
                let minor = ellipse.normal.normalize().cross(&ellipse.major_axis);
                let (from, to) = (ellipse.start_parameter, ellipse.end_parameter);
                let at = |angle: f64| {
                    let (sin, cos) = angle.sin_cos();
                    ellipse.center
                        + ellipse.major_axis * cos
                        + minor * (ellipse.minor_axis_ratio * sin)
                };
                angles(from, sweep(from, to)).map(at).collect()
            }
            EntityType::Spline(curve) => spline(
                curve.degree,
                &curve.knots,
                &curve.control_points,
                &curve.weights,
                &curve.fit_points,
            ),
            EntityType::Polyline(line) => {
                let mut points: Vec<_> = line.vertices.iter().map(|v| v.location).collect();
                points.extend(
                    line.flags
                        .is_closed()
                        .then(|| points[..].first().copied())
                        .flatten(),
                );
                points
            }
            EntityType::Leader(leader) => leader.vertices.clone(),
            EntityType::LwPolyline(line) => return self.light(line, style, place).map(|()| true),
            EntityType::Polyline2D(line) => return self.heavy(line, style, place),
            EntityType::Hatch(area) => return self.hatch(area, style, place).map(|()| true),
            EntityType::Solid(solid) => {
                // The third corner lies opposite the second one's neighbour.
                let corners = [
                    solid.first_corner,
                    solid.second_corner,
                    solid.fourth_corner,
                    solid.third_corner,
                ];
                let place = place.to_drawing * plane(solid.normal);
                let corners = corners.map(|corner| seen(&place, corner.x, corner.y, corner.z));
                return self.area(&[corners.to_vec()], style).map(|()| true);
            }
            _ => return Ok(false),
        };
        let points: Vec<Point> = points
            .iter()
            .map(|point| seen(&place.to_drawing, point.x, point.y, point.z))
            .collect();
        self.chain(&points, width, style).map(|()| true)
    }

    fn area(&mut self, outlines: &[Vec<Point>], style: &Style) -> Result<(), DrawingError> {
        self.scene.add(Mark {
            steps: outlines
                .iter()
                .flat_map(|points| outline(points, true))
                .collect(),
            paint: Paint::FillEvenOdd,
            colour: style.colour,
        })
    }

    fn light(
        &mut self,
        line: &LwPolyline,
        style: &Style,
        place: &Place,
    ) -> Result<(), DrawingError> {
        let corners = line.vertices.iter();
        let corners: Vec<_> = corners
            .map(|v| ([v.location.x, v.location.y], v.bulge))
            .collect();
        let own_plane = place.to_drawing * plane(line.normal);
        let points = flat_chain(&corners, line.is_closed);
        self.flat(
            &points,
            line.elevation,
            line.constant_width,
            &own_plane,
            style,
        )
    }

    /// `false` for one whose corners are those of a smoothed curve, which comes to pieces by itself.
    fn heavy(
        &mut self,
        line: &Polyline2D,
        style: &Style,
        place: &Place,
    ) -> Result<bool, DrawingError> {
        let corners = line.vertices.iter();
        let corners: Vec<_> = corners
            .map(|v| ([v.location.x, v.location.y], v.bulge))
            .collect();
        let own_plane = place.to_drawing * plane(line.normal);
        let points = flat_chain(&corners, line.flags.is_closed());
        let width = if line.start_width > 0.0 && (line.start_width - line.end_width).abs() < 1e-9 {
            line.start_width
        } else {
            0.0
        };
        self.flat(&points, line.elevation, width, &own_plane, style)?;
        Ok(true)
    }

    fn flat(
        &mut self,
        points: &[Point],
        elevation: f64,
        width: f64,
        own_plane: &Matrix4,
        style: &Style,
    ) -> Result<(), DrawingError> {
        let place = |point: &Point| seen(own_plane, point[0], point[1], elevation);
        let points: Vec<Point> = points.iter().map(place).collect();
        let width = if width > 0.0 {
            // What a block's scale makes of it.
            let (zero, one) = (
                seen(own_plane, 0.0, 0.0, 0.0),
                seen(own_plane, 1.0, 0.0, 0.0),
            );
            Width::Drawing(width * super::super::curves::distance(zero, one))
        } else {
            Width::Paper(style.width_mm)
        };
        self.chain(&points, width, style)
    }

    fn hatch(&mut self, area: &Hatch, style: &Style, place: &Place) -> Result<(), DrawingError> {
        let own_plane = place.to_drawing * plane(area.normal);
        let placed = |points: &[Point]| -> Vec<Point> {
            let place = |point: &Point| seen(&own_plane, point[0], point[1], area.elevation);
            points.iter().map(place).collect()
        };
        let outlines = hatch::outlines(area);
        if area.is_solid || area.gradient_color.enabled {
            let outlines: Vec<_> = outlines.iter().map(|points| placed(points)).collect();
            return self.area(&outlines, style);
        }
        let mut steps = Vec::new();
        for pattern in &area.pattern.lines {
            for piece in hatch::lines(&outlines, pattern) {
                steps.extend(outline(&placed(&piece), false));
            }
        }
        self.scene.add(Mark {
            steps,
            paint: Paint::Stroke(Width::Paper(style.width_mm)),
            colour: style.colour,
        })
    }
}

/// From an entity's own plane to the drawing.
pub(super) fn plane(normal: Vector3) -> Matrix4 {
    Matrix4::from_matrix3(Matrix3::arbitrary_axis(normal))
}

fn flat_chain(corners: &[(Point, f64)], closed: bool) -> Vec<Point> {
    let mut points: Vec<Point> = corners.iter().take(1).map(|(point, _)| *point).collect();
    let last = if closed {
        corners.len()
    } else {
        corners.len().saturating_sub(1)
    };
    let after = corners.iter().cycle().skip(1);
    for ((from, bulge), (to, _)) in corners.iter().zip(after).take(last) {
        bulged(*from, *to, *bulge, &mut points);
    }
    points
}

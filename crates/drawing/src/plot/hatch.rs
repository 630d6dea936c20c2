//! Hatches: areas, and the lines that fill them.

use acadrust::entities::{BoundaryEdge, BoundaryPath, Hatch, HatchPatternLine};
use acadrust::types::Vector3;

use super::Point;
use super::curves::{angles, bulged, dashed, spline, sweep};

/// Lines of one direction in one hatch. A pattern with more of them is a grey to the eye.
const LINES_MAX: f64 = 5_000.0;

/// The outlines of a hatch, each closed.
pub(super) fn outlines(hatch: &Hatch) -> Vec<Vec<Point>> {
    let loops = hatch.paths.iter().map(outline);
    loops.filter(|points| points.len() > 2).collect()
}

fn outline(path: &BoundaryPath) -> Vec<Point> {
    let mut points = Vec::new();
    for edge in &path.edges {
        match edge {
            BoundaryEdge::Line(line) => {
                points.push([line.start.x, line.start.y]);
                points.push([line.end.x, line.end.y]);
            }
            BoundaryEdge::CircularArc(arc) => {
                let turn = turn(arc.start_angle, arc.end_angle, arc.counter_clockwise);
                points.extend(turn.map(|angle| {
                    [
                        arc.center.x + arc.radius * angle.cos(),
                        arc.center.y + arc.radius * angle.sin(),
                    ]
                }));
            }
            BoundaryEdge::EllipticArc(arc) => {
                let (x, y) = (arc.major_axis_endpoint.x, arc.major_axis_endpoint.y);
                let ratio = arc.minor_axis_ratio;
                let turn = turn(arc.start_angle, arc.end_angle, arc.counter_clockwise);
                points.extend(turn.map(|angle| {
                    let (sin, cos) = angle.sin_cos();
                    [
                        arc.center.x + x * cos - y * ratio * sin,
                        arc.center.y + y * cos + x * ratio * sin,
                    ]
                }));
            }
            BoundaryEdge::Spline(edge) => {
                let flat = |x: f64, y: f64| Vector3::new(x, y, 0.0);
                let control: Vec<_> = edge.control_points.iter().map(|p| flat(p.x, p.y)).collect();
                let weights: Vec<f64> = if edge.rational {
                    edge.control_points.iter().map(|point| point.z).collect()
                } else {
                    Vec::new()
                };
                let fit: Vec<_> = edge.fit_points.iter().map(|p| flat(p.x, p.y)).collect();
                let curve = spline(edge.degree, &edge.knots, &control, &weights, &fit);
                points.extend(curve.iter().map(|point| [point.x, point.y]));
            }
            BoundaryEdge::Polyline(line) => {
                let vertices = &line.vertices;
                let after = vertices.iter().cycle().skip(1);
                for (vertex, next) in vertices.iter().zip(after) {
                    if points.is_empty() {
                        points.push([vertex.x, vertex.y]);
                    }
                    bulged(
                        [vertex.x, vertex.y],
                        [next.x, next.y],
                        vertex.z,
                        &mut points,
                    );
                }
            }
        }
    }
    points
}

/// The angles of an arc in a boundary; those that go with the clock are counted the other way.
fn turn(start: f64, end: f64, against_clock: bool) -> Box<dyn Iterator<Item = f64>> {
    if against_clock {
        Box::new(angles(start, sweep(start, end)))
    } else {
        Box::new(angles(-start, -sweep(start, end)))
    }
}

/// The lines of one direction, cut to the area.
pub(super) fn lines(outlines: &[Vec<Point>], pattern: &HatchPatternLine) -> Vec<Vec<Point>> {
    let (sin, cos) = pattern.angle.sin_cos();
    let offset = [pattern.offset.x, pattern.offset.y];
    let apart = offset[1] * cos - offset[0] * sin;
    let ahead = offset[0] * cos + offset[1] * sin;
    let base = [pattern.base_point.x, pattern.base_point.y];
    // Along the lines and across them, from the pattern's base.
    let turned = |point: &Point| {
        let (x, y) = (point[0] - base[0], point[1] - base[1]);
        [x * cos + y * sin, y * cos - x * sin]
    };
    let back = |x: f64, y: f64| [base[0] + x * cos - y * sin, base[1] + x * sin + y * cos];
    let turned: Vec<Vec<Point>> = outlines
        .iter()
        .map(|outline| outline.iter().map(turned).collect())
        .collect();
    let across = turned.iter().flatten().map(|point| point[1] / apart);
    let (first, last) = across.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), at| {
        (low.min(at), high.max(at))
    });
    let (first, last) = (first.ceil(), last.floor());
    let is_sane = first.is_finite() && last.is_finite() && last - first < LINES_MAX;
    let mut found = Vec::new();
    let mut number = first;
    while is_sane && number <= last {
        let height = number * apart;
        for pair in crossings(&turned, height).chunks_exact(2) {
            let piece = [[pair[0], height], [pair[1], height]];
            let shown = match pattern.dash_lengths.as_slice() {
                [] => vec![piece.to_vec()],
                dashes => in_phase(piece, dashes, number * ahead),
            };
            let placed = |piece: Vec<Point>| piece.iter().map(|[x, y]| back(*x, *y)).collect();
            found.extend(shown.into_iter().map(placed));
        }
        number += 1.0;
    }
    found
}

/// Where a level line meets the outlines, in order.
fn crossings(outlines: &[Vec<Point>], height: f64) -> Vec<f64> {
    let mut found = Vec::new();
    for outline in outlines {
        let after = outline.iter().cycle().skip(1);
        for (from, to) in outline.iter().zip(after) {
            if (from[1] <= height) != (to[1] <= height) {
                let part = (height - from[1]) / (to[1] - from[1]);
                found.push(from[0] + (to[0] - from[0]) * part);
            }
        }
    }
    found.sort_by(f64::total_cmp);
    found
}

/// The dashes of a piece; their pattern begins at `start` and not where the piece does.
fn in_phase([from, to]: [Point; 2], dashes: &[f64], start: f64) -> Vec<Vec<Point>> {
    let period: f64 = dashes.iter().map(|dash| dash.abs()).sum();
    if period <= 0.0 || period.is_nan() {
        return vec![vec![from, to]];
    }
    let begin = start + ((from[0] - start) / period).floor() * period;
    let Some(pieces) = dashed(&[[begin, from[1]], to], dashes) else {
        return vec![vec![from, to]];
    };
    let cut = |piece: Vec<Point>| {
        let (left, right) = (piece[0][0].max(from[0]), piece[piece.len() - 1][0]);
        (right >= left).then(|| vec![[left, from[1]], [right, from[1]]])
    };
    pieces.into_iter().filter_map(cut).collect()
}

#[cfg(test)]
mod tests {
    use acadrust::types::Vector2;

    use super::*;

    fn square(from: f64, to: f64) -> Vec<Point> {
        vec![[from, from], [to, from], [to, to], [from, to]]
    }

    fn level(dashes: &[f64]) -> HatchPatternLine {
        HatchPatternLine {
            angle: 0.0,
            base_point: Vector2::new(0.0, 0.5),
            offset: Vector2::new(0.0, 1.0),
            dash_lengths: dashes.to_vec(),
        }
    }

    #[test]
    fn lines_end_at_the_outline_and_leave_islands_out() {
        let whole = lines(&[square(0.0, 4.0)], &level(&[]));
        assert_eq!(whole.len(), 4);
        assert_eq!(whole[0], [[0.0, 0.5], [4.0, 0.5]]);
        let around = lines(&[square(0.0, 4.0), square(1.0, 3.0)], &level(&[]));
        assert_eq!(around.len(), 6, "{around:?}");
    }

    #[test]
    fn dashes_follow_the_pattern_and_not_the_outline() {
        let dashes = lines(&[square(0.5, 4.0)], &level(&[1.0, -1.0]));
        assert_eq!(dashes[0], [[0.5, 0.5], [1.0, 0.5]]);
        assert_eq!(dashes[1], [[2.0, 0.5], [3.0, 0.5]]);
    }

    #[test]
    fn a_pattern_too_fine_to_be_seen_costs_nothing() {
        let mut fine = level(&[]);
        fine.offset = Vector2::new(0.0, 1e-9);
        assert!(lines(&[square(0.0, 4.0)], &fine).is_empty());
    }
}

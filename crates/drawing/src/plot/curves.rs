//! Curves as chains of points, fine enough for a sheet of paper.

use std::f64::consts::TAU;

use acadrust::types::Vector3;

use super::Point;

/// Pieces of a whole turn: on a sheet 420 mm wide they leave the circle by less than a line's width.
const PIECES_OF_TURN: f64 = 128.0;
/// Pieces between two control points.
const PIECES_OF_SPAN: usize = 8;
/// Points of one curve: what has more of them is drawn coarser.
const CURVE_POINTS_MAX: usize = 20_000;

/// Angles from `start` on for `sweep` radians, both ends included.
pub(super) fn angles(start: f64, sweep: f64) -> impl Iterator<Item = f64> {
    let pieces = pieces(sweep);
    (0..=pieces).map(move |at| start + sweep * share(at, pieces))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 2 and 128, and what is no number becomes 2"
)]
fn pieces(sweep: f64) -> u32 {
    (sweep.abs().min(TAU) / TAU * PIECES_OF_TURN)
        .ceil()
        .max(2.0) as u32
}

fn share(at: u32, of: u32) -> f64 {
    f64::from(at) / f64::from(of)
}

/// How far it is around from one angle to the other, against the clock.
pub(super) fn sweep(start: f64, end: f64) -> f64 {
    let sweep = (end - start).rem_euclid(TAU);
    if sweep < 1e-9 { TAU } else { sweep }
}

/// The points after `from` up to `to` on an arc of this bulge: the tangent of a quarter of its angle.
pub(super) fn bulged(from: Point, to: Point, bulge: f64, out: &mut Vec<Point>) {
    let chord = [to[0] - from[0], to[1] - from[1]];
    if bulge.abs() > 1e-9 && bulge.is_finite() {
        // The centre lies beside the chord's middle.
        let aside = (1.0 - bulge * bulge) / (4.0 * bulge);
        let centre = [
            f64::midpoint(from[0], to[0]) - chord[1] * aside,
            f64::midpoint(from[1], to[1]) + chord[0] * aside,
        ];
        let (dx, dy) = (from[0] - centre[0], from[1] - centre[1]);
        let radius = dx.hypot(dy);
        let inner = angles(dy.atan2(dx), 4.0 * bulge.atan()).skip(1);
        out.extend(inner.map(|angle| {
            [
                centre[0] + radius * angle.cos(),
                centre[1] + radius * angle.sin(),
            ]
        }));
        // The end itself, not what rounding made of it.
        out.pop();
    }
    out.push(to);
}

/// A rational B-spline: its curve, or the points that it goes through where there is nothing else.
pub(super) fn spline(
    degree: i32,
    knots: &[f64],
    control: &[Vector3],
    weights: &[f64],
    fit: &[Vector3],
) -> Vec<Vector3> {
    let degree = usize::try_from(degree).unwrap_or(0);
    let is_whole = (1..=25).contains(&degree)
        && control.len() > degree
        && knots.len() == control.len() + degree + 1
        && knots.windows(2).all(|pair| pair[0] <= pair[1]);
    if !is_whole {
        return if fit.len() > 1 { fit } else { control }.to_vec();
    }
    let (first, last) = (knots[degree], knots[control.len()]);
    let spans = control.len() - degree;
    let count = (spans * PIECES_OF_SPAN).clamp(16, CURVE_POINTS_MAX);
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    (0..=count)
        .map(|at| {
            let t = first + (last - first) * share(at, count);
            spline_point(degree, knots, control, weights, t)
        })
        .collect()
}

/// De Boor's rule, with weights.
fn spline_point(
    degree: usize,
    knots: &[f64],
    control: &[Vector3],
    weights: &[f64],
    t: f64,
) -> Vector3 {
    let last = control.len() - 1;
    let span = knots[degree + 1..=last]
        .partition_point(|knot| *knot <= t)
        .saturating_add(degree)
        .min(last);
    let mut points: Vec<[f64; 4]> = (0..=degree)
        .map(|at| {
            let index = span - degree + at;
            let weight = weights.get(index).copied().unwrap_or(1.0);
            let point = control[index];
            [point.x * weight, point.y * weight, point.z * weight, weight]
        })
        .collect();
    for round in 1..=degree {
        for at in (round..=degree).rev() {
            let low = knots[span - degree + at];
            let high = knots[span + 1 + at - round];
            let part = if high > low {
                (t - low) / (high - low)
            } else {
                0.0
            };
            let before = points[at - 1];
            for (value, before) in points[at].iter_mut().zip(before) {
                *value = before + (*value - before) * part;
            }
        }
    }
    let [x, y, z, weight] = points[degree];
    let weight = if weight.abs() < 1e-12 { 1.0 } else { weight };
    Vector3::new(x / weight, y / weight, z / weight)
}

/// What is seen of a line without an end between two corners.
pub(super) fn cut(
    through: Point,
    along: Point,
    both_ways: bool,
    low: Point,
    high: Point,
) -> Option<(Point, Point)> {
    let (mut from, mut to) = (
        if both_ways { f64::NEG_INFINITY } else { 0.0 },
        f64::INFINITY,
    );
    for axis in 0..2 {
        if along[axis].abs() < 1e-12 {
            if through[axis] < low[axis] || through[axis] > high[axis] {
                return None;
            }
            continue;
        }
        let ends = [low[axis], high[axis]].map(|side| (side - through[axis]) / along[axis]);
        from = from.max(ends[0].min(ends[1]));
        to = to.min(ends[0].max(ends[1]));
    }
    let at = |t: f64| [through[0] + along[0] * t, through[1] + along[1] * t];
    (from < to && from.is_finite() && to.is_finite()).then(|| (at(from), at(to)))
}

/// A chain of points as the dashes of a pattern: lengths of dashes, and of gaps below zero.
pub(super) fn dashed(points: &[Point], pattern: &[f64]) -> Option<Vec<Vec<Point>>> {
    let period: f64 = pattern.iter().map(|length| length.abs()).sum();
    let whole: f64 = points
        .windows(2)
        .map(|pair| distance(pair[0], pair[1]))
        .sum();
    // What is too fine to be seen is drawn as a line, and so is what is shorter than the pattern.
    let is_seen = period > 0.0 && whole / period < 5_000.0 && whole > period / 2.0;
    if !is_seen {
        return None;
    }
    let mut dashes = vec![vec![*points.first()?]];
    let (mut at, mut left) = (0, pattern[0].abs());
    for pair in points.windows(2) {
        let length = distance(pair[0], pair[1]);
        let mut gone = 0.0;
        while length - gone > left {
            gone += left;
            let point =
                [0, 1].map(|axis| pair[0][axis] + (pair[1][axis] - pair[0][axis]) * gone / length);
            if pattern[at] >= 0.0
                && let Some(dash) = dashes.last_mut()
            {
                dash.push(point);
            }
            at = (at + 1) % pattern.len();
            left = pattern[at].abs();
            if pattern[at] >= 0.0 {
                dashes.push(vec![point]);
                if left == 0.0
                    && let Some(dot) = dashes.last_mut()
                {
                    dot.push(point);
                }
            }
        }
        left -= length - gone;
        if pattern[at] >= 0.0
            && let Some(dash) = dashes.last_mut()
        {
            dash.push(pair[1]);
        }
    }
    dashes.retain(|dash| dash.len() > 1);
    Some(dashes)
}

pub(super) fn distance(from: Point, to: Point) -> f64 {
    (to[0] - from[0]).hypot(to[1] - from[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bulge_of_one_is_half_a_circle() {
        let mut points = vec![[0.0, 0.0]];
        bulged([0.0, 0.0], [2.0, 0.0], 1.0, &mut points);
        assert_eq!(points.last(), Some(&[2.0, 0.0]));
        for point in &points {
            assert!(
                (distance(*point, [1.0, 0.0]) - 1.0).abs() < 1e-9,
                "{point:?}"
            );
            assert!(
                point[1] < 1e-9,
                "against the clock, below the chord: {point:?}"
            );
        }
    }

    #[test]
    fn a_spline_of_degree_one_goes_through_its_control_points_and_a_weighted_one_is_a_circle() {
        let corner = [(0.0, 0.0), (4.0, 0.0), (4.0, 4.0)].map(|(x, y)| Vector3::new(x, y, 0.0));
        let line = spline(1, &[0.0, 0.0, 1.0, 2.0, 2.0], &corner, &[], &[]);
        assert!(
            line.iter()
                .any(|point| (point.x - 4.0).abs() < 1e-9 && point.y.abs() < 1e-9)
        );
        let quarter = [(1.0, 0.0), (1.0, 1.0), (0.0, 1.0)].map(|(x, y)| Vector3::new(x, y, 0.0));
        let weights = [1.0, std::f64::consts::FRAC_1_SQRT_2, 1.0];
        let knots = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0];
        for point in spline(2, &knots, &quarter, &weights, &[]) {
            assert!((point.x.hypot(point.y) - 1.0).abs() < 1e-9, "{point:?}");
        }
        assert_eq!(spline(3, &knots, &quarter, &[], &corner), corner);
    }

    #[test]
    fn dashes_have_the_lengths_of_their_pattern() {
        let line = [[0.0, 0.0], [10.0, 0.0]];
        let dashes = dashed(&line, &[2.0, -1.0]).unwrap();
        assert_eq!(dashes.len(), 4);
        assert_eq!(dashes[1], [[3.0, 0.0], [5.0, 0.0]]);
        assert_eq!(dashes[3], [[9.0, 0.0], [10.0, 0.0]]);
        let dots = dashed(&line, &[0.0, -1.0]).unwrap();
        assert!(
            dots.iter().all(|dot| distance(dot[0], dot[1]) < 1e-12),
            "{dots:?}"
        );
        assert_eq!(dashed(&line, &[1e-9, -1e-9]), None);
    }

    #[test]
    fn a_line_without_an_end_is_cut_where_the_drawing_ends() {
        let cut_at = |through, along, both| cut(through, along, both, [0.0, 0.0], [10.0, 5.0]);
        assert_eq!(
            cut_at([5.0, 1.0], [1.0, 0.0], true),
            Some(([0.0, 1.0], [10.0, 1.0]))
        );
        assert_eq!(
            cut_at([5.0, 1.0], [1.0, 0.0], false),
            Some(([5.0, 1.0], [10.0, 1.0]))
        );
        assert_eq!(cut_at([5.0, 9.0], [1.0, 0.0], true), None);
        assert_eq!(cut_at([20.0, 1.0], [1.0, 0.0], false), None);
    }
}

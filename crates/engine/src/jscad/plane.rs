//! Flat shapes. A shape crosses from the script as its sides, four numbers each: x and y of the start, x and y of the end.

use std::collections::HashMap;

use manifold_rust::cross_section::CrossSection;
use manifold_rust::linalg::Vec2;
use manifold_rust::types::{OpType, Polygons};

use super::fault::Fault;
use super::guard;
use super::kernel::Kernel;

/// Sharpest corner that keeps its point when a shape grows, as a multiple of the distance.
const MITER_LIMIT: f64 = 100.0;

/// How corners are treated when a shape grows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Corners {
    Edge,
    Chamfer,
    Round,
}

impl Corners {
    /// Reads JSCAD's word.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        match word {
            "edge" => Some(Self::Edge),
            "chamfer" => Some(Self::Chamfer),
            "round" => Some(Self::Round),
            _ => None,
        }
    }

    /// The kernel's number of the join.
    fn join(self) -> i32 {
        match self {
            Self::Round => 1,
            Self::Edge => 2,
            Self::Chamfer => 3,
        }
    }
}

type Key = (u64, u64);

fn key(point: Vec2) -> Key {
    // Adding zero makes negative zero equal to zero.
    ((point.x + 0.0).to_bits(), (point.y + 0.0).to_bits())
}

/// Joins sides to closed rings. Sides that lead nowhere are left out.
pub(super) fn rings(at: &str, sides: &[f64]) -> Result<Polygons, Fault> {
    guard::count(at, "points", sides.len() / 4, guard::POINTS_2D_MAX)?;
    guard::coordinates(at, sides)?;
    let mut from: HashMap<Key, Vec<usize>> = HashMap::new();
    let ends: Vec<(Vec2, Vec2)> = sides
        .chunks_exact(4)
        .map(|s| (Vec2::new(s[0], s[1]), Vec2::new(s[2], s[3])))
        .filter(|(start, end)| key(*start) != key(*end))
        .collect();
    for (index, (start, _)) in ends.iter().enumerate().rev() {
        from.entry(key(*start)).or_default().push(index);
    }
    let mut used = vec![false; ends.len()];
    let mut polygons = Polygons::new();
    for first in 0..ends.len() {
        if used[first] {
            continue;
        }
        if let Some(ring) = follow(first, &ends, &mut from, &mut used) {
            polygons.push(ring);
        }
    }
    Ok(polygons)
}

/// Follows sides from one to the next until the ring closes.
fn follow(
    first: usize,
    ends: &[(Vec2, Vec2)],
    from: &mut HashMap<Key, Vec<usize>>,
    used: &mut [bool],
) -> Option<Vec<Vec2>> {
    let home = key(ends[first].0);
    let mut ring = Vec::new();
    let mut side = first;
    loop {
        used[side] = true;
        let (start, end) = ends[side];
        ring.push(start);
        if key(end) == home {
            return (ring.len() >= 3).then_some(ring);
        }
        let candidates = from.get_mut(&key(end))?;
        while candidates.last().is_some_and(|index| used[*index]) {
            candidates.pop();
        }
        let position = sharpest_left(start, end, candidates, ends, used)?;
        side = candidates[position];
    }
}

/// Where several rings touch in a point, the turn furthest to the left keeps them apart.
fn sharpest_left(
    start: Vec2,
    end: Vec2,
    candidates: &[usize],
    ends: &[(Vec2, Vec2)],
    used: &[bool],
) -> Option<usize> {
    let incoming = f64::atan2(end.y - start.y, end.x - start.x);
    let turn = |index: usize| {
        let (from, to) = ends[index];
        let outgoing = f64::atan2(to.y - from.y, to.x - from.x);
        let turn = outgoing - incoming;
        let full = std::f64::consts::TAU;
        let turn = turn.rem_euclid(full);
        if turn >= full / 2.0 {
            turn - full
        } else {
            turn
        }
    };
    candidates
        .iter()
        .enumerate()
        .filter(|(_, index)| !used[**index])
        .max_by(|(_, a), (_, b)| turn(**a).total_cmp(&turn(**b)))
        .map(|(position, _)| position)
}

fn signed_area(ring: &[Vec2]) -> f64 {
    let next = ring.iter().cycle().skip(1);
    ring.iter()
        .zip(next)
        .map(|(a, b)| a.x * b.y - b.x * a.y)
        .sum::<f64>()
        / 2.0
}

/// The clean area of a shape: overlaps merged, crossings resolved. A shape that turns clockwise as a whole is turned over
/// rather than lost.
pub(super) fn section(kernel: &Kernel, at: &str, sides: &[f64]) -> Result<CrossSection, Fault> {
    let mut polygons = rings(at, sides)?;
    if polygons.iter().map(|ring| signed_area(ring)).sum::<f64>() < 0.0 {
        for ring in &mut polygons {
            ring.reverse();
        }
    }
    kernel.native(at, || CrossSection::new(polygons))
}

/// The sides of clean rings.
pub(super) fn sides(polygons: &Polygons) -> Vec<f64> {
    let mut flat = Vec::new();
    for ring in polygons {
        for (point, next) in ring.iter().zip(ring.iter().cycle().skip(1)) {
            flat.extend([point.x, point.y, next.x, next.y]);
        }
    }
    flat
}

/// Union, difference or intersection of shapes; the first is the one that others are taken from.
pub(super) fn boolean(kernel: &Kernel, op: OpType, shapes: &[Vec<f64>]) -> Result<Vec<f64>, Fault> {
    let at = "boolean";
    guard::count(
        at,
        "points",
        shapes.iter().map(Vec::len).sum::<usize>() / 4,
        guard::POINTS_2D_MAX,
    )?;
    let sections = shapes
        .iter()
        .map(|shape| section(kernel, at, shape))
        .collect::<Result<Vec<_>, _>>()?;
    let result = kernel.native(at, || CrossSection::batch_boolean(&sections, op))?;
    Ok(sides(&result.to_polygons()))
}

/// The convex hull of points, two numbers each.
pub(super) fn hull(kernel: &Kernel, points: &[f64]) -> Result<Vec<f64>, Fault> {
    let at = "hull";
    guard::count(at, "points", points.len() / 2, guard::POINTS_2D_MAX)?;
    guard::coordinates(at, points)?;
    let points: Vec<Vec2> = points
        .chunks_exact(2)
        .map(|p| Vec2::new(p[0], p[1]))
        .collect();
    let result = kernel.native(at, || CrossSection::hull_points(&points))?;
    Ok(sides(&result.to_polygons()))
}

/// A shape, grown by a distance, or shrunk by a negative one.
pub(super) fn offset(
    kernel: &Kernel,
    shape: &[f64],
    delta: f64,
    corners: Corners,
    segments: f64,
) -> Result<Vec<f64>, Fault> {
    let at = "offset";
    guard::coordinate(at, delta)?;
    let segments = if corners == Corners::Round {
        // JSCAD rounds down to one straight step per corner; the kernel counts a full circle.
        guard::segments(at, segments.max(4.0), kernel.limits().segments_max)?
    } else {
        0
    };
    let shape = section(kernel, at, shape)?;
    let result = kernel.native(at, || {
        shape.offset_with_params(delta, corners.join(), MITER_LIMIT, segments)
    })?;
    let polygons = result.to_polygons();
    guard::count(
        at,
        "points",
        polygons.iter().map(Vec::len).sum(),
        guard::POINTS_2D_MAX,
    )?;
    Ok(sides(&polygons))
}

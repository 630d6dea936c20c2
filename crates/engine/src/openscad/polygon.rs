//! Faces with more than three corners, which the program writes whole even when they are not convex.

/// Corners of one face that are cut by ears, which takes the square of their number. Larger faces are fanned; those of
/// OpenSCAD that are not convex are small.
const EARS_MAX: usize = 2_000;

type Point = [f64; 3];

/// The convex pieces of a flat polygon, turning as it does.
pub(super) fn convex(ring: Vec<Point>) -> Vec<Vec<Point>> {
    if ring.len() < 3 {
        return Vec::new();
    }
    if ring.len() == 3 || ring.len() > EARS_MAX {
        return vec![ring];
    }
    let flat = Flat::of(&ring);
    let corners: Vec<usize> = (0..ring.len()).collect();
    if (0..corners.len()).all(|at| flat.turn(&corners, at) >= 0.0) {
        return vec![ring];
    }
    flat.ears(corners)
        .into_iter()
        .map(|ear| ear.map(|index| ring[index]).to_vec())
        .collect()
}

/// A polygon seen along its normal, turning counter-clockwise.
struct Flat(Vec<[f64; 2]>);

impl Flat {
    fn of(ring: &[Point]) -> Self {
        let mut normal = [0.0_f64; 3];
        for (index, from) in ring.iter().enumerate() {
            let to = ring[(index + 1) % ring.len()];
            for (axis, sum) in normal.iter_mut().enumerate() {
                let (u, v) = ((axis + 1) % 3, (axis + 2) % 3);
                *sum += (from[u] - to[u]) * (from[v] + to[v]);
            }
        }
        // The axes are turned so that the largest part of the normal points to the eye.
        let largest = (0..3).max_by(|a, b| normal[*a].abs().total_cmp(&normal[*b].abs()));
        let axis = largest.unwrap_or(2);
        let (u, v) = ((axis + 1) % 3, (axis + 2) % 3);
        let sign = if normal[axis] > 0.0 { 1.0 } else { -1.0 };
        Self(ring.iter().map(|p| [p[u], sign * p[v]]).collect())
    }

    /// Twice the area of the triangle at a corner; negative where the polygon bends inwards.
    fn turn(&self, corners: &[usize], at: usize) -> f64 {
        let count = corners.len();
        let (a, b, c) = (
            corners[(at + count - 1) % count],
            corners[at],
            corners[(at + 1) % count],
        );
        area(self.0[a], self.0[b], self.0[c])
    }

    /// Cuts off ears until nothing is left. Where no corner is an ear, because the polygon crosses itself, any is taken.
    fn ears(&self, mut corners: Vec<usize>) -> Vec<[usize; 3]> {
        let mut ears = Vec::with_capacity(corners.len());
        while corners.len() > 3 {
            let count = corners.len();
            let ear = (0..count).find(|at| self.is_ear(&corners, *at));
            let at = ear.unwrap_or(0);
            ears.push([
                corners[(at + count - 1) % count],
                corners[at],
                corners[(at + 1) % count],
            ]);
            corners.remove(at);
        }
        if let [a, b, c] = corners[..] {
            ears.push([a, b, c]);
        }
        ears
    }

    fn is_ear(&self, corners: &[usize], at: usize) -> bool {
        if self.turn(corners, at) <= 0.0 {
            return false;
        }
        let count = corners.len();
        let before = corners[(at + count - 1) % count];
        let (own, after) = (corners[at], corners[(at + 1) % count]);
        let [a, b, c] = [before, own, after].map(|index| self.0[index]);
        corners.iter().all(|index| {
            let p = self.0[*index];
            [before, own, after].contains(index)
                || [a, b, c].contains(&p)
                || area(a, b, p) < 0.0
                || area(b, c, p) < 0.0
                || area(c, a, p) < 0.0
        })
    }
}

fn area(a: [f64; 2], b: [f64; 2], c: [f64; 2]) -> f64 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area_of(pieces: &[Vec<Point>]) -> f64 {
        let fan = |piece: &Vec<Point>| -> f64 {
            let flat = |p: Point| [p[0], p[1]];
            let pairs = piece.windows(2).skip(1);
            pairs
                .map(|pair| area(flat(piece[0]), flat(pair[0]), flat(pair[1])) / 2.0)
                .sum()
        };
        pieces.iter().map(fan).sum()
    }

    fn ring(points: &[[f64; 2]]) -> Vec<Point> {
        points.iter().map(|p| [p[0], p[1], 7.0]).collect()
    }

    #[test]
    fn a_convex_face_stays_whole_whichever_way_it_looks() {
        let square = ring(&[[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]]);
        assert_eq!(convex(square.clone()).len(), 1);
        let below: Vec<Point> = square.into_iter().rev().collect();
        assert_eq!(convex(below).len(), 1);
    }

    #[test]
    fn a_face_that_bends_inwards_is_cut_and_keeps_area_and_direction() {
        let points = [
            [0.0, 0.0],
            [4.0, 0.0],
            [4.0, 1.0],
            [1.0, 1.0],
            [1.0, 4.0],
            [0.0, 4.0],
        ];
        let pieces = convex(ring(&points));
        assert!(pieces.len() > 1);
        assert!((area_of(&pieces) - 7.0).abs() < 1e-9);
        let mut back = points;
        back.reverse();
        assert!((area_of(&convex(ring(&back))) + 7.0).abs() < 1e-9);
    }

    #[test]
    fn a_face_that_stands_upright_is_cut_as_well() {
        let points = [[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [2.0, 1.0]];
        for axis in 0..3 {
            let upright: Vec<Point> = points
                .iter()
                .map(|p| {
                    let mut point = [5.0; 3];
                    point[(axis + 1) % 3] = p[0];
                    point[(axis + 2) % 3] = p[1];
                    point
                })
                .collect();
            assert_eq!(convex(upright).len(), 2);
        }
    }
}

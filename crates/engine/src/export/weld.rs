//! From closed meshes with shared vertices to loose triangles in single precision that are still closed.
//!
//! A file of loose triangles says which triangles are neighbours by nothing but equal coordinates. Rounding moves near
//! vertices onto each other, which tears or doubles edges. Here all vertices are put on one grid that single precision
//! holds exactly; vertices that meet become one; where that breaks an edge, the vertices that met there are put on
//! neighbouring grid points instead. With all of them apart the mesh is the one that came in, so the search ends.

use std::borrow::Cow;
use std::collections::HashSet;

use super::mesh::IndexedMesh;

/// A point of the grid.
type Cell = [i64; 3];

/// Bits behind the leading one of a single-precision number.
const MANTISSA_BITS: u32 = 23;
/// Largest grid coordinate up to which single precision holds every grid point.
const CELL_ABS_MAX: i64 = 1 << (MANTISSA_BITS + 1);
/// How many steps a vertex may be moved to find a free point.
const NUDGE_STEPS_MAX: i64 = 64;
/// Distance of the last decimal place that text formats write, in model units.
const TEXT_STEP: f64 = 1e-9;
/// Shortest way that a vertex is moved in a text format, in places of the text: readers that join near vertices do so within
/// less.
const TEXT_NUDGE_MIN: i64 = 1_000;

/// Triangles on a grid.
pub(super) struct Welded {
    /// Grid points.
    pub(super) points: Vec<[f32; 3]>,
    /// Indices into `points`.
    pub(super) triangles: Vec<[u32; 3]>,
}

/// Why welding failed.
pub(super) struct OpenEdges {
    /// Edges that are not shared by exactly two triangles.
    pub(super) count: usize,
    /// Distance of grid points, in model units.
    pub(super) grid: f64,
}

/// Welds all meshes of a file together.
pub(super) fn weld(meshes: &[&IndexedMesh]) -> Result<Welded, OpenEdges> {
    let mut positions = Vec::new();
    let mut triangles = Vec::new();
    for mesh in meshes {
        let base = u32::try_from(positions.len()).unwrap_or(u32::MAX);
        positions.extend_from_slice(&mesh.positions);
        triangles.extend(
            mesh.triangles
                .iter()
                .map(|t| t.map(|i| i.saturating_add(base))),
        );
    }
    let grid = grid_step(&positions);
    let cells: Vec<Cell> = positions.iter().map(|p| to_cell(*p, grid)).collect();
    let mut groups = Groups::new(&cells, Room::single_precision());
    loop {
        let welded = groups.apply(&triangles);
        let bad = bad_edges(&welded);
        if bad.is_empty() {
            let points = groups
                .cells
                .iter()
                .map(|cell| to_point(*cell, grid))
                .collect();
            return Ok(Welded {
                points,
                triangles: welded,
            });
        }
        let meeting: HashSet<u32> = bad.iter().flatten().copied().collect();
        if !groups.split(&meeting, &triangles, &positions) {
            return Err(OpenEdges {
                count: bad.len(),
                grid,
            });
        }
    }
}

/// Positions for a file that has indices, in double precision: where vertices meet that must not become one, all but one are
/// moved a little, so that readers who join whatever lies in one place still find the mesh closed. All others keep their
/// place.
pub(super) fn apart(mesh: &IndexedMesh) -> Cow<'_, [[f64; 3]]> {
    let positions = &mesh.positions;
    let cells: Vec<Cell> = positions.iter().map(|p| to_cell(*p, TEXT_STEP)).collect();
    let nudge = to_cell([grid_step(positions); 3], TEXT_STEP)[0].max(TEXT_NUDGE_MIN);
    let mut groups = Groups::new(&cells, Room::of_text(nudge));
    let places = groups.cells.len();
    if places == positions.len() {
        return Cow::Borrowed(positions);
    }
    loop {
        let bad = bad_edges(&groups.apply(&mesh.triangles));
        let meeting: HashSet<u32> = bad.iter().flatten().copied().collect();
        // What cannot be taken apart is closed by its indices all the same.
        if bad.is_empty() || !groups.split(&meeting, &mesh.triangles, positions) {
            break;
        }
    }
    let moved = |(vertex, position): (usize, &[f64; 3])| {
        let group = groups.group_of[vertex] as usize;
        if group < places {
            *position
        } else {
            groups.cells[group].map(from_text_cell)
        }
    };
    Cow::Owned(positions.iter().enumerate().map(moved).collect())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "nine places of a coordinate that is moved by far more than is lost"
)]
fn from_text_cell(cell: i64) -> f64 {
    cell as f64 * TEXT_STEP
}

/// The distance of neighbouring single-precision numbers at the largest coordinate: every multiple of it up to there is
/// exact, and numbers that differ by rounding noise alone become equal.
fn grid_step(positions: &[[f64; 3]]) -> f64 {
    let smallest = f64::from(f32::MIN_POSITIVE);
    let largest = positions
        .iter()
        .flatten()
        .fold(smallest, |max, c| max.max(c.abs()));
    // The exponent bits alone are the largest power of two that is not above the number.
    let power_of_two = f64::from_bits(largest.to_bits() & (0x7ff << 52));
    power_of_two / f64::from(1 << MANTISSA_BITS)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "at most 2^24 steps of the grid of single precision, and 10^18 places of a text"
)]
fn to_cell(point: [f64; 3], grid: f64) -> Cell {
    point.map(|c| (c / grid).round() as i64)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "exact: at most 24 significant bits"
)]
fn to_point(cell: Cell, grid: f64) -> [f32; 3] {
    // Adding zero turns negative zero into zero.
    cell.map(|c| (c as f64 * grid) as f32 + 0.0)
}

/// Where vertices that are taken apart may go.
#[derive(Clone, Copy)]
struct Room {
    /// Cells of one step.
    nudge: i64,
    /// Largest coordinate, in cells.
    abs_max: i64,
}

impl Room {
    fn single_precision() -> Self {
        Self {
            nudge: 1,
            abs_max: CELL_ABS_MAX,
        }
    }

    fn of_text(nudge: i64) -> Self {
        Self {
            nudge,
            abs_max: i64::MAX,
        }
    }
}

/// Which vertices are one.
struct Groups {
    /// For each vertex the index of its grid point.
    group_of: Vec<u32>,
    /// Distinct grid points.
    cells: Vec<Cell>,
    room: Room,
}

impl Groups {
    fn new(cells: &[Cell], room: Room) -> Self {
        let mut order: Vec<u32> = (0_u32..).take(cells.len()).collect();
        order.sort_by_key(|vertex| (cells[*vertex as usize], *vertex));
        let mut group_of = vec![0; cells.len()];
        let mut distinct: Vec<Cell> = Vec::new();
        for vertex in order {
            let cell = cells[vertex as usize];
            if distinct.last() != Some(&cell) {
                distinct.push(cell);
            }
            group_of[vertex as usize] = u32::try_from(distinct.len() - 1).unwrap_or(u32::MAX);
        }
        Self {
            group_of,
            cells: distinct,
            room,
        }
    }

    /// The triangles between groups, without those that lost their area.
    fn apply(&self, triangles: &[[u32; 3]]) -> Vec<[u32; 3]> {
        let moved = triangles
            .iter()
            .map(|t| t.map(|vertex| self.group_of[vertex as usize]));
        moved
            .filter(|[a, b, c]| a != b && b != c && c != a)
            .collect()
    }

    /// Takes the named groups apart. False when none of them holds more than one vertex, or no free grid points are
    /// left near them.
    fn split(
        &mut self,
        named: &HashSet<u32>,
        triangles: &[[u32; 3]],
        positions: &[[f64; 3]],
    ) -> bool {
        let mut taken: HashSet<Cell> = self.cells.iter().copied().collect();
        let mut seen = HashSet::new();
        let mut moving = Vec::new();
        for (vertex, group) in self.group_of.iter().enumerate() {
            // The first vertex of a group stays where it is.
            if named.contains(group) && !seen.insert(*group) {
                moving.push(vertex);
            }
        }
        if moving.is_empty() {
            return false;
        }
        let inward = inward_directions(&moving, triangles, positions);
        for (vertex, direction) in moving.into_iter().zip(inward) {
            let from = self.cells[self.group_of[vertex] as usize];
            let Some(cell) = free_cell(from, direction, &taken, self.room) else {
                return false;
            };
            taken.insert(cell);
            self.group_of[vertex] = u32::try_from(self.cells.len()).unwrap_or(u32::MAX);
            self.cells.push(cell);
        }
        true
    }
}

/// For each vertex the signs of the direction into the body, so that taking apart does not make bodies overlap.
fn inward_directions(
    vertices: &[usize],
    triangles: &[[u32; 3]],
    positions: &[[f64; 3]],
) -> Vec<Cell> {
    let wanted: std::collections::HashMap<usize, usize> = vertices
        .iter()
        .enumerate()
        .map(|(at, vertex)| (*vertex, at))
        .collect();
    let mut sums = vec![[0.0_f64; 3]; vertices.len()];
    for triangle in triangles {
        let [a, b, c] = triangle.map(|i| positions[i as usize]);
        for corner in triangle {
            if let Some(at) = wanted.get(&(*corner as usize)) {
                let normal = cross(sub(b, a), sub(c, a));
                for axis in 0..3 {
                    sums[*at][axis] += normal[axis];
                }
            }
        }
    }
    sums.into_iter().map(|sum| sum.map(inward_sign)).collect()
}

fn inward_sign(outward: f64) -> i64 {
    if outward > 0.0 {
        -1
    } else {
        i64::from(outward < 0.0)
    }
}

fn free_cell(from: Cell, direction: Cell, taken: &HashSet<Cell>, room: Room) -> Option<Cell> {
    let towards_origin = from.map(|c| -c.signum());
    let mut tries = vec![direction, towards_origin];
    for x in [0, -1, 1] {
        for y in [0, -1, 1] {
            for z in [0, -1, 1] {
                tries.push([x, y, z]);
            }
        }
    }
    for steps in 1..=NUDGE_STEPS_MAX {
        for [x, y, z] in &tries {
            let way = room.nudge * steps;
            let cell = [from[0] + x * way, from[1] + y * way, from[2] + z * way];
            let exact = cell.iter().all(|c| c.abs() <= room.abs_max);
            if exact && !taken.contains(&cell) {
                return Some(cell);
            }
        }
    }
    None
}

/// Edges that are not passed exactly once in each direction.
pub(super) fn bad_edges(triangles: &[[u32; 3]]) -> Vec<[u32; 2]> {
    // Sorted by the pair of ends, with the direction last, good edges stand as pairs of one of each.
    let mut edges: Vec<(u32, u32, bool)> = Vec::with_capacity(triangles.len() * 3);
    for [a, b, c] in triangles {
        for (from, to) in [(*a, *b), (*b, *c), (*c, *a)] {
            edges.push((from.min(to), from.max(to), from < to));
        }
    }
    edges.sort_unstable();
    let runs = edges.chunk_by(|one, two| (one.0, one.1) == (two.0, two.1));
    runs.filter(|run| !(run.len() == 2 && run[0].2 != run[1].2))
        .map(|run| [run[0].0, run[0].1])
        .collect()
}

pub(super) fn sub(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

pub(super) fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

/// The vector with length 1; none when it has no direction.
pub(super) fn unit(v: [f64; 3]) -> Option<[f64; 3]> {
    let length = v.iter().map(|c| c * c).sum::<f64>().sqrt();
    (length > 0.0).then(|| v.map(|c| c / length))
}

//! Solids from numbers: primitives, extrusions, hulls, imported polygons.

use std::collections::HashMap;
use std::rc::Rc;

use manifold_rust::linalg::{Mat3x4, Vec2, Vec3};
use manifold_rust::manifold::Manifold;
use manifold_rust::types::{Error as Status, MeshGL64, Polygons};
use vitrine_model::LimitKind;

use super::fault::Fault;
use super::guard;
use super::kernel::{Kernel, OPEN_SHAPE};
use super::plane;
use super::solid::Solid;

/// Corners of imported polygons that are this close are one, in millimetres: JSCAD's own tolerance.
const WELD: f64 = 1e-5;
/// Where the grid of the second attempt begins, in cells: corners that fell on a border of the first grid are inside a cell now.
const SECOND_GRID: f64 = 0.371;

/// A box around the origin.
pub(super) fn cuboid(kernel: &Kernel, size: [f64; 3]) -> Result<Rc<Solid>, Fault> {
    for side in size {
        guard::positive("cuboid", side)?;
    }
    kernel.make("cuboid", || {
        Manifold::cube(Vec3::new(size[0], size[1], size[2]), true)
    })
}

/// How a flat shape is pulled upwards.
pub(super) struct Extrusion {
    pub(super) height: f64,
    pub(super) steps: f64,
    pub(super) twist_degrees: f64,
    pub(super) scale_top: [f64; 2],
}

/// Where the sides of a flat shape come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Source {
    /// Our own primitives: rings that are known to be simple and keep every digit.
    Ours,
    /// The script: overlaps and crossings have to be resolved first.
    Script,
}

/// The rings of a flat shape, ready for the kernel.
fn section(kernel: &Kernel, at: &str, sides: &[f64], source: Source) -> Result<Polygons, Fault> {
    let polygons = match source {
        Source::Ours => plane::rings(at, sides)?,
        Source::Script => plane::section(kernel, at, sides)?.to_polygons(),
    };
    if polygons.is_empty() {
        return Err(Fault::refused(at, "the shape has no area"));
    }
    Ok(polygons)
}

/// A flat shape, pulled upwards from the XY plane.
pub(super) fn extrude(
    kernel: &Kernel,
    sides: &[f64],
    source: Source,
    how: &Extrusion,
) -> Result<Rc<Solid>, Fault> {
    let at = "extrudeLinear";
    let height = guard::positive(at, how.height)?;
    let steps = guard::segments(at, how.steps, kernel.limits().segments_max)?;
    guard::coordinates(at, &how.scale_top)?;
    if how.twist_degrees.is_nan() || how.twist_degrees.abs() > guard::TWIST_DEGREES_MAX {
        return Err(Fault::refused(
            at,
            format_args!("{} degrees of twist are not possible", how.twist_degrees),
        ));
    }
    let polygons = section(kernel, at, sides, source)?;
    let points: usize = polygons.iter().map(Vec::len).sum();
    let levels = usize::try_from(steps).unwrap_or(usize::MAX);
    leaf_size(
        kernel,
        at,
        points
            .saturating_mul(2)
            .saturating_mul(levels.saturating_add(1)),
    )?;
    kernel.make(at, || {
        let scale = Vec2::new(how.scale_top[0], how.scale_top[1]);
        Manifold::extrude(&polygons, height, steps - 1, how.twist_degrees, scale)
    })
}

/// A flat shape, turned around the Y axis, which becomes Z.
pub(super) fn revolve(
    kernel: &Kernel,
    sides: &[f64],
    source: Source,
    segments: f64,
    degrees: f64,
) -> Result<Rc<Solid>, Fault> {
    let at = "extrudeRotate";
    let segments = guard::segments(at, segments, kernel.limits().segments_max)?;
    if !(degrees > 0.0 && degrees <= 360.0) {
        return Err(Fault::refused(
            at,
            format_args!("{degrees} degrees cannot be turned"),
        ));
    }
    let polygons = section(kernel, at, sides, source)?;
    let points: usize = polygons.iter().map(Vec::len).sum();
    let around = usize::try_from(segments).unwrap_or(usize::MAX);
    leaf_size(
        kernel,
        at,
        points
            .saturating_mul(2)
            .saturating_mul(around.saturating_add(1)),
    )?;
    kernel.make(at, || Manifold::revolve(&polygons, segments, degrees))
}

/// Making one body cannot be interrupted, so its size is bounded before.
pub(super) fn leaf_size(kernel: &Kernel, at: &str, triangles: usize) -> Result<(), Fault> {
    guard::triangles(at, triangles, kernel.limits().leaf_triangles_max)
}

fn points3(values: &[f64]) -> Vec<Vec3> {
    values
        .chunks_exact(3)
        .map(|p| Vec3::new(p[0], p[1], p[2]))
        .collect()
}

/// The convex hull of points, three numbers each.
pub(super) fn hull_points(kernel: &Kernel, values: &[f64]) -> Result<Rc<Solid>, Fault> {
    guard::coordinates("hull", values)?;
    hull_of(kernel, &points3(values))
}

fn hull_of(kernel: &Kernel, points: &[Vec3]) -> Result<Rc<Solid>, Fault> {
    let at = "hull";
    if points.len() > guard::HULL_POINTS_MAX {
        return Err(Fault::limit(
            LimitKind::Triangles,
            at,
            format!("{} of {} points", points.len(), guard::HULL_POINTS_MAX),
            "use fewer segments in the shapes of the hull",
        ));
    }
    kernel.make(at, || Manifold::hull(points))
}

/// The convex hull of solids.
pub(super) fn hull(kernel: &Kernel, solids: &[Rc<Solid>]) -> Result<Rc<Solid>, Fault> {
    let mut points = Vec::new();
    for solid in solids {
        points.extend_from_slice(&kernel.body(solid)?.as_impl().vert_pos);
    }
    hull_of(kernel, &points)
}

/// The sum of all points of one solid with all points of another. One of them must be convex.
pub(super) fn minkowski(kernel: &Kernel, a: &Solid, b: &Solid) -> Result<Rc<Solid>, Fault> {
    let at = "minkowskiSum";
    let (a, b) = (kernel.body(a)?, kernel.body(b)?);
    let (a, b) = if b.as_impl().is_convex() {
        (a, b)
    } else {
        (b, a)
    };
    if a.is_empty() || b.is_empty() {
        return kernel.make(at, Manifold::empty);
    }
    if !b.as_impl().is_convex() {
        return Err(Fault::refused(at, "one of the two shapes must be convex"));
    }
    // The kernel adds the first body itself to the result, which is right only when the second one contains the origin.
    let bounds = b.bounding_box();
    let center = (bounds.min + bounds.max) * 0.5;
    let centered = kernel.native(at, || b.translate(-center))?;
    let sum = minkowski_bodies(kernel, at, &a, &centered, false)?;
    let axis = |x, y, z| Vec3::new(x, y, z);
    sum.moved(Mat3x4::from_cols(
        axis(1.0, 0.0, 0.0),
        axis(0.0, 1.0, 0.0),
        axis(0.0, 0.0, 1.0),
        center,
    ))
}

/// A solid, grown by a ball, or shrunk when the distance is negative.
pub(super) fn expand(
    kernel: &Kernel,
    solid: &Rc<Solid>,
    delta: f64,
    segments: f64,
) -> Result<Rc<Solid>, Fault> {
    let at = "expand";
    guard::coordinate(at, delta)?;
    let segments = guard::segments(at, segments.max(4.0), kernel.limits().segments_max)?;
    if delta == 0.0 {
        return Ok(Rc::clone(solid));
    }
    let around = usize::try_from(segments).unwrap_or(usize::MAX);
    leaf_size(kernel, at, around.saturating_mul(around) / 2)?;
    let body = kernel.body(solid)?;
    let ball = kernel.native(at, || Manifold::sphere(delta.abs(), segments))?;
    minkowski_bodies(kernel, at, &body, &ball, delta < 0.0)
}

fn minkowski_bodies(
    kernel: &Kernel,
    at: &str,
    a: &Manifold,
    b: &Manifold,
    shrink: bool,
) -> Result<Rc<Solid>, Fault> {
    let pairs = a
        .num_tri()
        .saturating_mul(b.num_vert())
        .max(b.num_tri().saturating_mul(a.num_vert()));
    if pairs > guard::MINKOWSKI_PAIRS_MAX {
        return Err(Fault::limit(
            LimitKind::Triangles,
            at,
            format!(
                "{pairs} of {} pairs of triangles and corners",
                guard::MINKOWSKI_PAIRS_MAX
            ),
            "use fewer segments in both shapes",
        ));
    }
    let watch = kernel.watch();
    let reporter = watch.reporter();
    let (token, progress) = (Some(watch.token()), Some(&reporter));
    kernel.make(at, || {
        if shrink {
            a.minkowski_difference_with_progress(b, token, progress)
        } else {
            a.minkowski_sum_with_progress(b, token, progress)
        }
    })
}

/// The separate pieces of a solid.
pub(super) fn decompose(kernel: &Kernel, solid: &Solid) -> Result<Vec<Rc<Solid>>, Fault> {
    let body = kernel.body(solid)?;
    let pieces = kernel.native("scission", || body.decompose())?;
    pieces
        .into_iter()
        .map(|piece| kernel.make("scission", || piece))
        .collect()
}

/// The shadow of a solid on the XY plane, as sides.
pub(super) fn project(kernel: &Kernel, solid: &Solid) -> Result<Vec<f64>, Fault> {
    let body = kernel.body(solid)?;
    let shadow = kernel.native("project", || body.project())?;
    Ok(plane::sides(&shadow.to_polygons()))
}

/// A matrix of JSCAD: sixteen numbers, column after column.
pub(super) fn matrix(values: &[f64]) -> Result<Mat3x4, Fault> {
    let at = "transform";
    guard::coordinates(at, values)?;
    if values.len() != 16 {
        return Err(Fault::refused(at, "a matrix has sixteen numbers"));
    }
    let column = |i: usize| Vec3::new(values[4 * i], values[4 * i + 1], values[4 * i + 2]);
    Ok(Mat3x4::from_cols(
        column(0),
        column(1),
        column(2),
        column(3),
    ))
}

/// Polygons of the script: `counts` corners each, three coordinates a corner, one number of a material a polygon.
pub(super) fn polyhedron(
    kernel: &Kernel,
    coordinates: &[f64],
    counts: &[f64],
    paints: &[f64],
) -> Result<Rc<Solid>, Fault> {
    let at = "polyhedron";
    guard::coordinates(at, coordinates)?;
    leaf_size(
        kernel,
        at,
        (coordinates.len() / 3).saturating_sub(2 * counts.len()),
    )?;
    let mut last = None;
    for shift in [0.0, SECOND_GRID] {
        let Welded { mesh, run_paints } = weld(coordinates, counts, paints, shift);
        if mesh.tri_verts.is_empty() {
            return kernel.make(at, Manifold::empty);
        }
        let body = kernel.native(at, || Manifold::from_mesh_gl64(&mesh))?;
        match body.status() {
            Status::NotManifold | Status::NotClosed => last = Some(body.status()),
            status => {
                kernel.check_status(at, status)?;
                for (id, paint) in mesh.run_original_id.iter().zip(run_paints) {
                    kernel.note_paint(*id, paint);
                }
                return kernel.make(at, || outside_out(body, &mesh));
            }
        }
    }
    kernel.check_status(at, last.unwrap_or(Status::NotManifold))?;
    Err(Fault::refused(at, OPEN_SHAPE))
}

/// A body whose polygons all turn the wrong way is turned inside out.
fn outside_out(body: Manifold, mesh: &MeshGL64) -> Manifold {
    if body.volume() >= 0.0 {
        return body;
    }
    let mut mesh = mesh.clone();
    for triangle in mesh.tri_verts.chunks_exact_mut(3) {
        triangle.swap(1, 2);
    }
    Manifold::from_mesh_gl64(&mesh)
}

/// Imported triangles, grouped by material: one run each.
struct Welded {
    mesh: MeshGL64,
    /// The number of the material of each run.
    run_paints: Vec<usize>,
}

/// Cuts polygons into fans whose triangles share corners.
fn weld(coordinates: &[f64], counts: &[f64], paints: &[f64], shift: f64) -> Welded {
    let mut corners = Corners {
        shift,
        known: HashMap::new(),
        positions: Vec::new(),
    };
    let mut groups: Vec<(usize, Vec<u64>)> = Vec::new();
    let mut rest = coordinates;
    for (index, count) in counts.iter().enumerate() {
        let (own, later) = rest.split_at((3 * whole(*count)).min(rest.len()));
        rest = later;
        let ring: Vec<u64> = own
            .chunks_exact(3)
            .map(|p| corners.index([p[0], p[1], p[2]]))
            .collect();
        let paint = paints.get(index).map_or(0, |number| whole(*number));
        let group = groups
            .iter()
            .position(|(p, _)| *p == paint)
            .unwrap_or_else(|| {
                groups.push((paint, Vec::new()));
                groups.len() - 1
            });
        for pair in ring.windows(2).skip(1) {
            if ring[0] != pair[0] && pair[0] != pair[1] && pair[1] != ring[0] {
                groups[group].1.extend([ring[0], pair[0], pair[1]]);
            }
        }
    }
    groups.retain(|(_, triangles)| !triangles.is_empty());
    let mut mesh = MeshGL64 {
        num_prop: 3,
        vert_properties: corners.positions,
        ..MeshGL64::default()
    };
    for (_, triangles) in &groups {
        mesh.run_index.push(mesh.tri_verts.len() as u64);
        mesh.run_original_id.push(Manifold::reserve_ids(1));
        mesh.tri_verts.extend(triangles);
    }
    mesh.run_index.push(mesh.tri_verts.len() as u64);
    Welded {
        mesh,
        run_paints: groups.into_iter().map(|(paint, _)| paint).collect(),
    }
}

/// Corners that are found again within the tolerance.
struct Corners {
    shift: f64,
    known: HashMap<[i64; 3], u64>,
    positions: Vec<f64>,
}

impl Corners {
    fn index(&mut self, point: [f64; 3]) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "coordinates are within ten million, cells within 10^12"
        )]
        let cell = point.map(|value| (value / WELD + self.shift).round() as i64);
        let next = (self.positions.len() / 3) as u64;
        let index = *self.known.entry(cell).or_insert(next);
        if index == next {
            self.positions.extend(point);
        }
        index
    }
}

/// A count that the glue in JavaScript made.
pub(super) fn whole(value: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast from f64 saturates, and counts are checked against the data"
    )]
    let whole = value as usize;
    whole
}

//! From the shapes of a script to the neutral scene that exporters write.

use std::collections::{BTreeSet, HashMap};

use manifold_rust::linalg::{Vec3, cross};
use manifold_rust::types::MeshGL64;

use super::fault::Fault;
use super::guard;
use super::kernel::Kernel;
use super::plane;
use super::solid::Solid;
use crate::export::{IndexedMesh, Material, Outline2d, Part, Path, Scene, SceneSolid};

/// Edges that bend less look round, others stay sharp, in degrees.
const CREASE_DEGREES: f64 = 30.0;

/// What a scene is made for. Each half of a solid costs as much as the other, and a file needs one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// Parts with normals, for pictures.
    Showing,
    /// Closed meshes, for files that machines read.
    Making,
    /// Both, for whoever keeps the scene and writes several files from it.
    Everything,
}

/// Collects the shapes of one result.
pub(super) struct SceneBuilder<'a> {
    kernel: &'a Kernel,
    purpose: Purpose,
    scene: Scene,
    triangles: usize,
}

impl<'a> SceneBuilder<'a> {
    /// An empty scene; `triangles` were made by this run before.
    pub(super) fn new(kernel: &'a Kernel, purpose: Purpose, triangles: usize) -> Self {
        Self {
            kernel,
            purpose,
            scene: Scene::default(),
            triangles,
        }
    }

    /// The scene, and the triangles of the run so far.
    pub(super) fn finish(self) -> (Scene, usize) {
        (self.scene, self.triangles)
    }

    fn count(&mut self, triangles: usize) -> Result<(), Fault> {
        self.triangles = self.triangles.saturating_add(triangles);
        guard::triangles(
            "the result",
            self.triangles,
            self.kernel.limits().triangles_max,
        )
    }

    /// Adds a solid; an empty one adds nothing. Without a name of its own it is called by its material, where it has one only.
    pub(super) fn solid(&mut self, solid: &Solid, name: Option<String>) -> Result<(), Fault> {
        let body = self.kernel.body(solid)?;
        if body.is_empty() {
            return Ok(());
        }
        self.count(body.num_tri())?;
        let mut made = SceneSolid::default();
        if self.purpose != Purpose::Making {
            let shaded = self.kernel.native("the result", || {
                body.calculate_normals(0, CREASE_DEGREES).get_mesh_gl64(0)
            })?;
            made.render = parts(self.kernel, &shaded);
            made.materials = made.render.iter().map(|p| p.material.clone()).collect();
        }
        if self.purpose != Purpose::Showing {
            let plain = self
                .kernel
                .native("the result", || body.get_mesh_gl64(-1))?;
            (made.mesh, made.materials) = indexed(self.kernel, &plain);
        }
        made.name = name.or_else(|| match made.materials.as_slice() {
            [only] => only.name.clone(),
            _ => None,
        });
        self.scene.solids.push(made);
        Ok(())
    }

    /// Adds polygons that enclose nothing.
    pub(super) fn polygons(
        &mut self,
        coordinates: &[f64],
        counts: &[f64],
        paint: usize,
    ) -> Result<(), Fault> {
        guard::coordinates("polygons", coordinates)?;
        let triangles = fans(coordinates, counts);
        self.count(triangles.len())?;
        if triangles.is_empty() {
            return Ok(());
        }
        let material = self.kernel.material_of(paint).unwrap_or_default();
        let mut part = Part {
            material: material.clone(),
            ..Part::default()
        };
        let mut mesh = IndexedMesh::default();
        let mut known: HashMap<[u64; 3], u32> = HashMap::new();
        for triangle in triangles {
            let normal = flat_normal(&triangle);
            let first = index_of(part.positions.len());
            part.triangles.push([first, first + 1, first + 2]);
            part.normals.extend([normal; 3]);
            part.positions.extend(triangle);
            mesh.triangles.push(triangle.map(|p| {
                *known.entry(p.map(f64::to_bits)).or_insert_with(|| {
                    mesh.positions.push(p);
                    index_of(mesh.positions.len() - 1)
                })
            }));
        }
        self.scene.solids.push(SceneSolid {
            name: None,
            render: vec![part],
            mesh,
            materials: vec![material],
        });
        Ok(())
    }

    /// Adds a flat shape, given by its sides.
    pub(super) fn outline(&mut self, sides: &[f64], paint: usize) -> Result<(), Fault> {
        let section = plane::section(self.kernel, "the result", sides)?;
        let rings = section.to_polygons();
        if rings.is_empty() {
            return Ok(());
        }
        self.scene.outlines.push(Outline2d {
            name: self.name_of(paint),
            polygons: rings
                .into_iter()
                .map(|ring| ring.into_iter().map(|p| [p.x, p.y]).collect())
                .collect(),
            color: self.color_of(paint),
        });
        Ok(())
    }

    /// Adds a line, two numbers for each point.
    pub(super) fn path(&mut self, points: &[f64], paint: usize, closed: bool) -> Result<(), Fault> {
        guard::coordinates("path", points)?;
        if points.len() < 4 {
            return Ok(());
        }
        self.scene.paths.push(Path {
            name: self.name_of(paint),
            points: points.chunks_exact(2).map(|p| [p[0], p[1]]).collect(),
            closed,
            color: self.color_of(paint),
        });
        Ok(())
    }

    fn color_of(&self, paint: usize) -> Option<[f32; 4]> {
        self.kernel.material_of(paint).map(|m| m.color)
    }

    fn name_of(&self, paint: usize) -> Option<String> {
        self.kernel.material_of(paint).and_then(|m| m.name)
    }
}

fn index_of(position: usize) -> u32 {
    // Triangles are bounded far below four thousand million.
    u32::try_from(position).unwrap_or(u32::MAX)
}

fn usize_of(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// New places of vertices, given out in the order in which they are first asked for.
struct Places(Vec<Option<u32>>);

impl Places {
    fn new(vertices: usize) -> Self {
        Self(vec![None; vertices])
    }

    fn of(&mut self, vertex: usize, make: impl FnOnce() -> u32) -> u32 {
        match self.0.get_mut(vertex) {
            Some(place) => *place.get_or_insert_with(make),
            None => make(),
        }
    }
}

/// For each triangle of a mesh the number of its material.
fn paints(kernel: &Kernel, mesh: &MeshGL64) -> Vec<usize> {
    let mut paints = vec![0; mesh.tri_verts.len() / 3];
    for (run, id) in mesh.run_original_id.iter().enumerate() {
        let start = mesh.run_index.get(run).map_or(0, |i| usize_of(*i) / 3);
        let end = mesh
            .run_index
            .get(run + 1)
            .map_or(paints.len(), |i| usize_of(*i) / 3);
        let number = kernel.paint_of(*id);
        for paint in paints.iter_mut().take(end).skip(start) {
            *paint = number;
        }
    }
    paints
}

fn corner(mesh: &MeshGL64, index: usize) -> [f64; 3] {
    let at = index * usize_of(mesh.num_prop);
    let value = |i: usize| mesh.vert_properties.get(at + i).copied().unwrap_or(0.0);
    [value(0), value(1), value(2)]
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "normals are shown in single precision"
)]
fn normal(mesh: &MeshGL64, index: usize) -> [f32; 3] {
    let at = index * usize_of(mesh.num_prop) + 3;
    let value = |i: usize| mesh.vert_properties.get(at + i).copied().unwrap_or(0.0);
    unit([value(0), value(1), value(2)]).map(|v| v as f32)
}

/// A direction of length one; up when there is none.
fn unit(v: [f64; 3]) -> [f64; 3] {
    let length = v.iter().map(|x| x * x).sum::<f64>().sqrt();
    if length > 0.0 && length.is_finite() {
        v.map(|x| x / length)
    } else {
        [0.0, 0.0, 1.0]
    }
}

/// The mesh with shared corners, for making, and the materials that it counts in.
fn indexed(kernel: &Kernel, mesh: &MeshGL64) -> (IndexedMesh, Vec<Material>) {
    let vertices = mesh.vert_properties.len() / usize_of(mesh.num_prop).max(1);
    let mut merged: Vec<usize> = (0..vertices).collect();
    for (from, to) in mesh.merge_from_vert.iter().zip(&mesh.merge_to_vert) {
        if let Some(place) = merged.get_mut(usize_of(*from)) {
            *place = usize_of(*to);
        }
    }
    let mut numbers: Vec<usize> = Vec::new();
    let mut places = Places::new(vertices);
    let mut out = IndexedMesh::default();
    for (triangle, paint) in mesh.tri_verts.chunks_exact(3).zip(paints(kernel, mesh)) {
        let material = numbers.iter().position(|n| *n == paint).unwrap_or_else(|| {
            numbers.push(paint);
            numbers.len() - 1
        });
        out.triangle_material.push(index_of(material));
        let mut corners = [0; 3];
        for (to, from) in corners.iter_mut().zip(triangle) {
            let from = usize_of(*from);
            let vertex = merged.get(from).copied().unwrap_or(from);
            *to = places.of(vertex, || {
                out.positions.push(corner(mesh, vertex));
                index_of(out.positions.len() - 1)
            });
        }
        out.triangles.push(corners);
    }
    if numbers.len() <= 1 {
        out.triangle_material.clear();
    }
    let materials = numbers
        .into_iter()
        .map(|number| kernel.material_of(number).unwrap_or_default())
        .collect();
    (out, materials)
}

/// One part for each material, in the order of the materials' numbers.
fn parts(kernel: &Kernel, mesh: &MeshGL64) -> Vec<Part> {
    let vertices = mesh.vert_properties.len() / usize_of(mesh.num_prop).max(1);
    let paints = paints(kernel, mesh);
    let numbers: BTreeSet<usize> = paints.iter().copied().collect();
    let mut parts = Vec::with_capacity(numbers.len());
    for number in numbers {
        let mut places = Places::new(vertices);
        let mut part = Part {
            material: kernel.material_of(number).unwrap_or_default(),
            ..Part::default()
        };
        let own = mesh
            .tri_verts
            .chunks_exact(3)
            .zip(&paints)
            .filter(|(_, paint)| **paint == number);
        for (triangle, _) in own {
            let mut corners = [0; 3];
            for (to, from) in corners.iter_mut().zip(triangle) {
                let vertex = usize_of(*from);
                *to = places.of(vertex, || {
                    part.positions.push(corner(mesh, vertex));
                    part.normals.push(normal(mesh, vertex));
                    index_of(part.positions.len() - 1)
                });
            }
            part.triangles.push(corners);
        }
        parts.push(part);
    }
    parts
}

/// Cuts polygons into triangles.
fn fans(coordinates: &[f64], counts: &[f64]) -> Vec<[[f64; 3]; 3]> {
    let mut triangles = Vec::new();
    let mut rest = coordinates;
    for count in counts {
        let (own, later) = rest.split_at((3 * super::shapes::whole(*count)).min(rest.len()));
        rest = later;
        let ring: Vec<[f64; 3]> = own.chunks_exact(3).map(|p| [p[0], p[1], p[2]]).collect();
        for pair in ring.windows(2).skip(1) {
            triangles.push([ring[0], pair[0], pair[1]]);
        }
    }
    triangles
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "normals are shown in single precision"
)]
fn flat_normal(triangle: &[[f64; 3]; 3]) -> [f32; 3] {
    let [first, second, third] = triangle.map(|p| Vec3::new(p[0], p[1], p[2]));
    let normal = cross(second - first, third - first);
    unit([normal.x, normal.y, normal.z]).map(|x| x as f32)
}

//! Binary glTF 2.0: Y up, indexed, with normals and one primitive for each material. Numbers keep the model's units.

use std::collections::BTreeMap;

use gltf_json::accessor::{Accessor, ComponentType, GenericComponentType, Type};
use gltf_json::buffer::{Buffer, Target, View};
use gltf_json::material::{
    AlphaMode, Material as GltfMaterial, PbrBaseColorFactor, PbrMetallicRoughness, StrengthFactor,
};
use gltf_json::mesh::{Mesh, Mode, Primitive, Semantic};
use gltf_json::scene::{Node, Scene as GltfScene};
use gltf_json::validation::{Checked, USize64};
use gltf_json::{Extras, Index, Root};
use serde_json::json;

use super::check;
use super::error::ExportError;
use super::fill::fill;
use super::mesh::{Material, Part, Path, Scene};
use super::weld::{cross, sub, unit};

const MAGIC: &[u8; 4] = b"glTF";
const VERSION: u32 = 2;
const CHUNK_JSON: &[u8; 4] = b"JSON";
const CHUNK_BIN: &[u8; 4] = b"BIN\0";
const HEADER_BYTES: usize = 12;
const CHUNK_HEADER_BYTES: usize = 8;
/// Vertices that 16-bit indices reach; the last value is reserved.
const SHORT_VERTICES_MAX: usize = u16::MAX as usize;
/// Colour of lines and borders that have none.
const LINE_COLOR: [f32; 4] = [0.1, 0.1, 0.1, 1.0];

/// Writes a scene as one GLB file. Areas become thin sheets, lines stay lines.
///
/// # Errors
/// An empty scene, or unusable numbers.
pub fn glb(scene: &Scene) -> Result<Vec<u8>, ExportError> {
    check::parts(scene)?;
    check::flat(scene)?;
    let mut writer = Writer::default();
    for solid in &scene.solids {
        let mut primitives = Vec::new();
        for part in merge_by_material(&solid.render) {
            primitives.push(writer.surface(&part, Sides::Front));
        }
        writer.node(solid.name.as_deref(), primitives);
    }
    for outline in &scene.outlines {
        let color = outline.color;
        let primitives = match fill(outline) {
            Some(part) => vec![writer.surface(&part, Sides::Both)],
            None => outline
                .polygons
                .iter()
                .map(|ring| Path {
                    points: ring.clone(),
                    closed: true,
                    color,
                    name: None,
                })
                .filter_map(|ring| writer.line(&ring))
                .collect(),
        };
        writer.node(outline.name.as_deref(), primitives);
    }
    for path in &scene.paths {
        let primitives = writer.line(path).into_iter().collect();
        writer.node(path.name.as_deref(), primitives);
    }
    writer.finish()
}

/// Joins the parts of a solid that look the same.
fn merge_by_material(parts: &[Part]) -> Vec<Part> {
    let mut merged: Vec<Part> = Vec::new();
    for part in parts.iter().filter(|part| !part.triangles.is_empty()) {
        let Some(same) = merged
            .iter_mut()
            .find(|have| have.material == part.material)
        else {
            merged.push(part.clone());
            continue;
        };
        let base = u32::try_from(same.positions.len()).unwrap_or(u32::MAX);
        same.positions.extend_from_slice(&part.positions);
        same.normals.extend_from_slice(&part.normals);
        same.triangles.extend(
            part.triangles
                .iter()
                .map(|t| t.map(|i| i.saturating_add(base))),
        );
    }
    merged
}

/// Which sides of a surface are seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sides {
    Front,
    Both,
}

/// Materials that look the same are one: name, bits of colour, metalness and roughness, sides.
type MaterialKey = (Option<String>, [u32; 6], Sides);

#[derive(Default)]
struct Writer {
    root: Root,
    bin: Vec<u8>,
    materials: BTreeMap<MaterialKey, Index<GltfMaterial>>,
    nodes: Vec<Index<Node>>,
}

impl Writer {
    fn surface(&mut self, part: &Part, sides: Sides) -> Primitive {
        let material = self.material(&part.material, sides);
        let positions: Vec<[f32; 3]> = part.positions.iter().map(|p| y_up(*p)).collect();
        let normals = shading_normals(part);
        let indices: Vec<u32> = part.triangles.iter().flatten().copied().collect();
        let attributes = BTreeMap::from([
            (
                Checked::Valid(Semantic::Positions),
                self.vectors(&positions, Bounded::Yes),
            ),
            (
                Checked::Valid(Semantic::Normals),
                self.vectors(&normals, Bounded::No),
            ),
        ]);
        let indices = self.indices(&indices, positions.len());
        primitive(attributes, indices, material, Mode::Triangles)
    }

    fn line(&mut self, path: &Path) -> Option<Primitive> {
        if path.points.len() < 2 {
            return None;
        }
        let material = Material {
            color: path.color.unwrap_or(LINE_COLOR),
            ..Material::default()
        };
        let material = self.material(&material, Sides::Front);
        let positions: Vec<[f32; 3]> = path
            .points
            .iter()
            .map(|[x, y]| y_up([*x, *y, 0.0]))
            .collect();
        let mut indices: Vec<u32> = (1_u32..)
            .take(positions.len() - 1)
            .flat_map(|i| [i - 1, i])
            .collect();
        if path.closed {
            let last = indices.last().copied().unwrap_or(0);
            indices.extend([last, 0]);
        }
        let positions_at = self.vectors(&positions, Bounded::Yes);
        let attributes = BTreeMap::from([(Checked::Valid(Semantic::Positions), positions_at)]);
        let indices = self.indices(&indices, positions.len());
        Some(primitive(attributes, indices, material, Mode::Lines))
    }

    fn node(&mut self, name: Option<&str>, primitives: Vec<Primitive>) {
        if primitives.is_empty() {
            return;
        }
        let name = name.map(str::to_owned);
        let mesh = self.root.push(Mesh {
            extensions: None,
            extras: Extras::default(),
            name: name.clone(),
            primitives,
            weights: None,
        });
        let node = Node {
            mesh: Some(mesh),
            name,
            ..Node::default()
        };
        self.nodes.push(self.root.push(node));
    }

    fn material(&mut self, material: &Material, sides: Sides) -> Index<GltfMaterial> {
        let Material {
            name,
            color: [r, g, b, a],
            metalness,
            roughness,
        } = material;
        let bits = [r, g, b, a, metalness, roughness].map(|number| number.to_bits());
        let key = (name.clone(), bits, sides);
        if let Some(index) = self.materials.get(&key) {
            return *index;
        }
        let index = self.root.push(gltf_material(material, sides));
        self.materials.insert(key, index);
        index
    }

    fn vectors(&mut self, vectors: &[[f32; 3]], bounded: Bounded) -> Index<Accessor> {
        let bytes = vectors
            .iter()
            .flatten()
            .flat_map(|number| number.to_le_bytes());
        let view = self.view(bytes, Target::ArrayBuffer);
        let mut accessor = accessor(view, vectors.len(), ComponentType::F32, Type::Vec3);
        if bounded == Bounded::Yes
            && let Some(first) = vectors.first()
        {
            let (mut low, mut high) = (*first, *first);
            for vector in vectors {
                for axis in 0..3 {
                    low[axis] = low[axis].min(vector[axis]);
                    high[axis] = high[axis].max(vector[axis]);
                }
            }
            accessor.min = Some(json!(low));
            accessor.max = Some(json!(high));
        }
        self.root.push(accessor)
    }

    fn indices(&mut self, indices: &[u32], vertices: usize) -> Index<Accessor> {
        let short: Option<Vec<u16>> = (vertices <= SHORT_VERTICES_MAX)
            .then(|| indices.iter().map(|i| u16::try_from(*i).ok()).collect())
            .flatten();
        let (view, component) = if let Some(short) = short {
            let bytes = short.into_iter().flat_map(u16::to_le_bytes);
            (
                self.view(bytes, Target::ElementArrayBuffer),
                ComponentType::U16,
            )
        } else {
            let bytes = indices.iter().flat_map(|index| index.to_le_bytes());
            (
                self.view(bytes, Target::ElementArrayBuffer),
                ComponentType::U32,
            )
        };
        self.root
            .push(accessor(view, indices.len(), component, Type::Scalar))
    }

    fn view(&mut self, bytes: impl Iterator<Item = u8>, target: Target) -> Index<View> {
        let offset = self.bin.len();
        self.bin.extend(bytes);
        let length = self.bin.len() - offset;
        pad(&mut self.bin, 0);
        self.root.push(View {
            buffer: Index::new(0),
            byte_length: USize64::from(length),
            byte_offset: Some(USize64::from(offset)),
            byte_stride: None,
            name: None,
            target: Some(Checked::Valid(target)),
            extensions: None,
            extras: Extras::default(),
        })
    }

    fn finish(mut self) -> Result<Vec<u8>, ExportError> {
        if self.nodes.is_empty() {
            return Err(ExportError::Empty {
                format: "glb",
                needs: "a solid, an area or a line",
            });
        }
        self.root.asset.generator = Some("Vitrine, lengths in millimetres".to_owned());
        self.root.push(Buffer {
            byte_length: USize64::from(self.bin.len()),
            name: None,
            uri: None,
            extensions: None,
            extras: Extras::default(),
        });
        let nodes = std::mem::take(&mut self.nodes);
        let scene = GltfScene {
            extensions: None,
            extras: Extras::default(),
            name: None,
            nodes,
        };
        self.root.scene = Some(self.root.push(scene));
        let mut text = self.root.to_vec().map_err(|error| ExportError::Writer {
            format: "glb",
            message: error.to_string(),
        })?;
        pad(&mut text, b' ');
        assemble(&text, &self.bin)
    }
}

/// Whether an accessor states its smallest and largest values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bounded {
    Yes,
    No,
}

fn assemble(text: &[u8], bin: &[u8]) -> Result<Vec<u8>, ExportError> {
    let length = HEADER_BYTES + 2 * CHUNK_HEADER_BYTES + text.len() + bin.len();
    let word = |length: usize| {
        u32::try_from(length)
            .map(u32::to_le_bytes)
            .map_err(|_| ExportError::TooLarge {
                format: "glb",
                problem: "it counts bytes with 32 bits",
            })
    };
    let mut out = Vec::with_capacity(length);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&word(length)?);
    for (kind, chunk) in [(CHUNK_JSON, text), (CHUNK_BIN, bin)] {
        out.extend_from_slice(&word(chunk.len())?);
        out.extend_from_slice(kind);
        out.extend_from_slice(chunk);
    }
    Ok(out)
}

fn pad(bytes: &mut Vec<u8>, with: u8) {
    bytes.resize(bytes.len().next_multiple_of(4), with);
}

fn primitive(
    attributes: BTreeMap<Checked<Semantic>, Index<Accessor>>,
    indices: Index<Accessor>,
    material: Index<GltfMaterial>,
    mode: Mode,
) -> Primitive {
    Primitive {
        attributes,
        extensions: None,
        extras: Extras::default(),
        indices: Some(indices),
        material: Some(material),
        mode: Checked::Valid(mode),
        targets: None,
    }
}

fn accessor(view: Index<View>, count: usize, component: ComponentType, kind: Type) -> Accessor {
    Accessor {
        buffer_view: Some(view),
        byte_offset: None,
        count: USize64::from(count),
        component_type: Checked::Valid(GenericComponentType(component)),
        extensions: None,
        extras: Extras::default(),
        type_: Checked::Valid(kind),
        min: None,
        max: None,
        name: None,
        normalized: false,
        sparse: None,
    }
}

fn gltf_material(material: &Material, sides: Sides) -> GltfMaterial {
    let [r, g, b, a] = material.color.map(|channel| channel.clamp(0.0, 1.0));
    let alpha_mode = if a < 1.0 {
        AlphaMode::Blend
    } else {
        AlphaMode::Opaque
    };
    GltfMaterial {
        name: material.name.clone(),
        alpha_mode: Checked::Valid(alpha_mode),
        double_sided: sides == Sides::Both,
        pbr_metallic_roughness: PbrMetallicRoughness {
            base_color_factor: PbrBaseColorFactor([linear(r), linear(g), linear(b), a]),
            metallic_factor: StrengthFactor(material.metalness.clamp(0.0, 1.0)),
            roughness_factor: StrengthFactor(material.roughness.clamp(0.0, 1.0)),
            ..PbrMetallicRoughness::default()
        },
        ..GltfMaterial::default()
    }
}

/// From sRGB to linear light, rounded so that the last bits of the platform's power function do not show.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a colour channel keeps six digits anyway"
)]
fn linear(channel: f32) -> f32 {
    let c = f64::from(channel);
    let light = if c <= 0.040_45 {
        c / 12.92
    } else {
        ((c + 0.055) / 1.055).powf(2.4)
    };
    ((light * 1e6).round() / 1e6) as f32
}

/// Turns the model's axes (Z up) to glTF's (Y up).
#[expect(
    clippy::cast_possible_truncation,
    reason = "glTF holds single precision"
)]
fn y_up([x, y, z]: [f64; 3]) -> [f32; 3] {
    // Adding zero turns negative zero into zero.
    [x as f32 + 0.0, z as f32 + 0.0, -y as f32 + 0.0]
}

/// Unit normals with Y up. Where the engine knew none, the triangles around a corner give it.
fn shading_normals(part: &Part) -> Vec<[f32; 3]> {
    let known: Vec<Option<[f64; 3]>> = part
        .normals
        .iter()
        .map(|normal| unit(normal.map(f64::from)))
        .collect();
    let mut sums = vec![
        [0.0; 3];
        if known.contains(&None) {
            known.len()
        } else {
            0
        }
    ];
    if !sums.is_empty() {
        for triangle in &part.triangles {
            let [a, b, c] = triangle.map(|i| part.positions[i as usize]);
            let face = cross(sub(b, a), sub(c, a));
            for corner in triangle {
                let sum = &mut sums[*corner as usize];
                for axis in 0..3 {
                    sum[axis] += face[axis];
                }
            }
        }
    }
    let up = [0.0, 0.0, 1.0];
    let found = |corner: usize| sums.get(corner).and_then(|sum| unit(*sum)).unwrap_or(up);
    known
        .iter()
        .enumerate()
        .map(|(at, normal)| y_up(normal.unwrap_or_else(|| found(at))))
        .collect()
}

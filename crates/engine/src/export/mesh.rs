//! The neutral form in which engines hand geometry to the exporters. Units are the model's own (millimetres), Z is up,
//! triangles turn counter-clockwise when seen from outside.

/// Everything that one output or export shows.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Scene {
    /// Bodies, in the model's order.
    pub solids: Vec<SceneSolid>,
    /// Flat areas.
    pub outlines: Vec<Outline2d>,
    /// Lines without area.
    pub paths: Vec<Path>,
}

/// One printable body, for showing, for making, or for both.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct SceneSolid {
    /// The author's name.
    pub name: Option<String>,
    /// For showing: normals and one part per material.
    pub render: Vec<Part>,
    /// For making: the same body as a closed mesh with shared vertices.
    pub mesh: IndexedMesh,
    /// Materials that [`IndexedMesh::triangle_material`] counts in.
    pub materials: Vec<Material>,
}

/// Triangles of one material with normals.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Part {
    /// How it looks.
    pub material: Material,
    /// Corners.
    pub positions: Vec<[f64; 3]>,
    /// Unit normals, one for each corner.
    pub normals: Vec<[f32; 3]>,
    /// Indices into `positions`.
    pub triangles: Vec<[u32; 3]>,
}

/// A closed mesh whose triangles share their vertices.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct IndexedMesh {
    /// Vertices.
    pub positions: Vec<[f64; 3]>,
    /// Indices into `positions`.
    pub triangles: Vec<[u32; 3]>,
    /// For each triangle the index of its material. Empty: all have the first.
    pub triangle_material: Vec<u32>,
}

/// How a surface looks.
#[derive(Clone, PartialEq, Debug)]
pub struct Material {
    /// The author's name.
    pub name: Option<String>,
    /// Red, green, blue, alpha in sRGB, each from 0 to 1.
    pub color: [f32; 4],
    /// 0 (plastic, wood) to 1 (metal).
    pub metalness: f32,
    /// 0 (mirror) to 1 (chalk).
    pub roughness: f32,
}

impl Default for Material {
    /// A light grey, slightly matt surface.
    fn default() -> Self {
        Self {
            name: None,
            color: [0.8, 0.8, 0.8, 1.0],
            metalness: 0.0,
            roughness: 0.6,
        }
    }
}

/// A flat area in the XY plane.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Outline2d {
    /// The author's name.
    pub name: Option<String>,
    /// Closed rings without a repeated last point; outer rings counter-clockwise, holes clockwise.
    pub polygons: Vec<Vec<[f64; 2]>>,
    /// Red, green, blue, alpha in sRGB, each from 0 to 1.
    pub color: Option<[f32; 4]>,
}

/// A line in the XY plane.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Path {
    /// The author's name.
    pub name: Option<String>,
    /// Points in order.
    pub points: Vec<[f64; 2]>,
    /// Whether the last point is joined to the first.
    pub closed: bool,
    /// Red, green, blue, alpha in sRGB, each from 0 to 1.
    pub color: Option<[f32; 4]>,
}

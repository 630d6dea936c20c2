//! Files of models, read and measured without the code that wrote them.

use std::collections::HashMap;

use serde_json::Value as Json;

const STL_HEAD_BYTES: usize = 84;
const STL_TRIANGLE_BYTES: usize = 50;

/// A corner by the bits of its three numbers.
type Corner = [u32; 3];

/// The triangles of a binary STL file.
pub(crate) struct Stl {
    triangles: Vec<[[f32; 3]; 3]>,
}

impl Stl {
    /// Reads a file that ends where its head says.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let count = u32::from_le_bytes(bytes[80..84].try_into().unwrap());
        let body = &bytes[STL_HEAD_BYTES..];
        assert_eq!(
            body.len(),
            STL_TRIANGLE_BYTES * usize::try_from(count).unwrap()
        );
        let number = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().unwrap());
        let corner = |bytes: &[u8]| {
            [
                number(&bytes[0..4]),
                number(&bytes[4..8]),
                number(&bytes[8..12]),
            ]
        };
        // The first three numbers are the normal.
        let triangle = |bytes: &[u8]| {
            [
                corner(&bytes[12..24]),
                corner(&bytes[24..36]),
                corner(&bytes[36..48]),
            ]
        };
        Self {
            triangles: body
                .chunks_exact(STL_TRIANGLE_BYTES)
                .map(triangle)
                .collect(),
        }
    }

    /// The number of triangles.
    pub(crate) fn triangles(&self) -> usize {
        self.triangles.len()
    }

    /// Volume by the tetrahedra between the origin and each triangle, in mm³.
    pub(crate) fn volume(&self) -> f64 {
        let tetrahedron = |[a, b, c]: &[[f32; 3]; 3]| {
            let [a, b, c] = [a, b, c].map(|p| p.map(f64::from));
            a[0] * (b[1] * c[2] - b[2] * c[1])
                + a[1] * (b[2] * c[0] - b[0] * c[2])
                + a[2] * (b[0] * c[1] - b[1] * c[0])
        };
        self.triangles.iter().map(tetrahedron).sum::<f64>() / 6.0
    }

    /// Whether a mesh library would call it a solid: finite, no triangle without area to speak of, every edge shared by
    /// exactly two triangles that turn the same way, and more inside than nothing.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self
            .triangles
            .iter()
            .flatten()
            .flatten()
            .any(|number| !number.is_finite())
        {
            return Err("a coordinate is not finite".to_owned());
        }
        let mut edges: HashMap<(Corner, Corner), usize> = HashMap::new();
        for corners in self.corners() {
            for i in 0..3 {
                let (from, to) = (corners[i], corners[(i + 1) % 3]);
                if from == to {
                    return Err("a triangle has two corners in one place".to_owned());
                }
                *edges.entry((from, to)).or_default() += 1;
            }
        }
        let bad = edges
            .iter()
            .filter(|((from, to), count)| **count != 1 || edges.get(&(*to, *from)) != Some(&1));
        match bad.count() {
            0 if self.volume() > 1.0 => Ok(()),
            0 => Err(format!("the volume is {}", self.volume())),
            count => Err(format!(
                "{count} edges are not shared by exactly two triangles"
            )),
        }
    }

    /// The number of bodies that hang together by their corners.
    pub(crate) fn pieces(&self) -> usize {
        let mut known: HashMap<Corner, usize> = HashMap::new();
        let mut parents: Vec<usize> = Vec::new();
        for corners in self.corners() {
            let [a, b, c] = corners.map(|corner| {
                *known.entry(corner).or_insert_with(|| {
                    parents.push(parents.len());
                    parents.len() - 1
                })
            });
            let root = find(&mut parents, a);
            for other in [b, c] {
                let other = find(&mut parents, other);
                parents[other] = root;
            }
        }
        (0..parents.len()).filter(|i| parents[*i] == *i).count()
    }

    fn corners(&self) -> impl Iterator<Item = [Corner; 3]> + '_ {
        // Adding zero makes negative zero equal to zero.
        self.triangles
            .iter()
            .map(|triangle| triangle.map(|p| p.map(|number| (number + 0.0).to_bits())))
    }
}

fn find(parents: &mut [usize], mut place: usize) -> usize {
    while parents[place] != place {
        parents[place] = parents[parents[place]];
        place = parents[place];
    }
    place
}

/// The number of triangles that a binary glTF file shows.
pub(crate) fn glb_triangles(bytes: &[u8]) -> usize {
    assert_eq!(&bytes[..4], b"glTF");
    let length = usize::try_from(u32::from_le_bytes(bytes[12..16].try_into().unwrap())).unwrap();
    let json: Json = serde_json::from_slice(&bytes[20..20 + length]).unwrap();
    let corners = |primitive: &Json| {
        let accessor = usize::try_from(primitive["indices"].as_u64().unwrap()).unwrap();
        usize::try_from(json["accessors"][accessor]["count"].as_u64().unwrap()).unwrap()
    };
    let of_mesh = |node: &Json| {
        let mesh = usize::try_from(node["mesh"].as_u64().unwrap()).unwrap();
        json["meshes"][mesh]["primitives"]
            .as_array()
            .unwrap()
            .iter()
            .map(corners)
            .sum::<usize>()
            / 3
    };
    let nodes = json["nodes"].as_array().unwrap();
    nodes
        .iter()
        .filter(|node| node["mesh"].is_u64())
        .map(of_mesh)
        .sum()
}

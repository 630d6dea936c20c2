//! Results of booleans that a later computation of the same model needs again: what a slider does not touch is not computed
//! twice.
//!
//! A worker is bound to one model of one owner, so what is kept here never meets another's work. A result is found by the
//! content of its operands, not by how the script came to them, and comes back as if it had been computed anew: equal values
//! give equal bytes, whatever was computed before.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use manifold_rust::csg_tree::{CsgLeafNode, CsgNode};
use manifold_rust::impl_mesh::ManifoldImpl;
use manifold_rust::linalg::{Mat3x4, Vec3};
use manifold_rust::manifold::Manifold;
use manifold_rust::types::OpType;

/// Triangles of all results that are kept: some dozens of megabytes, a small part of a worker's budget.
const TRIANGLES_MAX: usize = 200_000;
/// Results that are kept.
const RESULTS_MAX: usize = 2_000;
/// Triangles of the operands of one operation up to which its result is looked for: reading them takes a few milliseconds then,
/// and no cancelling has to be heard meanwhile.
pub(super) const OPERAND_TRIANGLES_MAX: usize = 500_000;

/// Results of one worker. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Reuse(Arc<Mutex<Kept>>);

/// 128 bits of the content of a node. Whoever makes two nodes collide gets his own model wrong.
type Key = (u64, u64);

#[derive(Default)]
struct Kept {
    results: HashMap<Key, Entry>,
    triangles: usize,
    clock: u64,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept")
            .field("results", &self.results.len())
            .field("triangles", &self.triangles)
            .finish_non_exhaustive()
    }
}

struct Entry {
    mesh: Arc<ManifoldImpl>,
    /// The ids of the operands, ascending.
    ids: Vec<i32>,
    used: u64,
}

/// A node and what it is found by.
pub(super) struct Content {
    key: Key,
    ids: Vec<i32>,
}

impl Content {
    /// Reads the operands of a node. The kernel's ids come from a counter that never stands still, so they count by their
    /// order alone.
    pub(super) fn of(node: &CsgNode) -> Self {
        let mut meshes = HashMap::new();
        collect_meshes(node, &mut meshes);
        let ids: BTreeSet<i32> = meshes
            .values()
            .flat_map(|m| m.ids.iter().copied())
            .collect();
        let ids: Vec<i32> = ids.into_iter().collect();
        let half = |salt: u64| {
            let mut hasher = DefaultHasher::new();
            salt.hash(&mut hasher);
            hash_node(node, &meshes, &ids, &mut hasher);
            hasher.finish()
        };
        Self {
            key: (half(0), half(1)),
            ids,
        }
    }
}

impl Reuse {
    /// The result of a node, if it was kept.
    pub(super) fn find(&self, content: &Content) -> Option<CsgLeafNode> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clock += 1;
        let now = kept.clock;
        let entry = kept.results.get_mut(&content.key)?;
        entry.used = now;
        let (mesh, ids) = (Arc::clone(&entry.mesh), entry.ids.clone());
        drop(kept);
        Some(CsgLeafNode::new(renewed(&mesh, &ids, &content.ids)))
    }

    /// Keeps a result, at the cost of the ones that were not used for the longest time.
    pub(super) fn keep(&self, content: Content, result: &CsgLeafNode) {
        let triangles = result.p_impl.num_tri();
        if triangles > TRIANGLES_MAX / 2 {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clock += 1;
        let entry = Entry {
            mesh: Arc::clone(&result.p_impl),
            ids: content.ids,
            used: kept.clock,
        };
        if let Some(old) = kept.results.insert(content.key, entry) {
            kept.triangles -= old.mesh.num_tri();
        }
        kept.triangles += triangles;
        while kept.triangles > TRIANGLES_MAX || kept.results.len() > RESULTS_MAX {
            let oldest = kept.results.iter().min_by_key(|(_, entry)| entry.used);
            let Some(key) = oldest.map(|(key, _)| *key) else {
                return;
            };
            if let Some(old) = kept.results.remove(&key) {
                kept.triangles -= old.mesh.num_tri();
            }
        }
    }
}

/// A mesh with the ids that it would have, had it been computed now from operands with `to` in place of `from`.
fn renewed(mesh: &ManifoldImpl, from: &[i32], to: &[i32]) -> ManifoldImpl {
    let mut mesh = mesh.clone();
    let relation = &mut mesh.mesh_relation;
    let original = |id: i32| match from.binary_search(&id) {
        Ok(rank) => to.get(rank).copied().unwrap_or(id),
        Err(_) => id,
    };
    let count = u32::try_from(relation.mesh_id_transform.len()).unwrap_or(u32::MAX);
    let first = Manifold::reserve_ids(count);
    let fresh: HashMap<i32, i32> = relation
        .mesh_id_transform
        .keys()
        .zip(first..)
        .filter_map(|(old, new)| Some((*old, i32::try_from(new).ok()?)))
        .collect();
    let instance = |id: i32| fresh.get(&id).copied().unwrap_or(id);
    let transforms = std::mem::take(&mut relation.mesh_id_transform);
    for (id, mut of) in transforms {
        of.original_id = original(of.original_id);
        relation.mesh_id_transform.insert(instance(id), of);
    }
    relation.original_id = original(relation.original_id);
    for triangle in &mut relation.tri_ref {
        triangle.mesh_id = instance(triangle.mesh_id);
        triangle.original_id = original(triangle.original_id);
    }
    mesh
}

/// Each mesh of a node once, by where it lies: many operands are one mesh in many places.
type Meshes = HashMap<*const ManifoldImpl, Mesh>;

/// What a mesh is found by, whatever its ids are.
struct Mesh {
    key: Key,
    /// Its ids, ascending.
    ids: Vec<i32>,
}

impl Mesh {
    fn of(mesh: &ManifoldImpl) -> Self {
        let relation = &mesh.mesh_relation;
        let of_relations = relation.mesh_id_transform.iter();
        let ids: BTreeSet<i32> = of_relations
            .flat_map(|(id, of)| [*id, of.original_id])
            .chain([relation.original_id])
            // Less than nothing stands for no id, and means the same everywhere.
            .filter(|id| *id >= 0)
            .collect();
        let ids: Vec<i32> = ids.into_iter().collect();
        let half = |salt: u64| {
            let mut hasher = DefaultHasher::new();
            salt.hash(&mut hasher);
            hash_mesh(mesh, &ids, &mut hasher);
            hasher.finish()
        };
        Self {
            key: (half(0), half(1)),
            ids,
        }
    }
}

fn collect_meshes(node: &CsgNode, meshes: &mut Meshes) {
    match node {
        CsgNode::Leaf(leaf) => {
            meshes
                .entry(Arc::as_ptr(&leaf.p_impl))
                .or_insert_with(|| Mesh::of(&leaf.p_impl));
        }
        CsgNode::Op { children, .. } => {
            for child in children {
                collect_meshes(child, meshes);
            }
        }
    }
}

fn hash_node(node: &CsgNode, meshes: &Meshes, ids: &[i32], to: &mut DefaultHasher) {
    match node {
        CsgNode::Leaf(leaf) => {
            0_u8.hash(to);
            hash_matrix(&leaf.transform, to);
            if let Some(mesh) = meshes.get(&Arc::as_ptr(&leaf.p_impl)) {
                mesh.key.hash(to);
                for id in &mesh.ids {
                    ids.binary_search(id).hash(to);
                }
            }
        }
        CsgNode::Op {
            op,
            children,
            transform,
        } => {
            let kind: u8 = match op {
                OpType::Add => 1,
                OpType::Subtract => 2,
                OpType::Intersect => 3,
            };
            kind.hash(to);
            hash_matrix(transform, to);
            children.len().hash(to);
            for child in children {
                hash_node(child, meshes, ids, to);
            }
        }
    }
}

fn hash_mesh(mesh: &ManifoldImpl, ids: &[i32], to: &mut DefaultHasher) {
    // An id that nothing relates to stands for itself.
    let rank = |id: i32| ids.binary_search(&id).map_err(|_| id);
    for number in [mesh.epsilon, mesh.tolerance] {
        number.to_bits().hash(to);
    }
    mesh.num_prop.hash(to);
    mesh.vert_pos.len().hash(to);
    for at in mesh.vert_pos.iter().chain(&mesh.face_normal) {
        hash_vector(*at, to);
    }
    for number in &mesh.properties {
        number.to_bits().hash(to);
    }
    mesh.halfedge.len().hash(to);
    for edge in &mesh.halfedge {
        (edge.start_vert, edge.end_vert).hash(to);
        (edge.paired_halfedge, edge.prop_vert).hash(to);
    }
    let relation = &mesh.mesh_relation;
    rank(relation.original_id).hash(to);
    for (id, of) in &relation.mesh_id_transform {
        (
            rank(*id),
            rank(of.original_id),
            of.back_side,
            of.has_normals,
        )
            .hash(to);
        hash_matrix(&of.transform, to);
    }
    for t in &relation.tri_ref {
        let ids = (rank(t.mesh_id), rank(t.original_id));
        (ids, t.face_id, t.coplanar_id).hash(to);
    }
}

fn hash_vector(v: Vec3, to: &mut DefaultHasher) {
    [v.x, v.y, v.z].map(f64::to_bits).hash(to);
}

fn hash_matrix(matrix: &Mat3x4, to: &mut DefaultHasher) {
    for column in [matrix.x, matrix.y, matrix.z, matrix.w] {
        hash_vector(column, to);
    }
}

//! Solids as lazy trees: a script builds nodes, and only what somebody looks at is evaluated, many operands at once.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use manifold_rust::csg_tree::{CsgLeafNode, CsgNode};
use manifold_rust::linalg::{Mat3x4, mat3x4_to_mat4, mat4_to_mat3x4};
use manifold_rust::types::OpType;
use vitrine_model::LimitKind;

use super::fault::Fault;
use super::guard;
use super::kernel::Kernel;
use super::reuse::{Content, OPERAND_TRIANGLES_MAX};

/// Levels of operations that are left unevaluated. Building and evaluating a tree is recursive; this keeps it within the
/// stack of a small thread, while chains still gain from being evaluated together.
const LAZY_DEPTH_MAX: u32 = 200;

/// A solid of the script.
pub(super) struct Solid {
    state: RefCell<State>,
    depth: Cell<u32>,
}

enum State {
    Leaf(CsgLeafNode),
    Op(OpType, Vec<Rc<Solid>>),
    Moved(Rc<Solid>, Mat3x4),
    /// Its evaluation ended with a fault.
    Failed,
}

impl Solid {
    pub(super) fn leaf(leaf: CsgLeafNode) -> Rc<Self> {
        Self::new(State::Leaf(leaf), 0)
    }

    fn new(state: State, depth: u32) -> Rc<Self> {
        Rc::new(Self {
            state: RefCell::new(state),
            depth: Cell::new(depth),
        })
    }

    /// The boolean of some solids; the first is the one that others are taken from.
    pub(super) fn operation(
        kernel: &Kernel,
        op: OpType,
        children: Vec<Rc<Self>>,
    ) -> Result<Rc<Self>, Fault> {
        let depth_max = LAZY_DEPTH_MAX.min(kernel.limits().csg_depth_max.max(1));
        for child in &children {
            if child.depth.get() >= depth_max {
                child.evaluate(kernel)?;
            }
        }
        let depth = 1 + children.iter().map(|c| c.depth.get()).max().unwrap_or(0);
        Ok(Self::new(State::Op(op, children), depth))
    }

    /// The solid, moved by a matrix.
    pub(super) fn moved(self: &Rc<Self>, matrix: Mat3x4) -> Result<Rc<Self>, Fault> {
        match &*self.state.borrow() {
            State::Leaf(leaf) => {
                let leaf = leaf.apply_transform(matrix);
                let bounds = leaf.get_bounding_box();
                if !leaf.p_impl.vert_pos.is_empty() {
                    for corner in [bounds.min, bounds.max] {
                        guard::coordinates("transform", &[corner.x, corner.y, corner.z])?;
                    }
                }
                Ok(Self::leaf(leaf))
            }
            State::Moved(child, first) => {
                let both = compose(matrix, *first);
                Ok(Self::new(
                    State::Moved(Rc::clone(child), both),
                    child.depth.get(),
                ))
            }
            State::Op(..) | State::Failed => Ok(Self::new(
                State::Moved(Rc::clone(self), matrix),
                self.depth.get(),
            )),
        }
    }

    /// The finished mesh. It is kept, so asking again costs nothing.
    pub(super) fn evaluate(&self, kernel: &Kernel) -> Result<CsgLeafNode, Fault> {
        if let State::Leaf(leaf) = &*self.state.borrow() {
            return Ok(leaf.clone());
        }
        let leaf = match self.state.replace(State::Failed) {
            State::Leaf(leaf) => leaf,
            State::Failed => {
                return Err(Fault::refused(
                    "boolean",
                    "an operand could not be computed",
                ));
            }
            State::Moved(child, matrix) => evaluate_node(kernel, &to_node(kernel, child, matrix)?)?,
            State::Op(op, children) => {
                let node = op_node(kernel, op, children, Mat3x4::identity())?;
                evaluate_node(kernel, &node)?
            }
        };
        self.state.replace(State::Leaf(leaf.clone()));
        self.depth.set(0);
        Ok(leaf)
    }
}

fn op_node(
    kernel: &Kernel,
    op: OpType,
    children: Vec<Rc<Solid>>,
    transform: Mat3x4,
) -> Result<CsgNode, Fault> {
    // Moving the operands moves the result. The kernel's own place for this is not used: it moves an operation that stands
    // inside an operation of another kind twice.
    let children = children
        .into_iter()
        .map(|child| to_node(kernel, child, transform))
        .collect::<Result<_, _>>()?;
    Ok(CsgNode::Op {
        op,
        children,
        transform: Mat3x4::identity(),
    })
}

/// A node for the kernel. What nobody else holds becomes a part of the tree; what is shared is evaluated by itself, so that
/// it is evaluated once.
fn to_node(kernel: &Kernel, solid: Rc<Solid>, transform: Mat3x4) -> Result<CsgNode, Fault> {
    let state = match Rc::try_unwrap(solid) {
        Ok(own) => own.state.into_inner(),
        Err(shared) => State::Leaf(shared.evaluate(kernel)?),
    };
    match state {
        State::Leaf(leaf) => Ok(CsgNode::Leaf(leaf.apply_transform(transform))),
        State::Moved(child, matrix) => to_node(kernel, child, compose(transform, matrix)),
        State::Op(op, children) => op_node(kernel, op, children, transform),
        State::Failed => Err(Fault::refused(
            "boolean",
            "an operand could not be computed",
        )),
    }
}

fn evaluate_node(kernel: &Kernel, node: &CsgNode) -> Result<CsgLeafNode, Fault> {
    if let CsgNode::Leaf(leaf) = node {
        return Ok(leaf.clone());
    }
    let operands = triangles_of(node);
    if u64::try_from(operands).map_or(true, |found| found > kernel.limits().triangles_max) {
        return Err(Fault::limit(
            LimitKind::Triangles,
            "boolean",
            format!(
                "operands of {operands} triangles, of {} at most",
                kernel.limits().triangles_max
            ),
            "use fewer or simpler operands, or fewer segments",
        ));
    }
    let content = if operands <= OPERAND_TRIANGLES_MAX {
        Some(kernel.native("boolean", || Content::of(node))?)
    } else {
        None
    };
    if let Some(known) = content.as_ref().and_then(|c| kernel.reuse().find(c)) {
        let triangles = known.p_impl.num_tri();
        guard::triangles("boolean", triangles, kernel.limits().triangles_max)?;
        return Ok(known);
    }
    let watch = kernel.watch();
    let reporter = watch.reporter();
    let mesh = kernel.native("boolean", || {
        node.evaluate_with_token_and_progress(Some(watch.token()), Some(&reporter))
    })?;
    kernel.check_status("boolean", mesh.status)?;
    guard::triangles("boolean", mesh.num_tri(), kernel.limits().triangles_max)?;
    let leaf = CsgLeafNode::new(mesh);
    if let Some(content) = content {
        kernel.reuse().keep(content, &leaf);
    }
    Ok(leaf)
}

/// Triangles of all bodies that an evaluation begins with: what it will cost, told before it costs it.
fn triangles_of(node: &CsgNode) -> usize {
    match node {
        CsgNode::Leaf(leaf) => leaf.p_impl.num_tri(),
        CsgNode::Op { children, .. } => children
            .iter()
            .map(triangles_of)
            .fold(0, usize::saturating_add),
    }
}

/// `second` after `first`.
fn compose(second: Mat3x4, first: Mat3x4) -> Mat3x4 {
    mat4_to_mat3x4(mat3x4_to_mat4(second) * mat3x4_to_mat4(first))
}

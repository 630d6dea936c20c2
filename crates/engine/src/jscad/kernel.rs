//! One run's view of the geometry kernel: limits, cancelling, materials, and the fence around native calls.

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use manifold_rust::csg_tree::CsgLeafNode;
use manifold_rust::manifold::Manifold;
use manifold_rust::types::Error as Status;
use vitrine_model::{EngineError, LimitKind, RunContext, RunLimits};

use super::fault::Fault;
use super::guard;
use super::reuse::Reuse;
use super::solid::Solid;
use super::watch::Watch;
use crate::export::Material;

/// Different materials of one run: each becomes an entry of every file.
const MATERIALS_MAX: usize = 1_000;
/// What a shape that does not close is refused with; the glue in JavaScript knows it by this text.
pub(super) const OPEN_SHAPE: &str = "the polygons of this shape do not close to a solid: every edge must be shared by exactly two polygons that turn the same way";

/// State of one run that native calls share.
pub(super) struct Kernel {
    limits: RunLimits,
    watch: Watch,
    stop: RefCell<Option<EngineError>>,
    materials: RefCell<Vec<Material>>,
    /// Which material the faces with an original id have.
    paints: RefCell<HashMap<u32, usize>>,
    /// Results of this run and the ones before.
    reuse: Reuse,
}

impl Kernel {
    pub(super) fn new(ctx: &RunContext, reuse: Reuse) -> Self {
        Self {
            limits: ctx.limits.clone(),
            watch: Watch::start(ctx),
            stop: RefCell::new(None),
            materials: RefCell::new(Vec::new()),
            paints: RefCell::new(HashMap::new()),
            reuse,
        }
    }

    pub(super) fn limits(&self) -> &RunLimits {
        &self.limits
    }

    pub(super) fn reuse(&self) -> &Reuse {
        &self.reuse
    }

    pub(super) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Remembers why the run is over; the first reason counts.
    pub(super) fn stop(&self, error: EngineError) {
        self.stop.borrow_mut().get_or_insert(error);
    }

    /// Why the run is over, if it is.
    pub(super) fn stopped(&self) -> Option<EngineError> {
        if let Some(error) = &*self.stop.borrow() {
            return Some(error.clone());
        }
        let expired = self.watch.expired("the script")?;
        self.stop(expired.clone());
        Some(expired)
    }

    /// Runs a native call: not when the run is over, and with panics turned into faults.
    pub(super) fn native<T>(&self, at: &str, call: impl FnOnce() -> T) -> Result<T, Fault> {
        if let Some(error) = self.stopped() {
            return Err(Fault::Stop(error));
        }
        catch_unwind(AssertUnwindSafe(call)).map_err(|_| {
            Fault::refused(
                at,
                "the geometry kernel gave up on this input; look for outlines that cross themselves \
                 and for extreme sizes",
            )
        })
    }

    /// Turns the kernel's own status into a fault. It has to be asked after every call: the kernel carries on with empty
    /// results.
    pub(super) fn check_status(&self, at: &str, status: Status) -> Result<(), Fault> {
        match status {
            Status::NoError => Ok(()),
            Status::Cancelled => Err(Fault::Stop(
                self.watch.expired(at).unwrap_or(EngineError::Cancelled),
            )),
            Status::ResultTooLarge => Err(Fault::limit(
                LimitKind::Triangles,
                at,
                "more triangles than the kernel can count".to_owned(),
                "use fewer segments",
            )),
            Status::NotManifold | Status::NotClosed => Err(Fault::refused(at, OPEN_SHAPE)),
            other => Err(Fault::refused(
                at,
                format_args!("the kernel refused the shape ({other:?}); check its sizes"),
            )),
        }
    }

    /// Makes a body in one native call and checks it.
    pub(super) fn make(
        &self,
        at: &str,
        call: impl FnOnce() -> Manifold,
    ) -> Result<Rc<Solid>, Fault> {
        let body = self.native(at, call)?;
        self.check_status(at, body.status())?;
        guard::triangles(at, body.num_tri(), self.limits.triangles_max)?;
        let bounds = body.bounding_box();
        if !body.is_empty() {
            for corner in [bounds.min, bounds.max] {
                guard::coordinates(at, &[corner.x, corner.y, corner.z])?;
            }
        }
        Ok(Solid::leaf(CsgLeafNode::new(body.into_impl())))
    }

    /// The finished body of a solid, in place.
    pub(super) fn body(&self, solid: &Solid) -> Result<Manifold, Fault> {
        let leaf = solid.evaluate(self)?;
        self.native("transform", || Manifold::from_impl(leaf.get_impl()))
    }

    /// The number of a material, counted from 1.
    pub(super) fn material(&self, material: Material) -> Result<usize, Fault> {
        let mut materials = self.materials.borrow_mut();
        if let Some(known) = materials.iter().position(|m| *m == material) {
            return Ok(known + 1);
        }
        guard::count("material", "materials", materials.len() + 1, MATERIALS_MAX)?;
        materials.push(material);
        Ok(materials.len())
    }

    /// The material with this number, if there is one.
    pub(super) fn material_of(&self, number: usize) -> Option<Material> {
        let index = number.checked_sub(1)?;
        self.materials.borrow().get(index).cloned()
    }

    /// Gives all faces with this id a material.
    pub(super) fn note_paint(&self, original_id: u32, number: usize) {
        self.paints.borrow_mut().insert(original_id, number);
    }

    /// The number of the material of faces with this id, 0 for none.
    pub(super) fn paint_of(&self, original_id: u32) -> usize {
        self.paints.borrow().get(&original_id).copied().unwrap_or(0)
    }

    /// The solid with all faces in one material.
    pub(super) fn paint(&self, solid: &Rc<Solid>, number: usize) -> Result<Rc<Solid>, Fault> {
        if self.material_of(number).is_none() {
            return Ok(Rc::clone(solid));
        }
        let body = self.body(solid)?;
        if body.is_empty() {
            return Ok(Rc::clone(solid));
        }
        let own = self.native("colorize", || body.as_original())?;
        self.check_status("colorize", own.status())?;
        if let Ok(id) = u32::try_from(own.original_id()) {
            self.note_paint(id, number);
        }
        Ok(Solid::leaf(CsgLeafNode::new(own.into_impl())))
    }
}

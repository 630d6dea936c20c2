//! Native calls that the glue in JavaScript makes. Scripts never see the host object; they could not do more with it than
//! with the library, because everything that crosses is checked here again.

use std::rc::Rc;

use manifold_rust::types::OpType;
use rquickjs::class::Trace;
use rquickjs::function::IntoJsFunc;
use rquickjs::{
    Array, Class, Ctx, Exception, FromJs, Function, JsLifetime, Object, Result, TypedArray, Value,
};

use super::fault::Fault;
use super::guard;
use super::kernel::{Kernel, OPEN_SHAPE};
use super::measure;
use super::plane::{self, Corners};
use super::shapes::{self, Extrusion, Source};
use super::solid::Solid;
use crate::export::Material;

/// A solid as scripts hold it: an object without members, freed with the last reference.
#[derive(Trace, JsLifetime)]
#[rquickjs::class(frozen, rename = "Solid")]
pub(super) struct Handle {
    #[qjs(skip_trace)]
    solid: Rc<Solid>,
}

impl Handle {
    pub(super) fn solid(&self) -> &Rc<Solid> {
        &self.solid
    }
}

type HandleClass<'js> = Class<'js, Handle>;

/// An array of numbers with a bounded length. `NaN` may be in it.
pub(super) struct Numbers(pub(super) Vec<f64>);

impl<'js> FromJs<'js> for Numbers {
    fn from_js(ctx: &Ctx<'js>, value: Value<'js>) -> Result<Self> {
        let array = Array::from_js(ctx, value)?;
        if array.len() > guard::NUMBERS_MAX {
            return Err(Exception::throw_range(ctx, "too many numbers at once"));
        }
        let numbers = array.iter::<f64>().collect::<Result<_>>()?;
        Ok(Self(numbers))
    }
}

/// An array of handles with a bounded length.
struct Handles(Vec<Rc<Solid>>);

impl<'js> FromJs<'js> for Handles {
    fn from_js(ctx: &Ctx<'js>, value: Value<'js>) -> Result<Self> {
        let array = Array::from_js(ctx, value)?;
        if array.len() > guard::NUMBERS_MAX {
            return Err(Exception::throw_range(ctx, "too many shapes at once"));
        }
        let mut solids = Vec::new();
        for handle in array.iter::<HandleClass>() {
            solids.push(Rc::clone(&handle?.borrow().solid));
        }
        Ok(Self(solids))
    }
}

/// Makes the host object. Functions hold `kernel`.
pub(super) fn object<'js>(ctx: &Ctx<'js>, kernel: &Rc<Kernel>) -> Result<Object<'js>> {
    let host = Host {
        ctx: ctx.clone(),
        object: Object::new(ctx.clone())?,
    };
    solids(&host, kernel)?;
    operations(&host, kernel)?;
    looks(&host, kernel)?;
    flat(&host, kernel)?;
    Ok(host.object)
}

struct Host<'js> {
    ctx: Ctx<'js>,
    object: Object<'js>,
}

impl<'js> Host<'js> {
    fn add<P>(&self, name: &str, function: impl IntoJsFunc<'js, P> + 'js) -> Result<()> {
        self.object
            .set(name, Function::new(self.ctx.clone(), function)?)
    }
}

/// Throws a fault at the script. A fault that ends the run is remembered, so that catching it does not help.
fn throw<T>(ctx: &Ctx<'_>, kernel: &Kernel, result: std::result::Result<T, Fault>) -> Result<T> {
    match result {
        Ok(value) => Ok(value),
        Err(Fault::Refused(message)) => Err(Exception::throw_message(ctx, &message)),
        Err(Fault::Stop(error)) => {
            let message = error.to_string();
            kernel.stop(error);
            Err(Exception::throw_internal(ctx, &message))
        }
    }
}

fn give<'js>(
    ctx: &Ctx<'js>,
    kernel: &Kernel,
    result: std::result::Result<Rc<Solid>, Fault>,
) -> Result<HandleClass<'js>> {
    let solid = throw(ctx, kernel, result)?;
    Class::instance(ctx.clone(), Handle { solid })
}

fn give_numbers<'js>(
    ctx: &Ctx<'js>,
    kernel: &Kernel,
    result: std::result::Result<Vec<f64>, Fault>,
) -> Result<TypedArray<'js, f64>> {
    TypedArray::new(ctx.clone(), throw(ctx, kernel, result)?)
}

fn op_of(number: u32) -> OpType {
    match number {
        0 => OpType::Add,
        1 => OpType::Subtract,
        _ => OpType::Intersect,
    }
}

fn source_of(ours: bool) -> Source {
    if ours { Source::Ours } else { Source::Script }
}

fn solids<'js>(host: &Host<'js>, kernel: &Rc<Kernel>) -> Result<()> {
    let k = Rc::clone(kernel);
    host.add("cuboid", move |ctx: Ctx<'js>, x: f64, y: f64, z: f64| {
        give(&ctx, &k, shapes::cuboid(&k, [x, y, z]))
    })?;
    let k = Rc::clone(kernel);
    host.add(
        "extrude",
        move |ctx: Ctx<'js>, sides: Numbers, ours: bool, how: Numbers| {
            let [height, steps, twist_degrees, x, y] = how.0[..] else {
                return Err(Exception::throw_message(
                    &ctx,
                    "extrudeLinear: five numbers are needed",
                ));
            };
            let how = Extrusion {
                height,
                steps,
                twist_degrees,
                scale_top: [x, y],
            };
            give(
                &ctx,
                &k,
                shapes::extrude(&k, &sides.0, source_of(ours), &how),
            )
        },
    )?;
    let k = Rc::clone(kernel);
    host.add(
        "revolve",
        move |ctx: Ctx<'js>, sides: Numbers, ours: bool, segments: f64, degrees: f64| {
            let made = shapes::revolve(&k, &sides.0, source_of(ours), segments, degrees);
            give(&ctx, &k, made)
        },
    )?;
    let k = Rc::clone(kernel);
    host.add("hullPoints", move |ctx: Ctx<'js>, points: Numbers| {
        give(&ctx, &k, shapes::hull_points(&k, &points.0))
    })?;
    let k = Rc::clone(kernel);
    host.add(
        "polyhedron",
        move |ctx: Ctx<'js>, coordinates: Numbers, counts: Numbers, paints: Numbers| {
            let made = shapes::polyhedron(&k, &coordinates.0, &counts.0, &paints.0);
            give(&ctx, &k, made)
        },
    )?;
    let k = Rc::clone(kernel);
    host.add(
        "segments",
        move |ctx: Ctx<'js>, at: String, segments: f64| {
            throw(
                &ctx,
                &k,
                guard::segments(&at, segments, k.limits().segments_max),
            )
        },
    )?;
    let k = Rc::clone(kernel);
    host.add("leaf", move |ctx: Ctx<'js>, at: String, triangles: f64| {
        let sized = shapes::leaf_size(&k, &at, shapes::whole(triangles));
        throw(&ctx, &k, sized)
    })
}

fn operations<'js>(host: &Host<'js>, kernel: &Rc<Kernel>) -> Result<()> {
    let k = Rc::clone(kernel);
    host.add(
        "boolean",
        move |ctx: Ctx<'js>, op: u32, operands: Handles| {
            give(&ctx, &k, Solid::operation(&k, op_of(op), operands.0))
        },
    )?;
    let k = Rc::clone(kernel);
    host.add(
        "transform",
        move |ctx: Ctx<'js>, solid: HandleClass<'js>, matrix: Numbers| {
            let moved = shapes::matrix(&matrix.0).and_then(|m| solid.borrow().solid.moved(m));
            give(&ctx, &k, moved)
        },
    )?;
    let k = Rc::clone(kernel);
    host.add("hull", move |ctx: Ctx<'js>, operands: Handles| {
        give(&ctx, &k, shapes::hull(&k, &operands.0))
    })?;
    let k = Rc::clone(kernel);
    host.add(
        "minkowski",
        move |ctx: Ctx<'js>, a: HandleClass<'js>, b: HandleClass<'js>| {
            let sum = shapes::minkowski(&k, &a.borrow().solid, &b.borrow().solid);
            give(&ctx, &k, sum)
        },
    )?;
    let k = Rc::clone(kernel);
    host.add(
        "expand",
        move |ctx: Ctx<'js>, solid: HandleClass<'js>, delta: f64, segments: f64| {
            let grown = shapes::expand(&k, &solid.borrow().solid, delta, segments);
            give(&ctx, &k, grown)
        },
    )?;
    let k = Rc::clone(kernel);
    host.add(
        "decompose",
        move |ctx: Ctx<'js>, solid: HandleClass<'js>| {
            let pieces = throw(&ctx, &k, shapes::decompose(&k, &solid.borrow().solid))?;
            pieces
                .into_iter()
                .map(|solid| Class::instance(ctx.clone(), Handle { solid }))
                .collect::<Result<Vec<_>>>()
        },
    )
}

fn looks<'js>(host: &Host<'js>, kernel: &Rc<Kernel>) -> Result<()> {
    let k = Rc::clone(kernel);
    host.add(
        "material",
        move |ctx: Ctx<'js>, name: String, color: Numbers, metalness: f64, roughness: f64| {
            throw(&ctx, &k, material(&k, name, &color.0, metalness, roughness))
        },
    )?;
    let k = Rc::clone(kernel);
    host.add(
        "paint",
        move |ctx: Ctx<'js>, solid: HandleClass<'js>, number: usize| {
            let painted = k.paint(&solid.borrow().solid, number);
            give(&ctx, &k, painted)
        },
    )?;
    let k = Rc::clone(kernel);
    host.add("measure", move |ctx: Ctx<'js>, solid: HandleClass<'js>| {
        let measures = measure::measure(&k, &solid.borrow().solid);
        give_numbers(&ctx, &k, measures.map(measure::Measures::to_numbers))
    })?;
    let k = Rc::clone(kernel);
    host.add(
        "triangles",
        move |ctx: Ctx<'js>, solid: HandleClass<'js>| {
            give_numbers(&ctx, &k, measure::triangles(&k, &solid.borrow().solid))
        },
    )?;
    host.add("isOpen", |error: Value<'js>| {
        let message = error
            .as_object()
            .and_then(|e| e.get::<_, String>("message").ok());
        message.is_some_and(|text| text.ends_with(OPEN_SHAPE))
    })
}

fn flat<'js>(host: &Host<'js>, kernel: &Rc<Kernel>) -> Result<()> {
    let k = Rc::clone(kernel);
    host.add(
        "boolean2",
        move |ctx: Ctx<'js>, op: u32, operands: Array<'js>| {
            let shapes: Vec<Vec<f64>> = operands
                .iter::<Numbers>()
                .map(|shape| shape.map(|numbers| numbers.0))
                .collect::<Result<_>>()?;
            give_numbers(&ctx, &k, plane::boolean(&k, op_of(op), &shapes))
        },
    )?;
    let k = Rc::clone(kernel);
    host.add("hull2", move |ctx: Ctx<'js>, points: Numbers| {
        give_numbers(&ctx, &k, plane::hull(&k, &points.0))
    })?;
    let k = Rc::clone(kernel);
    host.add(
        "offset2",
        move |ctx: Ctx<'js>, sides: Numbers, delta: f64, corners: String, segments: f64| {
            let corners = Corners::from_word(&corners)
                .ok_or_else(|| Exception::throw_message(&ctx, "offset: unknown corners"))?;
            give_numbers(
                &ctx,
                &k,
                plane::offset(&k, &sides.0, delta, corners, segments),
            )
        },
    )?;
    let k = Rc::clone(kernel);
    host.add("project", move |ctx: Ctx<'js>, solid: HandleClass<'js>| {
        give_numbers(&ctx, &k, shapes::project(&k, &solid.borrow().solid))
    })
}

/// Reads a material. Negative metalness or roughness stand for the usual ones.
fn material(
    kernel: &Kernel,
    name: String,
    color: &[f64],
    metalness: f64,
    roughness: f64,
) -> std::result::Result<usize, Fault> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "colours are kept in single precision"
    )]
    let part = |value: f64| -> std::result::Result<f32, Fault> {
        if value.is_finite() {
            return Ok(value.clamp(0.0, 1.0) as f32);
        }
        Err(Fault::refused(
            "colorize",
            "a colour is not made of numbers from 0 to 1",
        ))
    };
    let usual = Material::default();
    let mut material = Material {
        name: (!name.is_empty()).then_some(name),
        ..usual
    };
    for (to, from) in material.color.iter_mut().zip(color) {
        *to = part(*from)?;
    }
    if metalness >= 0.0 {
        material.metalness = part(metalness)?;
    }
    if roughness >= 0.0 {
        material.roughness = part(roughness)?;
    }
    kernel.material(material)
}

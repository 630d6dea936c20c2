//! One run of a script in a fresh `QuickJS`.

use std::rc::Rc;

use rquickjs::context::EvalOptions;
use rquickjs::function::IntoArgs;
use rquickjs::{
    Array, CatchResultExt, CaughtError, Class, Context, Ctx, FromJs, Function, Object, Persistent,
    Promise, Runtime, Value,
};
use vitrine_model::{EngineError, LimitExceeded, LimitKind, RunContext};

use super::esm;
use super::fault::Fault;
use super::host::{self, Handle, Numbers};
use super::kernel::Kernel;
use super::reuse::Reuse;
use super::scene::{Purpose, SceneBuilder};
use crate::export::Scene;
use crate::worker::confine::memory::{Exhausted, ScriptMemory};

/// The library and our glue, made by `make build`.
const BUNDLE: &str = include_str!(env!("VITRINE_JSCAD_BUNDLE"));
/// How the script is called in stack traces.
const SCRIPT_NAME: &str = "model.js";
/// How the bundle is called in stack traces.
const BUNDLE_NAME: &str = "jscad-library.js";
/// Characters of an error message that are kept.
const MESSAGE_LENGTH_MAX: usize = 2_000;
/// Bytes of the JSON text of one data output, or of everything that a script says about itself.
pub(super) const DATA_BYTES_MAX: usize = 256 * 1024;

/// A script, loaded into a context of its own.
pub(super) struct Script {
    // Dropped in this order: whatever refers to a script's objects goes before the runtime that owns them.
    api: Option<Persistent<Object<'static>>>,
    context: Context,
    _runtime: Runtime,
    kernel: Rc<Kernel>,
    exhausted: Exhausted,
}

impl Script {
    /// Evaluates the library and the script.
    ///
    /// # Errors
    /// When the script cannot be parsed, throws, or hits a limit.
    pub(super) fn load(source: &[u8], ctx: &RunContext, reuse: Reuse) -> Result<Self, EngineError> {
        let text = std::str::from_utf8(source).map_err(|_| EngineError::BadModel {
            message: "the file is not UTF-8 text; save the script as UTF-8".to_owned(),
        })?;
        let kernel = Rc::new(Kernel::new(ctx, reuse));
        let exhausted = Exhausted::default();
        let memory = ScriptMemory::new(to_usize(ctx.limits.js_memory_bytes), exhausted.clone());
        let runtime = Runtime::new_with_alloc(memory).map_err(|_| out_of_memory(&kernel))?;
        runtime.set_max_stack_size(to_usize(ctx.limits.js_stack_bytes));
        let watched = Rc::clone(&kernel);
        runtime.set_interrupt_handler(Some(Box::new(move || watched.stopped().is_some())));
        let context = Context::full(&runtime).map_err(|_| out_of_memory(&kernel))?;
        let mut script = Self {
            api: None,
            context,
            _runtime: runtime,
            kernel,
            exhausted,
        };
        let api = script.within(|ctx| {
            let make: Function = evaluate(ctx, BUNDLE.to_owned(), BUNDLE_NAME)?;
            let module = Object::new(ctx.clone())?;
            let host = host::object(ctx, &script.kernel)?;
            let api: Object = make.call((host, module, Object::new(ctx.clone())?))?;
            let load: Function = api.get("load")?;
            let function: Function = evaluate(ctx, wrap(text), SCRIPT_NAME)?;
            load.call::<_, ()>((function,))?;
            Ok(Persistent::save(ctx, api))
        })?;
        script.api = Some(api);
        Ok(script)
    }

    pub(super) fn kernel(&self) -> &Rc<Kernel> {
        &self.kernel
    }

    /// What the script says about itself, as JSON.
    pub(super) fn describe(&self) -> Result<serde_json::Value, EngineError> {
        self.json("what the script says about itself", |ctx| {
            self.call(ctx, "describe", ())
        })
    }

    /// Sets the values for everything that is computed next.
    pub(super) fn prepare(&self, values: &serde_json::Value) -> Result<(), EngineError> {
        let text = values.to_string();
        self.within(|ctx| self.function(ctx, "prepare")?.call::<_, ()>((text,)))
    }

    /// The value of a data output.
    pub(super) fn data(&self, name: &str) -> Result<serde_json::Value, EngineError> {
        self.json(&format!("the data output '{name}'"), |ctx| {
            self.call(ctx, "data", (name.to_owned(),))
        })
    }

    /// The shapes of an output or export. `triangles` were made by this run before; the sum comes back.
    pub(super) fn scene(
        &self,
        what: Shapes<'_>,
        purpose: Purpose,
        triangles: usize,
    ) -> Result<(Scene, usize), EngineError> {
        let (function, name) = match what {
            Shapes::OfOutput(name) => ("shapes", name),
            Shapes::OfExport(name) => ("exportShapes", name),
        };
        let mut built = None;
        self.within(|ctx| {
            let items: Array = self.call(ctx, function, (name.to_owned(),))?;
            let mut builder = SceneBuilder::new(&self.kernel, purpose, triangles);
            for item in items.iter::<Array>() {
                if let Err(fault) = add_item(&mut builder, &item?)? {
                    built = Some(Err(fault));
                    return Ok(());
                }
            }
            built = Some(Ok(builder.finish()));
            Ok(())
        })?;
        match built {
            Some(Ok(scene)) => Ok(scene),
            Some(Err(Fault::Refused(message))) => Err(EngineError::Script {
                message,
                line: None,
            }),
            Some(Err(Fault::Stop(error))) => Err(error),
            None => Err(EngineError::Cancelled),
        }
    }

    fn function<'js>(&self, ctx: &Ctx<'js>, name: &str) -> rquickjs::Result<Function<'js>> {
        let api = self.api.clone().ok_or(rquickjs::Error::Unknown)?;
        api.restore(ctx)?.get(name)
    }

    /// Calls an async function of the glue and runs all that it waits for.
    fn call<'js, A: IntoArgs<'js>, T: FromJs<'js>>(
        &self,
        ctx: &Ctx<'js>,
        name: &str,
        args: A,
    ) -> rquickjs::Result<T> {
        let promise: Promise = self.function(ctx, name)?.call(args)?;
        // An interrupt ends one job, and the next one would go on for ever: so the deadline is asked between jobs too.
        loop {
            if let Some(result) = promise.result() {
                return result;
            }
            if self.kernel.stopped().is_some() || !ctx.execute_pending_job() {
                return Err(rquickjs::Error::WouldBlock);
            }
        }
    }

    fn json(
        &self,
        what: &str,
        text: impl for<'js> FnOnce(&Ctx<'js>) -> rquickjs::Result<String>,
    ) -> Result<serde_json::Value, EngineError> {
        let text = self.within(text)?;
        if text.len() > DATA_BYTES_MAX {
            return Err(EngineError::Limit(LimitExceeded {
                limit: LimitKind::OutputBytes,
                at: what.to_owned(),
                spent: format!("{} of {DATA_BYTES_MAX} bytes of JSON", text.len()),
                raise: "return less data".to_owned(),
            }));
        }
        serde_json::from_str(&text).map_err(|error| EngineError::Script {
            message: format!("{what} is not usable JSON: {error}"),
            line: None,
        })
    }

    /// Works with the context and turns what goes wrong into an engine's error.
    fn within<T>(
        &self,
        work: impl for<'js> FnOnce(&Ctx<'js>) -> rquickjs::Result<T>,
    ) -> Result<T, EngineError> {
        self.context.with(|ctx| {
            let result = work(&ctx).catch(&ctx);
            if let Some(stopped) = self.kernel.stopped() {
                return Err(stopped);
            }
            result.map_err(|error| self.explain(&error))
        })
    }

    fn explain(&self, error: &CaughtError<'_>) -> EngineError {
        let (name, message, stack) = match error {
            CaughtError::Exception(exception) => {
                let name = exception
                    .as_object()
                    .get::<_, String>("name")
                    .unwrap_or_default();
                (
                    name,
                    exception.message().unwrap_or_default(),
                    exception.stack().unwrap_or_default(),
                )
            }
            // Without memory for an error object nothing is thrown; a script may throw nothing too.
            CaughtError::Value(value) if value.is_null() && self.exhausted.get() => {
                return out_of_memory(&self.kernel);
            }
            CaughtError::Value(value) => (String::new(), thrown_text(value), String::new()),
            CaughtError::Error(rquickjs::Error::Allocation) => return out_of_memory(&self.kernel),
            CaughtError::Error(rquickjs::Error::WouldBlock) => (
                String::new(),
                "an async function waits for something that never happens".to_owned(),
                String::new(),
            ),
            CaughtError::Error(error) => (String::new(), error.to_string(), String::new()),
        };
        if name == "BadModel" {
            return EngineError::BadModel { message };
        }
        if message.contains("out of memory") && (self.exhausted.get() || name == "InternalError") {
            return out_of_memory(&self.kernel);
        }
        if message.contains("stack overflow") || message.contains("call stack size") {
            return EngineError::Limit(LimitExceeded {
                limit: LimitKind::Recursion,
                at: "the script".to_owned(),
                spent: format!("{} bytes of stack", self.kernel.limits().js_stack_bytes),
                raise: "call functions less deeply, or use a loop instead".to_owned(),
            });
        }
        let message = if name.is_empty() || name == "Error" {
            message
        } else {
            format!("{name}: {message}")
        };
        EngineError::Script {
            message: message.chars().take(MESSAGE_LENGTH_MAX).collect(),
            line: line_in(&stack),
        }
    }
}

/// Lets the C library read its time zone, which it does once, when a script first asks for a local date.
pub(super) fn load_time_zone() {
    let runtime = Runtime::new();
    let context = runtime.and_then(|runtime| Context::full(&runtime));
    // Without memory for this no script runs either, and says so.
    let _ = context
        .map(|context| context.with(|ctx| ctx.eval::<f64, _>("new Date(0).getTimezoneOffset()")));
}

/// Which shapes are wanted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shapes<'a> {
    OfOutput(&'a str),
    OfExport(&'a str),
}

fn to_usize(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

fn out_of_memory(kernel: &Kernel) -> EngineError {
    EngineError::Limit(LimitExceeded {
        limit: LimitKind::Memory,
        at: "the script".to_owned(),
        spent: format!("{} bytes", kernel.limits().js_memory_bytes),
        raise: "keep less in arrays and objects; solids themselves do not count here".to_owned(),
    })
}

/// The script as a function of the names that a `CommonJS` module has. Its first line stays the first.
fn wrap(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    format!(
        "(function (module, exports, require, __defaultOf) {{{}\n;return {{ \
         main: typeof main === 'undefined' ? undefined : main, \
         getParameterDefinitions: typeof getParameterDefinitions === 'undefined' ? undefined : getParameterDefinitions, \
         vitrine: typeof vitrine === 'undefined' ? undefined : vitrine }}\n}})",
        esm::to_commonjs(text)
    )
}

fn evaluate<'js, T: FromJs<'js>>(
    ctx: &Ctx<'js>,
    source: String,
    name: &str,
) -> rquickjs::Result<T> {
    let mut options = EvalOptions::default();
    options.global = true;
    options.strict = false;
    options.filename = Some(name.to_owned());
    ctx.eval_with_options(source, options)
}

/// Adds what one item of the glue's list describes.
fn add_item(
    builder: &mut SceneBuilder<'_>,
    item: &Array<'_>,
) -> rquickjs::Result<Result<(), Fault>> {
    let kind: u32 = item.get(0)?;
    Ok(match kind {
        0 => {
            let handle: Class<Handle> = item.get(1)?;
            let name: String = item.get(2)?;
            let name = Some(name).filter(|name| !name.trim().is_empty());
            builder.solid(handle.borrow().solid(), name)
        }
        1 => {
            let (sides, paint) = (item.get::<Numbers>(1)?, item.get(2)?);
            builder.outline(&sides.0, paint)
        }
        2 => {
            let (points, paint) = (item.get::<Numbers>(1)?, item.get(2)?);
            builder.path(&points.0, paint, item.get(3)?)
        }
        _ => {
            let (coordinates, counts) = (item.get::<Numbers>(1)?, item.get::<Numbers>(2)?);
            builder.polygons(&coordinates.0, &counts.0, item.get(4)?)
        }
    })
}

/// What a script threw that is not an error.
fn thrown_text(value: &Value<'_>) -> String {
    let text = value.as_string().and_then(|text| text.to_string().ok());
    text.unwrap_or_else(|| format!("the script threw {}", value.type_name()))
}

/// The first line of the script in a stack trace.
fn line_in(stack: &str) -> Option<u32> {
    let (_, rest) = stack.split_once(&format!("{SCRIPT_NAME}:"))?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

//! What the server writes to its log while a test runs.
//!
//! Errors belong to the test on whose thread they happen: every test has a thread and a runtime of
//! its own. Everything that is written, at all levels and from all threads, is kept only while
//! somebody holds an [`Everything`].

use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

static INSTALL: Once = Once::new();
static KEEP_ALL: AtomicBool = AtomicBool::new(false);
static ALL: Mutex<String> = Mutex::new(String::new());

/// Errors that one test has caused so far.
pub(crate) type Errors = Arc<Mutex<Vec<String>>>;

thread_local! {
    static HERE: RefCell<Option<Errors>> = const { RefCell::new(None) };
}

/// Collects the errors of this thread from now on.
pub(crate) fn listen() -> Errors {
    INSTALL.call_once(|| {
        let subscriber = tracing_subscriber::registry().with(Recorder);
        tracing::subscriber::set_global_default(subscriber)
            .expect("nobody else listens in this process");
    });
    let errors = Errors::default();
    HERE.with(|here| *here.borrow_mut() = Some(Arc::clone(&errors)));
    errors
}

/// While it lives, every line of every thread is kept.
pub(crate) struct Everything(());

impl Everything {
    pub(crate) fn keep() -> Self {
        KEEP_ALL.store(true, Ordering::SeqCst);
        tracing::callsite::rebuild_interest_cache();
        Self(())
    }

    pub(crate) fn text(&self) -> String {
        let Self(()) = self;
        ALL.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Everything {
    fn drop(&mut self) {
        KEEP_ALL.store(false, Ordering::SeqCst);
    }
}

struct Recorder;

#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

fn keep(line: &Line) {
    let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    all.push_str(&line.0);
    all.push('\n');
}

impl<S: Subscriber> Layer<S> for Recorder {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> tracing::subscriber::Interest {
        tracing::subscriber::Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        KEEP_ALL.load(Ordering::Relaxed) || *metadata.level() == Level::ERROR
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        let mut line = Line(attributes.metadata().name().to_owned());
        attributes.record(&mut line);
        keep(&line);
    }

    fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        values.record(&mut line);
        keep(&line);
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let mut line = Line(format!("{} {}:", metadata.level(), metadata.target()));
        event.record(&mut line);
        if KEEP_ALL.load(Ordering::Relaxed) {
            keep(&line);
        }
        if *metadata.level() == Level::ERROR {
            HERE.with(|here| {
                if let Some(errors) = here.borrow().as_ref() {
                    errors
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(line.0);
                }
            });
        }
    }
}

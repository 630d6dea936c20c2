//! An engine that does what the name of the wanted output says.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::json;
use vitrine_model::{
    Body, ContentItem, Customization, Definition, Engine, EngineError, Output, OutputId,
    OutputKind, ResultItem, Results, RunContext, RunStats, Wanted,
};

const LINEAGE: &str = "fake";

/// What one leak of the engine takes.
pub(crate) const KEPT_BYTES: usize = 96 * 1024 * 1024;

/// What an output may be called.
const ACTIONS: [&str; 15] = [
    "tell", "loop", "wait", "spin", "hog", "panic", "recurse", "exit", "open", "print", "exactly",
    "toomuch", "deep", "script", "keep",
];

/// The output with this name.
pub(crate) fn wanted(action: &str) -> Wanted {
    Wanted::Output(OutputId::derive(LINEAGE, action))
}

pub(crate) struct FakeEngine {
    runs: u32,
    directory: PathBuf,
}

impl FakeEngine {
    /// Made before the cage closes, so that it may ask for what a worker cannot ask for later.
    pub(crate) fn new() -> Self {
        Self {
            runs: 0,
            directory: std::env::current_dir().unwrap(),
        }
    }
}

impl Engine for FakeEngine {
    fn describe(
        &mut self,
        source: &[u8],
        filename: &str,
        lineage: &str,
        _ctx: &RunContext,
    ) -> Result<Definition, EngineError> {
        self.runs += 1;
        let source = String::from_utf8_lossy(source);
        let name = format!("{source} {filename} {lineage}");
        Ok(Definition {
            outputs: vec![Output::new(lineage, &name, OutputKind::Data, Vec::new())],
            ..Definition::default()
        })
    }

    fn compute(
        &mut self,
        source: &[u8],
        _definition: &Definition,
        _values: &Customization,
        wanted_results: &[Wanted],
        ctx: &RunContext,
    ) -> Result<Results, EngineError> {
        self.runs += 1;
        let mut items = Vec::new();
        for one in wanted_results {
            let action = ACTIONS
                .into_iter()
                .find(|action| wanted(action) == *one)
                .unwrap();
            let body = self.act(action, source, ctx)?;
            items.push(ResultItem {
                wanted: one.clone(),
                content: vec![ContentItem {
                    format: action.to_owned(),
                    content_type: None,
                    name: None,
                    body,
                    filename_ext: None,
                }],
                bbox: None,
            });
        }
        Ok(Results {
            items,
            stats: RunStats {
                triangles: 12,
                ..RunStats::default()
            },
        })
    }
}

impl FakeEngine {
    fn act(&self, action: &str, source: &[u8], ctx: &RunContext) -> Result<Body, EngineError> {
        let max = usize::try_from(ctx.limits.output_bytes_max).unwrap();
        match action {
            "loop" => loop {
                std::hint::spin_loop();
            },
            "wait" => {
                while !ctx.cancel.is_cancelled() {
                    std::thread::yield_now();
                }
                return Err(EngineError::Cancelled);
            }
            "spin" => {
                let started = Instant::now();
                while started.elapsed() < Duration::from_millis(300) {
                    std::hint::spin_loop();
                }
            }
            "hog" => {
                let mut held: Vec<Vec<u8>> = Vec::new();
                loop {
                    held.push(vec![1; 1024 * 1024]);
                }
            }
            // What leaks stays until the process ends.
            "keep" => std::mem::forget(vec![1_u8; KEPT_BYTES]),
            "panic" => panic!("the engine panics as told"),
            "recurse" => return Ok(Body::Data(json!(recurse(1)))),
            "exit" => std::process::exit(3),
            "open" => {
                let opened = std::fs::File::open("/dev/null").map(drop);
                panic!("asking to open a file came back with {opened:?}");
            }
            "print" => println!("this must not get between the frames"),
            "exactly" => return Ok(Body::Bytes(vec![7; max])),
            "toomuch" => return Ok(Body::Bytes(vec![7; max + 1])),
            "deep" => {
                let nested = (0..200).fold(json!(1), |inner, _| json!([inner]));
                return Ok(Body::Data(nested));
            }
            "script" => {
                return Err(EngineError::Script {
                    message: "x is not defined".into(),
                    line: Some(3),
                });
            }
            _ => {}
        }
        Ok(Body::Data(json!({
            "pid": std::process::id(),
            "runs": self.runs,
            "source": String::from_utf8_lossy(source),
            "environment": std::env::vars().map(|(name, _)| name).collect::<Vec<_>>(),
            "directory": self.directory,
        })))
    }
}

#[expect(unconditional_recursion, reason = "the stack is to overflow")]
fn recurse(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 64]);
    recurse(depth + 1) + frame[0]
}

/// Says that it is ready, and answers the first request with a frame of four gigabytes.
pub(crate) fn break_the_protocol() {
    let layers: [&str; 0] = [];
    let ready = json!({
        "protocol": 1,
        "attachments": [],
        "body": {"ready": {"engine": vitrine_engine::ENGINE_VERSION, "layers": layers}},
    })
    .to_string();
    let mut output = std::io::stdout();
    let length = u32::try_from(ready.len()).unwrap();
    output.write_all(&length.to_be_bytes()).unwrap();
    output.write_all(ready.as_bytes()).unwrap();
    output.flush().unwrap();
    let mut input = std::io::stdin();
    input.read_exact(&mut [0; 4]).unwrap();
    output.write_all(&[0xff; 4]).unwrap();
    output.flush().unwrap();
    // It stays alive: only the server can end it.
    let _ = input.read_to_end(&mut Vec::new());
}

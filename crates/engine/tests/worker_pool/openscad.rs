//! OpenSCAD behind the process boundary: the real program, where it is installed.

use std::path::Path;
use std::sync::Arc;

use vitrine_engine::worker::missing_layers;
use vitrine_engine::{ModelSource, OpenScad, WorkerPool, WorkerPoolConfig};
use vitrine_model::{
    Body, Customization, Definition, EngineError, LimitKind, RawValue, Results, RunLimits, Wanted,
    resolve,
};

use crate::harness::{Case, cases, config};
use crate::jscad::{BOX, glb, owner, source};

cases![
    openscad_files_become_definitions_and_files,
    values_reach_the_file_and_nothing_else_does,
    drawings_become_drawings,
    published_styles_run_unmodified,
    openscad_gives_the_same_bytes_in_fresh_workers,
    files_of_the_machine_are_out_of_reach_of_openscad,
    mistakes_in_openscad_files_come_with_their_line,
    hostile_openscad_files_end_in_a_clear_error,
    a_cancelled_run_takes_the_program_along,
    without_openscad_its_files_are_refused,
];

/// Where Debian installs the program.
const PROGRAM: &str = "/usr/bin/openscad";

const PLATE: &str = r#"
/* [Size] */
// Outer width
width = 20; // [10:0.5:40]
label = "abc"; // 12
round = true;
size = [4, 5];
module plate() { cube([width, len(label), 2 * len(label)]); if (round) translate([-9, 0, 0]) cube([size.x, size.y, 1]); }
plate();
"#;

/// The program; none where it is not installed, which only a developer's machine may lack.
fn program() -> Option<OpenScad> {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests have no configuration to read it in"
    )]
    let must = std::env::var("CI").is_ok();
    match OpenScad::find(Path::new(PROGRAM)) {
        Ok(program) => Some(program),
        Err(error) => {
            assert!(!must, "{PROGRAM}: {error}");
            println!("skipped, {PROGRAM}: {error} (tools/setup test)");
            None
        }
    }
}

fn limits() -> RunLimits {
    RunLimits {
        wall_ms: 60_000,
        ..RunLimits::default()
    }
}

fn pool(program: OpenScad, limits: RunLimits) -> WorkerPool {
    WorkerPool::start(WorkerPoolConfig {
        args: vec!["--engine".into()],
        limits,
        openscad: Some(program),
        ..config()
    })
    .unwrap()
}

fn scad(text: &str) -> ModelSource {
    ModelSource {
        filename: "plate.scad".into(),
        ..source(text)
    }
}

async fn computed(
    pool: &WorkerPool,
    text: &str,
    definition: &Definition,
    raw: &[(&str, RawValue)],
) -> Result<Results, EngineError> {
    let raw: Vec<_> = raw
        .iter()
        .map(|(k, v)| ((*k).to_owned(), v.clone()))
        .collect();
    let (values, _) = resolve(definition, &raw, false).unwrap();
    let outputs = definition
        .outputs
        .iter()
        .map(|o| Wanted::Output(o.id.clone()));
    let exports = definition
        .exports
        .iter()
        .map(|e| Wanted::Export(e.id.clone()));
    let wanted = outputs.chain(exports).collect();
    let definition = Arc::new(definition.clone());
    pool.compute(scad(text), owner(), definition, Arc::new(values), wanted)
        .await
}

/// The size of the box around the first result.
fn extent(results: &Results) -> [f64; 3] {
    let (low, high) = results.items[0].bbox.unwrap();
    [0, 1, 2].map(|axis| high[axis] - low[axis])
}

#[track_caller]
fn assert_close(found: [f64; 3], expected: [f64; 3]) {
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() < 1e-4, "{found:?} is not {expected:?}");
    }
}

async fn openscad_files_become_definitions_and_files() {
    let Some(program) = program() else { return };
    let pool = pool(program, limits());
    let (definition, _) = pool.describe(scad(PLATE), owner()).await.unwrap();
    let names: Vec<&str> = definition
        .parameters
        .iter()
        .map(|p| p.name.as_str())
        .collect();
    assert_eq!(names, ["width", "label", "round", "size.x", "size.y"]);
    let exports: Vec<&str> = definition.exports.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(exports, ["STL", "3MF", "OBJ", "GLB"]);
    let results = computed(&pool, PLATE, &definition, &[]).await.unwrap();
    assert!(results.stats.triangles > 12);
    for item in &results.items {
        assert!(matches!(&item.content[0].body, Body::Bytes(bytes) if bytes.len() > 100));
    }
    assert_close(extent(&results), [29.0, 5.0, 6.0]);
    let health = pool.health();
    assert!(
        missing_layers(&health.openscad_layers).is_empty(),
        "{health:?}"
    );
    assert!(
        pool.engine_version("a.scad")
            .ends_with(&health.openscad.unwrap())
    );
    assert_ne!(pool.engine_version("a.scad"), pool.engine_version("a.js"));
}

async fn values_reach_the_file_and_nothing_else_does() {
    let Some(program) = program() else { return };
    let pool = pool(program, limits());
    let (definition, _) = pool.describe(scad(PLATE), owner()).await.unwrap();
    let text = |text: &str| ("label", RawValue::Text(text.into()));
    let size = |raw: Vec<(&'static str, RawValue)>| {
        let (pool, definition) = (&pool, &definition);
        async move { extent(&computed(pool, PLATE, definition, &raw).await.unwrap()) }
    };
    let narrow = vec![
        ("width", RawValue::Number(10.5)),
        ("round", RawValue::Bool(false)),
    ];
    assert_close(size(narrow).await, [10.5, 3.0, 6.0]);
    let longer = vec![("size.y", RawValue::Number(30.0))];
    assert_close(size(longer).await, [29.0, 30.0, 6.0]);
    // Each is a text of eight characters, and stays one.
    for hostile in [
        "\"+\"abcde",
        "a\";x=1//",
        "\\\"\\\"\\\"\\\"",
        "a\ninc<x>",
        "*/ /* //",
        "\u{3}\u{3}abc\u{7f}üd",
    ] {
        assert_eq!(hostile.chars().count(), 8);
        assert_close(size(vec![text(hostile)]).await, [29.0, 8.0, 16.0]);
    }
}

async fn drawings_become_drawings() {
    const DRAWING: &str = "w = 10; // [5:20]\ndifference() { square([w, 4]); translate([1, 1]) circle(0.5, $fn = 12); }";
    let Some(program) = program() else { return };
    let pool = pool(program, limits());
    let (definition, _) = pool.describe(scad(DRAWING), owner()).await.unwrap();
    let exports: Vec<&str> = definition.exports.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(exports, ["SVG", "DXF"]);
    let raw = [("w", RawValue::Number(15.0))];
    let results = computed(&pool, DRAWING, &definition, &raw).await.unwrap();
    assert_close(extent(&results), [15.0, 4.0, 0.0]);
    assert!(results.items.iter().all(|item| !item.content.is_empty()));
}

/// Every file of the folder is a model in the style in which people publish them.
async fn published_styles_run_unmodified() {
    let Some(program) = program() else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/models/openscad");
    let pool = pool(program, limits());
    let mut count = 0;
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let (definition, _) = pool
            .describe(scad(&text), owner())
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert!(definition.parameters.len() >= 4, "{}", file.display());
        let results = computed(&pool, &text, &definition, &[])
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert!(results.items.iter().all(|item| !item.content.is_empty()));
        count += 1;
    }
    assert_eq!(count, 10);
}

async fn openscad_gives_the_same_bytes_in_fresh_workers() {
    let Some(program) = program() else { return };
    let mut seen = Vec::new();
    for _ in 0..2 {
        let pool = pool(program.clone(), limits());
        let (definition, _) = pool.describe(scad(PLATE), owner()).await.unwrap();
        seen.push(
            computed(&pool, PLATE, &definition, &[])
                .await
                .unwrap()
                .items,
        );
    }
    assert!(seen[0] == seen[1]);
}

/// What a file that names others is told, whether they exist or not.
async fn files_of_the_machine_are_out_of_reach_of_openscad() {
    let Some(program) = program() else { return };
    let folder = std::env::temp_dir().join(format!("vitrine-openscad-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let stl = "solid s\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 777 0 0\nvertex 0 777 0\nendloop\nendfacet\nendsolid s\n";
    let files = [
        ("s.stl", stl),
        ("s.dat", "777 777\n777 777\n"),
        ("s.scad", "echo(\"secret\"); secret = 777; cube(secret);"),
    ];
    for (name, content) in files {
        std::fs::write(folder.join(name), content).unwrap();
    }
    let folder_name = folder.display();
    let pool = pool(program, limits());
    let mut told = Vec::new();
    for place in [format!("{folder_name}"), "/tmp/no-such-folder".to_owned()] {
        for attempt in [
            format!("import(\"{place}/s.stl\"); cube(1);"),
            format!("surface(\"{place}/s.dat\"); cube(1);"),
            format!("include <{place}/s.scad>\ncube(1);"),
            format!("use <{place}/s.scad>\ncube(1);"),
            "import(\"/etc/passwd\"); cube(1);".to_owned(),
            "include </etc/passwd>\ncube(1);".to_owned(),
            "include </proc/self/environ>\ncube(1);".to_owned(),
            "surface(\"/etc/shadow\"); cube(1);".to_owned(),
            "include <../../../../etc/passwd>\ncube(1);".to_owned(),
        ] {
            match pool.describe(scad(&attempt), owner()).await.map(drop) {
                Err(EngineError::Script { message, .. }) => {
                    assert!(
                        message.starts_with("the file uses another file"),
                        "{attempt}: {message}"
                    );
                    told.push(message);
                }
                other => panic!("{attempt}: {other:?}"),
            }
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
    told.dedup();
    assert_eq!(told.len(), 1);
}

async fn mistakes_in_openscad_files_come_with_their_line() {
    let Some(program) = program() else { return };
    let pool = pool(program, limits());
    let cases = [
        ("a = 1;\ncube(a;\n", "syntax error", Some(2)),
        (
            "cube(1);\nassert(1 > 2, \"too thin\");",
            "too thin",
            Some(2),
        ),
        (
            "function f(n) = f(n + 1) + 1;\ncube(f(1));",
            "Recursion",
            Some(1),
        ),
        ("module m() { m(); }\nm();", "Recursion", Some(1)),
    ];
    for (text, words, expected) in cases {
        match pool.describe(scad(text), owner()).await.map(drop) {
            Err(EngineError::Script { message, line }) => {
                assert!(message.contains(words), "{text}: {message}");
                assert_eq!(line, expected, "{text}: {message}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    let nothing = pool.describe(scad("x = 1;\n"), owner()).await.map(drop);
    assert!(
        matches!(nothing, Err(EngineError::BadModel { .. })),
        "{nothing:?}"
    );
    let binary = pool.describe(scad("cube(1);\0"), owner()).await.map(drop);
    assert!(
        matches!(binary, Err(EngineError::BadModel { .. })),
        "{binary:?}"
    );
}

async fn hostile_openscad_files_end_in_a_clear_error() {
    let Some(program) = program() else { return };
    let tight = RunLimits {
        wall_ms: 3_000,
        js_memory_bytes: 64 * 1024 * 1024,
        native_memory_bytes: 192 * 1024 * 1024,
        ..RunLimits::default()
    };
    let pool = pool(program, tight);
    let (time, memory) = (LimitKind::WallTime, LimitKind::Memory);
    let attacks = [
        (
            "for (i = [0:1:9998], j = [0:1:9998], k = [0:1:9998]) if (i + j + k < 0) cube(i);",
            &[time, memory][..],
        ),
        (
            "a = [for (i = [0:1:99999], j = [0:1:99999]) i * j]; cube(len(a));",
            &[time, memory],
        ),
        (
            "a = [for (i = [0:1:99999]) rands(0, 1, 99999)]; cube(len(a));",
            &[time, memory],
        ),
        (
            "minkowski() { sphere(10, $fn = 150); difference() { cube(9); sphere(6, $fn = 100); } }",
            &[time, memory],
        ),
        (
            "union() for (i = [0:1:9998]) translate([i / 7, 0, 0]) sphere(5, $fn = 60);",
            &[time, memory],
        ),
        (
            "function g(s, n) = n == 0 ? s : g(str(s, s), n - 1); echo(len(g(\"aaaaaaaa\", 60))); cube(1);",
            &[time, memory],
        ),
        (
            "sphere(10, $fn = 100000);",
            &[time, memory, LimitKind::Triangles],
        ),
        (
            "linear_extrude(height = 10, twist = 36000, slices = 10000000) square(1);",
            &[time, memory, LimitKind::Triangles],
        ),
        (
            "for (i = [0:1:9998]) echo(\"a flood of words that nobody wants to read, again and again\"); cube(1);",
            &[LimitKind::LogBytes],
        ),
    ];
    for (text, expected) in attacks {
        match pool.describe(scad(text), owner()).await.map(drop) {
            Err(EngineError::Limit(exceeded)) => {
                assert!(expected.contains(&exceeded.limit), "{text}: {exceeded}");
                assert!(
                    !exceeded.at.is_empty() && !exceeded.raise.is_empty(),
                    "{exceeded}"
                );
            }
            other => panic!("{text}: {other:?} is no limit"),
        }
    }
    // The next honest work goes on, with either engine.
    pool.describe(scad(PLATE), owner()).await.unwrap();
    let (definition, _) = pool.describe(source(BOX), owner()).await.unwrap();
    assert!(glb(&pool, &definition, 12.0).await.starts_with(b"glTF"));
}

async fn a_cancelled_run_takes_the_program_along() {
    let Some(program) = program() else { return };
    let pool = Arc::new(pool(program, limits()));
    let endless =
        "minkowski() { sphere(10, $fn = 150); difference() { cube(9); sphere(6, $fn = 100); } }";
    let running = tokio::spawn({
        let pool = Arc::clone(&pool);
        async move { pool.describe(scad(endless), owner()).await.map(drop) }
    });
    crate::harness::until(openscad_runs).await;
    running.abort();
    crate::harness::until(|| !openscad_runs()).await;
    pool.describe(scad(PLATE), owner()).await.unwrap();
}

/// Whether a worker of this test program runs OpenSCAD at the moment.
fn openscad_runs() -> bool {
    let children = |of: u32| -> Vec<u32> {
        let tasks = std::fs::read_dir(format!("/proc/{of}/task")).into_iter();
        let lists = tasks
            .flatten()
            .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok());
        let pids = lists.collect::<String>();
        let pids = pids.split_whitespace().filter_map(|pid| pid.parse().ok());
        pids.collect()
    };
    let name = |pid: u32| std::fs::read_to_string(format!("/proc/{pid}/comm"));
    children(std::process::id())
        .into_iter()
        .flat_map(children)
        .any(|pid| name(pid).is_ok_and(|name| name.trim() == "openscad"))
}

async fn without_openscad_its_files_are_refused() {
    let pool = WorkerPool::start(WorkerPoolConfig {
        args: vec!["--engine".into()],
        ..config()
    })
    .unwrap();
    let refused = pool.describe(scad(PLATE), owner()).await.map(drop);
    assert!(
        matches!(&refused, Err(EngineError::BadModel { message }) if message.contains("has no OpenSCAD")),
        "{refused:?}"
    );
    let definition = Arc::new(Definition::default());
    let values = Arc::new(Customization::defaults(&definition));
    let later = pool
        .compute(scad(PLATE), owner(), definition, values, Vec::new())
        .await
        .map(drop);
    assert!(
        matches!(later, Err(EngineError::WorkerLost { .. })),
        "{later:?}"
    );
    assert_eq!(pool.health().openscad, None);
}

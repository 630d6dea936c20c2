//! An OpenSCAD file's way through the whole server: pushed over HTTP, customised by a page, downloaded as a file to print.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Value, json};
use vitrine_engine::OpenScad;

use crate::app::{Call, Plan, TestApp, href};

/// Where Debian installs the program.
const PROGRAM: &str = "/usr/bin/openscad";

const BOX: &str = "/* [Size] */\n// Outer width\nwidth = 20; // [10:40]\nname = \"abc\"; // 20\n\
    finish = \"plain\"; // [plain:Plain, ribs:With ribs]\n\
    difference() { cube([width, 20, 10]); translate([2, 2, 2]) cube([width - 4, 16, 10]); }\n\
    if (finish == \"ribs\") for (i = [0:2]) translate([3 + i * 5, -1, 0]) cube([2, 2, 8]);\n";

/// A server with OpenSCAD; none where it is not installed, which only a developer's machine may lack.
async fn app() -> Option<TestApp> {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests have no configuration to read it in"
    )]
    let must = std::env::var("CI").is_ok();
    match OpenScad::find(Path::new(PROGRAM)) {
        Ok(program) => Some(Plan::new().openscad(program).start().await),
        Err(error) => {
            assert!(!must, "{PROGRAM}: {error}");
            println!("skipped, {PROGRAM}: {error} (tools/setup test)");
            None
        }
    }
}

/// Pushes a file as the command line and the SDKs do, and shows the model.
async fn pushed(app: &TestApp, file: &'static str) -> Value {
    let body = json!({ "name": "box", "filename": "box.scad", "accessdomains": ["shop.example.com"], "max_wait_time": 30_000 });
    let call = Call::post("/api/v2/model")
        .bearer(&app.backend_token())
        .json(&body);
    let created = app.send(call).await.expect(200).json();
    let upload = Call::put(created["file"]["upload"].as_str().unwrap())
        .header("content-type", "application/octet-stream")
        .body(file);
    app.send(upload).await.expect(200);
    let id = created["model"]["id"].as_str().unwrap().parse().unwrap();
    app.analysed(id).await;
    let get = Call::get(&format!("/api/v2/model/{id}")).bearer(&app.model_token(id));
    app.send(get).await.expect(200).json()["model"].take()
}

/// Whether every edge of a binary STL file has exactly one neighbour that turns the other way.
fn is_watertight(stl: &[u8]) -> bool {
    let triangles = stl[84..].chunks_exact(50);
    let mut edges: HashMap<(&[u8], &[u8]), i32> = HashMap::new();
    for triangle in triangles {
        let corner = |i: usize| &triangle[12 + 12 * i..24 + 12 * i];
        for (from, to) in [(0, 1), (1, 2), (2, 0)] {
            *edges.entry((corner(from), corner(to))).or_default() += 1;
        }
    }
    !edges.is_empty()
        && edges
            .iter()
            .all(|((from, to), count)| *count == 1 && edges.get(&(*to, *from)) == Some(&1))
}

#[tokio::test]
async fn an_openscad_file_is_pushed_customised_and_downloaded() {
    let Some(app) = app().await else { return };
    let model = pushed(&app, BOX).await;
    assert_eq!(model["stat"], "confirmed", "{model}");
    let model = model["id"].as_str().unwrap().parse().unwrap();
    let record = app.services.store().model_unscoped(model).await.unwrap();
    let session = app.open(&app.ticket(&record.unwrap()).await).await;
    let parameters = session.body["parameters"].as_object().unwrap();
    let mut shown: Vec<_> = parameters
        .values()
        .map(|p| (p["name"].as_str().unwrap(), p["type"].as_str().unwrap()))
        .collect();
    shown.sort_unstable();
    let expected = [
        ("finish", "StringList"),
        ("name", "String"),
        ("width", "Int"),
    ];
    assert_eq!(shown, expected);
    app.send(Call::get(&session.href("model")))
        .await
        .expect(206);
    let values = json!({ "width": 30, "finish": "1", "name": "\"; cube(99); //" });
    let computed = app.send(session.compute(&values)).await.expect(200).json();
    let output = &computed["outputs"][session.output("model")];
    assert_eq!(output["status_computation"], "success", "{output}");
    assert_eq!(output["bbmax"], json!([30.0, 20.0, 10.0]), "{output}");
    let made = app
        .send(session.make_export("STL", &values))
        .await
        .expect(200)
        .json();
    let link = href(&made["exports"][session.export("STL")]);
    let stl = app.send(Call::get(&link)).await.expect(200).body;
    assert!(is_watertight(&stl));
    for name in ["3MF", "OBJ", "GLB"] {
        let made = app
            .send(session.make_export(name, &values))
            .await
            .expect(200)
            .json();
        app.send(Call::get(&href(&made["exports"][session.export(name)])))
            .await
            .expect(200);
    }
    // One run each: the second time everything comes from the cache.
    let runs = app.runs(model).await;
    app.send(session.compute(&values)).await.expect(200);
    app.send(session.make_export("STL", &values))
        .await
        .expect(200);
    assert_eq!(app.runs(model).await, runs);
    app.finish().await;
}

#[tokio::test]
async fn a_file_that_reads_others_is_denied_with_the_reason() {
    let Some(app) = app().await else { return };
    let model = pushed(&app, "import(\"/etc/passwd\");\ncube(1);\n").await;
    assert_eq!(model["stat"], "denied");
    let message = model["msg"].as_str().unwrap();
    assert!(message.contains("a model is one file alone"), "{message}");
    app.finish().await;
}

#[tokio::test]
async fn where_there_is_no_openscad_its_files_are_denied_with_the_remedy() {
    let app = TestApp::start().await;
    let model = pushed(&app, BOX).await;
    assert_eq!(model["stat"], "denied");
    let message = model["msg"].as_str().unwrap();
    assert!(message.contains("no OpenSCAD"), "{message}");
    app.finish().await;
}

//! Documents that cannot rot: what Markdown says of crates, operations, errors, metrics, commands,
//! tests and files is compared with the code.
//!
//! `UPDATE_DOCS=1 cargo test -p vitrine --test documents` rewrites the generated blocks.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use vitrine_access::permissions::{Credential, OPERATIONS, Operation};

/// Which room may know which others (design: one direction, each knows only rooms below it).
const ARROWS: &[(&str, &[&str])] = &[
    ("access", &[]),
    ("model", &["access"]),
    ("drawing", &[]),
    ("engine", &["access", "model", "drawing"]),
    ("store", &["access", "model"]),
    ("service", &["access", "model", "engine", "store"]),
    ("http", &["access", "model", "service"]),
    ("testkit", &["access", "model", "store"]),
    (
        "vitrine",
        &["access", "model", "engine", "store", "service", "http"],
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The Markdown files that people read first, and everything in `docs/`.
fn documents() -> Vec<String> {
    let mut found: Vec<String> = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"]
        .map(str::to_owned)
        .to_vec();
    for folder in ["docs", "docs/adr"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if Path::new(&name).extension().is_some_and(|e| e == "md") {
                found.push(format!("{folder}/{name}"));
            }
        }
    }
    found.sort();
    found
}

/// All source files below a folder, as text.
fn sources(folder: &Path, extensions: &[&str], into: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("node_modules") {
                sources(&path, extensions, into);
            }
        } else if extensions
            .iter()
            .any(|wanted| path.extension().is_some_and(|found| found == *wanted))
        {
            into.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// Compares the block `name` of a document with `wanted`, or rewrites it when asked to.
fn check_block(path: &str, name: &str, wanted: &str) {
    let text = read(path);
    let begin = format!("<!-- generated: {name} -->\n");
    let end = "<!-- end of generated -->";
    let (head, rest) = text
        .split_once(&begin)
        .unwrap_or_else(|| panic!("{path} has no line {begin:?}"));
    let (block, tail) = rest
        .split_once(end)
        .unwrap_or_else(|| panic!("the block {name} of {path} has no end"));
    if block == wanted {
        return;
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(
            root().join(path),
            format!("{head}{begin}{wanted}{end}{tail}"),
        )
        .unwrap();
        return;
    }
    panic!(
        "{path} and the code differ in the block {name}; run UPDATE_DOCS=1 cargo test -p vitrine \
         --test documents\n--- the file:\n{block}\n--- the code:\n{wanted}"
    );
}

fn manifest(krate: &str) -> toml::Table {
    read(&format!("crates/{krate}/Cargo.toml")).parse().unwrap()
}

/// The rooms that one section of a manifest names.
fn known_by(krate: &str, section: &str) -> BTreeSet<String> {
    let manifest = manifest(krate);
    let Some(section) = manifest.get(section).and_then(toml::Value::as_table) else {
        return BTreeSet::new();
    };
    section
        .keys()
        .filter_map(|name| name.strip_prefix("vitrine-"))
        .map(str::to_owned)
        .collect()
}

fn crates() -> BTreeSet<String> {
    let workspace: toml::Table = read("Cargo.toml").parse().unwrap();
    let members = workspace["workspace"]["members"].as_array().unwrap();
    assert_eq!(members.len(), 1);
    assert_eq!(members[0].as_str(), Some("crates/*"));
    std::fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn every_room_knows_only_the_rooms_below_it() {
    let arrows: BTreeMap<_, _> = ARROWS.iter().copied().collect();
    let named: BTreeSet<String> = arrows.keys().map(|&name| name.to_owned()).collect();
    assert_eq!(crates(), named, "each crate needs a row in ARROWS");
    for (krate, allowed) in ARROWS {
        for section in ["dependencies", "build-dependencies"] {
            for known in known_by(krate, section) {
                assert!(
                    allowed.contains(&known.as_str()),
                    "{krate} must not know {known} ({section})"
                );
            }
        }
        for known in known_by(krate, "dev-dependencies") {
            assert!(
                known == "testkit" || allowed.contains(&known.as_str()),
                "tests of {krate} must not know {known}"
            );
        }
    }
}

#[test]
fn the_list_of_crates_in_the_architecture_is_the_workspaces() {
    let mut table = String::from("| crate | knows | what it is |\n|---|---|---|\n");
    for (krate, _) in ARROWS {
        let file = if *krate == "vitrine" { "main" } else { "lib" };
        let text = read(&format!("crates/{krate}/src/{file}.rs"));
        let about: Vec<&str> = text
            .lines()
            .map_while(|line| line.strip_prefix("//!"))
            .map(str::trim)
            .take_while(|line| !line.is_empty())
            .collect();
        let known: Vec<String> = known_by(krate, "dependencies").into_iter().collect();
        let known = if known.is_empty() {
            "nothing of ours".to_owned()
        } else {
            known.join(", ")
        };
        writeln!(table, "| `{krate}` | {known} | {} |", about.join(" ")).unwrap();
    }
    check_block("ARCHITECTURE.md", "crates", &table);
}

fn credential(operation: &Operation) -> &'static str {
    match operation.credential {
        Credential::Session => "session",
        Credential::SessionOrToken => "session, or session and token",
        Credential::Token => "token",
        Credential::TokenOrAuthor => "token, or an author's session",
        Credential::BackendToken => "token of the back end",
        Credential::Ticket => "ticket",
        Credential::Public => "none",
        Credential::SealedLink => "sealed link",
        Credential::Forwarded => "session, ticket or token, from a trusted proxy",
        Credential::PartnerKey => "partner key",
        Credential::EditorToken => "editor token",
        Credential::EditorSession => "editor session",
        Credential::ScriptJob => "script job id",
        Credential::AccessKey => "access key",
        Credential::Account => "token of the platform",
        Credential::OneTimeLink => "secret of a link, once",
        Credential::Operator => "token of the platform, of an administrator",
    }
}

#[test]
fn the_table_of_operations_is_the_permission_tables() {
    let mut table = String::from(
        "| operation | method | path | credential | permission | more with |\n|---|---|---|---|---|---|\n",
    );
    for operation in OPERATIONS {
        let permission = operation.permission.map_or("–".to_owned(), |permission| {
            format!("`{}`", permission.as_str())
        });
        let optional: Vec<String> = operation
            .optional
            .iter()
            .map(|permission| format!("`{}`", permission.as_str()))
            .collect();
        let optional = if optional.is_empty() {
            "–".to_owned()
        } else {
            optional.join(" ")
        };
        writeln!(
            table,
            "| {} | {} | `{}` | {} | {permission} | {optional} |",
            operation.id,
            operation.method,
            operation.path,
            credential(operation),
        )
        .unwrap();
    }
    check_block("docs/operations.md", "operations", &table);
}

#[test]
fn the_table_of_parameters_is_the_codes() {
    use vitrine_access::editor_parameters::PARAMETERS;

    let mut table = String::from("| parameter | for | what it says |\n|---|---|---|\n");
    for row in PARAMETERS {
        let used = row.used.as_str();
        writeln!(table, "| `{}` | {used} | {} |", row.name, row.meaning).unwrap();
    }
    check_block("docs/editor.md", "parameters", &table);
}

#[test]
fn the_commands_of_scripts_are_the_documented_ones() {
    let page = read("docs/partners.md");
    for command in vitrine_engine::SCRIPT_COMMANDS {
        let name = format!("`{command}`");
        assert!(
            page.contains(&name),
            "docs/partners.md does not name {command}"
        );
    }
}

#[test]
fn the_catalogue_of_errors_is_the_error_tables() {
    let mut table =
        String::from("| code | status | type | meaning | what to do |\n|---|---|---|---|---|\n");
    for entry in vitrine_http::catalogue::entries() {
        writeln!(
            table,
            "| <a id=\"{code}\"></a>`{code}` | {} | `{:?}` | {} | {} |",
            entry.status,
            entry.error,
            entry.meaning,
            entry.remedy,
            code = entry.code,
        )
        .unwrap();
    }
    check_block("docs/errors.md", "errors", &table);
}

/// The names that begin with `prefix` in a text.
fn names(text: &str, prefix: &str) -> BTreeSet<String> {
    text.match_indices(prefix)
        .map(|(at, _)| {
            text[at..]
                .chars()
                .take_while(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_')
                .collect()
        })
        .collect()
}

/// The names of all metrics that the code records.
fn recorded_metrics() -> BTreeSet<String> {
    let mut code = String::new();
    for krate in crates() {
        sources(
            &root().join("crates").join(krate).join("src"),
            &["rs"],
            &mut code,
        );
    }
    let mut recorded = BTreeSet::new();
    for macro_name in ["counter!(", "gauge!(", "histogram!("] {
        for (at, _) in code.match_indices(macro_name) {
            let call: String = code[at + macro_name.len()..].chars().take(120).collect();
            if let Some(text) = call.trim_start().strip_prefix('"') {
                recorded.extend(text.split('"').next().map(str::to_owned));
            }
        }
    }
    assert!(recorded.len() > 5, "{recorded:?}");
    recorded
}

#[test]
fn the_operators_guide_lists_every_metric_and_no_other() {
    let guide = read("docs/operators.md");
    let (_, section) = guide.split_once("## Metrics").unwrap();
    let section = section.split("\n## ").next().unwrap();
    assert_eq!(names(section, "vitrine_"), recorded_metrics());
}

#[test]
fn the_dashboard_shows_every_metric_and_no_other() {
    let text = read("deploy/grafana/vitrine.json");
    let dashboard: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(dashboard["title"], "Vitrine");
    let shown: BTreeSet<String> = names(&text, "vitrine_")
        .into_iter()
        .map(|name| {
            // A histogram is asked by its parts.
            let parts = ["_bucket", "_count", "_sum"];
            let whole = parts.iter().find_map(|part| name.strip_suffix(part));
            whole.unwrap_or(&name).to_owned()
        })
        .collect();
    assert_eq!(shown, recorded_metrics());
}

/// The lines of fenced blocks that call the program.
fn commands(text: &str) -> Vec<String> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if inside && let Some((_, call)) = line.split_once("vitrine ") {
            let before = line.len() - call.len() - "vitrine ".len();
            let starts = line[..before].trim_end_matches("target/release/");
            if starts.is_empty() || starts.ends_with("$(") {
                found.push(call.to_owned());
            }
        }
    }
    found
}

fn help(words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_vitrine"))
        .args(words)
        .arg("--help")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "vitrine {} --help: {}",
        words.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_command_in_the_documents_exists_with_its_flags() {
    let mut checked = 0;
    for path in documents() {
        for call in commands(&read(&path)) {
            let words: Vec<&str> = call.split_whitespace().collect();
            let groups = [
                "model", "ticket", "jwt", "session", "audit", "keys", "user", "org", "cap",
                "config", "partner",
            ];
            let inner = words[0] == "partner" && ["key", "token"].contains(&words[1]);
            let depth = 1 + usize::from(groups.contains(&words[0])) + usize::from(inner);
            assert!(words.len() >= depth, "{path}: vitrine {call}");
            let help = help(&words[..depth]);
            for flag in words.iter().filter(|word| word.starts_with("--")) {
                let flag = flag.trim_end_matches(')');
                assert!(help.contains(flag), "{path}: vitrine {call}: no {flag}");
            }
            checked += 1;
        }
    }
    assert!(checked > 10, "only {checked} commands were found");
}

#[test]
fn tests_that_the_architecture_names_exist() {
    let text = read("ARCHITECTURE.md");
    let (_, section) = text.split_once("## Invariants").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let mut code = String::new();
    sources(&root().join("crates"), &["rs"], &mut code);
    sources(&root().join("tests"), &["mjs", "py"], &mut code);
    let mut checked = 0;
    // Every second part stands between back-ticks.
    for name in section.split('`').skip(1).step_by(2) {
        let is_function = name.matches('_').count() >= 2;
        let is_sentence = name.contains(' ');
        if is_function {
            assert!(
                code.contains(&format!("fn {name}(")) || code.contains(&format!("def {name}(")),
                "no test {name}"
            );
        } else if is_sentence {
            assert!(code.contains(name), "no test '{name}'");
        }
        checked += usize::from(is_function || is_sentence);
    }
    assert!(checked >= 10, "only {checked} tests are named");
}

#[test]
fn links_between_documents_lead_somewhere() {
    for path in documents() {
        let text = read(&path);
        let folder = root().join(&path).parent().unwrap().to_path_buf();
        for part in text.split("](").skip(1) {
            let target = part.split([')', '#', ' ']).next().unwrap();
            let elsewhere = target.is_empty() || target.contains("://") || target.starts_with('/');
            if !elsewhere {
                assert!(folder.join(target).exists(), "{path}: there is no {target}");
            }
        }
    }
}

//! `vitrine doctor` as an operator runs it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A data folder of one test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("vitrine-doctor-{name}-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A test that made nothing has nothing to remove.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An address that nobody listens on.
fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Whether the command succeeded, and what it printed.
fn vitrine(data: &Path, words: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_vitrine"))
        .args(words)
        .arg("--data")
        .arg(data)
        .env("VITRINE_LISTEN", free_address())
        .output()
        .unwrap();
    let (out, err) = (&output.stdout, &output.stderr);
    let text = [String::from_utf8_lossy(out), String::from_utf8_lossy(err)].concat();
    (output.status.success(), text)
}

#[test]
fn doctor_passes_where_nothing_is_yet_and_begins_nothing() {
    let folder = Folder::new("empty");
    let (passed, text) = vitrine(&folder.0, &["doctor"]);
    assert!(passed, "{text}");
    assert!(
        text.contains("ok      workers: a cube of 12 triangles"),
        "{text}"
    );
    assert!(text.contains("system_calls"), "{text}");
    for name in ["open files", "traces"] {
        assert!(text.contains(&format!(" {name}: ")), "{text}");
    }
    assert!(text.contains("advice  installation"), "{text}");
    assert!(!folder.0.exists());
}

#[test]
fn doctor_tells_a_sound_installation_from_a_broken_one() {
    let folder = Folder::new("whole");
    std::fs::create_dir(&folder.0).unwrap();
    let (made, text) = vitrine(&folder.0, &["model", "list"]);
    assert!(made, "{text}");
    let (passed, text) = vitrine(&folder.0, &["doctor"]);
    assert!(passed, "{text}");
    for name in ["database", "master key", "objects", "start"] {
        assert!(text.contains(&format!("ok      {name}:")), "{text}");
    }
    let key = folder.0.join("master.key");
    std::fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    let (passed, text) = vitrine(&folder.0, &["doctor"]);
    assert!(!passed);
    assert!(text.contains("FAILED  master key:"), "{text}");
    assert!(text.contains("chmod 600"), "{text}");
}

/// Files and folders below a folder that others than its account may use.
fn open_to_others(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let (path, metadata) = (entry.path(), entry.metadata().unwrap());
        if metadata.is_dir() {
            found.extend(open_to_others(&path));
        }
        if metadata.permissions().mode() & 0o077 != 0 {
            found.push(path);
        }
    }
    found
}

#[test]
fn whatever_is_made_in_a_folder_that_all_may_read_is_private_all_the_same() {
    let folder = Folder::new("private");
    std::fs::create_dir_all(&folder.0).unwrap();
    std::fs::set_permissions(&folder.0, Permissions::from_mode(0o755)).unwrap();
    let script = folder.0.with_extension("js");
    let main = "const { primitives } = require('@jscad/modeling')\n\
                const main = () => primitives.cuboid({ size: [1, 2, 3] })\n\
                module.exports = { main }\n";
    std::fs::write(&script, main).unwrap();
    let (pushed, text) = vitrine(&folder.0, &["model", "push", script.to_str().unwrap()]);
    std::fs::remove_file(&script).unwrap();
    assert!(pushed, "{text}");
    assert!(folder.0.join("objects").is_dir(), "{text}");
    assert_eq!(open_to_others(&folder.0), Vec::<PathBuf>::new());
}

#[test]
fn an_error_on_the_terminal_holds_no_command_for_it() {
    let folder = Folder::new("terminal");
    let (pushed, text) = vitrine(&folder.0, &["model", "push", "no\u{1b}]0;owned\u{7}.js"]);
    assert!(!pushed && text.contains("owned"), "{text}");
    assert!(!text.contains(['\u{1b}', '\u{7}']), "{text:?}");
}

//! What a process in the cage can do: nothing. The test program is its own prisoner: called with
//! `--probe LAYERS ATTEMPT` it confines itself by the worker's own functions, attempts one thing,
//! and tells by its exit code how that went. Attempts are made twice: with every layer, and without
//! the filter of system calls, so that the layers behind it are seen to hold by themselves.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "cage/attempts.rs"]
mod attempts;

use std::io::Read;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output, Stdio};

use attempts::{ATTEMPTS, Held, OPENING, PROGRAMS_MAY, Targets};
use vitrine_engine::Confinement;
use vitrine_engine::worker::{EXIT_FORBIDDEN, EXIT_SETUP, confine, missing_layers};

/// The attempt was refused; the text on standard output says how.
const EXIT_REFUSED: i32 = 10;
/// The attempt succeeded.
const EXIT_ESCAPED: i32 = 11;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--probe", "program", rest @ ..] => std::process::exit(probe_program(rest)),
        ["--probe", layers, attempt, rest @ ..] => {
            std::process::exit(probe(layers, attempt, rest));
        }
        ["--attempt", attempt, rest @ ..] => std::process::exit(make(attempt, rest)),
        _ => {}
    }
    macro_rules! tests {
        ($($name:ident),* $(,)?) => { [$((stringify!($name), $name as fn())),*] };
    }
    let tests = tests![
        the_whole_cage_stops_every_attempt,
        the_cage_for_drawings_stops_every_attempt,
        what_lies_behind_the_filter_holds_too,
        a_program_of_others_escapes_no_more_than_a_worker,
        attempts_succeed_outside_of_the_cage,
        computing_goes_on_inside_of_the_cage,
    ];
    if words.contains(&"--list") {
        for (name, _) in tests {
            println!("{name}: test");
        }
        return;
    }
    let filter = words.iter().find(|word| !word.starts_with('-'));
    for (name, test) in tests {
        if filter.is_none_or(|part| name.contains(part)) {
            test();
            println!("test {name} ... ok");
        }
    }
}

/// Attempts one thing.
fn make(attempt: &str, rest: &[&str]) -> i32 {
    let targets = Targets::parse(rest);
    let attempt = match ATTEMPTS.iter().find(|(name, ..)| *name == attempt) {
        Some((_, attempt, _)) => *attempt,
        None => |_: &Targets| {
            attempts::compute();
            Ok(())
        },
    };
    match attempt(&targets) {
        Ok(()) => EXIT_ESCAPED,
        Err(error) => {
            println!("refused: {error}");
            EXIT_REFUSED
        }
    }
}

/// Confines this process as a worker that runs a program of others, and lets that program, which is this one again, make an
/// attempt.
fn probe_program(rest: &[&str]) -> i32 {
    let attempted = || {
        let program = confine::Program::discover(&std::env::current_exe()?)?;
        let mut cage = confine::close_inherited(Confinement::Required)?;
        confine::at_start_with(&mut cage, &program)?;
        confine::before_models(&mut cage)?;
        println!("layers: {}", cage.names().join(" "));
        let mut child = program.command(["--attempt"].iter().chain(rest))?.spawn()?;
        let mut text = String::new();
        if let (Some(mut out), Some(mut err)) = (child.stdout.take(), child.stderr.take()) {
            out.read_to_string(&mut text)?;
            err.read_to_string(&mut text)?;
        }
        Ok::<_, std::io::Error>((child.wait()?, text))
    };
    match attempted() {
        Ok((status, text)) => {
            println!("{status} {text}");
            // A process that is ended is as contained as one that is refused.
            status.code().unwrap_or(EXIT_REFUSED)
        }
        Err(error) => {
            eprintln!("{error}");
            EXIT_SETUP
        }
    }
}

/// Confines this process and attempts one thing.
fn probe(layers: &str, attempt: &str, rest: &[&str]) -> i32 {
    let confined = match layers {
        "none" => Ok(Vec::new()),
        "outer" => outer_layers().map(|cage| cage.names()),
        _ => outer_layers().and_then(|mut cage| {
            if layers == "drawings" {
                cage.let_opens_fail();
            }
            confine::before_models(&mut cage)?;
            Ok(cage.names())
        }),
    };
    match confined {
        Ok(names) => println!("layers: {}", names.join(" ")),
        Err(error) => {
            eprintln!("{error}");
            return EXIT_SETUP;
        }
    }
    make(attempt, rest)
}

fn outer_layers() -> std::io::Result<confine::Cage> {
    let mut cage = confine::close_inherited(Confinement::Required)?;
    confine::at_start(&mut cage)?;
    Ok(cage)
}

/// Runs a probe against this process, a listener of it, and a file in a folder of it.
fn run(layers: &str, attempt: &str) -> Output {
    let folder = std::env::temp_dir().join(format!("vitrine-cage-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let secret = folder.join("master.key");
    std::fs::write(&secret, "secret").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--probe", layers, attempt])
        .arg(&secret)
        .arg(listener.local_addr().unwrap().to_string())
        .arg(std::process::id().to_string())
        .env_clear()
        .env("RUST_BACKTRACE", "0")
        .current_dir("/")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    output
}

fn said(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(err)
    )
}

/// What models are made of works inside of the cage.
fn assert_it_computes(layers: &str) {
    let output = run(layers, "compute");
    let code = output.status.code();
    assert_eq!(code, Some(EXIT_ESCAPED), "{}", said(&output));
}

/// Makes every attempt, and holds how each ends against what `expected` says of it.
fn assert_attempts_end(layers: &str, expected: impl Fn(&str) -> i32) {
    for (attempt, ..) in ATTEMPTS {
        let output = run(layers, attempt);
        assert_eq!(missing_layers(&layers_of(&output)), [""; 0]);
        let code = output.status.code();
        assert_eq!(
            code,
            Some(expected(attempt)),
            "{attempt}: {}",
            said(&output)
        );
    }
}

fn layers_of(output: &Output) -> Vec<String> {
    let text = said(output);
    let line = text.lines().find_map(|line| line.strip_prefix("layers: "));
    let line = line.unwrap_or_else(|| panic!("no layers: {text}"));
    line.split(' ').map(str::to_owned).collect()
}

fn the_whole_cage_stops_every_attempt() {
    for (index, (attempt, ..)) in ATTEMPTS.iter().enumerate() {
        let output = run("all", attempt);
        let layers = layers_of(&output);
        assert_eq!(missing_layers(&layers), [""; 0], "{layers:?}");
        if index == 0 {
            println!("active layers: {}", layers.join(" "));
        }
        assert_eq!(
            output.status.code(),
            Some(EXIT_FORBIDDEN),
            "{attempt}: {:?} {}",
            output.status,
            said(&output)
        );
        assert!(said(&output).contains("forbidden system call"), "{attempt}");
    }
}

/// A worker for drawings may ask for files, and is given none.
fn the_cage_for_drawings_stops_every_attempt() {
    assert_attempts_end("drawings", |attempt| {
        if OPENING.contains(&attempt) {
            EXIT_REFUSED
        } else {
            EXIT_FORBIDDEN
        }
    });
    assert_it_computes("drawings");
}

fn what_lies_behind_the_filter_holds_too() {
    for (attempt, _, held) in ATTEMPTS {
        let output = run("outer", attempt);
        let layers = layers_of(&output);
        let code = output.status.code();
        let refused = code == Some(EXIT_REFUSED);
        match held {
            // A process that is ended is as contained as one that is refused.
            Held::Always => assert!(
                refused || output.status.signal().is_some(),
                "{attempt}: {code:?} {}",
                said(&output)
            ),
            Held::By(layer) => assert!(
                refused || !layers.iter().any(|active| active == layer.name()),
                "{attempt}: {code:?} {} in spite of {layers:?}",
                said(&output)
            ),
            Held::ByTheFilterAlone => {}
        }
    }
}

fn a_program_of_others_escapes_no_more_than_a_worker() {
    assert_attempts_end("program", |attempt| {
        if PROGRAMS_MAY.contains(&attempt) {
            EXIT_ESCAPED
        } else {
            EXIT_REFUSED
        }
    });
    // What it may do it can do.
    assert_it_computes("program");
}

/// A refusal proves something only when the same thing works where nothing forbids it.
fn attempts_succeed_outside_of_the_cage() {
    for attempt in [
        "read_a_secret",
        "connect",
        "socket",
        "execute",
        "memory_file",
        "list_processes",
        "environment_of_the_server",
        "files_of_the_server",
        "signal_to_the_server",
        "signal_to_a_thread_of_the_server",
        "queued_signal_to_the_server",
        "handle_of_the_server",
    ] {
        let output = run("none", attempt);
        assert_eq!(
            output.status.code(),
            Some(EXIT_ESCAPED),
            "{attempt}: {}",
            said(&output)
        );
    }
}

fn computing_goes_on_inside_of_the_cage() {
    assert_it_computes("all");
}

//! What the program says on standard error, and what that means to the author.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::Signal;
use vitrine_model::{EngineError, LimitExceeded, LimitKind, RunLimits};

/// Characters of the program's own words in an error.
const WORDS_MAX: usize = 1_000;

/// Words of a program that ran out of memory: the C++ library's, GMP's and the loader's.
const OUT_OF_MEMORY: [&str; 4] = [
    "bad_alloc",
    "annot allocate memory",
    "out of memory",
    "failed to map segment",
];

/// Words about a file that does not exist, cannot be opened, or is not what it should be.
const UNREADABLE: [&str; 6] = [
    "Can't open",
    "Can't read",
    "couldn't be opened",
    "Could not read",
    "trying to import file",
    "Illegal value in '",
];

/// What a run came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// The file that was asked for is on standard output.
    Written,
    /// A solid was asked for, and the file draws a flat shape.
    Flat,
    /// The file shows nothing.
    Empty,
}

/// Reads the end of a run. An author's mistake is an error even where the program goes on without the part that failed.
pub(super) fn verdict(
    said: &str,
    status: ExitStatus,
    limits: &RunLimits,
) -> Result<Verdict, EngineError> {
    let error = said.lines().find(|line| line.starts_with("ERROR:"));
    if out_of_memory(said) {
        return Err(memory(limits));
    }
    if let Some(line) = said.lines().find(|line| names_a_file(line)) {
        return Err(foreign_file(line));
    }
    if let Some(line) = error {
        return Err(mistake(line));
    }
    if let Some(signal) = status.signal() {
        return Err(ended_by(signal, limits));
    }
    let says = |words: &str| said.lines().any(|line| line.starts_with(words));
    if says("Current top level object is not a 3D object") {
        return Ok(Verdict::Flat);
    }
    if says("Current top level object is empty") {
        return Ok(Verdict::Empty);
    }
    if status.success() {
        return Ok(Verdict::Written);
    }
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    Err(mistake(last.unwrap_or("it gave no reason")))
}

fn out_of_memory(said: &str) -> bool {
    let own = said.lines().filter(|line| !line.starts_with("ECHO:"));
    own.into_iter()
        .any(|line| OUT_OF_MEMORY.iter().any(|words| line.contains(words)))
}

/// Whether a warning or an error is about another file than the model itself. What stands in it is nobody's business.
fn names_a_file(line: &str) -> bool {
    let is_error = line.starts_with("ERROR:");
    if !is_error && !line.starts_with("WARNING:") {
        return false;
    }
    let elsewhere = |(_, file): (&str, &str)| !file.starts_with("<stdin>");
    UNREADABLE.iter().any(|words| line.contains(words))
        || (is_error && line.split_once(" in file ").is_some_and(elsewhere))
}

/// The same words whether the file exists or not: the answer must not say what else is on the server.
fn foreign_file(line: &str) -> EngineError {
    EngineError::Script {
        message: "the file uses another file, and a model is one file alone: put everything into it \
                  instead of use, include, import or surface (libraries that come with the server's \
                  OpenSCAD may be used)"
            .to_owned(),
        line: line_number(line),
    }
}

fn mistake(line: &str) -> EngineError {
    let words = line.strip_prefix("ERROR:").unwrap_or(line).trim();
    EngineError::Script {
        message: format!(
            "OpenSCAD says: {}",
            words.chars().take(WORDS_MAX).collect::<String>()
        ),
        line: line_number(line),
    }
}

/// The number behind the last `line`.
fn line_number(text: &str) -> Option<u32> {
    let (_, rest) = text.rsplit_once("line ")?;
    let digits = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest.get(..digits)?.parse().ok()
}

fn ended_by(signal: i32, limits: &RunLimits) -> EngineError {
    if signal == Signal::XCPU.as_raw() {
        return EngineError::Limit(LimitExceeded {
            limit: LimitKind::WallTime,
            at: "OpenSCAD".to_owned(),
            spent: format!("more than {} ms", limits.wall_ms),
            raise: "make the model simpler: lower $fn, fewer booleans, no minkowski".to_owned(),
        });
    }
    EngineError::Script {
        message: format!(
            "OpenSCAD ended by signal {signal}; the model may nest too deeply or need too much memory"
        ),
        line: None,
    }
}

fn memory(limits: &RunLimits) -> EngineError {
    let budget = limits
        .js_memory_bytes
        .saturating_add(limits.native_memory_bytes);
    EngineError::Limit(LimitExceeded {
        limit: LimitKind::Memory,
        at: "OpenSCAD".to_owned(),
        spent: format!("more than about {budget} bytes"),
        raise: "make the model smaller: lower $fn, shorter lists, fewer solids".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(said: &str, raw_status: i32) -> Result<Verdict, EngineError> {
        verdict(
            said,
            ExitStatus::from_raw(raw_status),
            &RunLimits::default(),
        )
    }

    fn message(said: &str, raw_status: i32) -> (String, Option<u32>) {
        match judged(said, raw_status).unwrap_err() {
            EngineError::Script { message, line } => (message, line),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn what_the_top_level_shows_is_told_apart() {
        assert_eq!(
            judged("Total rendering time: 0", 0).unwrap(),
            Verdict::Written
        );
        let flat = "Current top level object is not a 3D object.\n";
        assert_eq!(judged(flat, 256).unwrap(), Verdict::Flat);
        let empty = "Current top level object is empty.\n";
        assert_eq!(judged(empty, 256).unwrap(), Verdict::Empty);
    }

    #[test]
    fn mistakes_come_with_their_line() {
        let (text, line) = message(
            "ERROR: Parser error: syntax error in file <stdin>, line 3\nCan't parse file '<stdin>'!",
            256,
        );
        assert_eq!(
            text,
            "OpenSCAD says: Parser error: syntax error in file <stdin>, line 3"
        );
        assert_eq!(line, Some(3));
        let (text, line) = message("\nno such option\n", 256);
        assert_eq!(
            (text.as_str(), line),
            ("OpenSCAD says: no such option", None)
        );
    }

    #[test]
    fn foreign_files_look_the_same_whether_they_exist_or_not() {
        let said = [
            "WARNING: Can't open import file '/etc/shadow.stl', import() at line 1",
            "WARNING: Can't open include file '/etc/nope'.",
            "ERROR: Parser error: syntax error in file etc/passwd, line 1",
            "WARNING: The file '/etc/shadow' couldn't be opened.",
            "WARNING: Could not read file '/etc/x.3mf', import() at line 1",
            "ERROR: Can't open file '/etc/x.svg', import() at line 1",
            "ERROR: Unsupported file format while trying to import file '\"etc/passwd\"', import() at line 1",
        ];
        for line in said {
            let (text, _) = message(line, 0);
            assert!(text.starts_with("the file uses another file"), "{text}");
            assert!(!text.contains("etc"), "{text}");
        }
        let harmless = "WARNING: Ignoring unknown variable 'y' in file <stdin>, line 1";
        assert_eq!(judged(harmless, 0).unwrap(), Verdict::Written);
    }

    #[test]
    fn limits_are_told_from_mistakes() {
        let limit = |said: &str, status: i32| match judged(said, status).unwrap_err() {
            EngineError::Limit(exceeded) => exceeded.limit,
            other => panic!("{other}"),
        };
        let thrown = "terminate called after throwing an instance of 'std::bad_alloc'";
        assert_eq!(limit(thrown, 6), LimitKind::Memory);
        assert_eq!(limit("", Signal::XCPU.as_raw()), LimitKind::WallTime);
        assert_eq!(judged("ECHO: \"bad_alloc\"", 0).unwrap(), Verdict::Written);
    }
}

//! Generated inputs: every drill with thousands of almost good ones, and every operation that
//! takes a body with hostile ones. Seeded, so that a failure repeats; bounded, so that it ends.

use serde_json::Value;
use vitrine_testkit::SeededEntropy;

use crate::app::{CUBE, Call, TestApp};
use crate::drills::DRILLS;

/// Inputs for each parser: about a second in a debug build.
const INPUTS: usize = 3_000;
/// Bodies for each operation; each passes through the whole server.
const BODIES: usize = 40;
/// Changes to one seed at most.
const CHANGES_MAX: u64 = 4;
/// The longest run of one letter: beyond every bound of a header.
const RUN_MAX: u64 = 40_000;

/// What tends to hurt parsers.
const FRAGMENTS: &[&str] = &[
    "",
    " ",
    "\0",
    "\r\n",
    "\t",
    "*",
    ".",
    "..",
    "-",
    ":",
    "/",
    "//",
    "@",
    "\\",
    "%2e",
    "%00",
    "[",
    "]",
    "{",
    "}",
    "\"",
    ",",
    "=",
    "?",
    "#",
    "\u{feff}",
    "\u{202e}",
    "．",
    "ı",
    "ß",
    "0",
    "-1",
    "1e999",
    "99999999999999999999",
    "18446744073709551616",
    "null",
    "true",
    "https://",
    "bytes=",
    "eyJ",
    "group.owner",
    "localhost",
];

struct Maker {
    chance: SeededEntropy,
}

impl Maker {
    fn below(&self, bound: u64) -> u64 {
        self.chance.next_u64() % bound.max(1)
    }

    fn place(&self, bytes: &[u8]) -> usize {
        usize::try_from(self.below(bytes.len() as u64 + 1)).unwrap()
    }

    fn fragment(&self) -> &'static [u8] {
        let at = usize::try_from(self.below(FRAGMENTS.len() as u64)).unwrap();
        FRAGMENTS[at].as_bytes()
    }

    fn change(&self, bytes: &mut Vec<u8>) {
        let at = self.place(bytes);
        match self.below(8) {
            0 => bytes
                .splice(at..at, self.fragment().iter().copied())
                .for_each(drop),
            1 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            2 if at < bytes.len() => drop(bytes.remove(at)),
            3 => bytes.truncate(at),
            4 => bytes.extend_from_within(at..),
            5 => {
                let run = usize::try_from(self.below(RUN_MAX)).unwrap();
                let letter = u8::try_from(self.below(256)).unwrap();
                bytes
                    .splice(at..at, std::iter::repeat_n(letter, run))
                    .for_each(drop);
            }
            6 => bytes.make_ascii_uppercase(),
            _ => bytes.push(u8::try_from(self.below(256)).unwrap()),
        }
    }

    fn input(&self, seeds: &[&str]) -> Vec<u8> {
        let seed = usize::try_from(self.below(seeds.len() as u64)).unwrap();
        let mut bytes = seeds[seed].as_bytes().to_vec();
        for _ in 0..self.below(CHANGES_MAX) {
            self.change(&mut bytes);
        }
        bytes
    }
}

#[test]
fn no_parser_panics_and_each_has_one_form_for_what_it_accepts() {
    for (number, drill) in DRILLS.iter().enumerate() {
        let maker = Maker {
            chance: SeededEntropy::new(number as u64),
        };
        for seed in drill.seeds {
            (drill.run)(seed.as_bytes());
        }
        for _ in 0..INPUTS {
            let input = maker.input(drill.seeds);
            let shown = String::from_utf8_lossy(&input)
                .chars()
                .take(200)
                .collect::<String>();
            let outcome = std::panic::catch_unwind(|| (drill.run)(&input));
            assert!(outcome.is_ok(), "{}: {shown:?}", drill.name);
        }
    }
}

#[tokio::test]
async fn hostile_bodies_are_refused_and_leave_the_session_as_it_was() {
    let app = TestApp::start().await;
    let model = app.push("mine", CUBE).await;
    let session = app.open(&app.ticket(&model).await).await;
    let before = app.send(session.defaults()).await.expect(200).json();
    let backend = app.backend_token();
    let seeds = crate::drills::DRILLS
        .iter()
        .find(|drill| drill.name == "JSON body")
        .unwrap()
        .seeds;
    let model_path = format!("/api/v2/model/{}", model.id);
    let places = [
        Call::put(&session.path("output")),
        Call::put(&session.path("output/cache")),
        Call::put(&session.path("export")),
        Call::put(&session.path("export/cache")),
        Call::post(&format!("{model_path}/ticket")).bearer(&backend),
        Call::post("/api/v2/model").bearer(&backend),
    ];
    for (number, place) in places.into_iter().enumerate() {
        let maker = Maker {
            chance: SeededEntropy::new(1_000 + number as u64),
        };
        for _ in 0..BODIES {
            let body = maker.input(seeds);
            let call = place
                .clone()
                .header("content-type", "application/json")
                .body(body.clone());
            let answer = app.send(call).await;
            let shown = String::from_utf8_lossy(&body)
                .chars()
                .take(200)
                .collect::<String>();
            assert!(
                !answer.status.is_server_error() && answer.status != 429,
                "{} for {shown:?}: {}",
                answer.status,
                answer.text()
            );
            if !answer.status.is_success() {
                let error: Value = answer.json();
                for member in ["error", "desc", "message"] {
                    assert!(error[member].is_string(), "{member} for {shown:?}: {error}");
                }
            }
        }
    }
    let after = app.send(session.defaults()).await.expect(200).json();
    assert_eq!(without_links(before), without_links(after));
    app.finish().await;
}

/// Links are sealed anew for every answer.
fn without_links(mut answer: Value) -> Value {
    fn walk(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.remove("href");
                members.values_mut().for_each(walk);
            }
            Value::Array(items) => items.iter_mut().for_each(walk),
            _ => {}
        }
    }
    walk(&mut answer);
    answer
}

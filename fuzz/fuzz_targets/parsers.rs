//! The first byte chooses the parser, the rest is what it gets.
#![no_main]

#[path = "../../crates/vitrine/tests/http/drills.rs"]
mod drills;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some((first, rest)) = bytes.split_first() {
        let drill = &drills::DRILLS[usize::from(*first) % drills::DRILLS.len()];
        (drill.run)(rest);
    }
});

//! What a save keeps, changes, adds and erases: the demo's drawing, and what the editor's library makes of it.
//! That library writes hatches without colours and texts with a thickness; none of it may reach the drawing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use vitrine_drawing::{Merged, merge, normalised};

const FLAT: &str = include_str!("fixtures/flat.dxf");
/// The same drawing as the editor's library writes it right after reading it.
const SENT: &str = include_str!("fixtures/flat-from-editor.dxf");

/// The records of a drawing that have a handle: kind and pairs by the handle.
fn records(dxf: &str) -> BTreeMap<u64, Vec<(i16, String)>> {
    let mut lines = dxf.lines();
    let mut all: Vec<Vec<(i16, String)>> = Vec::new();
    while let (Some(code), Some(value)) = (lines.next(), lines.next()) {
        let pair = (code.trim().parse().unwrap(), value.trim().to_owned());
        if pair.0 == 0 || all.is_empty() {
            all.push(Vec::new());
        }
        all.last_mut().unwrap().push(pair);
    }
    all.into_iter()
        .filter_map(|record| {
            let code = if record[0].1 == "DIMSTYLE" { 105 } else { 5 };
            let (_, text) = record.iter().find(|(known, _)| *known == code)?;
            let handle = u64::from_str_radix(text, 16).ok()?;
            (record[0].0 == 0 && !["SECTION", "ENDSEC"].contains(&record[0].1.as_str()))
                .then_some((handle, record))
        })
        .collect()
}

fn text(merged: &Merged) -> String {
    String::from_utf8(merged.dxf.clone()).unwrap()
}

fn counts(merged: &Merged) -> (usize, usize, usize, usize) {
    (merged.kept, merged.changed, merged.added, merged.erased)
}

/// The sent drawing with one record of its entities changed by hand.
fn with(kind: &str, change: impl FnOnce(&str) -> String) -> String {
    let entities = SENT.find("ENTITIES\n").unwrap();
    let start = entities + SENT[entities..].find(&format!("\n{kind}\n")).unwrap() + 1;
    let mut end = start + kind.len() + 1;
    let mut lines = SENT[end..].split_inclusive('\n');
    while let (Some(code), Some(value)) = (lines.next(), lines.next()) {
        if code.trim() == "0" {
            break;
        }
        end += code.len() + value.len();
    }
    // The line before the kind is the code of the record's first pair.
    let begin = SENT[..start - 1].rfind('\n').unwrap() + 1;
    let (before, record, after) = (&SENT[..begin], &SENT[begin..end], &SENT[end..]);
    format!("{before}{}{after}", change(record))
}

/// Saves a drawing that the editor has now, beside what it had at first.
fn saved(base: &str, now: &str) -> Merged {
    merge(base.as_bytes(), format!("{SENT}{now}").as_bytes()).unwrap()
}

/// The handles of records that are not the same in both.
fn rewritten(before: &str, after: &str) -> Vec<u64> {
    let (before, after) = (records(before), records(after));
    let other = before
        .iter()
        .filter(|(handle, record)| after.get(handle) != Some(record));
    let gone = other.map(|(handle, _)| *handle);
    let added = after.keys().filter(|handle| !before.contains_key(handle));
    gone.chain(added.copied()).collect()
}

fn find(dxf: &str, kind: &str) -> (u64, Vec<(i16, String)>) {
    let mut all = records(dxf).into_iter();
    all.find(|(_, record)| record[0].1 == kind).unwrap()
}

fn value(record: &[(i16, String)], code: i16) -> &str {
    let found = record.iter().find(|(known, _)| *known == code);
    &found.unwrap().1
}

#[test]
fn what_was_not_touched_stays_pair_for_pair() {
    let merged = saved(FLAT, SENT);
    let count = records(FLAT).len();
    println!("{count} records with handles: {:?}", counts(&merged));
    assert_eq!((merged.changed, merged.added, merged.erased), (0, 0, 0));
    assert!(rewritten(FLAT, &text(&merged)).is_empty());
}

#[test]
fn a_moved_circle_changes_one_pair_of_one_record() {
    let moved = with("CIRCLE", |record| {
        record.replacen("\n7000\n", "\n7100\n", 1)
    });
    assert_ne!(moved, SENT);
    let merged = saved(FLAT, &moved);
    assert_eq!((merged.changed, merged.added, merged.erased), (1, 0, 0));
    let (handle, before) = find(FLAT, "CIRCLE");
    assert_eq!(rewritten(FLAT, &text(&merged)), [handle]);
    let (_, after) = find(&text(&merged), "CIRCLE");
    let differing: Vec<_> = before.iter().zip(&after).filter(|(a, b)| a != b).collect();
    assert_eq!(differing.len(), 1);
    assert_eq!((before.len(), value(&after, 10)), (after.len(), "7100"));
}

#[test]
fn a_text_that_was_moved_keeps_what_the_editor_writes_wrongly() {
    let moved = with("TEXT", |record| record.replace("\n2400\n", "\n2500\n"));
    let merged = saved(FLAT, &moved);
    assert_eq!((merged.changed, merged.added, merged.erased), (1, 0, 0));
    let (handle, before) = find(FLAT, "TEXT");
    assert_eq!(rewritten(FLAT, &text(&merged)), [handle]);
    let after = records(&text(&merged)).remove(&handle).unwrap();
    assert_eq!((value(&after, 10), value(&after, 11)), ("2500", "2500"));
    for code in [7, 39, 62, 440] {
        let has = |record: &[(i16, String)]| record.iter().any(|pair| pair.0 == code);
        assert_eq!(has(&before), has(&after), "{code}");
    }
}

#[test]
fn what_is_not_sent_any_more_was_erased_and_what_the_editor_never_had_was_not() {
    let without = with("SPLINE", |_| String::new());
    let merged = saved(FLAT, &without);
    assert_eq!((merged.changed, merged.added, merged.erased), (0, 0, 1));
    assert_eq!(rewritten(FLAT, &text(&merged)), [find(FLAT, "SPLINE").0]);
    let helix = FLAT.replacen("\nSPLINE\n", "\nHELIX\n", 1);
    let merged = merge(helix.as_bytes(), format!("{without}{without}").as_bytes()).unwrap();
    assert_eq!((merged.changed, merged.added, merged.erased), (0, 0, 0));
    assert!(rewritten(&helix, &text(&merged)).is_empty());
}

#[test]
fn what_is_new_gets_a_handle_of_its_own_and_brings_its_layer() {
    let taken = find(FLAT, "XRECORD").0;
    let circle = format!(
        "0\nCIRCLE\n5\n{taken:X}\n330\n17\n100\nAcDbEntity\n8\nMine\n440\n255\n100\nAcDbCircle\n10\n1\n20\n2\n30\n0\n40\n3\n"
    );
    let layer = "0\nLAYER\n5\n10\n330\n2\n100\nAcDbSymbolTableRecord\n100\nAcDbLayerTableRecord\n2\nMine\n70\n0\n62\n5\n6\nCONTINUOUS\n";
    let added = with("CIRCLE", |record| format!("{circle}{record}"));
    let table = added.find("\nLAYER\n").unwrap();
    let first = table + 1 + added[table + 1..].find("\nLAYER\n").unwrap();
    let begin = added[..first].rfind('\n').unwrap() + 1;
    let added = format!("{}{layer}{}", &added[..begin], &added[begin..]);
    let merged = saved(FLAT, &added);
    assert_eq!((merged.changed, merged.added, merged.erased), (0, 1, 0));
    let after = records(&text(&merged));
    assert_eq!(after[&taken][0].1, "XRECORD", "the record keeps its handle");
    let new = rewritten(FLAT, &text(&merged));
    assert_eq!(new.len(), 2, "{new:X?}");
    let seed = FLAT.split("$HANDSEED").nth(1).unwrap();
    let seed = u64::from_str_radix(seed.lines().nth(2).unwrap().trim(), 16).unwrap();
    assert!(new.iter().all(|handle| *handle >= seed), "{new:X?}");
    let mine = new.iter().map(|handle| &after[handle]);
    let circle = mine.clone().find(|record| record[0].1 == "CIRCLE").unwrap();
    assert_eq!((value(circle, 8), value(circle, 40)), ("Mine", "3"));
    assert!(circle.iter().all(|(code, _)| *code != 440));
    let (space, _) = records(FLAT)
        .into_iter()
        .find(|(_, record)| record[0].1 == "BLOCK_RECORD" && value(record, 2) == "*Model_Space")
        .unwrap();
    assert_eq!(value(circle, 330), format!("{space:X}"));
    let next: u64 = u64::from_str_radix(
        text(&merged)
            .split("$HANDSEED")
            .nth(1)
            .unwrap()
            .lines()
            .nth(2)
            .unwrap()
            .trim(),
        16,
    )
    .unwrap();
    assert!(new.iter().all(|handle| *handle < next));
}

#[test]
fn attributes_that_the_editor_does_not_write_move_along_with_their_block() {
    let block = |dxf: &str| {
        let all = records(dxf).into_values();
        let insert = all
            .filter(|record| record[0].1 == "INSERT")
            .find(|record| record.contains(&(66, "1".to_owned())));
        (insert.unwrap(), find(dxf, "ATTRIB").1)
    };
    let (insert, attribute) = block(FLAT);
    let handle = value(&insert, 5).to_owned();
    let at = SENT.find(&format!("\nINSERT\n5\n{handle}\n")).unwrap();
    let x = at + SENT[at..].find("\n10\n").unwrap() + 4;
    let moved = format!("{}1{}", &SENT[..x], &SENT[x..]);
    let merged = saved(FLAT, &moved);
    assert_eq!((merged.changed, merged.added, merged.erased), (1, 0, 0));
    assert_eq!(rewritten(FLAT, &text(&merged)).len(), 2);
    let (moved_insert, moved_attribute) = block(&text(&merged));
    let number = |record: &[(i16, String)]| value(record, 10).parse::<f64>().unwrap();
    let by = number(&moved_insert) - number(&insert);
    assert!(by > 0.0);
    assert!((number(&moved_attribute) - number(&attribute) - by).abs() < 1e-9);
}

#[test]
fn a_layer_that_was_switched_off_is_off() {
    let at = SENT.find("\nWALLS\n").unwrap();
    let colour = at + SENT[at..].find("\n62\n").unwrap() + 4;
    let off = format!("{}-{}", &SENT[..colour], &SENT[colour..]);
    let merged = saved(FLAT, &off);
    assert_eq!((merged.changed, merged.added, merged.erased), (0, 0, 0));
    let (_, walls) = records(&text(&merged))
        .into_iter()
        .find(|(_, record)| record[0].1 == "LAYER" && value(record, 2) == "WALLS")
        .unwrap();
    assert!(value(&walls, 62).starts_with('-'));
    assert_eq!(rewritten(FLAT, &text(&merged)).len(), 1);
}

#[test]
fn one_drawing_alone_is_compared_with_care() {
    let merged = merge(FLAT.as_bytes(), FLAT.as_bytes()).unwrap();
    assert_eq!((merged.changed, merged.added, merged.erased), (0, 0, 0));
    assert!(rewritten(FLAT, &text(&merged)).is_empty());
    let merged = merge(FLAT.as_bytes(), SENT.as_bytes()).unwrap();
    assert_eq!(
        (merged.added, merged.erased),
        (0, 0),
        "{:?}",
        counts(&merged)
    );
    let (before, after) = (records(FLAT), records(&text(&merged)));
    let objects = |all: &BTreeMap<u64, Vec<(i16, String)>>| {
        let kept = all.values().filter(|record| {
            ["XRECORD", "DICTIONARY", "LAYOUT", "LAYER", "STYLE"].contains(&record[0].1.as_str())
        });
        kept.cloned().collect::<Vec<_>>()
    };
    assert_eq!(objects(&before), objects(&after));
}

#[test]
fn a_block_that_stands_in_itself_is_refused_whether_anything_shows_it_or_not() {
    let at = SENT.find("BLOCKS\n").unwrap() + "BLOCKS\n".len();
    let (before, after) = SENT.split_at(at);
    let block = "0\nBLOCK\n5\nFE01\n2\nLOOP\n0\nINSERT\n5\nFE02\n2\nloop\n0\nENDBLK\n5\nFE03\n";
    let now = format!("{before}{block}{after}");
    for sent in [format!("{SENT}{now}"), now] {
        let refused = merge(FLAT.as_bytes(), sent.as_bytes()).unwrap_err();
        assert!(
            refused.to_string().contains("stands in itself"),
            "{refused}"
        );
    }
}

#[test]
fn damaged_drawings_are_refused_or_read_and_never_more() {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = |bound: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % bound
    };
    let (mut read, mut refused) = (0, 0);
    for round in 0..200 {
        let mut bytes = if round % 2 == 0 { FLAT } else { SENT }.as_bytes().to_vec();
        match round % 4 {
            0 => bytes.truncate(next(bytes.len())),
            _ => {
                for _ in 0..=next(20) {
                    let at = next(bytes.len());
                    bytes[at] ^= 1 << next(8);
                }
            }
        }
        let outcome = std::panic::catch_unwind(|| {
            normalised(&bytes).map(|base| {
                let sent = [SENT.as_bytes(), &bytes].concat();
                merge(&base, &sent).is_ok()
            })
        });
        match outcome {
            Ok(Ok(_)) => read += 1,
            Ok(Err(error)) => {
                refused += 1;
                assert!(error.to_string().len() > 10);
            }
            // A panic of the library ends the job in the worker, which says that the file is damaged.
            Err(_) => refused += 1,
        }
    }
    println!("{read} read, {refused} refused");
    assert!(refused >= 50 && read > 0);
}

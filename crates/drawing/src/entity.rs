//! Entities: one record, or several that belong together; and what an editor has changed of one.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::dxf::{Dxf, Pair, handle, is_reference, kind};
use crate::encoding::plain;

/// Kinds of entities that the editor's page reads and writes: what it does not send of these was erased.
/// Whatever has another kind is kept.
pub(crate) const MODELLED: [&[u8]; 19] = [
    b"3DFACE",
    b"ARC",
    b"CIRCLE",
    b"DIMENSION",
    b"ELLIPSE",
    b"HATCH",
    b"INSERT",
    b"LEADER",
    b"LINE",
    b"LWPOLYLINE",
    b"MTEXT",
    b"POINT",
    b"POLYLINE",
    b"RAY",
    b"SOLID",
    b"SPLINE",
    b"TEXT",
    b"TRACE",
    b"XLINE",
];

/// Properties that every entity has; leaving one out means its default.
const COMMON: [i16; 8] = [6, 8, 48, 60, 62, 370, 420, 440];
/// Values that say no more than leaving the pair out.
const DEFAULTS: [(i16, &str); 16] = [
    (6, "bylayer"),
    (7, "standard"),
    (8, "0"),
    (41, "1"),
    (42, "1"),
    (43, "1"),
    (44, "1"),
    (48, "1"),
    (62, "256"),
    (71, "1"),
    (72, "1"),
    (73, "1"),
    (230, "1"),
    (370, "-1"),
    (410, "model"),
    (3, "standard"),
];
/// Codes of names, which are alike in whatever case.
const NAMES: [i16; 5] = [2, 3, 6, 7, 8];
/// How far two numbers may be apart that are the same, of their own size.
const TOLERANCE: f64 = 1e-9;

/// An entity in its drawing.
#[derive(Clone, Debug)]
pub(crate) struct Entity {
    pub(crate) handle: Option<u64>,
    /// Its own record.
    pub(crate) head: Range<usize>,
    /// All its records: vertices, attributes and the end of a sequence follow the head.
    pub(crate) all: Range<usize>,
}

/// The entities of a range.
pub(crate) fn entities(dxf: &Dxf<'_>, range: Range<usize>) -> Vec<Entity> {
    let mut found: Vec<Entity> = Vec::new();
    let mut in_sequence = false;
    for record in dxf.records(range) {
        let pairs = dxf.record(&record);
        let follows = matches!(kind(pairs), b"VERTEX" | b"ATTRIB" | b"SEQEND");
        if let Some(last) = found.last_mut()
            && in_sequence
            && follows
        {
            last.all.end = record.end;
            in_sequence = kind(pairs) != b"SEQEND";
            continue;
        }
        in_sequence = matches!(kind(pairs), b"POLYLINE")
            || (kind(pairs) == b"INSERT" && pairs.iter().any(|pair| pair.is(66, b"1")));
        found.push(Entity {
            handle: handle(pairs),
            all: record.clone(),
            head: record,
        });
    }
    found
}

/// Whether an entity lies in paper space.
pub(crate) fn in_paper(record: &[Pair<'_>]) -> bool {
    record.iter().any(|pair| pair.is(67, b"1"))
}

/// What an editor has changed of the pairs of one code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change<'a> {
    /// What stood there.
    pub(crate) was: Vec<Pair<'a>>,
    /// What stands there now; nothing when it is gone.
    pub(crate) is: Vec<Pair<'a>>,
}

/// What an editor has changed of one record, by the codes. The text of an `MTEXT`, which is cut into pieces of
/// two codes, stands under 1.
pub(crate) type Changes<'a> = BTreeMap<i16, Change<'a>>;

/// How two records are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Author {
    /// The same program wrote both: whatever differs was changed.
    Same,
    /// Another program wrote the second one: what it leaves out it may not know, and what it adds may be
    /// a default.
    Other,
}

/// What the second of two records of one kind says otherwise.
pub(crate) fn changes<'a>(seen: &[Pair<'a>], new: &[Pair<'a>], author: Author) -> Changes<'a> {
    let is_dimension = kind(seen) == b"DIMENSION";
    let (seen, new) = (values(seen), values(new));
    let mut found = Changes::new();
    for (code, pairs) in &new {
        // The picture of a dimension is a block that each program names anew.
        if is_dimension && matches!(code, 2 | 42) && author == Author::Other {
            continue;
        }
        let is_changed = match seen.get(code) {
            Some(known) => !alike(*code, known, pairs),
            None => author == Author::Same || !are_defaults(*code, pairs),
        };
        if is_changed {
            let was = seen.get(code).cloned().unwrap_or_default();
            let is = pairs.clone();
            found.insert(*code, Change { was, is });
        }
    }
    for (code, pairs) in &seen {
        let counts =
            author == Author::Same || (COMMON.contains(code) && !are_defaults(*code, pairs));
        if counts && !new.contains_key(code) {
            let (was, is) = (pairs.clone(), Vec::new());
            found.insert(*code, Change { was, is });
        }
    }
    found
}

/// A record with changes made to it; `None` when they do not fit, because it has other pairs of a code than
/// the record that was compared.
pub(crate) fn changed<'a>(record: &[Pair<'a>], changes: &Changes<'a>) -> Option<Vec<Made<'a>>> {
    let known = values(record);
    let is_long = kind(record) == b"MTEXT";
    let mut left: BTreeMap<i16, std::vec::IntoIter<Made<'a>>> = BTreeMap::new();
    let mut added: Vec<Pair<'a>> = Vec::new();
    for (code, change) in changes {
        let old = known.get(code).map_or(&[][..], Vec::as_slice);
        match (old.len(), change.is.len()) {
            (0, 0..=1) => added.extend(&change.is),
            (count, new) if count == new || new == 0 || (is_long && *code == 1) => {
                let made: Vec<Made<'a>> = change
                    .is
                    .iter()
                    .enumerate()
                    .map(|(at, is)| made(*code, old.get(at), change.was.get(at), is))
                    .collect();
                left.insert(*code, made.into_iter());
            }
            _ => return None,
        }
    }
    let mut out = Vec::with_capacity(record.len() + added.len());
    let (mut in_group, mut in_data) = (false, false);
    for pair in record {
        if pair.code == 102 {
            in_group = pair.trimmed().starts_with(b"{");
        }
        in_data |= pair.code >= 1000;
        let stands_alone = in_group || in_data;
        let code = if is_long && pair.code == 3 {
            1
        } else {
            pair.code
        };
        if !stands_alone
            && is_own(pair.code)
            && let Some(rest) = left.get_mut(&code)
        {
            // All pieces of a long text stand where the first one stood.
            let count = if is_long && code == 1 { usize::MAX } else { 1 };
            out.extend(rest.take(count));
            continue;
        }
        out.push(Made::Kept(*pair));
        if pair.code == 8 && !stands_alone {
            let common = added.extract_if(.., |pair| COMMON.contains(&pair.code));
            out.extend(common.map(Made::New));
        }
    }
    let end = out.iter().position(|made| made.code() >= 1000);
    let end = end.unwrap_or(out.len());
    out.splice(end..end, added.into_iter().map(Made::New));
    Some(out)
}

/// One pair of a changed record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Made<'a> {
    /// As it was.
    Kept(Pair<'a>),
    /// As the editor wrote it.
    New(Pair<'a>),
    /// Computed.
    Number(i16, f64),
}

impl Made<'_> {
    pub(crate) fn code(&self) -> i16 {
        match self {
            Self::Kept(pair) | Self::New(pair) => pair.code,
            Self::Number(code, _) => *code,
        }
    }
}

/// A value that the editor changed. Where it had read another number than the one that stands there, the
/// number is changed by as much as the editor changed its own.
fn made<'a>(code: i16, old: Option<&Pair<'a>>, was: Option<&Pair<'a>>, is: &Pair<'a>) -> Made<'a> {
    let number = |pair: &Pair<'_>| -> Option<f64> { plain(pair.trimmed()).parse().ok() };
    let (Some(old), Some(was)) = (old, was) else {
        return Made::New(*is);
    };
    if (10..60).contains(&code)
        && let (Some(old), Some(was), Some(is)) = (number(old), number(was), number(is))
        && (old - was).abs() > TOLERANCE * old.abs().max(was.abs()).max(1.0)
    {
        return Made::Number(code, old + is - was);
    }
    Made::New(*is)
}

/// Whether pairs of this code say something of the entity itself: handles, markers and counts do not.
fn is_own(code: i16) -> bool {
    !matches!(
        code,
        0 | 5 | 66 | 67 | 92 | 100 | 102 | 105 | 160 | 310 | 1000..
    ) && !is_reference(code)
}

/// The pairs of a record by their codes.
fn values<'a>(record: &[Pair<'a>]) -> BTreeMap<i16, Vec<Pair<'a>>> {
    let is_long = kind(record) == b"MTEXT";
    let mut found: BTreeMap<i16, Vec<Pair<'a>>> = BTreeMap::new();
    let mut in_group = false;
    for pair in record.iter().skip(1) {
        if pair.code >= 1000 {
            break;
        }
        if pair.code == 102 {
            in_group = pair.trimmed().starts_with(b"{");
        }
        if in_group || !is_own(pair.code) {
            continue;
        }
        // A long text is cut into pieces at other places by each program.
        let code = if is_long && pair.code == 3 {
            1
        } else {
            pair.code
        };
        found.entry(code).or_default().push(*pair);
    }
    found
}

fn alike(code: i16, one: &[Pair<'_>], two: &[Pair<'_>]) -> bool {
    if code == 1 {
        let joined =
            |pairs: &[Pair<'_>]| -> String { pairs.iter().map(|pair| plain(pair.value)).collect() };
        return joined(one) == joined(two);
    }
    one.len() == two.len()
        && one.iter().zip(two).all(|(one, two)| {
            one.trimmed() == two.trimmed()
                || equal(code, &plain(one.trimmed()), &plain(two.trimmed()))
        })
}

fn are_defaults(code: i16, pairs: &[Pair<'_>]) -> bool {
    pairs
        .iter()
        .all(|pair| is_default(code, &plain(pair.trimmed())))
}

fn equal(code: i16, one: &str, two: &str) -> bool {
    if one == two {
        return true;
    }
    if NAMES.contains(&code) {
        return one.eq_ignore_ascii_case(two);
    }
    if code < 10 || code == 410 {
        return false;
    }
    let (Ok(one), Ok(two)) = (one.parse::<f64>(), two.parse::<f64>()) else {
        return false;
    };
    let size = one.abs().max(two.abs()).max(1.0);
    let close = |one: f64, two: f64| (one - two).abs() <= TOLERANCE * size;
    // Angles are the same after a whole turn.
    let is_angle = (50..=52).contains(&code);
    close(one, two) || (is_angle && close(one.rem_euclid(360.0), two.rem_euclid(360.0)))
}

fn is_default(code: i16, value: &str) -> bool {
    let zero = code >= 10 && value.parse::<f64>().is_ok_and(|number| number == 0.0);
    zero || (code < 10 && value.is_empty())
        || DEFAULTS
            .iter()
            .any(|(known, default)| *known == code && equal(code, value, default))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(body: &str) -> String {
        let pairs = body.replace(' ', "\n");
        format!("0\nSECTION\n2\nENTITIES\n0\n{pairs}\n0\nENDSEC\n0\nEOF\n")
    }

    /// The codes that differ.
    fn differing(old: &str, new: &str, author: Author) -> Vec<i16> {
        let (old, new) = (file(old), file(new));
        let (old, new) = (
            Dxf::read(old.as_bytes()).unwrap(),
            Dxf::read(new.as_bytes()).unwrap(),
        );
        let first = |dxf: &Dxf<'_>| entities(dxf, dxf.section(b"ENTITIES")).remove(0).head;
        let (one, two) = (
            old.record(&first(&old)).to_vec(),
            new.record(&first(&new)).to_vec(),
        );
        changes(&one, &two, author).into_keys().collect()
    }

    const LINE: &str = "LINE 5 1A 8 WALLS 62 1 10 0 20 0 11 5 21 5";

    #[test]
    fn of_another_program_only_what_is_said_differently_is_a_change() {
        let other = |new: &str| differing(LINE, new, Author::Other);
        for same in [
            "LINE 5 1A 330 99 100 AcDbEntity 8 walls 62 1 6 ByLayer 370 -1 10 0.0 20 0.0 30 0.0 11 5.0000000000001 21 5.0 31 0 210 0 220 0 230 1",
            "LINE 62 1 8 WALLS 10 0 20 0 11 5 21 5 1001 X 1000 y",
        ] {
            assert!(other(same).is_empty(), "{same}");
        }
        assert_eq!(other("LINE 8 WALLS 62 1 10 0 20 0 11 5 21 5.001"), [21]);
        assert_eq!(other("LINE 8 DOORS 10 0 20 0 11 5 21 5 39 2"), [8, 39, 62]);
        assert!(
            differing(
                "ARC 10 1 50 270 51 360",
                "ARC 10 1 50 -90 51 0",
                Author::Other
            )
            .is_empty()
        );
        assert!(
            differing(
                "DIMENSION 2 *D1 10 1",
                "DIMENSION 2 *D7 10 1 42 5",
                Author::Other
            )
            .is_empty()
        );
        assert!(differing("MTEXT 3 abc 1 def", "MTEXT 1 abcdef", Author::Other).is_empty());
        assert_eq!(
            differing("MTEXT 3 abc 1 def", "MTEXT 1 abcdeg", Author::Other),
            [1]
        );
    }

    #[test]
    fn of_the_same_program_whatever_differs_is_a_change() {
        let same = |new: &str| differing(LINE, new, Author::Same);
        assert!(same(LINE).is_empty());
        assert_eq!(same("LINE 8 WALLS 62 1 10 0 20 0 11 5 21 5 39 0"), [39]);
        assert_eq!(same("LINE 8 WALLS 62 1 10 0 20 0 11 5"), [21]);
    }

    fn outcome(record: &str, old: &str, new: &str) -> Option<String> {
        let (record, old, new) = (file(record), file(old), file(new));
        let read = |text: &'static str| Dxf::read(text.as_bytes()).unwrap();
        let (record, old, new) = (read(record.leak()), read(old.leak()), read(new.leak()));
        let first = |dxf: &Dxf<'static>| -> Vec<Pair<'static>> {
            let head = entities(dxf, dxf.section(b"ENTITIES")).remove(0).head;
            dxf.record(&head).to_vec()
        };
        let changes = changes(&first(&old), &first(&new), Author::Same);
        let out = changed(&first(&record), &changes)?;
        let words: Vec<String> = out
            .iter()
            .map(|made| match made {
                Made::Kept(pair) | Made::New(pair) => {
                    format!("{} {}", pair.code, String::from_utf8_lossy(pair.value))
                }
                Made::Number(code, number) => format!("{code} {number}"),
            })
            .collect();
        Some(words.join(" "))
    }

    #[test]
    fn changes_are_made_where_they_belong_and_the_rest_stays() {
        let record = "TEXT 5 1A 102 {A 360 9 102 } 8 0 7 ROMANS 10 1 20 2 1 abc 1001 X 1000 y";
        assert_eq!(
            outcome(
                record,
                "TEXT 7 0 10 1 20 2 1 abc",
                "TEXT 7 0 10 5 20 2 1 abc 62 3"
            )
            .unwrap(),
            "0 TEXT 5 1A 102 {A 360 9 102 } 8 0 62 3 7 ROMANS 10 5 20 2 1 abc 1001 X 1000 y"
        );
        assert_eq!(
            outcome(record, "TEXT 10 1 1 abc", "TEXT 10 1 1 abc 39 4").unwrap(),
            "0 TEXT 5 1A 102 {A 360 9 102 } 8 0 7 ROMANS 10 1 20 2 1 abc 39 4 1001 X 1000 y"
        );
        assert_eq!(
            outcome(
                "MTEXT 8 0 3 abc 1 def 7 S",
                "MTEXT 1 abcdef",
                "MTEXT 3 xyz 3 uvw 1 end"
            )
            .unwrap(),
            "0 MTEXT 8 0 3 xyz 3 uvw 1 end 7 S"
        );
        let line = "LWPOLYLINE 90 2 10 0 20 0 10 1 20 1";
        assert_eq!(
            outcome(
                line,
                "LWPOLYLINE 10 0 20 0 10 1 20 1",
                "LWPOLYLINE 10 0 20 0 10 2 20 1"
            )
            .unwrap(),
            "0 LWPOLYLINE 90 2 10 0 20 0 10 2 20 1"
        );
        let dimension = outcome(
            "DIMENSION 14 93 24 5",
            "DIMENSION 14 0 24 5",
            "DIMENSION 14 10 24 6",
        );
        assert_eq!(dimension.unwrap(), "0 DIMENSION 14 103 24 6");
        let longer = "LWPOLYLINE 10 0 20 0 10 1 20 1 10 2 20 2";
        assert_eq!(
            outcome(line, "LWPOLYLINE 10 0 20 0 10 1 20 1", longer),
            None
        );
    }
}

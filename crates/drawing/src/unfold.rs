//! How much a drawing unfolds to: blocks hold insertions of other blocks, so that a short file can stand for
//! more entities than any program holds. What reads drawings later unfolds them, so that they are counted
//! before they are handed out or stored.

use std::collections::HashMap;

use crate::DrawingError;
use crate::dxf::{Dxf, Pair, kind, name};
use crate::limits::{BLOCK_DEPTH_MAX, UNFOLDED_MAX};

/// What one block, or the drawing itself, holds.
#[derive(Default)]
struct Content {
    /// Entities of its own.
    own: u64,
    /// Which blocks stand in it, and how often.
    inserted: Vec<(usize, u64)>,
}

/// Checks how much the drawing unfolds to.
///
/// # Errors
/// When a block stands in itself, blocks are nested too deep, or there would be too many entities.
pub(crate) fn check(dxf: &Dxf<'_>) -> Result<(), DrawingError> {
    let (names, contents) = contents(dxf);
    let mut waits = vec![0_usize; contents.len()];
    let mut holders: Vec<Vec<usize>> = vec![Vec::new(); contents.len()];
    for (at, content) in contents.iter().enumerate() {
        for (block, _) in &content.inserted {
            waits[at] += 1;
            holders[*block].push(at);
        }
    }
    // From the blocks that hold no others upwards; no recursion, however deep they are nested.
    let mut ready: Vec<usize> = (0..contents.len()).filter(|at| waits[*at] == 0).collect();
    let mut unfolded = vec![(0_u64, 0_usize); contents.len()];
    let mut done = 0;
    while let Some(at) = ready.pop() {
        done += 1;
        let content = &contents[at];
        let mut total = content.own;
        let mut depth = 0;
        for (block, times) in &content.inserted {
            let (entities, below) = unfolded[*block];
            total = total.saturating_add(entities.saturating_mul(*times));
            depth = depth.max(below + 1);
        }
        if total > UNFOLDED_MAX {
            return Err(DrawingError::TooLarge {
                what: "entities, once its blocks are unfolded",
                max: usize::try_from(UNFOLDED_MAX).unwrap_or(usize::MAX),
            });
        }
        if depth > BLOCK_DEPTH_MAX {
            return Err(DrawingError::TooLarge {
                what: "blocks inside each other",
                max: BLOCK_DEPTH_MAX,
            });
        }
        unfolded[at] = (total, depth);
        for holder in &holders[at] {
            waits[*holder] -= 1;
            if waits[*holder] == 0 {
                ready.push(*holder);
            }
        }
    }
    if done == contents.len() {
        return Ok(());
    }
    let stuck = names.iter().find(|(_, at)| waits[**at] > 0);
    let stuck = stuck.map_or_else(String::new, |(name, _)| {
        String::from_utf8_lossy(name).into_owned()
    });
    Err(DrawingError::unreadable(format!(
        "its block {stuck:?} stands in itself"
    )))
}

/// The places of the blocks by their names in lower case, and what each holds; the drawing itself is the last.
fn contents(dxf: &Dxf<'_>) -> (HashMap<Vec<u8>, usize>, Vec<Content>) {
    let mut names: HashMap<Vec<u8>, usize> = HashMap::new();
    for record in dxf.records(dxf.section(b"BLOCKS")) {
        let pairs = dxf.record(&record);
        if kind(pairs) == b"BLOCK"
            && let Some(name) = name(pairs)
        {
            let next = names.len();
            names.entry(name.to_ascii_lowercase()).or_insert(next);
        }
    }
    let root = names.len();
    let mut contents: Vec<Content> = std::iter::repeat_with(Content::default)
        .take(root + 1)
        .collect();
    let mut current = root;
    for record in dxf.records(dxf.section(b"BLOCKS")) {
        let pairs = dxf.record(&record);
        match kind(pairs) {
            b"BLOCK" => {
                let name = name(pairs).map(<[u8]>::to_ascii_lowercase);
                current = name
                    .and_then(|name| names.get(&name).copied())
                    .unwrap_or(root);
            }
            b"ENDBLK" => current = root,
            _ => add(&mut contents[current], pairs, &names),
        }
    }
    for record in dxf.records(dxf.section(b"ENTITIES")) {
        add(&mut contents[root], dxf.record(&record), &names);
    }
    (names, contents)
}

fn add(content: &mut Content, pairs: &[Pair<'_>], names: &HashMap<Vec<u8>, usize>) {
    let kind = kind(pairs);
    // Parts of an entity, not entities.
    if matches!(kind, b"VERTEX" | b"ATTRIB" | b"SEQEND") {
        return;
    }
    content.own = content.own.saturating_add(1);
    if !matches!(kind, b"INSERT" | b"DIMENSION" | b"ACAD_TABLE") {
        return;
    }
    let Some(block) = name(pairs).and_then(|name| names.get(&name.to_ascii_lowercase())) else {
        return;
    };
    let times = if kind == b"INSERT" {
        count(pairs, 70).saturating_mul(count(pairs, 71))
    } else {
        1
    };
    // A block that is inserted into itself many times is found once.
    content.inserted.push((*block, times));
}

/// Columns or rows of an insertion: one where it says nothing that makes sense.
fn count(pairs: &[Pair<'_>], code: i16) -> u64 {
    pairs
        .iter()
        .find(|pair| pair.code == code)
        .and_then(|pair| std::str::from_utf8(pair.trimmed()).ok()?.parse().ok())
        .filter(|count| *count > 0)
        .unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// A drawing of blocks, each a name and the insertions in it with their columns, and what is inserted into it.
    fn drawing(blocks: &[(String, Vec<(String, u64)>)], inserted: &str) -> String {
        let mut dxf = String::from("0\nSECTION\n2\nBLOCKS\n");
        for (name, inside) in blocks {
            let _ = writeln!(dxf, "0\nBLOCK\n2\n{name}\n0\nPOINT");
            for (name, columns) in inside {
                let _ = writeln!(dxf, "0\nINSERT\n2\n{name}\n70\n{columns}");
            }
            dxf.push_str("0\nENDBLK\n");
        }
        let _ = writeln!(
            dxf,
            "0\nENDSEC\n0\nSECTION\n2\nENTITIES\n0\nINSERT\n2\n{inserted}\n0\nENDSEC\n0\nEOF"
        );
        dxf
    }

    fn checked(dxf: &str) -> Result<(), DrawingError> {
        check(&Dxf::read(dxf.as_bytes()).unwrap())
    }

    /// Blocks that each hold the next, `times` times.
    fn chain(length: usize, times: u64) -> String {
        let name = |at: usize| format!("B{at}");
        let blocks: Vec<_> = (0..length)
            .map(|at| {
                let next = (at + 1 < length).then(|| (name(at + 1), times));
                (name(at), Vec::from_iter(next))
            })
            .collect();
        drawing(&blocks, "b0")
    }

    #[test]
    fn blocks_may_be_nested_to_the_bound_and_no_deeper() {
        assert_eq!(checked(&chain(BLOCK_DEPTH_MAX, 1)), Ok(()));
        let deep = checked(&chain(BLOCK_DEPTH_MAX + 1, 1)).unwrap_err();
        assert!(deep.to_string().contains("inside each other"), "{deep}");
        assert!(checked(&chain(10_000, 1)).is_err());
    }

    #[test]
    fn a_drawing_unfolds_to_the_bound_and_no_further() {
        // The insertion itself, and in each column the one point.
        let inserted = |columns: u64| {
            let blocks = [
                ("A".to_owned(), Vec::new()),
                ("B".to_owned(), vec![("A".to_owned(), columns)]),
            ];
            drawing(&blocks, "B")
        };
        assert_eq!(checked(&inserted(UNFOLDED_MAX - 3)), Ok(()));
        assert!(checked(&inserted(UNFOLDED_MAX - 2)).is_err());
        let exploding = checked(&chain(30, 1_000)).unwrap_err();
        assert!(exploding.to_string().contains("unfolded"), "{exploding}");
        assert!(checked(&inserted(u64::MAX)).is_err());
    }

    #[test]
    fn a_block_that_stands_in_itself_is_refused_and_one_that_is_not_there_is_not() {
        let circle = [
            ("A".to_owned(), vec![("b".to_owned(), 1)]),
            ("B".to_owned(), vec![("A".to_owned(), 1)]),
        ];
        let refused = checked(&drawing(&circle, "A")).unwrap_err();
        assert!(
            refused.to_string().contains("stands in itself"),
            "{refused}"
        );
        let missing = [("A".to_owned(), vec![("NOWHERE".to_owned(), 9)])];
        assert_eq!(checked(&drawing(&missing, "A")), Ok(()));
    }
}

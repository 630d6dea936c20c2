//! Tables of names: layers, line types, styles, blocks.

use std::collections::HashMap;
use std::ops::Range;

use crate::dxf::{Dxf, Pair, handle, kind, name};

/// Tables whose records another drawing may bring along.
pub(crate) const BROUGHT: [&[u8]; 5] = [b"LTYPE", b"LAYER", b"STYLE", b"APPID", b"DIMSTYLE"];

/// A record's table and its name in lower case.
pub(crate) type Key = (Vec<u8>, Vec<u8>);

/// One table of a drawing.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) name: Vec<u8>,
    pub(crate) handle: Option<u64>,
    /// Where the record that ends it begins.
    pub(crate) end: usize,
    pub(crate) records: Vec<Range<usize>>,
}

/// The tables of a drawing.
pub(crate) fn tables(dxf: &Dxf<'_>) -> Vec<Table> {
    let mut found: Vec<Table> = Vec::new();
    let mut open: Option<Table> = None;
    for record in dxf.records(dxf.section(b"TABLES")) {
        let pairs = dxf.record(&record);
        match (kind(pairs), open.as_mut()) {
            (b"TABLE", None) => {
                open = name(pairs).map(|name| Table {
                    name: name.to_vec(),
                    handle: handle(pairs),
                    end: record.end,
                    records: Vec::new(),
                });
            }
            (b"ENDTAB", Some(table)) => {
                table.end = record.start;
                found.extend(open.take());
            }
            (_, Some(table)) => table.records.push(record),
            (_, None) => {}
        }
    }
    found
}

/// The records of all tables by table and name.
pub(crate) fn by_name(dxf: &Dxf<'_>, tables: &[Table]) -> HashMap<Key, Range<usize>> {
    let mut found = HashMap::new();
    for table in tables {
        for record in &table.records {
            if let Some(name) = name(dxf.record(record)) {
                let key = (table.name.clone(), name.to_ascii_lowercase());
                found.entry(key).or_insert_with(|| record.clone());
            }
        }
    }
    found
}

/// The definitions of blocks by their names in lower case: from the record `BLOCK` to `ENDBLK`.
pub(crate) fn blocks(dxf: &Dxf<'_>) -> HashMap<Vec<u8>, Range<usize>> {
    let mut found = HashMap::new();
    let mut open: Option<(Vec<u8>, usize)> = None;
    for record in dxf.records(dxf.section(b"BLOCKS")) {
        let pairs = dxf.record(&record);
        match kind(pairs) {
            b"BLOCK" => {
                open = name(pairs).map(|name| (name.to_ascii_lowercase(), record.start));
            }
            b"ENDBLK" => {
                if let Some((name, start)) = open.take() {
                    found.entry(name).or_insert(start..record.end);
                }
            }
            _ => {}
        }
    }
    found
}

/// Whether a block is a space of the drawing and not a block to be inserted.
pub(crate) fn is_space(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with(b"*model_space") || name.starts_with(b"*paper_space")
}

/// What an editor changes of a layer: on, off and colour; frozen and locked; line type; weight; plotted.
const LAYER_CODES: [i16; 5] = [62, 70, 6, 370, 290];

/// A layer's pairs with what was changed of it between two other records; `None` when that is nothing.
pub(crate) fn changed_layer<'a>(
    old: &[Pair<'a>],
    was: &[Pair<'a>],
    is: &[Pair<'a>],
) -> Option<Vec<Pair<'a>>> {
    let mut pairs = old.to_vec();
    let mut is_changed = false;
    let end = pairs.iter().position(|pair| pair.code >= 1000);
    let end = end.unwrap_or(pairs.len());
    let find = |record: &[Pair<'a>], code: i16| {
        let mut found = record.iter().take_while(|pair| pair.code < 1000);
        found.find(|pair| pair.code == code).copied()
    };
    for code in LAYER_CODES {
        let (Some(was), Some(is)) = (find(was, code), find(is, code)) else {
            continue;
        };
        let differs = if code == 70 {
            // Bits of the flags beyond the first three say nothing to an editor.
            low_bits(&was) != low_bits(&is)
        } else {
            !was.trimmed().eq_ignore_ascii_case(is.trimmed())
        };
        let known = pairs[..end].iter_mut().find(|pair| pair.code == code);
        if let (true, Some(known)) = (differs, known) {
            *known = is;
            is_changed = true;
        }
    }
    is_changed.then_some(pairs)
}

fn low_bits(pair: &Pair<'_>) -> Option<u16> {
    let text = std::str::from_utf8(pair.trimmed()).ok()?;
    text.parse::<u16>().ok().map(|flags| flags & 7)
}

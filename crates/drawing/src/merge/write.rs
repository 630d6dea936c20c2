//! Writing pairs.

use std::borrow::Cow;

use crate::DrawingError;
use crate::dxf::Pair;
use crate::entity::Changes;
use crate::limits::OUTPUT_BYTES_MAX;

/// One pair on its way out.
pub(super) type Out<'a> = (i16, Cow<'a, [u8]>);

/// The owner of a record: the first pair 330 outside of groups.
pub(super) fn owner_of(record: &[Pair<'_>]) -> Option<u64> {
    let mut in_group = false;
    for pair in record {
        match pair.code {
            102 => in_group = pair.trimmed().starts_with(b"{"),
            330 if !in_group => return pair.handle(),
            _ => {}
        }
    }
    None
}

/// The groups of a record: its reactors and its extension dictionary.
pub(super) fn groups<'a>(record: &[Pair<'a>]) -> Vec<Out<'a>> {
    let mut out = Vec::new();
    let mut in_group = false;
    for pair in record {
        let opens = pair.code == 102 && pair.trimmed().starts_with(b"{");
        if opens || in_group {
            out.push((pair.code, Cow::Borrowed(pair.value)));
        }
        if pair.code == 102 {
            in_group = opens;
        }
    }
    out
}

pub(super) fn handle_out(record: &[Out<'_>]) -> Option<u64> {
    let (_, text) = record.iter().find(|(code, _)| *code == 5)?;
    u64::from_str_radix(std::str::from_utf8(text).ok()?.trim(), 16).ok()
}

pub(super) fn hex<'a>(handle: u64) -> Cow<'a, [u8]> {
    Cow::Owned(format!("{handle:X}").into_bytes())
}

pub(super) fn copy<'a>(pairs: &[Pair<'a>], out: &mut Vec<Out<'a>>) {
    out.extend(
        pairs
            .iter()
            .map(|pair| (pair.code, Cow::Borrowed(pair.value))),
    );
}

/// Writes pairs as lines, within the bound of a drawing.
pub(super) struct Writer {
    bytes: Vec<u8>,
    line_end: &'static [u8],
}

impl Writer {
    pub(super) fn new(line_end: &'static [u8]) -> Self {
        Self {
            bytes: Vec::new(),
            line_end,
        }
    }

    pub(super) fn write(&mut self, code: i16, value: &[u8]) {
        // What is too large is told at the end; until then it must not grow.
        if self.bytes.len() > OUTPUT_BYTES_MAX {
            return;
        }
        self.bytes
            .extend_from_slice(format!("{code:>3}").as_bytes());
        self.bytes.extend_from_slice(self.line_end);
        self.bytes.extend_from_slice(value);
        self.bytes.extend_from_slice(self.line_end);
    }

    pub(super) fn write_all(&mut self, pairs: &[Out<'_>]) {
        for (code, value) in pairs {
            self.write(*code, value);
        }
    }

    pub(super) fn done(self) -> Result<Vec<u8>, DrawingError> {
        if self.bytes.len() > OUTPUT_BYTES_MAX {
            return Err(DrawingError::TooLarge {
                what: "bytes",
                max: OUTPUT_BYTES_MAX,
            });
        }
        Ok(self.bytes)
    }
}

/// How far an entity was moved, by its first point.
pub(super) fn shift(record: &[Pair<'_>], changes: &Changes<'_>) -> [f64; 3] {
    let number =
        |pair: &Pair<'_>| -> Option<f64> { std::str::from_utf8(pair.trimmed()).ok()?.parse().ok() };
    [10, 20, 30].map(|code| {
        let was = record.iter().find(|pair| pair.code == code);
        let is = changes.get(&code).and_then(|change| change.is.first());
        match (was.and_then(number), is.and_then(number)) {
            (Some(was), Some(is)) => is - was,
            _ => 0.0,
        }
    })
}

/// A record that moves along with the one before it: the attributes of a block.
pub(super) fn write_shifted<'a>(record: &[Pair<'a>], by: [f64; 3], out: &mut Vec<Out<'a>>) {
    for pair in record {
        let along = match pair.code {
            10 | 11 => by[0],
            20 | 21 => by[1],
            30 | 31 => by[2],
            _ => 0.0,
        };
        let moved = std::str::from_utf8(pair.trimmed())
            .ok()
            .and_then(|text| text.parse::<f64>().ok())
            .filter(|_| along != 0.0)
            .map(|number| (number + along).to_string().into_bytes());
        let value = moved.map_or(Cow::Borrowed(pair.value), Cow::Owned);
        out.push((pair.code, value));
    }
}

//! Writing pairs.

use std::borrow::Cow;

use crate::DrawingError;
use crate::dxf::Pair;
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

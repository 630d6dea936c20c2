//! Text DXF as it is: pairs of a code and a value, records that begin with a pair of code 0, sections.

use std::ops::Range;

use crate::DrawingError;
use crate::limits::PAIRS_MAX;

/// One pair. The value is the line as it stands, without its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pair<'a> {
    pub(crate) code: i16,
    pub(crate) value: &'a [u8],
}

impl<'a> Pair<'a> {
    /// The value without blanks around it.
    pub(crate) fn trimmed(&self) -> &'a [u8] {
        self.value.trim_ascii()
    }

    /// The value as a handle, unless it is none or zero.
    pub(crate) fn handle(&self) -> Option<u64> {
        handle_of(self.trimmed())
    }

    pub(crate) fn is(&self, code: i16, value: &[u8]) -> bool {
        self.code == code && self.trimmed() == value
    }
}

fn handle_of(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    if text.starts_with('+') {
        return None;
    }
    u64::from_str_radix(text, 16)
        .ok()
        .filter(|handle| *handle != 0)
}

/// Whether pairs of this code refer to something by its handle.
pub(crate) fn is_reference(code: i16) -> bool {
    matches!(code, 320..=369 | 390..=399 | 480..=481)
}

/// A drawing's pairs and where its sections are.
#[derive(Debug)]
pub(crate) struct Dxf<'a> {
    pub(crate) pairs: Vec<Pair<'a>>,
    sections: Vec<(&'a [u8], Range<usize>)>,
    pub(crate) line_end: &'static [u8],
}

impl<'a> Dxf<'a> {
    /// Reads a text DXF file.
    pub(crate) fn read(content: &'a [u8]) -> Result<Self, DrawingError> {
        Self::read_first(content).map(|(dxf, _)| dxf)
    }

    /// Reads a text DXF file and returns what stands behind its end.
    pub(crate) fn read_first(content: &'a [u8]) -> Result<(Self, &'a [u8]), DrawingError> {
        let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
        let line_end: &[u8] = match content.iter().position(|byte| *byte == b'\n') {
            Some(at) if at > 0 && content[at - 1] == b'\r' => b"\r\n",
            _ => b"\n",
        };
        let mut pairs = Vec::new();
        let mut rest = content;
        while let Some(line) = next_line(&mut rest) {
            let text = line.trim_ascii();
            if text.is_empty() && rest.trim_ascii().is_empty() {
                break;
            }
            let code = std::str::from_utf8(text)
                .ok()
                .and_then(|text| text.parse().ok());
            let code = code.ok_or_else(|| {
                DrawingError::unreadable(format!(
                    "where pair {} begins there is no group code",
                    pairs.len() + 1
                ))
            })?;
            let value = next_line(&mut rest).ok_or_else(|| {
                DrawingError::unreadable("it ends in the middle of a pair".to_owned())
            })?;
            if pairs.len() == PAIRS_MAX {
                return Err(DrawingError::TooLarge {
                    what: "pairs",
                    max: PAIRS_MAX,
                });
            }
            let pair = Pair { code, value };
            let is_end = pair.is(0, b"EOF");
            if pair.code != 999 {
                pairs.push(pair);
            }
            if is_end {
                break;
            }
        }
        let sections = sections(&pairs)?;
        let dxf = Self {
            pairs,
            sections,
            line_end,
        };
        Ok((dxf, rest))
    }

    /// The pairs of a section, without those that begin and end it; empty when there is none.
    pub(crate) fn section(&self, name: &[u8]) -> Range<usize> {
        self.sections
            .iter()
            .find(|(known, _)| *known == name)
            .map_or(0..0, |(_, range)| range.clone())
    }

    pub(crate) fn has_section(&self, name: &[u8]) -> bool {
        self.sections.iter().any(|(known, _)| *known == name)
    }

    /// The records in a range: each begins with a pair of code 0.
    pub(crate) fn records(&self, range: Range<usize>) -> Records<'_, 'a> {
        Records {
            pairs: &self.pairs,
            range,
        }
    }

    pub(crate) fn record(&self, range: &Range<usize>) -> &[Pair<'a>] {
        &self.pairs[range.clone()]
    }

    /// The value of a header variable's first pair.
    pub(crate) fn header(&self, name: &[u8]) -> Option<&'a [u8]> {
        let header = &self.pairs[self.section(b"HEADER")];
        let at = header.iter().position(|pair| pair.is(9, name))?;
        header.get(at + 1).map(Pair::trimmed)
    }
}

/// The next line without its end; `None` when there is nothing left.
fn next_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    if rest.is_empty() {
        return None;
    }
    let end = rest.iter().position(|byte| *byte == b'\n');
    let line = &rest[..end.unwrap_or(rest.len())];
    *rest = end.map_or(&[], |end| &rest[end + 1..]);
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// The records of a range.
#[derive(Clone)]
pub(crate) struct Records<'d, 'a> {
    pairs: &'d [Pair<'a>],
    range: Range<usize>,
}

impl Iterator for Records<'_, '_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        while !self.range.is_empty() && self.pairs[self.range.start].code != 0 {
            self.range.start += 1;
        }
        if self.range.is_empty() {
            return None;
        }
        let start = self.range.start;
        let rest = &self.pairs[start + 1..self.range.end];
        let length = rest
            .iter()
            .position(|pair| pair.code == 0)
            .unwrap_or(rest.len());
        self.range.start = start + 1 + length;
        Some(start..self.range.start)
    }
}

/// The name of each section and where its pairs are.
type Sections<'a> = Vec<(&'a [u8], Range<usize>)>;

fn sections<'a>(pairs: &[Pair<'a>]) -> Result<Sections<'a>, DrawingError> {
    let mut found = Vec::new();
    let mut open: Option<(&[u8], usize)> = None;
    let mut ended = false;
    for (at, pair) in pairs.iter().enumerate() {
        if pair.code != 0 {
            if open.is_none() {
                return Err(DrawingError::unreadable("it does not begin with a section"));
            }
            continue;
        }
        match (pair.trimmed(), open) {
            (b"SECTION", None) => {
                let name = pairs.get(at + 1).filter(|pair| pair.code == 2);
                let name = name.ok_or_else(|| DrawingError::unreadable("a section has no name"))?;
                open = Some((name.trimmed(), at + 2));
            }
            (b"ENDSEC", Some((name, start))) => {
                // An empty section may end right where its name stands.
                found.push((name, start.min(at)..at));
                open = None;
            }
            (b"EOF", None) => ended = true,
            (_, Some(_)) => {}
            (_, None) => return Err(DrawingError::unreadable("a record stands in no section")),
        }
    }
    if open.is_some() || !ended {
        return Err(DrawingError::unreadable(
            "it is cut off: its end is missing",
        ));
    }
    Ok(found)
}

/// The handle of a record: dimension styles have theirs under another code.
pub(crate) fn handle(record: &[Pair<'_>]) -> Option<u64> {
    let code = if record.first().is_some_and(|pair| pair.is(0, b"DIMSTYLE")) {
        105
    } else {
        5
    };
    record
        .iter()
        .find(|pair| pair.code == code)
        .and_then(Pair::handle)
}

/// The name of a record of a table or of a block.
pub(crate) fn name<'a>(record: &[Pair<'a>]) -> Option<&'a [u8]> {
    record.iter().find(|pair| pair.code == 2).map(Pair::trimmed)
}

/// The kind of a record.
pub(crate) fn kind<'a>(record: &[Pair<'a>]) -> &'a [u8] {
    record.first().map_or(b"", Pair::trimmed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "999\nnote\n0\nSECTION\n2\nHEADER\n9\n$HANDSEED\n5\nFF\n0\nENDSEC\n  0\nSECTION\n  2\nENTITIES\n  0\nLINE\n  5\n1A\n 10\n1.5\n0\nPOINT\n0\nENDSEC\n0\nEOF\n";

    #[test]
    fn sections_records_and_variables_are_found() {
        let dxf = Dxf::read(SMALL.as_bytes()).unwrap();
        assert_eq!(dxf.header(b"$HANDSEED"), Some(&b"FF"[..]));
        let records: Vec<_> = dxf.records(dxf.section(b"ENTITIES")).collect();
        assert_eq!(records.len(), 2);
        let line = dxf.record(&records[0]);
        assert_eq!((kind(line), handle(line)), (&b"LINE"[..], Some(0x1A)));
        assert_eq!(handle(dxf.record(&records[1])), None);
        assert!(dxf.section(b"OBJECTS").is_empty() && !dxf.has_section(b"OBJECTS"));
    }

    #[test]
    fn what_is_cut_off_or_no_drawing_is_refused_at_every_length() {
        for length in 0..SMALL.len() - 4 {
            assert!(Dxf::read(&SMALL.as_bytes()[..length]).is_err(), "{length}");
        }
        for wrong in [
            "",
            "x\ny\n",
            "0\nEOF\n0\nLINE\n",
            "0\nENDSEC\n0\nEOF\n",
            "5\nA\n0\nEOF\n",
        ] {
            assert!(
                Dxf::read(wrong.as_bytes()).is_err() || wrong.starts_with("0\nEOF"),
                "{wrong}"
            );
        }
    }

    #[test]
    fn handles_are_hexadecimal_and_never_zero() {
        assert_eq!(handle_of(b"1aF"), Some(0x1AF));
        for wrong in [&b""[..], b"0", b"+1", b"-1", b"x", b"11111111111111111"] {
            assert_eq!(handle_of(wrong), None);
        }
    }
}

//! Characters: since R2007 a drawing is UTF-8; before, what is not plain stands as `\U+XXXX`.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::dxf::Dxf;

/// From this version on a file is UTF-8.
const UNICODE_SINCE: &[u8] = b"AC1021";

/// Whether a drawing is UTF-8.
pub(crate) fn is_unicode(dxf: &Dxf<'_>) -> bool {
    dxf.header(b"$ACADVER")
        .is_some_and(|version| version >= UNICODE_SINCE)
}

/// A value of another drawing, written so that this one can hold it.
pub(crate) fn fitted(value: &[u8], from_unicode: bool, to_unicode: bool) -> Cow<'_, [u8]> {
    if value.is_ascii() || from_unicode == to_unicode {
        return Cow::Borrowed(value);
    }
    if from_unicode {
        let mut out = String::new();
        for character in String::from_utf8_lossy(value).chars() {
            if character.is_ascii() {
                out.push(character);
                continue;
            }
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\U+{unit:04X}");
            }
        }
        return Cow::Owned(out.into_bytes());
    }
    // Bytes of a code page that is not known here: Latin characters are kept, others are marked.
    let text: String = value.iter().map(|byte| char::from(*byte)).collect();
    Cow::Owned(text.into_bytes())
}

/// A text with its escapes resolved, for comparing.
pub(crate) fn plain(value: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(value);
    if !text.contains("\\U+") {
        return text;
    }
    let mut units = Vec::new();
    let mut rest = text.as_ref();
    while let Some(at) = rest.find("\\U+") {
        let (before, escape) = rest.split_at(at);
        units.extend(before.encode_utf16());
        let digits = escape
            .get(3..7)
            .and_then(|text| u16::from_str_radix(text, 16).ok());
        if let Some(unit) = digits {
            units.push(unit);
            rest = &escape[7..];
        } else {
            units.extend(escape[..3].encode_utf16());
            rest = &escape[3..];
        }
    }
    units.extend(rest.encode_utf16());
    Cow::Owned(String::from_utf16_lossy(&units))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_survive_the_way_into_an_old_drawing_and_back() {
        let text = "Küche 𝄞";
        let old = fitted(text.as_bytes(), true, false);
        assert_eq!(old.as_ref(), b"K\\U+00FCche \\U+D834\\U+DD1E");
        assert_eq!(plain(&old), text);
        assert_eq!(
            fitted(text.as_bytes(), true, true).as_ref(),
            text.as_bytes()
        );
        assert_eq!(
            fitted(b"K\xfcche", false, true).as_ref(),
            "Küche".as_bytes()
        );
        assert_eq!(plain(b"\\U+zz and \\U+"), "\\U+zz and \\U+");
    }
}

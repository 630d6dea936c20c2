//! `Content-Disposition` (RFC 6266) for names that people chose.

use std::fmt::Write as _;

use axum::http::HeaderValue;
use unicode_normalization::UnicodeNormalization;

use crate::limits::FILENAME_CHARS_MAX;

/// The name when nothing is left of the given one.
const FALLBACK_NAME: &str = "download";

/// The header for saving under `filename`: an ASCII form that every client reads, and the true name
/// percent-encoded (RFC 8187) when the two differ. Nothing in the name can end the header or the
/// quotes: controls, quotes, backslashes and path separators are replaced.
#[must_use]
pub fn attachment(filename: &str) -> HeaderValue {
    let name = clean(filename);
    let ascii = fold(&name);
    let mut text = format!("attachment; filename=\"{ascii}\"");
    if ascii != name {
        text.push_str("; filename*=UTF-8''");
        text.push_str(&percent_encode(&name));
    }
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("attachment"))
}

/// The character, or `_` for one that could end the header, the quotes or the folder.
fn safe(c: char) -> char {
    match c {
        // Bidirectional marks can make `exe.glb` read as `glb.exe`.
        '"'
        | '\\'
        | '/'
        | ':'
        | '*'
        | '?'
        | '<'
        | '>'
        | '|'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' => '_',
        c if c.is_control() => '_',
        c => c,
    }
}

/// Makes a name safe to save under, keeping its script.
fn clean(filename: &str) -> String {
    let replaced = filename.chars().map(safe);
    let name: String = replaced.take(FILENAME_CHARS_MAX).collect();
    let name = name.trim_matches(|c: char| c == '.' || c.is_whitespace());
    if name.is_empty() {
        FALLBACK_NAME.to_owned()
    } else {
        name.to_owned()
    }
}

/// The compatibility decomposition without what is not printable ASCII: `é` becomes `e`.
fn fold(name: &str) -> String {
    let folded: String = name
        .nfkd()
        .filter(|c| matches!(c, ' '..='~'))
        // Decomposing can bring back what was replaced: `℅` becomes `c/o`.
        .map(|c| if c == '%' { '_' } else { safe(c) })
        .take(FILENAME_CHARS_MAX)
        .collect();
    if folded.trim().is_empty() {
        FALLBACK_NAME.to_owned()
    } else {
        folded
    }
}

/// Leaves only the characters that RFC 8187 allows bare.
fn percent_encode(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(filename: &str) -> String {
        attachment(filename).to_str().unwrap().to_owned()
    }

    #[test]
    fn plain_names_need_one_form() {
        assert_eq!(
            text("shelf 80.stl"),
            r#"attachment; filename="shelf 80.stl""#
        );
    }

    #[test]
    fn other_names_get_both_forms() {
        assert_eq!(
            text("étagère.stl"),
            r#"attachment; filename="etagere.stl"; filename*=UTF-8''%C3%A9tag%C3%A8re.stl"#
        );
        assert_eq!(
            text("棚.stl"),
            r#"attachment; filename=".stl"; filename*=UTF-8''%E6%A3%9A.stl"#
        );
    }

    #[test]
    fn names_cannot_leave_the_header_or_the_folder() {
        assert_eq!(
            text("a\"; x=\"\r\nSet-Cookie: y"),
            r#"attachment; filename="a_; x=___Set-Cookie_ y""#
        );
        assert_eq!(
            text("../../etc/passwd"),
            r#"attachment; filename="_.._etc_passwd""#
        );
        for empty in ["", "...", "  "] {
            assert_eq!(text(empty), r#"attachment; filename="download""#);
        }
    }

    #[test]
    fn folding_does_not_bring_separators_back() {
        assert_eq!(
            text("℅"),
            r#"attachment; filename="c_o"; filename*=UTF-8''%E2%84%85"#
        );
    }

    proptest! {
        #[test]
        fn no_name_injects_anything(name in any::<String>()) {
            let text = text(&name);
            prop_assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            let rest = text.strip_prefix("attachment; filename=\"").unwrap();
            let (quoted, after) = rest.split_once('"').unwrap();
            prop_assert!(!quoted.is_empty() && !quoted.contains(['\\', '/', '%']));
            prop_assert!(after.is_empty() || after.starts_with("; filename*=UTF-8''"));
            prop_assert!(!after.contains('"'));
        }
    }
}

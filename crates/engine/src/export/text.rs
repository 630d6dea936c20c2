//! Numbers and names in text formats.

/// A decimal number without exponent, with at most nine places, without trailing zeros and without negative zero.
pub(super) fn number(value: f64) -> String {
    let mut text = format!("{value:.9}");
    let kept = text.trim_end_matches('0').trim_end_matches('.').len();
    text.truncate(kept);
    if text == "-0" { "0".to_owned() } else { text }
}

/// Text inside XML elements and attributes. Characters that XML 1.0 cannot hold are dropped.
pub(super) fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// A colour channel from 0 to 1 as a byte.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=255 before"
)]
pub(super) fn channel(value: f32) -> u8 {
    (value.clamp(0.0, 1.0) * 255.0).round() as u8
}

/// `#rrggbb`.
pub(super) fn hex_rgb(color: [f32; 4]) -> String {
    let [red, green, blue, _] = color.map(channel);
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// `#RRGGBBAA`.
pub(super) fn hex_rgba(color: [f32; 4]) -> String {
    let [red, green, blue, alpha] = color.map(channel);
    format!("#{red:02X}{green:02X}{blue:02X}{alpha:02X}")
}

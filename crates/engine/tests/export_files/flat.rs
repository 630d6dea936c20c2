//! SVG and DXF files.

use vitrine_engine::export::{dxf, svg};

use crate::scenes::{cube, plate};

#[test]
fn an_svg_has_millimetres_and_y_down() {
    let text = String::from_utf8(svg(&plate()).unwrap()).unwrap();
    assert!(
        text.contains("width=\"27mm\" height=\"22mm\" viewBox=\"-6 -21 27 22\""),
        "{text}"
    );
    assert!(
        text.contains("d=\"M0 0L20 0L20 -20L0 -20ZM5 -5L5 -15L15 -15L15 -5Z\""),
        "{text}"
    );
    assert!(
        text.contains("fill=\"#ff0000\" fill-opacity=\"0.501960784\""),
        "{text}"
    );
    assert!(text.contains("<title>plate &lt;1&gt;</title>"), "{text}");
    assert!(text.contains("d=\"M-5 0L-5 -12.5\""), "{text}");
}

#[test]
fn a_dxf_holds_one_polyline_for_each_ring_and_line() {
    let text = String::from_utf8(dxf(&plate()).unwrap()).unwrap();
    let lines: Vec<&str> = text.split("\r\n").collect();
    let pairs: Vec<(&str, &str)> = lines
        .chunks_exact(2)
        .map(|pair| (pair[0].trim(), pair[1]))
        .collect();
    let count = |code: &str, value: &str| pairs.iter().filter(|p| **p == (code, value)).count();
    assert_eq!(count("0", "POLYLINE"), 3);
    assert_eq!(count("0", "SEQEND"), 3);
    assert_eq!(count("0", "VERTEX"), 10);
    assert_eq!(count("0", "SECTION"), count("0", "ENDSEC"));
    assert_eq!(count("2", "PLATE__1_"), 1, "the layer is declared once");
    assert_eq!(count("62", "1"), 2, "red is colour 1");
    assert_eq!(pairs.last(), Some(&("0", "EOF")));
    let first_closed = pairs.iter().position(|p| *p == ("0", "POLYLINE")).unwrap();
    assert!(pairs[first_closed..first_closed + 9].contains(&("70", "1")));
}

#[test]
fn solids_have_no_flat_files() {
    for message in [svg(&cube()).unwrap_err(), dxf(&cube()).unwrap_err()] {
        assert!(
            message.to_string().contains("a flat area or a line"),
            "{message}"
        );
    }
}

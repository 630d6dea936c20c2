//! What the Customizer's comments become, and how values go back into the file.

use vitrine_model::{
    Customization, Definition, Parameter, ParameterKind, RawValue, Value, resolve,
};

use super::customizer::{Literal, read};
use super::{assign, mesh, widget};

fn parameters(source: &str) -> Vec<Parameter> {
    let parameters = widget::parameters("lineage", &read(source));
    let definition = Definition {
        parameters: parameters.clone(),
        ..Definition::default()
    };
    definition.validate().unwrap();
    parameters
}

fn kind(source: &str) -> ParameterKind {
    let mut all = parameters(source);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0).kind
}

fn int(min: i64, max: i64, step: Option<i64>) -> ParameterKind {
    ParameterKind::Int {
        min: Some(min),
        max: Some(max),
        step,
    }
}

fn float(min: f64, max: f64, decimals: u8) -> ParameterKind {
    ParameterKind::Float {
        min: Some(min),
        max: Some(max),
        decimals,
    }
}

fn choices(kind: &ParameterKind) -> Vec<(String, String)> {
    let ParameterKind::StringList {
        choices, values, ..
    } = kind
    else {
        panic!("{kind:?} is no list");
    };
    let pairs = values.iter().zip(choices);
    pairs.map(|(v, c)| (v.to_string(), c.clone())).collect()
}

#[test]
fn ranges_become_sliders() {
    assert_eq!(kind("x = 5; // [1:10]"), int(1, 10, None));
    assert_eq!(kind("x = 6; // [0:2:10]"), int(0, 10, Some(2)));
    assert_eq!(kind("x = 5; // [10]"), int(0, 10, None));
    assert_eq!(kind("x=2.5;//[0:0.5:10]"), float(0.0, 10.0, 1));
    assert_eq!(kind("x = 5; // [0:0.25:10] mm"), float(0.0, 10.0, 2));
    assert_eq!(kind("x = -5; // [-10:10]"), int(-10, 10, None));
}

#[test]
fn a_range_takes_the_files_own_value_in() {
    assert_eq!(kind("x = 50; // [1:10]"), int(1, 50, None));
    assert_eq!(kind("x = 0.5; // [10:1]"), float(0.5, 10.0, 1));
}

#[test]
fn numbers_alone_are_free_and_as_exact_as_their_step() {
    let free = |decimals| ParameterKind::Float {
        min: None,
        max: None,
        decimals,
    };
    let whole = |step| ParameterKind::Int {
        min: None,
        max: None,
        step,
    };
    assert_eq!(kind("x = 5;"), whole(None));
    assert_eq!(kind("x = 5; // in millimetres"), whole(None));
    assert_eq!(kind("x = 4; // 2"), whole(Some(2)));
    assert_eq!(kind("x = 5; // .01"), free(2));
    assert_eq!(kind("x = 1.5e1;"), whole(None));
    assert_eq!(kind("x = 5.25;"), free(2));
}

#[test]
fn lists_become_choices_with_their_labels() {
    let sizes = choices(&kind("x = 20; // [10:Small, 20:Large size, 30]"));
    let expected = [("10", "Small"), ("20", "Large size"), ("30", "30")];
    assert_eq!(sizes, expected.map(|(v, c)| (v.to_owned(), c.to_owned())));
    let words = choices(&kind(r#"x = "a b"; // [a b:First, "c,d":"Second: it", e]"#));
    let expected = [
        (r#""a b""#, "First"),
        (r#""c,d""#, "Second: it"),
        (r#""e""#, "e"),
    ];
    assert_eq!(words, expected.map(|(v, c)| (v.to_owned(), c.to_owned())));
    // A default that is not offered is offered first.
    let widened = parameters("x = 7; // [1, 2]").remove(0);
    assert_eq!(choices(&widened.kind)[0].0, "7");
    assert_eq!(widened.default, Value::Choice(vec![0]));
}

#[test]
fn texts_booleans_and_vectors_have_kinds_of_their_own() {
    assert_eq!(kind("x = true; // on or off"), ParameterKind::Bool);
    let text = |max_length| ParameterKind::String { max_length };
    assert_eq!(kind(r#"x = "abc"; // 8"#), text(8));
    assert_eq!(kind(r#"x = "abcdef"; // 2"#), text(6));
    let all = parameters("size = [1, -2.5, 3]; // [-5:0.5:5]");
    let names: Vec<&str> = all.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["size.x", "size.y", "size.z"]);
    assert_eq!(all[1].kind, float(-5.0, 5.0, 1));
    assert_eq!(all[1].default, Value::Float(-2.5));
}

#[test]
fn sections_and_descriptions_come_from_the_comments_around() {
    let source = "// A whole model\n\n/* [Size of it] */\n// Outer width\nbox_width = 10; // [1:20]\n\
                  height = 5; // not above\n/* [ Look ] */ round = true;\n/* [Hidden] */\nsecret = 1;\n";
    let all = parameters(source);
    let seen: Vec<_> = all
        .iter()
        .map(|p| {
            let group = p.group.as_ref().map_or("", |group| group.name.as_str());
            (p.displayname.as_deref(), group, p.tooltip.as_deref())
        })
        .collect();
    let expected = [
        (Some("box width"), "Size of it", Some("Outer width")),
        (Some("height"), "Size of it", None),
        (Some("round"), "Look", None),
    ];
    assert_eq!(seen, expected);
    let first = parameters("x = 1;").remove(0);
    assert_eq!(first.group.unwrap().name, "Parameters");
}

#[test]
fn only_plain_values_before_the_first_brace_are_offered() {
    let source = "use <MCAD/gears.scad>\ninclude <a;b.scad>\nfunction f(x) = x * 2;\na = 1;\n\
                  b = a * 2;\nc = [a, 2];\nd = [[1, 2]];\ne = undef;\n/* f = 1; */ // g = 2;\n\
                  h = \"{ // not code\";\ntranslate([i = 5, 0]) cube(1);\nmodule m() { n = 3; }\nj = 4;\n";
    let names: Vec<String> = read(source).into_iter().map(|v| v.name).collect();
    assert_eq!(names, ["a", "h"]);
}

#[test]
fn the_last_assignment_counts_and_a_computed_one_takes_the_offer_back() {
    let variables = read("x = 1; // [1:9]\ny = 2;\nx = 3;\ny = x;\n");
    assert_eq!(variables.len(), 1);
    assert_eq!(variables[0].value, Literal::Number(3.0));
    assert_eq!(variables[0].widget.as_deref(), Some("[1:9]"));
}

#[test]
fn unfinished_files_are_read_as_far_as_they_go() {
    for source in [
        "x = \"abc",
        "/* [A",
        "x = ",
        "use <abc",
        "x = 1",
        "[",
        ")",
        "x = 1e;",
        "\"\\u12\";",
        "\u{feff}",
    ] {
        assert!(read(source).is_empty(), "{source}");
    }
}

fn told(source: &str, raw: &[(&str, RawValue)]) -> String {
    let definition = Definition {
        parameters: parameters(source),
        ..Definition::default()
    };
    let raw: Vec<_> = raw
        .iter()
        .map(|(k, v)| ((*k).to_owned(), v.clone()))
        .collect();
    let (values, _) = resolve(&definition, &raw, false).unwrap();
    assign::text(&read(source), &definition, &values)
}

#[test]
fn only_what_differs_is_assigned() {
    let source = "w = 5; // [1:10]\nf = 0.5; // [0:0.1:1]\ns = \"x\";\nb = true;\nl = 10; // [10:A, 2.5:B]\nv = [1, 2.5];\n";
    assert_eq!(told(source, &[]), "");
    let number = RawValue::Number;
    let raw = [
        ("w", number(7.0)),
        ("f", number(0.3)),
        ("b", RawValue::Bool(false)),
        ("l", RawValue::Text("1".into())),
        ("v.y", number(0.1)),
        ("s", RawValue::Text("y".into())),
    ];
    assert_eq!(
        told(source, &raw),
        "w = 7;\nf = 0.3;\ns = \"y\";\nb = false;\nl = 2.5;\nv = [1, 0.1];\n"
    );
}

#[test]
fn no_text_ends_its_own_literal() {
    let cases = [
        ("a\"; cube(9); //", r#""a\"; cube(9); //""#),
        ("a\\", r#""a\\""#),
        ("a\\\"", r#""a\\\"""#),
        (
            "a\ninclude </etc/passwd>\r\t",
            r#""a\ninclude </etc/passwd>\r\t""#,
        ),
        ("\u{3}\u{1b}\0x", "\"\\u0003\\u001b x\""),
        ("*/ }", "\"*/ }\""),
    ];
    for (text, expected) in cases {
        let literal = assign::quoted(text);
        assert_eq!(literal, expected);
        assert!(!literal.contains(['\n', '\r', '\0']));
    }
}

#[test]
fn default_values_are_what_the_file_says() {
    let source = "x = 7; // [1, 2]\ny = 0.1; // [0:0.1:1]\nz = \"q\";";
    let definition = Definition {
        parameters: parameters(source),
        ..Definition::default()
    };
    let defaults = Customization::defaults(&definition);
    assert_eq!(assign::text(&read(source), &definition, &defaults), "");
}

#[test]
fn a_mesh_is_read_with_its_colours_and_bounds() {
    let text = b"OFF 4 4 0\n0 0 0\n1 0 0\n0 1 0\n0 0 1e0\n3 0 2 1 255 0 0\n3 0 1 3\n3 0 3 2\n3 1 2 3 0 0 255 127\n";
    assert_eq!(mesh::off(text, 4).unwrap().len(), 4);
    assert!(mesh::off(text, 3).is_err());
    let separate = b"OFF\n# made by hand\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n";
    assert_eq!(mesh::off(separate, 4).unwrap().len(), 1);
}

#[test]
fn a_mesh_that_lies_is_refused() {
    let bodies: [&[u8]; 9] = [
        b"",
        b"STL",
        b"OFF",
        b"OFF x 1 0\n",
        b"OFF 1 0 0\n",
        b"OFF 1 0 0\n0 0\n",
        b"OFF 3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 9\n",
        b"OFF 3 1 0\n0 0 0\n1 0 0\n0 1 0\n99999999999 0 1 2\n",
        b"OFF 9999999999 9999999999 0\n",
    ];
    for body in bodies {
        assert!(mesh::off(body, 1_000).is_err(), "{body:?}");
    }
}

#[test]
fn a_drawing_is_read_with_y_upwards() {
    let text = b"<svg><title>M 9,9</title><path d=\"\nM 0,-0 L 2,-0 L 2,-1 z\nM 5,5 L 6,5 L 6,6 z\n\" stroke=\"black\"/></svg>";
    let sides = mesh::svg(text, 6).unwrap();
    assert_eq!(sides.len(), 6 * 4);
    assert_eq!(sides[..8], [0.0, 0.0, 2.0, 0.0, 2.0, 0.0, 2.0, 1.0]);
    assert!(mesh::svg(text, 5).is_err());
    assert!(mesh::svg(b"<path d=\"M 1 2\"", 9).is_err());
}

//! How values are read and written.

#![expect(
    clippy::unwrap_used,
    reason = "a step that fails here is a failed test"
)]

use vitrine_model::limits::{FLOAT_ABS_MAX, INTEGER_ABS_MAX};
use vitrine_model::{
    Parameter, ParameterKind, RawValue, Value, decimals_needed, round_to_decimals,
};

fn parameter(kind: ParameterKind, default: Value) -> Parameter {
    Parameter::new("lineage", "width", kind, default)
}

fn int() -> Parameter {
    parameter(
        ParameterKind::Int {
            min: Some(1),
            max: Some(10),
            step: None,
        },
        Value::Int(2),
    )
}

fn float(decimals: u8) -> Parameter {
    let kind = ParameterKind::Float {
        min: Some(-1.0),
        max: Some(2.5),
        decimals,
    };
    parameter(kind, Value::Float(1.0))
}

fn list(multiple: bool) -> Parameter {
    let choices = vec!["oak".to_owned(), "pine".to_owned(), "ash".to_owned()];
    let kind = ParameterKind::StringList {
        choices,
        multiple,
        values: Vec::new(),
    };
    parameter(kind, Value::Choice(vec![0]))
}

fn color() -> Parameter {
    parameter(ParameterKind::Color, Value::Color([255, 136, 0, 255]))
}

fn text(max_length: u32) -> Parameter {
    parameter(
        ParameterKind::String { max_length },
        Value::Text(String::new()),
    )
}

fn read(parameter: &Parameter, raw: &str) -> Result<Value, String> {
    parameter
        .parse_value(&RawValue::Text(raw.to_owned()))
        .map_err(|error| error.to_string())
}

fn read_number(parameter: &Parameter, raw: f64) -> Result<Value, String> {
    parameter
        .parse_value(&RawValue::Number(raw))
        .map_err(|error| error.to_string())
}

fn wire(parameter: &Parameter, raw: &str) -> String {
    parameter.to_wire(&read(parameter, raw).unwrap())
}

#[test]
fn whole_numbers_are_read_from_every_spelling_that_clients_send() {
    for raw in ["2", "2.0", " 2 ", "+2", "2.", "0.2e1"] {
        assert_eq!(read(&int(), raw), Ok(Value::Int(2)), "{raw}");
    }
    assert_eq!(read_number(&int(), 2.0), Ok(Value::Int(2)));
}

#[test]
fn fractions_are_refused_for_whole_numbers() {
    let message = read(&int(), "2.5").unwrap_err();
    assert_eq!(
        message,
        "Parameter \"width\": \"2.5\" is not a whole number"
    );
    assert!(read_number(&int(), 2.5).is_err());
}

#[test]
fn ranges_are_inclusive_and_named_in_the_refusal() {
    assert_eq!(read(&int(), "1"), Ok(Value::Int(1)));
    assert_eq!(read(&int(), "10"), Ok(Value::Int(10)));
    let message = read(&int(), "11").unwrap_err();
    assert_eq!(
        message,
        "Parameter \"width\": \"11\" is not allowed; allowed is a whole number from 1 to 10"
    );
    assert!(read(&int(), "0").is_err());
    assert_eq!(read(&float(2), "2.5"), Ok(Value::Float(2.5)));
    assert_eq!(read(&float(2), "2.504"), Ok(Value::Float(2.5)));
    let message = read(&float(2), "2.51").unwrap_err();
    assert_eq!(
        message,
        "Parameter \"width\": \"2.51\" is not allowed; allowed is a number from -1 to 2.5"
    );
}

#[test]
fn numbers_that_are_none_are_refused() {
    for raw in [
        "",
        " ",
        "nan",
        "NaN",
        "inf",
        "-infinity",
        "1e400",
        "0x10",
        "1,5",
        "1 2",
        "--1",
    ] {
        assert!(read(&float(2), raw).is_err(), "{raw}");
        assert!(read(&int(), raw).is_err(), "{raw}");
    }
    for raw in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(read_number(&float(2), raw).is_err());
        assert!(read_number(&int(), raw).is_err());
    }
    assert!(int().parse_value(&RawValue::Bool(true)).is_err());
}

#[test]
fn numbers_without_a_range_are_still_bounded() {
    let free = parameter(
        ParameterKind::Int {
            min: None,
            max: None,
            step: None,
        },
        Value::Int(0),
    );
    assert!(read(&free, &INTEGER_ABS_MAX.to_string()).is_ok());
    assert!(read(&free, &(INTEGER_ABS_MAX + 1).to_string()).is_err());
    assert!(read(&free, "-9223372036854775808").is_err());
    let kind = ParameterKind::Float {
        min: None,
        max: None,
        decimals: 2,
    };
    let free = parameter(kind, Value::Float(0.0));
    assert!(read_number(&free, FLOAT_ABS_MAX).is_ok());
    assert!(read_number(&free, FLOAT_ABS_MAX + 1.0).is_err());
}

#[test]
fn parity_is_kept_for_negative_numbers_too() {
    let even = parameter(
        ParameterKind::Even {
            min: None,
            max: None,
        },
        Value::Int(0),
    );
    let odd = parameter(
        ParameterKind::Odd {
            min: None,
            max: None,
        },
        Value::Int(1),
    );
    for raw in ["-4", "0", "2.0"] {
        assert!(read(&even, raw).is_ok(), "{raw}");
        assert!(read(&odd, raw).is_err(), "{raw}");
    }
    for raw in ["-3", "1", "7.0"] {
        assert!(read(&odd, raw).is_ok(), "{raw}");
        let message = read(&even, raw).unwrap_err();
        assert!(
            message.ends_with("is not an even whole number"),
            "{message}"
        );
    }
}

#[test]
fn decimals_are_rounded_to_one_printed_form() {
    for raw in ["1.5", "1.50", "1.500", "1.499999", "15e-1"] {
        assert_eq!(wire(&float(2), raw), "1.50", "{raw}");
    }
    assert_eq!(wire(&float(0), "2"), "2");
    assert_eq!(wire(&float(2), "-0.001"), "0.00");
}

#[test]
fn booleans_are_the_two_words_or_json_booleans() {
    let flag = parameter(ParameterKind::Bool, Value::Bool(false));
    assert_eq!(read(&flag, "true"), Ok(Value::Bool(true)));
    assert_eq!(
        flag.parse_value(&RawValue::Bool(false)),
        Ok(Value::Bool(false))
    );
    for raw in ["True", "1", "yes", ""] {
        assert!(read(&flag, raw).is_err(), "{raw}");
    }
    assert!(read_number(&flag, 1.0).is_err());
}

#[test]
fn colours_have_one_normal_form() {
    for raw in [
        "0xff8800ff",
        "0xFF8800FF",
        "0XFF8800",
        "#ff8800",
        "#FF8800ff",
    ] {
        assert_eq!(wire(&color(), raw), "0xff8800ff", "{raw}");
    }
    assert_eq!(wire(&color(), "#ff880080"), "0xff880080");
    for raw in [
        "ff8800",
        "#ff88",
        "0xff88001",
        "#gg8800",
        "orange",
        "#",
        "",
        "#ff8800ff00",
        "#é88000",
    ] {
        assert!(read(&color(), raw).is_err(), "{raw}");
    }
}

#[test]
fn one_choice_is_an_index_into_the_list() {
    assert_eq!(read(&list(false), "2"), Ok(Value::Choice(vec![2])));
    assert_eq!(read_number(&list(false), 1.0), Ok(Value::Choice(vec![1])));
    for raw in ["3", "-1", "", "0,1", "oak", "4294967296"] {
        assert!(read(&list(false), raw).is_err(), "{raw}");
    }
}

#[test]
fn a_checklist_is_a_set_of_indices() {
    assert_eq!(read(&list(true), ""), Ok(Value::Choice(vec![])));
    assert_eq!(wire(&list(true), "2,0"), "0,2");
    assert_eq!(wire(&list(true), "0, 2"), "0,2");
    for raw in ["0,0", "0,3", "0,", ",", "0;1", &"0,".repeat(100_000)] {
        assert!(read(&list(true), raw).is_err());
    }
    assert_eq!(list(true).visualization(), Some("checklist"));
}

#[test]
fn texts_are_bounded_in_characters() {
    assert!(read(&text(3), "äöü").is_ok());
    let message = read(&text(3), "abcd").unwrap_err();
    assert_eq!(
        message,
        "Parameter \"width\": \"abcd\" is not allowed; it has 4 characters, allowed are at most 3"
    );
    assert_eq!(read_number(&text(3), 2.0), Ok(Value::Text("2".to_owned())));
}

#[test]
fn long_values_are_shortened_in_messages() {
    let message = read(&text(3), &"x".repeat(100_000)).unwrap_err();
    assert!(message.chars().count() < 300, "{message}");
}

#[test]
fn file_parameters_take_only_the_empty_value_for_now() {
    let kind = ParameterKind::File {
        formats: vec!["image/png".to_owned()],
        size_max: 1,
    };
    let file = parameter(kind, Value::File(None));
    assert_eq!(read(&file, ""), Ok(Value::File(None)));
    let message = read(&file, "4b2f3a7e-0000-4000-8000-000000000000").unwrap_err();
    assert_eq!(
        message,
        "Parameter \"width\": file parameters are not served yet; send an empty string"
    );
}

#[test]
fn json_values_other_than_scalars_are_no_values() {
    let raw = |text: &str| RawValue::from_json(&serde_json::from_str(text).unwrap());
    assert_eq!(raw("\"a\""), Some(RawValue::Text("a".to_owned())));
    assert_eq!(raw("2"), Some(RawValue::Number(2.0)));
    assert_eq!(raw("true"), Some(RawValue::Bool(true)));
    assert_eq!(raw("null"), None);
    assert_eq!(raw("[1]"), None);
    assert_eq!(raw("{}"), None);
}

#[test]
fn decimals_needed_shows_a_number_unchanged() {
    assert_eq!(decimals_needed(3.0), 0);
    assert_eq!(decimals_needed(0.25), 2);
    assert_eq!(decimals_needed(0.1), 1);
    assert_eq!(decimals_needed(1.0 / 3.0), 10);
    assert!(round_to_decimals(-0.001, 2).is_sign_positive());
}

//! What scripts do to a drawing, and what comes out of it: the demo's drawing again.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write;

use vitrine_drawing::script::{COMMANDS, Order, Outcome, OutputForm, run};
use vitrine_drawing::{DrawingError, Release, normalised};

const FLAT: &str = include_str!("fixtures/flat.dxf");

fn done(script: &str) -> Result<Outcome, DrawingError> {
    run(FLAT.as_bytes(), &Order::Script(script, None))
}

/// The DXF that a script leaves.
fn left(script: &str) -> String {
    let whole = format!("{script}\n_DOSAVEAS\nout\n_F DXF 2018\n\n0\n_EXIT\n");
    let outcome = done(&whole).unwrap();
    String::from_utf8(outcome.outputs[0].content.clone()).unwrap()
}

fn refused(script: &str) -> String {
    done(script).unwrap_err().to_string()
}

fn converted(form: OutputForm, release: Option<Release>) -> Vec<u8> {
    let outcome = run(FLAT.as_bytes(), &Order::Convert("flat", form, release)).unwrap();
    let output = outcome.outputs.into_iter().next().unwrap();
    assert_eq!(
        (output.form, output.name),
        (form, format!("flat.{}", form.as_str()))
    );
    output.content
}

/// How often a pair of code and value stands in a drawing.
fn count(dxf: &str, code: &str, value: &str) -> usize {
    let lines: Vec<&str> = dxf.lines().map(str::trim).collect();
    let pairs = lines.chunks_exact(2);
    pairs
        .filter(|pair| pair[0] == code && pair[1] == value)
        .count()
}

/// The first handle of an entity of this kind.
fn handle_of(dxf: &str, kind: &str) -> String {
    let lines: Vec<&str> = dxf.lines().map(str::trim).collect();
    let mut pairs = lines
        .chunks_exact(2)
        .skip_while(|pair| pair[1] != "ENTITIES");
    pairs
        .find(|pair| pair[0] == "0" && pair[1] == kind)
        .unwrap();
    pairs.find(|pair| pair[0] == "5").unwrap()[1].to_owned()
}

#[test]
fn a_drawing_becomes_each_form() {
    assert!(converted(OutputForm::Pdf, None).starts_with(b"%PDF-1."));
    assert!(converted(OutputForm::Png, None).starts_with(b"\x89PNG\r\n"));
    let svg = String::from_utf8(converted(OutputForm::Svg, None)).unwrap();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert!(svg.matches("<path ").count() > 20, "{svg}");
    assert_eq!(
        converted(OutputForm::Dxf, None),
        FLAT.as_bytes(),
        "untouched, and so byte by byte"
    );
}

#[test]
fn every_release_is_written_and_read_again() {
    let entities = |dxf: &[u8]| {
        let text = String::from_utf8(normalised(dxf).unwrap().into_owned()).unwrap();
        ["LINE", "CIRCLE", "TEXT", "INSERT", "HATCH"].map(|kind| count(&text, "0", kind))
    };
    let before = entities(FLAT.as_bytes());
    for (word, code) in [
        ("2000", "AC1015"),
        ("2004", "AC1018"),
        ("2007", "AC1021"),
        ("2010", "AC1024"),
        ("2013", "AC1027"),
        ("R32", "AC1032"),
    ] {
        let release = Release::of_word(word);
        let dwg = converted(OutputForm::Dwg, release);
        assert!(dwg.starts_with(code.as_bytes()), "{word}");
        assert_eq!(entities(&dwg), before, "{word}");
        let dxf = converted(OutputForm::Dxf, release);
        let dxf = String::from_utf8_lossy(&dxf);
        assert_eq!(count(&dxf, "1", code), 1, "{word}");
    }
    assert_eq!(Release::of_word("1999"), None);
}

#[test]
fn what_a_script_adds_changes_and_erases_is_in_the_drawing() {
    let line = handle_of(FLAT, "LINE");
    let before = left("");
    let after = left(&format!(
        "_-LAYER _N Notes _C red Notes\n\n_-LAYER _S Notes\n\n_LINE 0,0 @10,0 @5<90\n\n\
         _CIRCLE 1,2 3\n_TEXT 5,5 2.5 0 Two words\n_ERASE (handent \"{line}\")\n"
    ));
    assert_eq!(count(&after, "5", &line), 0);
    assert_eq!(count(&after, "0", "LINE"), count(&before, "0", "LINE") + 1);
    assert_eq!(
        count(&after, "0", "CIRCLE"),
        count(&before, "0", "CIRCLE") + 1
    );
    assert_eq!(count(&after, "1", "Two words"), 1);
    assert_eq!(count(&after, "8", "Notes"), 4);
    assert_eq!(count(&after, "2", "Notes"), 1, "the layer");
}

#[test]
fn an_entity_is_moved_and_everything_else_stays_pair_for_pair() {
    let whole = "_DOSAVEAS\nout\n_F DXF 2018\n\n0\n_EXIT\n";
    let line = handle_of(FLAT, "LINE");
    let untouched = run(FLAT.as_bytes(), &Order::Convert("x", OutputForm::Dxf, None)).unwrap();
    let script = format!("_MOVE (handent \"{line}\")\n\n0,0 1000,0\n_-LAYER _OFF 0\n\n{whole}");
    let moved = done(&script).unwrap();
    assert_ne!(untouched.outputs[0].content, moved.outputs[0].content);
    assert!(moved.log.contains("MOVE: 1 entity"), "{}", moved.log);
    assert!(moved.log.contains("-LAYER: 1 changes"), "{}", moved.log);
}

#[test]
fn locked_layers_stay_as_they_are() {
    let before = left("");
    let after = left("_-LAYER _LO *\n\n_ERASE ALL\n");
    for kind in ["LINE", "CIRCLE", "TEXT"] {
        assert_eq!(count(&after, "0", kind), count(&before, "0", kind));
    }
    let gone = left("_ERASE ALL\n");
    assert!(count(&gone, "0", "CIRCLE") < count(&before, "0", "CIRCLE"));
}

#[test]
fn a_script_that_is_wrong_says_in_which_line() {
    for (script, line, why) in [
        ("", "line 0", "does not end with EXIT"),
        ("_LINE 0,0 1,1\n\n", "line 2", "does not end with EXIT"),
        (
            "\n_SHELL rm\n_EXIT",
            "line 2",
            "SHELL is not in what scripts may do",
        ),
        ("_LINE 0,0 x\n\n_EXIT", "line 1", "a point is"),
        ("_CIRCLE 0,0 -1\n_EXIT", "line 1", "radius is above zero"),
        ("_CIRCLE 1e99,0 1\n_EXIT", "line 1", "a point is"),
        (
            "_ERASE (handent \"FFFFFF\")\n\n_EXIT",
            "line 1",
            "there is no entity",
        ),
        (
            "_-LAYER _OFF Nowhere\n\n_EXIT",
            "line 1",
            "no layer Nowhere",
        ),
        ("_-LAYER _N a|b\n\n_EXIT", "line 1", "no name of a layer"),
        (
            "_DOSAVEAS\n../x\n_F PDF\n\n0\n_EXIT",
            "line 1",
            "the name of the file",
        ),
        (
            "_DOSAVEAS\nx\n_F DWG 1999\n\n0\n_EXIT",
            "line 1",
            "the release is",
        ),
        ("_TEXT 0,0 1 0 \u{7}\n_EXIT", "line 1", "control characters"),
    ] {
        let message = refused(script);
        assert!(
            message.contains(line) && message.contains(why),
            "{script:?}: {message}"
        );
    }
    let twice = "_DOSAVEAS\nx\n_F PDF\n\n0\n_DOSAVEAS\nX.pdf\n_F PDF\n\n0\n_DOSAVEAS\nx.pdf\n_F PDF\n\n0\n_EXIT";
    assert!(refused(twice).contains("two files would be called x.pdf"));
}

#[test]
fn a_partner_may_allow_fewer_commands() {
    let allowed = ["LINE".to_owned()];
    let order = |script: &'static str| run(FLAT.as_bytes(), &Order::Script(script, Some(&allowed)));
    order("_LINE 0,0 1,1\n\n_EXIT").unwrap();
    let message = order("_ERASE ALL\n\n_EXIT").unwrap_err().to_string();
    assert!(
        message.contains("ERASE is not in the partner's list"),
        "{message}"
    );
}

#[test]
fn every_command_is_known_where_commands_are_done() {
    for name in COMMANDS.into_iter().filter(|name| *name != "EXIT") {
        let message = refused(&format!("{name}\n"));
        assert!(!message.contains("no such command"), "{name}: {message}");
    }
}

#[test]
fn files_are_as_many_as_the_bound_and_no_more() {
    let save = |number: usize| format!("_DOSAVEAS\nf{number}\n_F SVG\n\n1\n");
    let script = |count| (0..count).map(save).collect::<String>() + "_EXIT\n";
    let outcome = done(&script(10)).unwrap();
    assert_eq!(outcome.outputs.len(), 10);
    assert_eq!(outcome.outputs[9].upload.as_deref(), Some(""));
    assert!(
        done(&script(11))
            .unwrap_err()
            .to_string()
            .contains("more than 10 files")
    );
}

/// A block that holds itself, and blocks that hold each other ten times over.
#[test]
fn blocks_that_explode_are_refused_and_do_not_hang() {
    let insert = |name: &str| format!("0\nINSERT\n8\n0\n2\n{name}\n10\n0\n20\n0\n30\n0\n");
    let drawing = |blocks: &str, first: &str| {
        format!(
            "0\nSECTION\n2\nHEADER\n9\n$ACADVER\n1\nAC1009\n0\nENDSEC\n0\nSECTION\n2\nBLOCKS\n{blocks}0\nENDSEC\n\
             0\nSECTION\n2\nENTITIES\n{}0\nENDSEC\n0\nEOF\n",
            insert(first)
        )
    };
    let circle = "0\nCIRCLE\n8\n0\n10\n0\n20\n0\n40\n1\n";
    let mut blocks =
        format!("0\nBLOCK\n8\n0\n2\nb0\n70\n0\n10\n0\n20\n0\n3\nb0\n{circle}0\nENDBLK\n8\n0\n");
    for level in 1..12 {
        let inner = insert(&format!("b{}", level - 1)).repeat(10);
        write!(blocks, "0\nBLOCK\n8\n0\n2\nb{level}\n70\n0\n10\n0\n20\n0\n3\nb{level}\n{inner}0\nENDBLK\n8\n0\n").unwrap();
    }
    let many = drawing(&blocks, "b11");
    let order = Order::Convert("x", OutputForm::Svg, None);
    let message = run(many.as_bytes(), &order).unwrap_err().to_string();
    assert!(
        message.contains("more than 2000000 entities, once its blocks are unfolded"),
        "{message}"
    );
    let own = format!(
        "0\nBLOCK\n8\n0\n2\nself\n70\n0\n10\n0\n20\n0\n3\nself\n{circle}{}0\nENDBLK\n8\n0\n",
        insert("self")
    );
    let message = run(drawing(&own, "self").as_bytes(), &order);
    let message = message.unwrap_err().to_string();
    assert!(message.contains("stands in itself"), "{message}");
}

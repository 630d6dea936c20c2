//! Drawings on the command line, for tests with other programs:
//! `drawing dxf IN OUT`, `drawing dwg IN OUT`, `drawing merge BASE SENT OUT`.

use std::error::Error;
use std::fs;
use std::io::Cursor;

use acadrust::{DwgWriter, DxfReader, DxfVersion};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["dxf", input, output] => {
            let content = fs::read(input)?;
            fs::write(output, vitrine_drawing::normalised(&content)?)?;
        }
        ["dwg", input, output] => {
            let content = fs::read(input)?;
            let text = vitrine_drawing::normalised(&content)?.into_owned();
            let mut document = DxfReader::from_reader(Cursor::new(text))?.read()?;
            document.version = DxfVersion::AC1032;
            fs::write(output, DwgWriter::write_to_vec(&document)?)?;
        }
        ["merge", base, sent, output] => {
            let base = fs::read(base)?;
            let base = vitrine_drawing::normalised(&base)?;
            let merged = vitrine_drawing::merge(&base, &fs::read(sent)?)?;
            println!(
                "kept {} changed {} added {} erased {}",
                merged.kept, merged.changed, merged.added, merged.erased
            );
            fs::write(output, merged.dxf)?;
        }
        _ => return Err("say dxf IN OUT, dwg IN OUT or merge BASE SENT OUT".into()),
    }
    Ok(())
}

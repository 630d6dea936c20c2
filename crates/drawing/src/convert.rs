//! What a library reads for us: DWG files, binary DXF files and drawings without handles. It stands behind
//! this one file, so that it can be replaced.

use std::borrow::Cow;
use std::io::Cursor;

use acadrust::{CadDocument, DwgReadOptions, DwgReader, DxfReader, DxfVersion, DxfWriter};

use crate::DrawingError;
use crate::dxf::{Dxf, handle, kind};
use crate::limits::{MESH_FACES_MAX, OUTPUT_BYTES_MAX, REASON_CHARS_MAX, UNPACKED_BYTES_MAX};
use crate::unfold;

/// What binary DXF files begin with.
const BINARY: &[u8] = b"AutoCAD Binary DXF";
/// What DWG files begin with.
const DWG: &[u8] = b"AC10";

/// A drawing of any form as text DXF. Text DXF is only looked through and stays as it is.
///
/// # Errors
/// When it is no drawing or too large.
pub fn to_dxf(content: &[u8]) -> Result<Cow<'_, [u8]>, DrawingError> {
    if content.starts_with(DWG) {
        return written(read_dwg(content)?).map(Cow::Owned);
    }
    if content.starts_with(BINARY) {
        return written(read_dxf(content)?).map(Cow::Owned);
    }
    Dxf::read(content)?;
    Ok(Cow::Borrowed(content))
}

/// A drawing of any form as text DXF in which every entity has a handle.
///
/// # Errors
/// When it is no drawing or too large.
pub fn normalised(content: &[u8]) -> Result<Cow<'_, [u8]>, DrawingError> {
    let text = to_dxf(content)?;
    let has_handles = {
        let dxf = Dxf::read(&text)?;
        unfold::check(&dxf)?;
        let mut records = dxf.records(dxf.section(b"ENTITIES"));
        records.all(|record| {
            let pairs = dxf.record(&record);
            handle(pairs).is_some() || kind(pairs) == b"SEQEND"
        }) && dxf.header(b"$HANDSEED").is_some()
    };
    if has_handles {
        return Ok(text);
    }
    written(read_dxf(&text)?).map(Cow::Owned)
}

fn read_dwg(content: &[u8]) -> Result<CadDocument, DrawingError> {
    let options = DwgReadOptions::default()
        .with_mesh_limits(MESH_FACES_MAX, MESH_FACES_MAX)
        .with_max_decompressed_bytes(UNPACKED_BYTES_MAX);
    let mut reader = DwgReader::from_stream_with_options(Cursor::new(content), options);
    reader.read().map_err(|error| refused(&error))
}

fn read_dxf(content: &[u8]) -> Result<CadDocument, DrawingError> {
    let reader = DxfReader::from_reader(Cursor::new(content.to_vec()));
    reader
        .and_then(DxfReader::read)
        .map_err(|error| refused(&error))
}

fn written(mut document: CadDocument) -> Result<Vec<u8>, DrawingError> {
    // Older forms have no handles, or no Unicode.
    if document.version < DxfVersion::AC1021 {
        document.version = DxfVersion::AC1024;
    }
    let bytes = DxfWriter::new(&document)
        .write_to_vec()
        .map_err(|error| refused(&error))?;
    if bytes.len() > OUTPUT_BYTES_MAX {
        return Err(DrawingError::TooLarge {
            what: "bytes",
            max: OUTPUT_BYTES_MAX,
        });
    }
    Ok(bytes)
}

fn refused(error: &impl std::fmt::Display) -> DrawingError {
    let text: String = error
        .to_string()
        .chars()
        .filter(|character| !character.is_control())
        .take(REASON_CHARS_MAX)
        .collect();
    DrawingError::Unreadable(text)
}

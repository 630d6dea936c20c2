//! What a library reads for us: DWG files, binary DXF files and drawings without handles. It stands behind
//! this one file, so that it can be replaced.

use std::borrow::Cow;
use std::io::Cursor;

use acadrust::{
    CadDocument, DwgReadOptions, DwgReader, DwgWriter, DxfReader, DxfVersion, DxfWriter,
};

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

/// The release of a DXF or DWG file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Release {
    /// 2000, 2000i, 2002.
    R15,
    /// 2004 to 2006.
    R18,
    /// 2007 to 2009.
    R21,
    /// 2010 to 2012.
    R24,
    /// 2013 to 2017.
    R27,
    /// 2018 and later.
    #[default]
    R32,
}

impl Release {
    /// What [`Self::of_word`] reads, for people.
    pub const WORDS: &str = "the release is 2018 (R32), 2013 (R27), 2010 (R24), 2007 (R21), 2004 (R18) or 2000 \
                             (R15)";

    /// By its year or its number.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        let names = [
            ("2000", "R15", Self::R15),
            ("2004", "R18", Self::R18),
            ("2007", "R21", Self::R21),
            ("2010", "R24", Self::R24),
            ("2013", "R27", Self::R27),
            ("2018", "R32", Self::R32),
        ];
        let mut names = names.into_iter();
        names
            .find(|(year, number, _)| *year == word || number.eq_ignore_ascii_case(word))
            .map(|(_, _, release)| release)
    }

    /// Its number.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::R15 => "R15",
            Self::R18 => "R18",
            Self::R21 => "R21",
            Self::R24 => "R24",
            Self::R27 => "R27",
            Self::R32 => "R32",
        }
    }

    fn version(self) -> DxfVersion {
        match self {
            Self::R15 => DxfVersion::AC1015,
            Self::R18 => DxfVersion::AC1018,
            Self::R21 => DxfVersion::AC1021,
            Self::R24 => DxfVersion::AC1024,
            Self::R27 => DxfVersion::AC1027,
            Self::R32 => DxfVersion::AC1032,
        }
    }
}

/// A text DXF drawing as the library has it.
pub(crate) fn read(text: &[u8]) -> Result<CadDocument, DrawingError> {
    let mut document = read_dxf(text)?;
    if document.version < DxfVersion::AC1021 {
        document.version = DxfVersion::AC1024;
    }
    Ok(document)
}

/// What the library writes of a drawing, as text DXF.
pub(crate) fn text_of(document: &CadDocument) -> Result<Vec<u8>, DrawingError> {
    let bytes = DxfWriter::new(document)
        .write_to_vec()
        .map_err(|error| refused(&error))?;
    bounded(&bytes).map(|()| bytes)
}

/// A drawing as text DXF of a release.
pub(crate) fn dxf(mut document: CadDocument, release: Release) -> Result<Vec<u8>, DrawingError> {
    document.version = release.version();
    text_of(&document)
}

/// A drawing as DWG of a release.
pub(crate) fn dwg(mut document: CadDocument, release: Release) -> Result<Vec<u8>, DrawingError> {
    document.version = release.version();
    DwgWriter::write_to_vec(&document).map_err(|error| refused(&error))
}

/// Whether this may be handed out.
pub(crate) fn bounded(content: &[u8]) -> Result<(), DrawingError> {
    if content.len() > OUTPUT_BYTES_MAX {
        return Err(DrawingError::TooLarge {
            what: "bytes",
            max: OUTPUT_BYTES_MAX,
        });
    }
    Ok(())
}

fn written(mut document: CadDocument) -> Result<Vec<u8>, DrawingError> {
    // Older forms have no handles, or no Unicode.
    if document.version < DxfVersion::AC1021 {
        document.version = DxfVersion::AC1024;
    }
    text_of(&document)
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

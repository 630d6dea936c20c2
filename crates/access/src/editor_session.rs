//! Editor sessions: what a page of the drawing editor holds once it has traded its token, and what the
//! token's parameters mean to us.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::bearer::bearer_secret;
use crate::editor_token::{EditorParameters, EditorValue};
use crate::ids::{DrawingId, PartnerId, sha256};
use crate::limits::{DRAWING_NAME_BYTES_MAX, EDITOR_TITLE_CHARS_MAX, EDITOR_WORD_CHARS_MAX};
use crate::random::{self, Entropy};
use crate::seal::{Purpose, Sealer};
use crate::time::Timestamp;
use crate::wire::decode_lower_hex;

/// What we keep in a partner's bucket stands below this name; nobody opens it as a drawing.
pub const OWN_FOLDER: &str = ".vitrine";

bearer_secret! {
    /// The bearer secret of an editor session.
    EditorSessionId, EditorSessionHash, b"vitrine editor session v1", "an editor session"
}

/// The address at which a page of the editor may be loaded again: it says whose page it is, so that the
/// right pages may frame it, and opens nothing.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct EditorFrame {
    /// Whose page it is.
    pub partner: PartnerId,
    /// From when on it says nothing any more.
    pub until: Timestamp,
}

impl EditorFrame {
    /// The sealed text.
    #[must_use]
    pub fn seal(&self, sealer: &Sealer, entropy: &dyn Entropy) -> String {
        let mut plain = self.partner.as_bytes().to_vec();
        plain.extend_from_slice(&self.until.unix_ms().to_be_bytes());
        hex::encode(sealer.seal(Purpose::EditorFrame, &plain, random::bytes(entropy)))
    }

    /// Opens a text that is sealed and not outlived.
    #[must_use]
    pub fn open(sealer: &Sealer, text: &str, now: Timestamp) -> Option<Self> {
        let plain = sealer
            .open(Purpose::EditorFrame, &decode_lower_hex(text)?)
            .ok()?;
        let (partner, until) = plain.split_first_chunk::<16>()?;
        let until = i64::from_be_bytes(until.try_into().ok()?);
        let frame = Self {
            partner: PartnerId::from_bytes(*partner),
            until: Timestamp::from_unix_ms(until),
        };
        (now < frame.until).then_some(frame)
    }
}

/// What an editor may do with its drawing.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum EditorAccess {
    /// Look, change and save.
    Edit,
    /// Look.
    View,
}

impl EditorAccess {
    /// The word of the parameter `access`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::View => "view",
        }
    }
}

/// The two forms of drawings that are opened.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum DrawingFormat {
    /// Drawing exchange format.
    Dxf,
    /// The binary format.
    Dwg,
}

impl DrawingFormat {
    /// The ending of file names, and the stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dxf => "dxf",
            Self::Dwg => "dwg",
        }
    }

    /// By the ending of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let (_, ending) = name.rsplit_once('.')?;
        [Self::Dxf, Self::Dwg]
            .into_iter()
            .find(|format| ending.eq_ignore_ascii_case(format.as_str()))
    }

    /// By the first bytes: DWG files begin with `AC10`.
    #[must_use]
    pub fn of_content(content: &[u8]) -> Self {
        if content.starts_with(b"AC10") {
            Self::Dwg
        } else {
            Self::Dxf
        }
    }
}

/// Why parameters open no drawing. Names members, never values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OpeningError {
    /// Neither `file` nor `fileUrl`.
    #[error("the token names no drawing; generate one with the parameter file or fileUrl")]
    NoDrawing,
    /// `file` is no name of an object in a bucket.
    #[error(
        "the parameter file is no name of a drawing: up to {DRAWING_NAME_BYTES_MAX} bytes, parts \
         between slashes that are not empty, . or .., no backslash and no control character"
    )]
    Name,
    /// The ending is of neither format.
    #[error("the parameter file ends neither in .dxf nor in .dwg")]
    Ending,
    /// `access` is another word.
    #[error("the parameter access is edit or view")]
    Access,
}

/// The name of an object in a bucket. Its parts lead nowhere but down.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct DrawingName(String);

impl FromStr for DrawingName {
    type Err = OpeningError;

    fn from_str(text: &str) -> Result<Self, OpeningError> {
        let plain = (1..=DRAWING_NAME_BYTES_MAX).contains(&text.len())
            && !text.contains(|c: char| c.is_control() || c == '\\')
            && text
                .split('/')
                .all(|part| !part.is_empty() && part != "." && part != "..")
            && text.split('/').next() != Some(OWN_FOLDER);
        if !plain {
            return Err(OpeningError::Name);
        }
        DrawingFormat::of_name(text).ok_or(OpeningError::Ending)?;
        Ok(Self(text.to_owned()))
    }
}

impl DrawingName {
    /// The name's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a drawing comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum DrawingSource {
    /// The partner's content bucket.
    Bucket(DrawingName),
    /// The partner's API server.
    Server {
        /// Its base URL.
        server: String,
        /// The drawing, as the server calls it.
        file: String,
        /// What the server knows its user by.
        session_id: Option<String>,
        /// A second credential for the server.
        token: Option<String>,
    },
    /// A public address; for looking only.
    Url(String),
}

impl fmt::Debug for DrawingSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bucket(_) => "DrawingSource::Bucket(hidden)",
            Self::Server { .. } => "DrawingSource::Server(hidden)",
            Self::Url(_) => "DrawingSource::Url(hidden)",
        })
    }
}

impl DrawingSource {
    /// The drawing's id: the same drawing of another partner has another one.
    #[must_use]
    pub fn id(&self, partner: PartnerId) -> DrawingId {
        let (kind, place, name) = match self {
            Self::Bucket(name) => ("bucket", "", name.as_str()),
            Self::Server { server, file, .. } => ("server", server.as_str(), file.as_str()),
            Self::Url(url) => ("url", "", url.as_str()),
        };
        let length = (place.len() as u64).to_be_bytes();
        let parts: [&[u8]; 6] = [
            b"vitrine drawing v1",
            partner.as_bytes(),
            kind.as_bytes(),
            &length,
            place.as_bytes(),
            name.as_bytes(),
        ];
        DrawingId::from_bytes(sha256(&parts))
    }

    fn last_part(&self) -> &str {
        let text = match self {
            Self::Bucket(name) => name.as_str(),
            Self::Server { file, .. } => file,
            Self::Url(url) => url.split(['?', '#']).next().unwrap_or_default(),
        };
        text.rsplit('/').next().unwrap_or_default()
    }
}

/// What the editor's page learns of the parameters: nothing that names places, people or rights.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a parameter of the editor by its own name"
)]
pub struct PageParameters {
    /// Language of the page.
    pub locale: Option<String>,
    /// Whether it is laid out for small screens.
    pub mobile: bool,
    /// Whether model space is white.
    pub white_background: bool,
    /// Name of the arrangement of tools.
    pub workspace: Option<String>,
    /// Whether only an explicit command saves.
    pub autosave_disabled: bool,
    /// Whether the page shows what it does.
    pub debug: bool,
}

/// What a token opens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EditorOpening {
    /// The drawing.
    pub source: DrawingSource,
    /// What may be done with it.
    pub access: EditorAccess,
    /// The drawing's name for people: no path, no ending.
    pub title: String,
    /// How others see who edits.
    pub holder: Option<String>,
    /// What the page learns.
    pub page: PageParameters,
}

impl EditorOpening {
    /// The drawing's name with its ending and without its folders.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.source.last_part()
    }

    /// Reads a token's parameters. `file` wins over `fileUrl`, which is for looking only. Without
    /// `access` a drawing is looked at.
    ///
    /// # Errors
    /// When no drawing is named, or not in a way that could be one's name.
    pub fn read(parameters: &EditorParameters) -> Result<Self, OpeningError> {
        let text = |name: &str| match parameters.get(name) {
            Some(EditorValue::Text(text)) if !text.is_empty() => Some(text.clone()),
            Some(EditorValue::Number(text)) => Some(text.clone()),
            _ => None,
        };
        let source = match (text("file"), text("server"), text("fileUrl")) {
            (Some(file), Some(server), _) => {
                if file.len() > DRAWING_NAME_BYTES_MAX || file.contains(char::is_control) {
                    return Err(OpeningError::Name);
                }
                DrawingSource::Server {
                    server,
                    file,
                    session_id: text("sessionId"),
                    token: text("token"),
                }
            }
            (Some(file), None, _) => DrawingSource::Bucket(file.parse()?),
            (None, _, Some(url)) => DrawingSource::Url(url),
            (None, _, None) => return Err(OpeningError::NoDrawing),
        };
        let access = match parameters.get("access") {
            None | Some(EditorValue::Null) => EditorAccess::View,
            Some(EditorValue::Text(word)) if word == "view" => EditorAccess::View,
            Some(EditorValue::Text(word)) if word == "edit" => EditorAccess::Edit,
            Some(_) => return Err(OpeningError::Access),
        };
        let access = match source {
            DrawingSource::Url(_) => EditorAccess::View,
            DrawingSource::Bucket(_) | DrawingSource::Server { .. } => access,
        };
        let title = text("title").unwrap_or_else(|| without_ending(source.last_part()).to_owned());
        let workspace = match access {
            EditorAccess::Edit => text("workspace"),
            EditorAccess::View => text("viewerWorkspace"),
        };
        Ok(Self {
            title: shortened(&title, EDITOR_TITLE_CHARS_MAX),
            holder: text("userName")
                .or_else(|| parameters.user().map(str::to_owned))
                .map(|name| shortened(&name, EDITOR_TITLE_CHARS_MAX)),
            page: PageParameters {
                locale: text("locale").map(|word| shortened(&word, EDITOR_WORD_CHARS_MAX)),
                mobile: switch(parameters, "mobile"),
                white_background: switch(parameters, "modelBackgrndColorWhite"),
                workspace: workspace.map(|word| shortened(&word, EDITOR_WORD_CHARS_MAX)),
                autosave_disabled: switch(parameters, "autosavedisabled"),
                debug: switch(parameters, "debug"),
            },
            source,
            access,
        })
    }
}

/// A boolean, written as one or as its word: the contract shows parameters of URLs.
fn switch(parameters: &EditorParameters, name: &str) -> bool {
    match parameters.get(name) {
        Some(EditorValue::Bool(on)) => *on,
        Some(EditorValue::Text(word)) => word.eq_ignore_ascii_case("true") || word == "1",
        Some(EditorValue::Number(text)) => text == "1",
        Some(EditorValue::Null) | None => false,
    }
}

fn without_ending(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() && DrawingFormat::of_name(name).is_some() => stem,
        _ => name,
    }
}

fn shortened(text: &str, chars_max: usize) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .take(chars_max)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::testing::Seeded;

    fn opening(json: &str) -> Result<EditorOpening, OpeningError> {
        EditorOpening::read(&EditorParameters::parse(json.as_bytes()).unwrap())
    }

    #[test]
    fn a_session_shows_itself_only_when_asked() {
        let session = EditorSessionId::new(&Seeded::new(1));
        let text = session.reveal();
        assert_eq!(text.len(), 64);
        assert_eq!(
            text.parse::<EditorSessionId>().unwrap().hash(),
            session.hash()
        );
        assert_eq!(format!("{session:?}"), "EditorSessionId(hidden)");
        for wrong in ["", "x", &text[1..], &text.to_uppercase()] {
            assert!(wrong.parse::<EditorSessionId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_says_whose_page_it_is_until_its_end() {
        let sealer = Sealer::new(&crate::MasterKey::generate(&Seeded::new(2)));
        let frame = EditorFrame {
            partner: PartnerId::from_bytes([7; 16]),
            until: Timestamp::from_unix_ms(100),
        };
        let text = frame.seal(&sealer, &Seeded::new(3));
        let at = Timestamp::from_unix_ms;
        assert_eq!(EditorFrame::open(&sealer, &text, at(99)), Some(frame));
        assert_eq!(EditorFrame::open(&sealer, &text, at(100)), None);
        for wrong in ["", "00", &text[2..]] {
            assert_eq!(EditorFrame::open(&sealer, wrong, at(0)), None, "{wrong}");
        }
    }

    #[test]
    fn names_lead_nowhere_but_down() {
        for good in [
            "a.dxf",
            "plans/Haus 12.DWG",
            "a..b/c.dxf",
            "%2e%2e/a.dxf",
            "...dxf",
        ] {
            assert!(good.parse::<DrawingName>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "/a.dxf",
            "../a.dxf",
            "a/../b.dxf",
            "a/./b.dxf",
            "a//b.dxf",
            "a\\..\\b.dxf",
            "a\0.dxf",
            "a\n.dxf",
            "./a.dxf",
            "..",
            ".vitrine/versions/a.dxf",
            "a.dxf/",
        ] {
            assert_eq!(
                bad.parse::<DrawingName>(),
                Err(OpeningError::Name),
                "{bad:?}"
            );
        }
        assert_eq!("a.txt".parse::<DrawingName>(), Err(OpeningError::Ending));
        let long = |bytes: usize| format!("{}.dxf", "a".repeat(bytes - 4));
        assert!(long(DRAWING_NAME_BYTES_MAX).parse::<DrawingName>().is_ok());
        assert!(
            long(DRAWING_NAME_BYTES_MAX + 1)
                .parse::<DrawingName>()
                .is_err()
        );
    }

    #[test]
    fn file_wins_over_its_url_and_a_url_is_for_looking_only() {
        let both = opening(r#"{"file":"p/a.dxf","fileUrl":"https://x/y.dxf","access":"edit"}"#);
        let both = both.unwrap();
        assert_eq!(
            both.source,
            DrawingSource::Bucket("p/a.dxf".parse().unwrap())
        );
        assert_eq!(
            (both.access, both.title.as_str()),
            (EditorAccess::Edit, "a")
        );
        let url = opening(r#"{"fileUrl":"https://x/y.dxf?k=/1","access":"edit"}"#).unwrap();
        assert_eq!((url.access, url.title.as_str()), (EditorAccess::View, "y"));
        let server = opening(r#"{"file":7,"server":"https://s","sessionId":"q"}"#).unwrap();
        assert!(matches!(server.source, DrawingSource::Server { ref file, .. } if file == "7"));
        assert_eq!(opening("{}"), Err(OpeningError::NoDrawing));
    }

    #[test]
    fn what_is_not_said_is_not_allowed() {
        let access = |json: &str| opening(json).map(|opening| opening.access);
        assert_eq!(access(r#"{"file":"a.dxf"}"#), Ok(EditorAccess::View));
        assert_eq!(
            access(r#"{"file":"a.dxf","access":null}"#),
            Ok(EditorAccess::View)
        );
        for wrong in [r#""Edit""#, "true", "1", r#""""#] {
            let json = format!(r#"{{"file":"a.dxf","access":{wrong}}}"#);
            assert_eq!(access(&json), Err(OpeningError::Access), "{wrong}");
        }
    }

    #[test]
    fn the_page_learns_what_is_harmless() {
        let opening = opening(
            r#"{"file":"a.dxf","locale":"de","mobile":"true","modelBackgrndColorWhite":true,
                "viewerWorkspace":"W","workspace":"E","autosavedisabled":1,"userId":7,"title":"Flat"}"#,
        )
        .unwrap();
        assert_eq!(
            opening.page,
            PageParameters {
                locale: Some("de".to_owned()),
                mobile: true,
                white_background: true,
                workspace: Some("W".to_owned()),
                autosave_disabled: true,
                debug: false,
            }
        );
        assert_eq!(
            (opening.title.as_str(), opening.holder.as_deref()),
            ("Flat", Some("7"))
        );
    }

    #[test]
    fn the_same_name_is_another_drawing_for_another_partner_or_place() {
        let (one, two) = (
            PartnerId::from_bytes([1; 16]),
            PartnerId::from_bytes([2; 16]),
        );
        let bucket = DrawingSource::Bucket("a.dxf".parse().unwrap());
        let url = DrawingSource::Url("a.dxf".to_owned());
        assert_ne!(bucket.id(one), bucket.id(two));
        assert_ne!(bucket.id(one), url.id(one));
        assert_eq!(bucket.id(one), bucket.clone().id(one));
    }
}

//! Scripts: lines of commands that open nothing, ask nobody and end with `EXIT`.
//!
//! What a script changes is done to the drawing as a save of the editor is: by comparing what a library
//! writes before and after, so that whatever it does not know stays.

mod commands;
mod layers;
mod lexer;
mod selection;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write;

use acadrust::CadDocument;

use crate::DrawingError;
use crate::convert::{self, Release};
use crate::limits::{
    SCRIPT_BYTES_MAX, SCRIPT_COMMANDS_MAX, SCRIPT_NAME_BYTES_MAX, SCRIPT_OUTPUTS_MAX,
};
use crate::merge::merge;
use crate::plot::{self, PageForm};

use lexer::{Lexer, Word};

/// The commands that a script may give, as documents list them. `EXIT` ends it.
pub const COMMANDS: [&str; 14] = [
    "-LAYER", "CHPROP", "CIRCLE", "COPY", "DOSAVEAS", "ERASE", "EXIT", "LINE", "MOVE", "PLINE",
    "POINT", "ROTATE", "SCALE", "TEXT",
];

/// A form in which drawings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputForm {
    /// Text DXF.
    Dxf,
    /// DWG.
    Dwg,
    /// A page as SVG.
    Svg,
    /// A page as PDF.
    Pdf,
    /// A page as a picture.
    Png,
}

impl OutputForm {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Dxf, Self::Dwg, Self::Svg, Self::Pdf, Self::Png];

    /// The ending of files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dxf => "dxf",
            Self::Dwg => "dwg",
            Self::Svg => "svg",
            Self::Pdf => "pdf",
            Self::Png => "png",
        }
    }

    /// By its ending, in any case.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|form| form.as_str().eq_ignore_ascii_case(word))
    }

    /// Whether it has a release.
    #[must_use]
    pub const fn has_release(self) -> bool {
        matches!(self, Self::Dxf | Self::Dwg)
    }
}

/// What is to be done with a drawing: a script, or one form of it.
#[derive(Clone, Copy, Debug)]
pub enum Order<'a> {
    /// The script's text, and the commands that it may give beside `EXIT` (all when absent).
    Script(&'a str, Option<&'a [String]>),
    /// One form, under this name without its ending.
    Convert(&'a str, OutputForm, Option<Release>),
}

/// A file that came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Name with ending, without a folder.
    pub name: String,
    /// Its form.
    pub form: OutputForm,
    /// Its bytes.
    pub content: Vec<u8>,
    /// The folder of the partner's API server that it shall be given to.
    pub upload: Option<String>,
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The files.
    pub outputs: Vec<Output>,
    /// One line for each command.
    pub log: String,
}

/// Does what is ordered with a drawing of any form.
///
/// # Errors
/// When it is no drawing, something would be too large, or a command cannot be done.
pub fn run(drawing: &[u8], order: &Order<'_>) -> Result<Outcome, DrawingError> {
    let base = convert::normalised(drawing)?;
    let document = convert::read(&base)?;
    let mut run = Run {
        base,
        before: None,
        document,
        layer: "0".to_owned(),
        last_point: [0.0; 3],
        last_added: None,
        outcome: Outcome::default(),
    };
    match order {
        Order::Convert(name, form, release) => run.save(name, *form, *release, None)?,
        Order::Script(text, allowed) => run.script(text, *allowed)?,
    }
    Ok(run.outcome)
}

struct Run<'a> {
    /// The drawing as text DXF.
    base: Cow<'a, [u8]>,
    /// What the library writes of it, from the first change on.
    before: Option<Vec<u8>>,
    document: CadDocument,
    /// Where new entities go.
    layer: String,
    last_point: [f64; 3],
    last_added: Option<acadrust::types::Handle>,
    outcome: Outcome,
}

impl Run<'_> {
    fn script(&mut self, text: &str, allowed: Option<&[String]>) -> Result<(), DrawingError> {
        if text.len() > SCRIPT_BYTES_MAX {
            return Err(DrawingError::TooLarge {
                what: "bytes in its script",
                max: SCRIPT_BYTES_MAX,
            });
        }
        let is_odd = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t');
        if text.contains(is_odd) {
            return Err(failed(
                1,
                "a script is plain text, without control characters",
            ));
        }
        let mut lexer = Lexer::new(text);
        for _ in 0..SCRIPT_COMMANDS_MAX {
            let word = match lexer.word() {
                Word::Some(word) => word,
                Word::Enter => continue,
                Word::End => {
                    return Err(failed(lexer.line(), "the script does not end with EXIT"));
                }
            };
            let line = lexer.line();
            let name = word
                .trim_start_matches(['_', '.', '\''])
                .to_ascii_uppercase();
            let name = if name == "LAYER" {
                "-LAYER"
            } else {
                name.as_str()
            };
            if name == "EXIT" {
                return Ok(());
            }
            let known = COMMANDS.contains(&name);
            let permitted = allowed.is_none_or(|allowed| {
                allowed
                    .iter()
                    .any(|one| one.trim_start_matches('-') == name.trim_start_matches('-'))
            });
            if !known || !permitted {
                let why = if known {
                    "the partner's list of commands"
                } else {
                    "what scripts may do"
                };
                let shown: String = name.chars().take(40).collect();
                return Err(failed(line, &format!("{shown} is not in {why}")));
            }
            let done = self
                .command(name, &mut lexer)
                .map_err(|error| match error {
                    Fault::Command(why) => failed(line, &format!("{name}: {why}")),
                    Fault::Drawing(error) => error,
                })?;
            // Writing to a text cannot fail.
            let _ = writeln!(self.outcome.log, "{line}: {name}: {done}");
        }
        Err(DrawingError::TooLarge {
            what: "commands in its script",
            max: SCRIPT_COMMANDS_MAX,
        })
    }

    /// The drawing for a change; what it was before is kept once.
    fn changing(&mut self) -> Result<&mut CadDocument, DrawingError> {
        if self.before.is_none() {
            self.before = Some(convert::text_of(&self.document)?);
        }
        Ok(&mut self.document)
    }

    /// The drawing with what was changed, as text DXF.
    fn text(&self) -> Result<Cow<'_, [u8]>, DrawingError> {
        let Some(before) = &self.before else {
            return Ok(Cow::Borrowed(&*self.base));
        };
        let mut sent = before.clone();
        sent.extend(convert::text_of(&self.document)?);
        merge(&self.base, &sent).map(|merged| Cow::Owned(merged.dxf))
    }

    fn save(
        &mut self,
        name: &str,
        form: OutputForm,
        release: Option<Release>,
        upload: Option<String>,
    ) -> Result<(), DrawingError> {
        if self.outcome.outputs.len() == SCRIPT_OUTPUTS_MAX {
            return Err(DrawingError::TooLarge {
                what: "files to write",
                max: SCRIPT_OUTPUTS_MAX,
            });
        }
        let content = match (form, release) {
            (OutputForm::Dxf, None) => self.text()?.into_owned(),
            (OutputForm::Dxf, Some(release)) => {
                convert::dxf(convert::read(&self.text()?)?, release)?
            }
            (OutputForm::Dwg, release) => {
                convert::dwg(convert::read(&self.text()?)?, release.unwrap_or_default())?
            }
            (OutputForm::Svg, _) => plot::plotted(&mut self.document, PageForm::Svg)?,
            (OutputForm::Pdf, _) => plot::plotted(&mut self.document, PageForm::Pdf)?,
            (OutputForm::Png, _) => plot::plotted(&mut self.document, PageForm::Png)?,
        };
        convert::bounded(&content)?;
        let ending = format!(".{}", form.as_str());
        let has_ending = name.len() > ending.len()
            && name
                .get(name.len() - ending.len()..)
                .is_some_and(|end| end.eq_ignore_ascii_case(&ending));
        let name = if has_ending {
            name.to_owned()
        } else {
            format!("{name}{ending}")
        };
        let taken: BTreeSet<&str> = self
            .outcome
            .outputs
            .iter()
            .map(|output| output.name.as_str())
            .collect();
        if taken.contains(name.as_str()) {
            return Err(DrawingError::Script(format!(
                "two files would be called {name}"
            )));
        }
        self.outcome.outputs.push(Output {
            name,
            form,
            content,
            upload,
        });
        Ok(())
    }
}

/// Why a command cannot be done.
enum Fault {
    /// It was given wrongly.
    Command(String),
    /// The drawing is at fault.
    Drawing(DrawingError),
}

impl From<DrawingError> for Fault {
    fn from(error: DrawingError) -> Self {
        Self::Drawing(error)
    }
}

impl From<&str> for Fault {
    fn from(why: &str) -> Self {
        Self::Command(why.to_owned())
    }
}

impl From<String> for Fault {
    fn from(why: String) -> Self {
        Self::Command(why)
    }
}

fn failed(line: usize, why: &str) -> DrawingError {
    DrawingError::Script(format!("line {line}: {why}"))
}

/// Whether this can be the name of a file that is written: no folder, nothing hidden.
#[must_use]
pub fn is_file_name(name: &str) -> bool {
    (1..=SCRIPT_NAME_BYTES_MAX).contains(&name.len())
        && !name.starts_with('.')
        && !name.contains(|letter: char| letter.is_control() || matches!(letter, '/' | '\\'))
        && name.trim() == name
}

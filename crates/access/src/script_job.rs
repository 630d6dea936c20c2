//! Script jobs: what the caller who started one holds, and what a token's parameters ask for.

use std::fmt;

use thiserror::Error;

use crate::bearer::bearer_secret;
use crate::editor_session::{EditorOpening, OWN_FOLDER, OpeningError};
use crate::editor_token::{EditorParameters, EditorValue};
use crate::limits::DRAWING_NAME_BYTES_MAX;

bearer_secret! {
    /// The id of a script job. Whoever holds it may ask how the job goes.
    ScriptJobId, ScriptJobHash, b"vitrine script job v1", "a script job"
}

/// Why parameters are no script job. Names members, never values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ScriptJobError {
    /// They open no drawing.
    #[error("{0}")]
    Opening(#[from] OpeningError),
    /// Neither `script` nor `fileType`.
    #[error("the token names no job; generate one with the parameter script or fileType")]
    NoJob,
    /// A parameter that would change what comes out, and that is not done here.
    #[error("the parameter {0} is not supported; generate a token without it")]
    Unsupported(&'static str),
    /// A name that leads elsewhere.
    #[error(
        "the parameter {0} is no name of an object: parts between slashes that are not empty, . or .., \
         no backslash and no control character"
    )]
    Name(&'static str),
}

/// Where a script is.
#[derive(Clone, PartialEq, Eq)]
pub enum ScriptSource {
    /// An address.
    Url(String),
    /// An object of the partner's customization bucket.
    Object(String),
}

impl fmt::Debug for ScriptSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScriptSource(hidden)")
    }
}

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ScriptTask {
    /// A script is run.
    Script(ScriptSource),
    /// The drawing is written in one form.
    Convert {
        /// The word of `fileType`.
        form: String,
        /// The word of `dwgVersion`.
        release: Option<String>,
    },
}

/// A script job, as a token's parameters ask for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScriptJobOrder {
    /// The drawing.
    pub opening: EditorOpening,
    /// What is done with it.
    pub task: ScriptTask,
    /// The folder of the content bucket below which the files go.
    pub folder: String,
    /// Name of the file with the script's log.
    pub log: String,
}

impl ScriptJobOrder {
    /// Reads a token's parameters. `script` wins over `fileType`.
    ///
    /// # Errors
    /// When they name no drawing or no job, or ask for what is not done.
    pub fn read(parameters: &EditorParameters) -> Result<Self, ScriptJobError> {
        let text = |name: &str| match parameters.get(name) {
            Some(EditorValue::Text(text)) if !text.is_empty() => Some(text.clone()),
            Some(EditorValue::Number(text)) => Some(text.clone()),
            _ => None,
        };
        let opening = EditorOpening::read(parameters)?;
        for name in ["resourceBundleURL", "storageBucket"] {
            if text(name).is_some() {
                return Err(ScriptJobError::Unsupported(name));
            }
        }
        let task = match (text("script"), text("fileType")) {
            (Some(script), _) if script.contains("://") => {
                ScriptTask::Script(ScriptSource::Url(script))
            }
            (Some(script), _) if is_object_name(&script) => {
                ScriptTask::Script(ScriptSource::Object(script))
            }
            (Some(_), _) => return Err(ScriptJobError::Name("script")),
            (None, Some(form)) => ScriptTask::Convert {
                form,
                release: text("dwgVersion"),
            },
            (None, None) => return Err(ScriptJobError::NoJob),
        };
        let folder = text("outputPath").map(|folder| folder.trim_end_matches('/').to_owned());
        let folder = folder.unwrap_or_else(|| DEFAULT_FOLDER.to_owned());
        if !is_object_name(&folder) {
            return Err(ScriptJobError::Name("outputPath"));
        }
        let log =
            text("scriptOutputFile").unwrap_or_else(|| format!("{}.txt", opening.file_name()));
        if !is_object_name(&log) || log.contains('/') {
            return Err(ScriptJobError::Name("scriptOutputFile"));
        }
        Ok(Self {
            opening,
            task,
            folder,
            log,
        })
    }
}

/// Where files go when a token does not say.
const DEFAULT_FOLDER: &str = "output";

/// Whether a name stays in its bucket, and out of what is ours there.
fn is_object_name(name: &str) -> bool {
    (1..=DRAWING_NAME_BYTES_MAX).contains(&name.len())
        && !name.contains(|letter: char| letter.is_control() || letter == '\\')
        && name
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..")
        && name.split('/').next() != Some(OWN_FOLDER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<ScriptJobOrder, ScriptJobError> {
        ScriptJobOrder::read(&EditorParameters::parse(json.as_bytes()).unwrap())
    }

    #[test]
    fn a_script_wins_over_a_form_and_one_of_them_is_needed() {
        let order =
            read(r#"{"file":"plans/a.dwg","fileType":"PDF","script":"https://x.example/s.scr"}"#);
        let order = order.unwrap();
        assert!(matches!(
            order.task,
            ScriptTask::Script(ScriptSource::Url(_))
        ));
        assert_eq!(
            (order.folder.as_str(), order.log.as_str()),
            ("output", "a.dwg.txt")
        );
        let order =
            read(r#"{"file":"a.dwg","fileType":"DWG","dwgVersion":2010,"outputPath":"out/"}"#)
                .unwrap();
        assert_eq!(order.folder, "out");
        assert_eq!(
            order.task,
            ScriptTask::Convert {
                form: "DWG".into(),
                release: Some("2010".into())
            }
        );
        assert_eq!(
            read(r#"{"file":"a.dwg"}"#).unwrap_err(),
            ScriptJobError::NoJob
        );
        assert_eq!(
            read(r#"{"fileType":"PDF"}"#).unwrap_err(),
            ScriptJobError::Opening(OpeningError::NoDrawing)
        );
    }

    #[test]
    fn no_name_leads_out_of_its_bucket_or_into_what_is_ours() {
        for (member, value) in [
            ("script", "../s.scr"),
            ("script", "/s.scr"),
            ("outputPath", ".."),
            ("outputPath", "a/../b"),
            ("outputPath", ".vitrine/versions"),
            ("scriptOutputFile", "a/b.txt"),
            ("scriptOutputFile", ".."),
        ] {
            let json = format!(r#"{{"file":"a.dxf","fileType":"PDF","{member}":"{value}"}}"#);
            assert_eq!(
                read(&json).unwrap_err(),
                ScriptJobError::Name(member),
                "{value}"
            );
        }
        let bundle =
            r#"{"file":"a.dxf","fileType":"PDF","resourceBundleURL":"https://x.example/r.zip"}"#;
        assert_eq!(
            read(bundle).unwrap_err(),
            ScriptJobError::Unsupported("resourceBundleURL")
        );
    }
}

//! Orders for drawings, and what comes out of them, on their way to a worker and back.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use vitrine_drawing::script::{Order, Outcome, OutputForm};
use vitrine_drawing::{DrawingError, Release};

/// Bytes of a length in front of a text.
const LENGTH_BYTES: usize = 8;

/// What is to be done with a drawing.
#[derive(Clone, Debug)]
pub enum DrawingOrder {
    /// A script is run.
    Script {
        /// Its text.
        text: String,
        /// The commands that it may give; all that there are when absent.
        allowed: Option<Vec<String>>,
    },
    /// The drawing is written in one form.
    Convert {
        /// Name of the file without its ending.
        name: String,
        /// The form.
        form: OutputForm,
        /// The release of DXF and DWG files.
        release: Option<Release>,
    },
}

/// A file that came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawingOutput {
    /// Name with ending, without a folder.
    pub name: String,
    /// Its form.
    pub form: OutputForm,
    /// Its bytes.
    pub content: Bytes,
    /// The folder of the partner's API server that it shall be given to.
    pub upload: Option<String>,
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DrawingOutcome {
    /// The files.
    pub outputs: Vec<DrawingOutput>,
    /// One line for each command.
    pub log: String,
}

#[derive(Serialize, Deserialize)]
struct OrderForm {
    script: Option<String>,
    allowed: Option<Vec<String>>,
    name: Option<String>,
    form: Option<String>,
    release: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct OutputHead {
    name: String,
    form: String,
    length: usize,
    upload: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct OutcomeHead {
    outputs: Vec<OutputHead>,
    log: String,
}

impl DrawingOrder {
    pub(super) fn to_json(&self) -> Vec<u8> {
        let form = match self.clone() {
            Self::Script { text, allowed } => OrderForm {
                script: Some(text),
                allowed,
                name: None,
                form: None,
                release: None,
            },
            Self::Convert {
                name,
                form,
                release,
            } => OrderForm {
                script: None,
                allowed: None,
                name: Some(name),
                form: Some(form.as_str().to_owned()),
                release: release.map(|release| release.as_str().to_owned()),
            },
        };
        serde_json::to_vec(&form).unwrap_or_default()
    }
}

/// Does an order in the worker; `None` when it cannot be read.
pub(super) fn done(base: &[u8], order: &[u8]) -> Option<Result<Vec<u8>, DrawingError>> {
    let form: OrderForm = serde_json::from_slice(order).ok()?;
    let order = match (&form.script, &form.name) {
        (Some(text), _) => Order::Script(text, form.allowed.as_deref()),
        (None, Some(name)) => {
            let release = match form.release.as_deref() {
                Some(word) => Some(Release::of_word(word)?),
                None => None,
            };
            Order::Convert(name, OutputForm::of_word(form.form.as_deref()?)?, release)
        }
        (None, None) => return None,
    };
    Some(vitrine_drawing::script::run(base, &order).map(|outcome| packed(&outcome)))
}

fn packed(outcome: &Outcome) -> Vec<u8> {
    let outputs = outcome.outputs.iter().map(|output| OutputHead {
        name: output.name.clone(),
        form: output.form.as_str().to_owned(),
        length: output.content.len(),
        upload: output.upload.clone(),
    });
    let head = OutcomeHead {
        outputs: outputs.collect(),
        log: outcome.log.clone(),
    };
    let head = serde_json::to_vec(&head).unwrap_or_default();
    let mut bytes = (head.len() as u64).to_be_bytes().to_vec();
    bytes.extend(head);
    for output in &outcome.outputs {
        bytes.extend_from_slice(&output.content);
    }
    bytes
}

/// What a worker has packed; `None` for anything else.
pub(super) fn unpacked(bytes: &Bytes) -> Option<DrawingOutcome> {
    let (length, _) = bytes.split_first_chunk::<LENGTH_BYTES>()?;
    let length = usize::try_from(u64::from_be_bytes(*length)).ok()?;
    let mut rest = bytes.slice(LENGTH_BYTES..);
    if length > rest.len() {
        return None;
    }
    let head: OutcomeHead = serde_json::from_slice(&rest.split_to(length)).ok()?;
    let outputs = head.outputs.into_iter().map(|output| {
        if output.length > rest.len() {
            return None;
        }
        Some(DrawingOutput {
            form: OutputForm::of_word(&output.form)?,
            content: rest.split_to(output.length),
            name: output.name,
            upload: output.upload,
        })
    });
    Some(DrawingOutcome {
        outputs: outputs.collect::<Option<_>>()?,
        log: head.log,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DXF: &[u8] = b"0\nSECTION\n2\nHEADER\n9\n$HANDSEED\n5\n10\n0\nENDSEC\n0\nSECTION\n2\nENTITIES\n0\nENDSEC\n0\nEOF\n";

    #[test]
    fn what_was_ordered_comes_back_file_by_file() {
        let text = "_DOSAVEAS\na\n_F SVG\nfolder\n1\n_DOSAVEAS\nb\n_F PNG\n\n0\n_EXIT\n";
        let order = DrawingOrder::Script {
            text: text.to_owned(),
            allowed: None,
        };
        let bytes = done(DXF, &order.to_json()).unwrap().unwrap();
        let outcome = unpacked(&bytes.into()).unwrap();
        let names: Vec<&str> = outcome
            .outputs
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        assert_eq!(names, ["a.svg", "b.png"]);
        assert_eq!(outcome.outputs[0].upload.as_deref(), Some("folder"));
        assert!(outcome.outputs[0].content.starts_with(b"<svg"));
        assert!(outcome.outputs[1].content.starts_with(b"\x89PNG"));
        assert_eq!(outcome.log.lines().count(), 2);
    }

    #[test]
    fn what_is_no_order_and_no_outcome_is_told() {
        assert!(done(DXF, b"{}").is_none() && done(DXF, b"x").is_none());
        for wrong in [&b""[..], &[0; 8], &[255; 9], b"\0\0\0\0\0\0\0\x02{}"] {
            assert_eq!(unpacked(&Bytes::copy_from_slice(wrong)), None);
        }
    }
}

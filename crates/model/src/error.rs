//! What can be wrong with a parameter's value or with a model's definition, in words for the person who can mend it.

use crate::limits::ECHO_LENGTH_MAX;

/// A value that was refused, with the parameter that it was meant for.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("Parameter \"{parameter}\": {problem}")]
pub struct ParameterError {
    /// Name of the parameter, or the unknown key.
    pub parameter: String,
    /// What was wrong with it.
    pub problem: ParameterProblem,
}

/// The ways in which a value can be refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ParameterProblem {
    /// No parameter has this id, name or display name.
    #[error(
        "the model has no parameter with this id, name or display name; remove it or set ignoreUnknownParams=true"
    )]
    Unknown,
    /// Two keys of one request mean the same parameter.
    #[error("the request sets it more than once (by id and by name); send it once")]
    Repeated,
    /// The text or JSON type is not one that the parameter's type understands.
    #[error("\"{value}\" is not {expected}")]
    Malformed {
        /// What was sent, shortened.
        value: String,
        /// What would have been accepted.
        expected: String,
    },
    /// Well-formed, but outside what the parameter allows.
    #[error("\"{value}\" is not allowed; {allowed}")]
    OutOfRange {
        /// What was sent, shortened.
        value: String,
        /// The allowed range.
        allowed: String,
    },
    /// A file was named although files cannot be uploaded yet.
    #[error("file parameters are not served yet; send an empty string")]
    FileNotServed,
}

/// A definition that breaks a bound or contradicts itself.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct DefinitionError {
    /// Where, for example `parameter "width"`.
    pub place: String,
    /// What is wrong and what to do.
    pub problem: String,
}

impl DefinitionError {
    pub(crate) fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            problem: problem.into(),
        }
    }
}

impl ParameterError {
    pub(crate) fn new(parameter: &str, problem: ParameterProblem) -> Self {
        Self {
            parameter: echo(parameter),
            problem,
        }
    }
}

/// A piece of foreign text, short enough and printable enough for a message.
pub(crate) fn echo(text: &str) -> String {
    let printable = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut out: String = text.chars().take(ECHO_LENGTH_MAX).map(printable).collect();
    if text.chars().nth(ECHO_LENGTH_MAX).is_some() {
        out.push('…');
    }
    out
}

//! Where scripts come from, and which commands they may give.

use bytes::Bytes;
use vitrine_access::egress::EgressPurpose;
use vitrine_access::script_job::{ScriptSource, ScriptTask};
use vitrine_engine::{DrawingOrder, OutputForm, Release};
use vitrine_store::{BucketError, PartnerRecord};

use super::super::place;
use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{COMMAND_LIST_BYTES_MAX, SCRIPT_BYTES_MAX};
use crate::outgoing::OutgoingRequest;

/// The object of the customization bucket with the commands that a partner permits.
const COMMAND_LIST: &str = "Default Files/OEM Commands/commands.xml";

impl Services {
    /// A task as workers take it.
    pub(super) async fn order(
        &self,
        partner: &PartnerRecord,
        file_name: &str,
        task: &ScriptTask,
    ) -> Result<DrawingOrder> {
        match task {
            ScriptTask::Convert { form, release } => {
                let name = file_name
                    .rsplit_once('.')
                    .map_or(file_name, |(stem, _)| stem);
                let name = if name.is_empty() { "drawing" } else { name };
                let wrong = |message: &str| Error::new(ErrorKind::RequestInvalid, message);
                Ok(DrawingOrder::Convert {
                    name: name.to_owned(),
                    form: OutputForm::of_word(form).ok_or_else(|| {
                        wrong("The parameter fileType is DXF, DWG, SVG, PDF or PNG.")
                    })?,
                    release: match release {
                        Some(word) => Some(Release::of_word(word).ok_or_else(|| {
                            wrong(
                                "The parameter dwgVersion is 2018, 2013, 2010, 2007, 2004 or 2000, or R32, R27, \
                                 R24, R21, R18 or R15.",
                            )
                        })?),
                        None => None,
                    },
                })
            }
            ScriptTask::Script(source) => {
                let text = match source {
                    ScriptSource::Url(url) => self.fetch_script(url).await?,
                    ScriptSource::Object(name) => {
                        let bucket = self.customization_bucket(partner)?.ok_or_else(|| {
                            Error::new(
                                ErrorKind::RequestInvalid,
                                "The parameter script is no address, and the partner has no customization \
                                 bucket. The operator sets one: `vitrine partner set PARTNER --customization \
                                 URL`.",
                            )
                        })?;
                        let found = bucket.get(name, SCRIPT_BYTES_MAX).await;
                        found.map_err(|error| not_found(error, "script"))?
                    }
                };
                let text = String::from_utf8(text.into()).map_err(|_| {
                    Error::new(ErrorKind::RequestInvalid, "The script is no text in UTF-8.")
                })?;
                Ok(DrawingOrder::Script {
                    text,
                    allowed: self.permitted_commands(partner).await?,
                })
            }
        }
    }

    async fn fetch_script(&self, url: &str) -> Result<Bytes> {
        let bytes_max = usize::try_from(SCRIPT_BYTES_MAX).map_err(Error::internal)?;
        let request = OutgoingRequest::get(EgressPurpose::FileUrl, url).bytes_max(bytes_max);
        self.fetched_bytes(request, "script").await
    }

    /// The commands that the page around an editor may run, as [`Self::permitted_commands`]: none where the
    /// list cannot be read. Drawings open all the same.
    pub(crate) async fn page_commands(&self, partner: &PartnerRecord) -> Option<Vec<String>> {
        match self.permitted_commands(partner).await {
            Ok(commands) => commands,
            Err(error) => {
                let (app_id, error) = (&partner.app_id, error.to_string());
                tracing::warn!(%app_id, %error, "the partner's list of commands cannot be read");
                Some(Vec::new())
            }
        }
    }

    /// The commands of the partner's own list, without underscores; `None` where it has none.
    pub(crate) async fn permitted_commands(
        &self,
        partner: &PartnerRecord,
    ) -> Result<Option<Vec<String>>> {
        let Some(bucket) = self.customization_bucket(partner)? else {
            return Ok(None);
        };
        let text = match bucket.get(COMMAND_LIST, COMMAND_LIST_BYTES_MAX).await {
            Ok(text) => text,
            Err(BucketError::Missing) => return Ok(None),
            Err(error) => return Err(not_found(error, "list of commands")),
        };
        let text = String::from_utf8_lossy(&text);
        command_names(&text).map(Some).ok_or_else(|| {
            Error::new(
                ErrorKind::RequestInvalid,
                "The partner's list of commands (commands.xml in its customization bucket) cannot be read, so \
                 nothing is permitted. Mend it: <commands><OEM name=\"…\"><command name=\"_LINE\"/></OEM></commands>.",
            )
        })
    }
}

/// The names in `<command name="…"/>`; `None` for a text that is no list. An empty list permits nothing.
fn command_names(text: &str) -> Option<Vec<String>> {
    let body = text.split_once("<commands")?.1;
    let body = body.split_once("</commands>")?.0;
    let mut names = Vec::new();
    let mut rest = strip_comments(body)?;
    while let Some((_, after)) = rest.split_once("<command") {
        let (element, after) = after.split_once('>')?;
        let value = element.trim_start().strip_prefix("name")?.trim_start();
        let value = value.strip_prefix('=')?.trim_start();
        let quote = value
            .chars()
            .next()
            .filter(|quote| matches!(quote, '"' | '\''))?;
        let name = value[1..].split_once(quote)?.0;
        names.push(
            name.trim_start_matches(['_', '.', '\''])
                .to_ascii_uppercase(),
        );
        rest = after.to_owned();
    }
    Some(names)
}

fn strip_comments(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<!--") {
        out.push_str(before);
        rest = after.split_once("-->")?.1;
    }
    out.push_str(rest);
    Some(out)
}

fn not_found(error: BucketError, what: &str) -> Error {
    match error {
        BucketError::Missing => Error::new(
            ErrorKind::EntityUnknown,
            format!("The customization bucket has no such {what}."),
        ),
        BucketError::TooLarge { size, allowed } => Error::new(
            ErrorKind::TooLarge,
            format!("The {what} has {size} bytes; at most {allowed} are read."),
        ),
        error => place::failed(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_from_the_list_and_what_is_no_list_permits_nothing() {
        let list = "<?xml version=\"1.0\"?><commands>\n<OEM name=\"graebert\"><command name=\"_LINE\"/>\
                    <!-- <command name=\"_ERASE\"/> --><command  name='-layer' /></OEM></commands>";
        assert_eq!(command_names(list).unwrap(), ["LINE", "-LAYER"]);
        assert_eq!(command_names("<commands></commands>"), Some(Vec::new()));
        for wrong in [
            "",
            "LINE",
            "<commands>",
            "<commands><command x></commands>",
            "<commands><!--</commands>",
        ] {
            assert_eq!(command_names(wrong), None, "{wrong}");
        }
    }
}

//! The parameters of editor tokens by name: which of them mean something here, and what.

/// What a parameter is for.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum ParameterUse {
    /// It says which drawing, for the editor and for script jobs.
    Drawing,
    /// The editor alone.
    Editor,
    /// Script jobs alone.
    ScriptJob,
    /// It changes nothing here: it is kept, and comes back from a verification.
    Kept,
}

impl ParameterUse {
    /// For documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Drawing => "editor, script jobs",
            Self::Editor => "editor",
            Self::ScriptJob => "script jobs",
            Self::Kept => "kept",
        }
    }
}

/// One parameter.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct ParameterRow {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub used: ParameterUse,
    /// What it says.
    pub meaning: &'static str,
}

const fn row(name: &'static str, used: ParameterUse, meaning: &'static str) -> ParameterRow {
    ParameterRow {
        name,
        used,
        meaning,
    }
}

/// Every parameter that the contract names, and our own. Others are kept like [`ParameterUse::Kept`].
pub const PARAMETERS: [ParameterRow; 25] = [
    row(
        "file",
        ParameterUse::Drawing,
        "the drawing: an object of the content bucket, or a file of `server`",
    ),
    row(
        "fileUrl",
        ParameterUse::Drawing,
        "a drawing at a public address, for looking only; `file` wins",
    ),
    row(
        "server",
        ParameterUse::Drawing,
        "base address of the API server that has `file`",
    ),
    row(
        "sessionId",
        ParameterUse::Drawing,
        "sent to `server` as a header, of this name unless the partner has another",
    ),
    row(
        "token",
        ParameterUse::Drawing,
        "sent to `server` as a header, of this name unless the partner has another",
    ),
    row(
        "userId",
        ParameterUse::Editor,
        "the partner's user: counted once a month, the name of who edits without `userName`",
    ),
    row(
        "userName",
        ParameterUse::Editor,
        "ours: the name of who edits, as others see it",
    ),
    row(
        "title",
        ParameterUse::Editor,
        "ours: the drawing's name for people",
    ),
    row(
        "access",
        ParameterUse::Editor,
        "`edit` or `view`; `view` without it",
    ),
    row(
        "autosavedisabled",
        ParameterUse::Editor,
        "only an explicit command saves",
    ),
    row("locale", ParameterUse::Editor, "language of the page"),
    row(
        "mobile",
        ParameterUse::Editor,
        "the page is laid out for fingers",
    ),
    row(
        "modelBackgrndColorWhite",
        ParameterUse::Editor,
        "model space is white to begin with",
    ),
    row(
        "workspace",
        ParameterUse::Editor,
        "arrangement of the page's tools in `edit` access",
    ),
    row(
        "viewerWorkspace",
        ParameterUse::Editor,
        "arrangement of the page's tools in `view` access",
    ),
    row("debug", ParameterUse::Editor, "the page shows what it does"),
    row(
        "fileType",
        ParameterUse::ScriptJob,
        "the form that the drawing is written in",
    ),
    row(
        "dwgVersion",
        ParameterUse::ScriptJob,
        "the release of DXF and DWG files",
    ),
    row(
        "script",
        ParameterUse::ScriptJob,
        "the script that runs; `fileType` does not count then",
    ),
    row(
        "outputPath",
        ParameterUse::ScriptJob,
        "the folder of the content bucket below which files go",
    ),
    row(
        "scriptOutputFile",
        ParameterUse::ScriptJob,
        "name of the script's log",
    ),
    row(
        "resourceBundleURL",
        ParameterUse::ScriptJob,
        "not supported: a job with it is refused",
    ),
    row(
        "storageBucket",
        ParameterUse::ScriptJob,
        "not supported: a job with it is refused",
    ),
    row(
        "auth",
        ParameterUse::Kept,
        "replaced by the partner's application id",
    ),
    row(
        "apitoken",
        ParameterUse::Kept,
        "the token itself stands for all of these; inside of one it means nothing",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::editor_session::EditorOpening;
    use crate::editor_token::EditorParameters;
    use crate::script_job::ScriptJobOrder;

    /// Parameters beside which one may mean something.
    const BESIDE: [&str; 4] = [
        "",
        r#","fileType":"DWG","file":"a.dxf""#,
        r#","fileType":"DWG","file":"a.dxf","server":"https://x.example""#,
        r#","fileType":"DWG","file":"a.dxf","access":"edit""#,
    ];

    fn parse(json: &str) -> EditorParameters {
        EditorParameters::parse(json.as_bytes()).unwrap()
    }

    /// Whether a parameter changes what the editor opens, and what a script job does.
    fn changes(name: &str) -> (bool, bool) {
        let value = match name {
            "file" => r#""b.dxf""#,
            "access" => r#""edit""#,
            "mobile" | "debug" | "autosavedisabled" | "modelBackgrndColorWhite" => "true",
            _ => r#""some-value""#,
        };
        let mut seen = (false, false);
        for beside in BESIDE {
            let without = beside
                .split(',')
                .filter(|member| !member.is_empty() && !member.starts_with(&format!("\"{name}\":")))
                .collect::<Vec<_>>()
                .join(",");
            let comma = if without.is_empty() { "" } else { "," };
            let with = parse(&format!("{{\"{name}\":{value}{comma}{without}}}"));
            let without = parse(&format!("{{{without}}}"));
            seen.0 |= EditorOpening::read(&with) != EditorOpening::read(&without);
            let of = |parameters: &EditorParameters| {
                ScriptJobOrder::read(parameters).map(|order| (order.task, order.folder, order.log))
            };
            seen.1 |= of(&with) != of(&without);
        }
        seen
    }

    #[test]
    fn each_parameter_does_what_the_table_says_and_others_do_nothing() {
        for row in PARAMETERS {
            let (editor, job) = changes(row.name);
            let expected = match row.used {
                ParameterUse::Drawing | ParameterUse::Editor => editor,
                ParameterUse::ScriptJob => !editor && job,
                ParameterUse::Kept => !editor && !job,
            };
            assert!(expected, "{}: editor {editor}, job {job}", row.name);
        }
        assert_eq!(changes("anything"), (false, false));
    }
}

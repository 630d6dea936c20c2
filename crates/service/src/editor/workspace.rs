//! Workspace files of a partner's customization bucket: what they say about the parts that our page has.

use vitrine_access::editor_session::{EditorAccess, PageParameters};
use vitrine_store::{BucketError, PartnerRecord};

use crate::Services;
use crate::limits::WORKSPACE_BYTES_MAX;

/// The folder of the customization bucket with the workspaces.
const FOLDER: &str = "Default Files/Workspaces";
const ENDING: &str = ".xml";

/// Which parts of the page a workspace shows; `None` for what it does not speak of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkspaceLayout {
    /// The command line.
    pub command_line: Option<bool>,
    /// The panel with layers and properties, when the page opens.
    pub panel: Option<bool>,
    /// The coordinates under the pointer.
    pub coordinates: Option<bool>,
}

impl Services {
    /// The layout of the workspace that a token names, or of the usual one. A file that is not there or is no
    /// workspace changes nothing: drawings open all the same.
    pub(super) async fn workspace_layout(
        &self,
        partner: &PartnerRecord,
        access: EditorAccess,
        page: &PageParameters,
    ) -> WorkspaceLayout {
        let name = match &page.workspace {
            Some(name) => name.strip_suffix(ENDING).unwrap_or(name),
            None => usual(access, page.mobile),
        };
        if name.contains(['/', '\\']) || name.contains(char::is_control) {
            return WorkspaceLayout::default();
        }
        let (app_id, object) = (&partner.app_id, format!("{FOLDER}/{name}{ENDING}"));
        let bucket = match self.customization_bucket(partner) {
            Ok(Some(bucket)) => bucket,
            Ok(None) => return WorkspaceLayout::default(),
            Err(error) => {
                tracing::warn!(%app_id, %error, "the customization bucket cannot be opened");
                return WorkspaceLayout::default();
            }
        };
        match bucket.get(&object, WORKSPACE_BYTES_MAX).await {
            Ok(text) => read(&String::from_utf8_lossy(&text)).unwrap_or_else(|| {
                tracing::warn!(%app_id, "a workspace file is none");
                WorkspaceLayout::default()
            }),
            Err(BucketError::Missing) => WorkspaceLayout::default(),
            Err(error) => {
                tracing::warn!(%app_id, %error, "a workspace file cannot be read");
                WorkspaceLayout::default()
            }
        }
    }
}

/// The workspace of a page whose token names none.
fn usual(access: EditorAccess, is_mobile: bool) -> &'static str {
    match (access, is_mobile) {
        (EditorAccess::Edit, false) => "Classic Default",
        (EditorAccess::View, false) => "Viewer",
        (EditorAccess::Edit, true) => "MobileEditor",
        (EditorAccess::View, true) => "MobileViewer",
    }
}

/// What a workspace file says; `None` for what is none.
fn read(text: &str) -> Option<WorkspaceLayout> {
    let body = text.split_once("<workspace")?.1;
    let mut layout = WorkspaceLayout {
        coordinates: switch(body, "status_bar_visible"),
        ..WorkspaceLayout::default()
    };
    for window in body.split("<window").skip(1) {
        let window = window
            .split_once("</dockable_windows")
            .map_or(window, |(window, _)| window);
        let place = match value(window, "object_name") {
            Some("CommandWindow") => &mut layout.command_line,
            Some("PropertyWindow") => &mut layout.panel,
            _ => continue,
        };
        *place = switch(window, "visible");
    }
    Some(layout)
}

/// A value that is an attribute or an element of this name.
fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let attribute = text
        .split_once(&format!(" {name}=\""))
        .and_then(|(_, rest)| rest.split_once('"'));
    let element = || {
        text.split_once(&format!("<{name}>"))
            .and_then(|(_, rest)| rest.split_once('<'))
    };
    let (value, _) = attribute.or_else(element)?;
    Some(value.trim())
}

fn switch(text: &str, name: &str) -> Option<bool> {
    match value(text, name)? {
        "1" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_says_which_parts_are_shown() {
        let attributes = r#"<?xml version="1.0"?><workspace name="x" status_bar_visible="0"><dockable_windows>
            <window object_name="CommandWindow" visible="0" name="Command"/>
            <window object_name="XRefManager" visible="1"/>
            <window name="Properties" object_name="PropertyWindow" visible="1"/></dockable_windows></workspace>"#;
        let elements = "<workspace><status_bar_visible>0</status_bar_visible><dockable_windows><window>\
            <object_name>CommandWindow</object_name><visible>0</visible></window><window><visible>1</visible>\
            <object_name>PropertyWindow</object_name></window></dockable_windows></workspace>";
        let expected = WorkspaceLayout {
            command_line: Some(false),
            panel: Some(true),
            coordinates: Some(false),
        };
        assert_eq!(read(attributes), Some(expected));
        assert_eq!(read(elements), Some(expected));
        assert_eq!(read("<workspace/>"), Some(WorkspaceLayout::default()));
        assert_eq!(read("<html>"), None);
        let odd = r#"<workspace status_bar_visible="perhaps"><window object_name="CommandWindow"/></workspace>"#;
        assert_eq!(read(odd), Some(WorkspaceLayout::default()));
    }
}

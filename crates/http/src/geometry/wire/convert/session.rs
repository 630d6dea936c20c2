//! What a session may do.

use serde_json::{Map, Value};
use vitrine_access::permissions::{Permission, PermissionSet};
use vitrine_model::{Customization, Definition};

use crate::geometry::wire::{ResAction, ResTemplate};

/// Name of the template for customizations.
const CUSTOMIZE_REQUEST: &str = "customize-request";

/// What authors may do: permission, name, title and place below the model.
const AUTHORING: &[(Permission, &str, &str, &str)] = &[
    (
        Permission::SettingViewerSet,
        "configure",
        "Save the viewer's settings",
        "config",
    ),
    (
        Permission::SetParameterDefval,
        "defaultparam",
        "Save default values",
        "parameter/defval",
    ),
    (
        Permission::SetParameterUi,
        "parameter-definition",
        "Save how parameters are shown",
        "parameter",
    ),
    (
        Permission::SetOutputUi,
        "output-definition",
        "Save how outputs are shown",
        "output",
    ),
    (
        Permission::SetExportUi,
        "export-definition",
        "Save how exports are shown",
        "export",
    ),
];

/// The actions of a session with these permissions. `public_url` has no slash at its end. Clients read
/// the list as "what is possible", so nothing stands in it that this server does not do.
#[must_use]
pub fn actions(
    public_url: &str,
    session_id: &str,
    model_id: &str,
    permissions: &PermissionSet,
) -> Vec<ResAction> {
    let at = |name: &str, title: &str, method: &str, path: String| ResAction {
        name: name.to_owned(),
        title: title.to_owned(),
        href: format!("{public_url}/api/v2/{path}"),
        method: method.to_owned(),
        template: None,
    };
    let action = |name: &str, title: &str, method: &str, path: &str| {
        at(name, title, method, format!("session/{session_id}/{path}"))
    };
    let mut actions = vec![action(
        "default",
        "Get the defaults of the session",
        "GET",
        "default",
    )];
    if permissions.contains_for_some(Permission::ComputeOutput) {
        actions.push(ResAction {
            template: Some(CUSTOMIZE_REQUEST.to_owned()),
            ..action("customize", "Customize the model", "PUT", "output")
        });
    }
    if permissions.contains_for_some(Permission::ComputeExport) {
        actions.push(action("export", "Export from the model", "PUT", "export"));
    }
    actions.push(action("close", "Close the session", "POST", "close"));
    for (permission, name, title, path) in AUTHORING {
        if permissions.contains(*permission) {
            actions.push(at(name, title, "PATCH", format!("model/{model_id}/{path}")));
        }
    }
    actions
}

/// Patterns for request bodies, filled with the default values.
#[must_use]
pub fn templates(definition: &Definition, values: Option<&Customization>) -> Vec<ResTemplate> {
    let data: Map<_, _> = definition
        .parameters
        .iter()
        .map(|parameter| {
            let value = values.and_then(|values| values.get(&parameter.id));
            let wire = parameter.to_wire(value.unwrap_or(&parameter.default));
            (parameter.id.to_string(), Value::String(wire))
        })
        .collect();
    vec![ResTemplate {
        name: CUSTOMIZE_REQUEST.to_owned(),
        title: "Values of all parameters".to_owned(),
        data,
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(permissions: &[Permission]) -> Vec<String> {
        actions(
            "https://v.example",
            "s",
            "m",
            &PermissionSet::of(permissions),
        )
        .into_iter()
        .map(|action| action.name)
        .collect()
    }

    #[test]
    fn actions_follow_the_permissions() {
        assert_eq!(names(&[]), ["default", "close"]);
        assert_eq!(
            names(&[Permission::ComputeOutput, Permission::ComputeExport]),
            ["default", "customize", "export", "close"]
        );
        assert_eq!(
            names(&[Permission::SetParameterDefval, Permission::SetExportUi]),
            ["default", "close", "defaultparam", "export-definition"]
        );
    }

    #[test]
    fn links_are_absolute() {
        let all = actions("https://v.example", "0a", "m", &PermissionSet::all());
        let close = all.iter().find(|action| action.name == "close").unwrap();
        assert_eq!(close.href, "https://v.example/api/v2/session/0a/close");
        assert_eq!(close.method, "POST");
        let configure = all
            .iter()
            .find(|action| action.name == "configure")
            .unwrap();
        assert_eq!(configure.href, "https://v.example/api/v2/model/m/config");
    }
}

use super::*;
use crate::limits::{LIMITED_ID_BYTES_MAX, LIMITED_PERMISSIONS_MAX};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn scoped(scopes: &[&str]) -> PermissionSet {
    let (set, unknown) = PermissionSet::from_scopes(scopes);
    assert_eq!(unknown, Vec::<String>::new(), "{scopes:?}");
    set
}

fn names(set: &PermissionSet) -> Vec<&'static str> {
    let held = Permission::ALL
        .iter()
        .filter(|permission| set.contains(**permission));
    held.map(|permission| permission.as_str()).collect()
}

#[test]
fn there_are_forty_three_distinct_permissions() {
    let texts: BTreeSet<_> = Permission::ALL
        .iter()
        .map(|permission| permission.as_str())
        .collect();
    assert_eq!(texts.len(), 43);
    assert_eq!(Permission::ALL.len(), 43);
}

#[test]
fn group_scopes_expand_by_the_table() {
    assert_eq!(
        names(&scoped(&["group.export"])),
        ["compute.export.*", "cache.export.get.*"]
    );
    assert_eq!(
        names(&scoped(&["group.analytics"])),
        ["analytics.model.get.*"]
    );
    let view = scoped(&["group.view"]);
    assert!(view.contains(Permission::AuthSession) && view.contains(Permission::ComputeOutput));
    assert!(!view.contains(Permission::ComputeExport) && !view.contains(Permission::FileUpload));
    let owner = scoped(&["group.owner"]);
    assert!(owner.contains(Permission::FileUpload) && owner.contains(Permission::SetExportUi));
    assert!(!owner.contains(Permission::FileDownload) && !owner.contains(Permission::AuthSession));
}

#[test]
fn no_group_expands_to_a_reserved_permission() {
    for group in [
        "group.view",
        "group.export",
        "group.owner",
        "group.analytics",
    ] {
        let set = scoped(&[group]);
        assert_eq!(set.clone().without_reserved(), set, "{group}");
    }
}

#[test]
fn a_star_covers_every_qualifier_below_and_nothing_beside() {
    let cache = names(&scoped(&["cache.*"]));
    assert_eq!(cache.len(), 8);
    assert!(cache.iter().all(|name| name.starts_with("cache.")));
    assert_eq!(names(&scoped(&["get.output*"])), ["get.output.*"]);
    assert_eq!(names(&scoped(&["get.output.*"])), ["get.output.*"]);
    assert_eq!(
        names(&scoped(&["file.*"])),
        ["file.upload", "file.download"]
    );
    assert_eq!(names(&scoped(&["create"])), ["create"]);
    assert_eq!(scoped(&["*"]), PermissionSet::all());
}

#[test]
fn scopes_that_mean_nothing_are_reported() {
    let strange = [
        "",
        "group.*",
        "group.admin",
        "get",
        "get.output",
        "get.out*",
        "s*",
        "compute.output.",
        "compute.output.a.b",
        "compute.output.ä",
        "file.upload.x",
        "**",
        "*.get",
        "Create",
        " create",
    ];
    let (set, unknown) = PermissionSet::from_scopes(&strange);
    assert!(set.is_empty());
    assert_eq!(unknown, strange);
}

#[test]
fn a_permission_for_one_id_holds_for_that_id_only() {
    let set = scoped(&["compute.output.abc", "get.output.*"]);
    assert!(!set.contains(Permission::ComputeOutput));
    assert!(set.contains_for_some(Permission::ComputeOutput));
    assert!(set.contains_for(Permission::ComputeOutput, "abc"));
    assert!(!set.contains_for(Permission::ComputeOutput, "abd"));
    assert!(!set.contains_for(Permission::ComputeExport, "abc"));
    assert!(set.contains_for(Permission::GetOutput, "anything"));
}

#[test]
fn ids_and_their_number_are_bounded() {
    let id = "a".repeat(LIMITED_ID_BYTES_MAX);
    assert!(
        PermissionSet::from_scopes(&[format!("get.output.{id}")])
            .1
            .is_empty()
    );
    assert_eq!(
        PermissionSet::from_scopes(&[format!("get.output.{id}a")])
            .1
            .len(),
        1
    );
    let many: Vec<_> = (0..=LIMITED_PERMISSIONS_MAX)
        .map(|n| format!("get.output.{n}"))
        .collect();
    assert_eq!(PermissionSet::from_scopes(&many).1.len(), 1);
    assert!(PermissionSet::from_storage(&many[1..].join(" ")).is_ok());
    assert!(PermissionSet::from_storage(&many.join(" ")).is_err());
}

#[test]
fn reserved_permissions_can_be_taken_out_even_when_limited() {
    let set = scoped(&["*", "setting.auth.ticket.create.x"]).without_reserved();
    assert_eq!(names(&set).len(), 43 - RESERVED.len());
    let limited = scoped(&["script.confirm.x"]).without_reserved();
    assert!(limited.is_empty());
}

#[test]
fn sessions_may_view_and_export_and_authors_also_what_owners_may() {
    let plain = PermissionSet::session_grants(false);
    assert!(plain.contains(Permission::ComputeOutput) && plain.contains(Permission::ComputeExport));
    assert!(!plain.contains(Permission::AssetFileGet) && !plain.contains(Permission::AssetSdtfGet));
    assert!(!plain.contains(Permission::SetParameterUi));
    let author = PermissionSet::session_grants(true);
    assert!(author.contains(Permission::SetParameterUi));
    assert_eq!(author.clone().without_reserved(), author);
}

#[test]
fn half_understood_storage_is_an_error() {
    for text in ["fly", "create fly", "group.view", "cache.*", "get.output"] {
        assert_eq!(
            PermissionSet::from_storage(text),
            Err(PermissionError::Unknown),
            "{text}"
        );
    }
    assert_eq!(PermissionSet::from_storage(""), Ok(PermissionSet::EMPTY));
}

fn sets() -> impl Strategy<Value = PermissionSet> {
    let held = proptest::collection::vec(proptest::sample::select(Permission::ALL), 0..20);
    let starred = Permission::ALL
        .iter()
        .copied()
        .filter(|p| p.as_str().ends_with('*'));
    let limited = (
        proptest::sample::select(starred.collect::<Vec<_>>()),
        "[0-9a-z-]{1,36}",
    );
    (held, proptest::collection::vec(limited, 0..6)).prop_map(|(held, limited)| {
        let scopes: Vec<_> = limited
            .iter()
            .map(|(permission, id)| permission.limited_to(id))
            .collect();
        PermissionSet::of(&held).union(&PermissionSet::from_scopes(&scopes).0)
    })
}

proptest! {
    #[test]
    fn sets_survive_storage(set in sets()) {
        prop_assert_eq!(PermissionSet::from_storage(&set.to_storage()), Ok(set));
    }

    #[test]
    fn a_union_allows_what_either_allows(a in sets(), b in sets(), id in "[0-9a-z-]{1,36}") {
        let union = a.union(&b);
        for permission in Permission::ALL {
            let either = a.contains_for(*permission, &id) || b.contains_for(*permission, &id);
            prop_assert_eq!(union.contains_for(*permission, &id), either);
        }
        prop_assert_eq!(&union, &b.union(&a));
    }
}

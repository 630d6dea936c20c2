//! Lists by conditions, members, domains of accounts, and sums of usage. A store that checks plans refuses
//! each of these queries that has no index.

use std::time::Duration;

use vitrine_access::{Origin, Owner, Plan, Role, SessionClass, UsageKind, Visibility};
use vitrine_store::{
    Clause, Condition, ListCursor, ListQuery, MODEL_FIELDS, MetricScope, ModelRecord, ModelScope,
    Operand, SortBy, Store, Test,
};

use crate::Builder;
use crate::builders::domains;

super::cases! {
    0x1000:
    every_scope_and_order_has_an_index,
    a_page_goes_on_where_the_one_before_ended,
    members_and_their_roles_are_found_again,
    domains_of_the_account_count_for_models_that_use_them,
    usage_is_added_up_by_stretch_kind_class_and_chunks,
}

async fn listed(
    store: &Store,
    make: &Builder,
    owner: Owner,
    visibility: Visibility,
) -> ModelRecord {
    let mut model = make.model(owner);
    model.listing.visibility = visibility;
    store.insert_model(&model).await.unwrap();
    model
}

fn condition(name: &str, test: Test) -> Condition {
    let field = MODEL_FIELDS
        .iter()
        .find(|field| field.name == name)
        .unwrap();
    Condition { field, test }
}

async fn every_scope_and_order_has_an_index(store: &Store, make: &Builder) {
    let owner = make.stored_member(store).await.unwrap();
    let other = make.stored_owner(store).await.unwrap();
    let organization = owner.organization.unwrap();
    let model = listed(store, make, owner, Visibility::Organization).await;
    let public = listed(store, make, other, Visibility::Public).await;
    let id = |model: &ModelRecord| Test::Is(Operand::Id(*model.id.as_bytes()));
    let of_organization = |private| ModelScope::OfOrganization {
        organization,
        but: other.user,
        private,
    };
    let of_everybody = ModelScope::Public {
        but_user: Some(owner.user),
        but_organization: Some(organization),
    };
    let scopes = [
        (ModelScope::OfUser(owner.user), &model),
        (of_organization(true), &model),
        (of_organization(false), &model),
        (of_everybody, &public),
    ];
    let text = |text: &str| Operand::Text(text.to_owned());
    for (scope, expected) in scopes {
        for sort in [SortBy::Created, SortBy::Updated] {
            for descending in [true, false] {
                let far = if descending { i64::MAX } else { i64::MIN };
                let query = ListQuery {
                    clauses: vec![
                        Clause::All(vec![condition("id", id(expected))]),
                        Clause::All(vec![condition("title", Test::Contains("SHELF".to_owned()))]),
                        Clause::Any(vec![
                            condition("status", Test::In(vec![text("done"), text("start")])),
                            condition("deleted_at", Test::Present),
                            condition("slug", Test::IsNot(text("x"))),
                        ]),
                        Clause::All(vec![
                            condition("created_at", Test::MoreOrIs(Operand::Number(0))),
                            condition("updated_at", Test::LessOrIs(Operand::Number(i64::MAX))),
                            condition("prev_id", Test::Empty),
                        ]),
                        Clause::All(Vec::new()),
                    ],
                    sort,
                    descending,
                    after: Some(ListCursor {
                        at: vitrine_access::Timestamp::from_unix_ms(far),
                        id: [0xff; 16],
                    }),
                    limit: 10,
                };
                let found = store.query_models(&scope, &query).await.unwrap();
                let ids: Vec<_> = found.iter().map(|model| model.id).collect();
                assert_eq!(ids, [expected.id], "{scope:?} {sort:?} {descending}");
            }
        }
    }
    let mut next = make.model(owner);
    next.listing.previous = Some(model.id);
    store.insert_model(&next).await.unwrap();
    let found = store.successors_unscoped(model.id, 10).await.unwrap();
    assert_eq!(found, [next]);
}

async fn a_page_goes_on_where_the_one_before_ended(store: &Store, make: &Builder) {
    let owner = make.stored_owner(store).await.unwrap();
    let mut ids = Vec::new();
    // All of one moment, so that only ids tell them apart.
    for _ in 0..5 {
        ids.push(listed(store, make, owner, Visibility::Private).await.id);
    }
    ids.sort_unstable();
    for descending in [true, false] {
        let mut query = ListQuery {
            descending,
            limit: 2,
            ..ListQuery::default()
        };
        let mut seen = Vec::new();
        loop {
            let scope = ModelScope::OfUser(owner.user);
            let page = store.query_models(&scope, &query).await.unwrap();
            let Some(last) = page.last() else { break };
            query.after = Some(ListCursor {
                at: last.created_at,
                id: *last.id.as_bytes(),
            });
            seen.extend(page.iter().map(|model| model.id));
        }
        if descending {
            seen.reverse();
        }
        assert_eq!(seen, ids);
    }
}

async fn members_and_their_roles_are_found_again(store: &Store, make: &Builder) {
    let owner = make.stored_member(store).await.unwrap();
    let organization = owner.organization.unwrap();
    assert!(store.members(organization, 10).await.unwrap().is_empty());
    let member = Some((organization, Role::Admin));
    assert!(store.set_member(owner.user, member).await.unwrap());
    let found = store.members(organization, 10).await.unwrap();
    assert_eq!(found[0].member, member);
    assert!(store.set_user_name(owner.user, "Grace").await.unwrap());
    let free = Plan::named("free").unwrap();
    assert!(store.set_user_plan(owner.user, free).await.unwrap());
    assert!(
        store
            .set_organization_plan(organization, free)
            .await
            .unwrap()
    );
    let found = store.organization(organization).await.unwrap().unwrap();
    assert_eq!(found.plan, free);
    assert!(store.set_member(owner.user, None).await.unwrap());
    let user = store.user(owner.user).await.unwrap().unwrap();
    assert_eq!((user.member, user.name.as_str()), (None, "Grace"));
}

async fn domains_of_the_account_count_for_models_that_use_them(store: &Store, make: &Builder) {
    let page = Origin::from_header_values(&[b"https://account.example"])
        .unwrap()
        .unwrap();
    let alone = make.stored_owner(store).await.unwrap();
    let member = make.stored_member(store).await.unwrap();
    let list = domains(&["account.example"]);
    for (owner, on) in [
        (alone, true),
        (alone, false),
        (member, true),
        (member, false),
    ] {
        let mut model = make.model(owner);
        model.listing.use_account_domains = on;
        store.insert_model(&model).await.unwrap();
        let allows = async || {
            let found = store.model_unscoped(model.id).await.unwrap().unwrap();
            found.allowed.allows(&page)
        };
        assert!(!allows().await);
        let set = match owner.organization {
            Some(organization) => store.set_organization_domains(organization, &list).await,
            None => store.set_user_domains(owner.user, &list).await,
        };
        assert!(set.unwrap());
        assert_eq!(allows().await, on);
        let none = domains(&[]);
        store.set_user_domains(owner.user, &none).await.unwrap();
        if let Some(organization) = owner.organization {
            store
                .set_organization_domains(organization, &none)
                .await
                .unwrap();
        }
    }
}

async fn usage_is_added_up_by_stretch_kind_class_and_chunks(store: &Store, make: &Builder) {
    const HOUR_MS: i64 = 3_600_000;
    let owner = make.stored_member(store).await.unwrap();
    let model = make.model(owner);
    store.insert_model(&model).await.unwrap();
    let event = |minutes: u64, kind: UsageKind, duration_ms: u64| {
        let mut event = make.usage(&make.session(&model), kind);
        event.class = SessionClass::Limited;
        event.duration_ms = duration_ms;
        event.credits = 2;
        event.at = make.now.plus(Duration::from_mins(minutes));
        event
    };
    let events = vec![
        event(0, UsageKind::Computation, 9_999),
        event(59, UsageKind::Computation, 10_000),
        event(59, UsageKind::Computation, 19_999),
        event(60, UsageKind::Export, 0),
    ];
    store.append_usage(events.clone()).await.unwrap();
    store.append_usage(events).await.unwrap();
    let until = make.now.plus(Duration::from_hours(2));
    let scopes = [
        MetricScope::Model(model.id),
        MetricScope::User(owner.user),
        MetricScope::Organization(owner.organization.unwrap()),
    ];
    for scope in scopes {
        let groups = store
            .usage_groups(scope, HOUR_MS, make.now, until)
            .await
            .unwrap();
        let mut seen: Vec<_> = groups
            .iter()
            .map(|group| {
                (
                    group.start,
                    group.chunks,
                    group.count,
                    group.credits,
                    group.duration_ms,
                )
            })
            .collect();
        seen.sort_unstable();
        let hour = make.now.plus(Duration::from_hours(1));
        let expected = [
            (make.now, 0, 1, 2, 9_999),
            (make.now, 1, 2, 4, 29_999),
            (hour, 0, 1, 2, 0),
        ];
        assert_eq!(seen, expected, "{scope:?}");
    }
}

//! Lists by conditions, members, domains of accounts, and sums of usage. A store that checks plans refuses
//! each of these queries that has no index.

use std::time::Duration;

use vitrine_access::{
    CapWindow, ModelId, Origin, Owner, Plan, Role, SessionClass, Timestamp, UsageEvent, UsageKind,
    UserId, Visibility,
};
use vitrine_store::{
    Clause, Condition, Field, FieldKind, ListCursor, ListQuery, MODEL_FIELDS, MetricList,
    MetricScope, ModelRecord, ModelScope, NOTIFICATION_FIELDS, Operand, SortBy, Store, Test,
};

use crate::Builder;
use crate::builders::domains;

super::cases! {
    0x1000:
    every_scope_and_order_has_an_index,
    every_field_and_operator_of_a_list_has_an_index,
    a_page_goes_on_where_the_one_before_ended,
    members_and_their_roles_are_found_again,
    domains_of_the_account_count_for_models_that_use_them,
    usage_is_added_up_by_stretch_kind_class_and_chunks,
    sums_that_are_made_anew_are_the_same,
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
        but: Some(other.user),
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

/// Every comparison that the language has for fields of this kind.
fn tests_of(kind: FieldKind) -> Vec<Test> {
    let operand = match kind {
        FieldKind::Id => Operand::Id([7; 16]),
        FieldKind::Text => Operand::Text("private".to_owned()),
        FieldKind::Instant | FieldKind::Switch | FieldKind::Number => Operand::Number(1),
    };
    let mut tests = vec![Test::Empty, Test::Present, Test::Never, Test::Always];
    let compared = matches!(kind, FieldKind::Instant | FieldKind::Number);
    if compared {
        tests.extend([
            Test::Less(operand.clone()),
            Test::LessOrIs(operand.clone()),
            Test::More(operand.clone()),
            Test::MoreOrIs(operand.clone()),
        ]);
    }
    if kind == FieldKind::Text {
        tests.push(Test::Contains("a_%".to_owned()));
    }
    tests.extend([
        Test::Is(operand.clone()),
        Test::IsNot(operand.clone()),
        Test::In(vec![operand.clone(), operand]),
    ]);
    tests
}

/// A store that checks plans refuses whatever would read a whole table, on either database.
async fn every_field_and_operator_of_a_list_has_an_index(store: &Store, make: &Builder) {
    let owner = make.stored_member(store).await.unwrap();
    let scopes = [
        ModelScope::OfUser(owner.user),
        ModelScope::OfOrganization {
            organization: owner.organization.unwrap(),
            but: Some(owner.user),
            private: false,
        },
        ModelScope::Public {
            but_user: None,
            but_organization: None,
        },
        ModelScope::Public {
            but_user: Some(owner.user),
            but_organization: owner.organization,
        },
    ];
    let orders = [SortBy::Created, SortBy::Updated]
        .into_iter()
        .flat_map(|sort| [(sort, true), (sort, false)]);
    let mut asked = 0;
    for (sort, descending) in orders {
        let query = |field: &'static Field, test: Test, paged: bool| {
            let one = Condition { field, test };
            let other = Condition {
                field,
                test: Test::Never,
            };
            ListQuery {
                clauses: vec![
                    Clause::All(vec![one.clone()]),
                    Clause::Any(vec![one, other]),
                ],
                sort,
                descending,
                after: paged.then_some(ListCursor {
                    at: make.now,
                    id: [7; 16],
                }),
                limit: 10,
            }
        };
        for field in MODEL_FIELDS {
            for test in tests_of(field.kind) {
                for scope in &scopes {
                    let query = query(field, test.clone(), asked % 2 == 0);
                    store.query_models(scope, &query).await.unwrap();
                    asked += 1;
                }
            }
        }
        if sort == SortBy::Created {
            for field in NOTIFICATION_FIELDS {
                for test in tests_of(field.kind) {
                    let query = query(field, test, asked % 2 == 0);
                    store.notifications(owner.user, &query).await.unwrap();
                    asked += 1;
                }
            }
        }
    }
    assert!(asked > 1_000, "{asked}");
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
    let organization = owner.organization.unwrap();
    let scopes = [
        MetricScope::Model(model.id),
        MetricScope::User(owner.user),
        MetricScope::Organization(organization),
        MetricScope::ModelOfUser(model.id, owner.user),
        MetricScope::ModelOfOrganization(model.id, organization),
    ];
    // None of them rolled up, some, and all.
    for round in [0, 2, 4_096] {
        store.roll_usage(round).await.unwrap();
        for scope in scopes {
            hours_are_right(store, make, scope, until).await;
        }
    }
    let strangers = [
        MetricScope::Model(ModelId::new(make.entropy())),
        MetricScope::ModelOfUser(model.id, UserId::new(make.entropy())),
    ];
    for scope in strangers {
        let groups = store.usage_groups(scope, CapWindow::Hour, make.now, until);
        assert_eq!(groups.await.unwrap(), [], "{scope:?}");
    }
    for list in [
        MetricList::ModelsOfUser(owner.user),
        MetricList::ModelsOfOrganization(organization),
    ] {
        let listed = store.usage_list(list, CapWindow::Day, until).await.unwrap();
        let [(id, groups)] = &listed[..] else {
            panic!("{listed:?}");
        };
        assert_eq!(id, model.id.as_bytes());
        let credits: u64 = groups.iter().map(|group| group.credits).sum();
        assert_eq!(credits, 8);
    }
}

async fn hours_are_right(store: &Store, make: &Builder, scope: MetricScope, until: Timestamp) {
    let groups = store
        .usage_groups(scope, CapWindow::Hour, make.now, until)
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
        (make.now, 1, 2, 4, 19_999),
        (make.now, 2, 1, 2, 19_999),
        (hour, 0, 1, 2, 0),
    ];
    assert_eq!(seen, expected, "{scope:?}");
}

async fn sums_that_are_made_anew_are_the_same(store: &Store, make: &Builder) {
    let model = make.stored_model(store).await.unwrap();
    let owner = model.owner.user;
    let events: Vec<UsageEvent> = (0..300_u32)
        .map(|n| {
            let kind = UsageKind::ALL[n as usize % UsageKind::ALL.len()];
            let mut event = make.usage(&make.session(&model), kind);
            // Clocks jump back and forth, over the ends of hours, days and months.
            event.at = make
                .now
                .plus(Duration::from_mins(u64::from(n * 7_919 % 90_000)));
            event.duration_ms = u64::from(n) * 97;
            event
        })
        .collect();
    store.append_usage(events).await.unwrap();
    let until = make.now.plus(Duration::from_hours(24 * 90));
    let mut rounds = Vec::new();
    for _ in 0..2 {
        while store.roll_usage(64).await.unwrap() > 0 {}
        let mut all = Vec::new();
        for period in CapWindow::ALL {
            for scope in [MetricScope::User(owner), MetricScope::Model(model.id)] {
                let groups = store.usage_groups(scope, period, Timestamp::from_unix_ms(0), until);
                let groups = groups.await.unwrap();
                let count: u64 = groups.iter().map(|group| group.count).sum();
                assert_eq!(count, 300, "{period:?} {scope:?}");
                all.push(groups);
            }
        }
        rounds.push(all);
        store.rebuild_rollups().await.unwrap();
    }
    assert_eq!(rounds[0], rounds[1]);
}

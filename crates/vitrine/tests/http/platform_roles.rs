//! Who may do what with whose models: every role, visibility and operation against a golden table.

use std::fmt::Write as _;

use serde_json::{Value, json};
use vitrine_access::caps::CapScope;
use vitrine_access::ids::{OrganizationId, UserId};
use vitrine_access::owner::Payer;
use vitrine_access::plan::{Feature, Limit, Plan};
use vitrine_access::platform::{Role, Visibility};
use vitrine_service::OrganizationRecord;

use crate::app::{Answer, CUBE, Call, SHOP, TestApp};
use crate::platform::{access, key};

/// A user with models, or without; and a token for them.
pub(crate) async fn somebody(app: &TestApp, name: &str) -> (UserId, String) {
    let user = UserId::new(app.entropy());
    app.push_for(user, name, CUBE).await;
    let token = access(app, &key(app, Some(&user.to_string()), None).await).await;
    (user, token)
}

pub(crate) async fn organization(app: &TestApp, name: &str) -> OrganizationId {
    let id = OrganizationId::new(app.entropy());
    let record = OrganizationRecord::new(id, name.to_owned(), app.services.now());
    app.services
        .store()
        .insert_organization(&record)
        .await
        .unwrap();
    id
}

pub(crate) async fn join(app: &TestApp, user: UserId, organization: OrganizationId, role: Role) {
    let joined = app.services.set_member(user, organization, role);
    joined.await.unwrap();
}

fn as_whom(call: Call, token: Option<&str>) -> Call {
    match token {
        Some(token) => call.bearer(token),
        None => call,
    }
}

/// What was given, in a word: a ticket, a token, nothing, or the reason of the refusal.
fn given(answer: &Answer, member: &str) -> String {
    let body = answer.json();
    if answer.status.as_u16() != 200 {
        return body["error"]["code"].as_str().unwrap().to_owned();
    }
    match &body["data"][member] {
        Value::Null => "nothing".to_owned(),
        _ => "yes".to_owned(),
    }
}

const EMBEDS: [(&str, &str); 5] = [
    ("ticket", "ticket"),
    ("backend_ticket", "backend_ticket"),
    ("author_ticket", "author_ticket"),
    ("token_export", "access_token"),
    ("token_owner", "access_token"),
];

/// With whom the models are shared, and by which rights.
const SHARED: [(&str, &[&str]); 3] = [
    ("shared-view", &["SharedModelPolicyView"]),
    ("shared-export", &["SharedModelPolicyExport"]),
    (
        "shared-all",
        &[
            "SharedModelPolicyView",
            "SharedModelPolicyExport",
            "SharedModelPolicyBackendApi",
            "SharedModelPolicyDownload",
        ],
    ),
];

/// Whether it was done, or the reason of the refusal.
fn done(answer: &Answer) -> String {
    match answer.status.as_u16() {
        200 => "yes".to_owned(),
        _ => answer.json()["error"]["code"].as_str().unwrap().to_owned(),
    }
}

#[tokio::test]
#[expect(
    clippy::too_many_lines,
    reason = "a table: one entry for each thing that is tried"
)]
async fn every_role_may_do_with_a_model_what_the_table_says() {
    let app = TestApp::start().await;
    let acme = organization(&app, "Acme Ltd").await;
    let (owner, owner_token) = somebody(&app, "owners").await;
    join(&app, owner, acme, Role::User).await;
    let mut people = vec![("owner".to_owned(), Some(owner_token.clone()))];
    for role in Role::ALL {
        let name = format!("org-{}", role.as_str());
        let (user, token) = somebody(&app, &name).await;
        join(&app, user, acme, *role).await;
        people.push((name, Some(token)));
    }
    people.push((
        "stranger".to_owned(),
        Some(somebody(&app, "strangers").await.1),
    ));
    let mut receivers = Vec::new();
    for (name, policies) in SHARED {
        let (user, token) = somebody(&app, name).await;
        people.push((name.to_owned(), Some(token)));
        receivers.push((user, policies));
    }
    people.push(("anonymous".to_owned(), None));
    let mut table = String::new();
    for visibility in Visibility::ALL {
        let word = visibility.as_str();
        let made = Call::post("/api/v1/models").json(&json!({
            "title": format!("{word} model"), "visibility": word, "backendaccess": true,
        }));
        let made = app.send(made.bearer(&owner_token)).await.expect(200).json();
        let id = made["data"]["id"].as_str().unwrap().to_owned();
        for (user, policies) in &receivers {
            let body = json!({
                "user_id": user.to_string(), "model_id": id, "policy_aliases": policies,
            });
            let call = Call::post("/api/v1/model_sharing/model_sharing_multiple").json(&body);
            app.send(call.bearer(&owner_token)).await.expect(200);
        }
        for (name, token) in &people {
            let token = token.as_deref();
            write!(table, "{word:<13}{name:<15}").unwrap();
            for (embed, member) in EMBEDS {
                let call = Call::get(&format!("/api/v1/models/{id}?embed={embed}"));
                let answer = app.send(as_whom(call, token)).await;
                write!(table, " {embed}={}", given(&answer, member)).unwrap();
            }
            let call = Call::new("PATCH", &format!("/api/v1/models/{id}")).json(&json!({}));
            let answer = app.send(as_whom(call, token)).await;
            write!(table, " change={}", given(&answer, "id")).unwrap();
            for scope in ["group.analytics", "file.download"] {
                let scopes = json!({ "id": id, "scope": [scope] });
                let call = Call::post("/api/v1/tokens").json(&scopes);
                let answer = app.send(as_whom(call, token)).await;
                write!(table, " {scope}={}", given(&answer, "access_token")).unwrap();
            }
            for (what, path) in [
                ("tickets", "tickets/query"),
                ("sessions", "sessions/query"),
                ("trail", "audit/query"),
            ] {
                let call = Call::post(&format!("/api/v1/models/{id}/{path}")).json(&json!({}));
                let answer = app.send(as_whom(call, token)).await;
                write!(table, " {what}={}", given(&answer, "result")).unwrap();
            }
            let call = Call::get(&format!("/api/v1/model_sharing/model/{id}/grouped_by_user"));
            let answer = app.send(as_whom(call, token)).await;
            write!(table, " shares={}", done(&answer)).unwrap();
            let call = Call::get(&format!("/api/v1/model_sharing/model/{id}/user/{owner}"));
            let answer = app.send(as_whom(call, token)).await;
            write!(table, " rights={}", done(&answer)).unwrap();
            let path = format!("/api/v1/model_sharing/model/{id}/copy");
            let call = Call::post(&path).json(&json!({ "model_id": id }));
            let answer = app.send(as_whom(call, token)).await;
            write!(table, " copy={}", done(&answer)).unwrap();
            let cap = json!({ "model_id": id, "credits": null });
            let call = Call::post("/api/v1/credit_caps").json(&cap);
            let answer = app.send(as_whom(call, token)).await;
            write!(table, " cap={}", done(&answer)).unwrap();
            let call = Call::new("DELETE", &format!("/api/v1/models/{id}"));
            let answer = app.send(as_whom(call, token)).await;
            write!(table, " delete={}", done(&answer)).unwrap();
            if answer.status.as_u16() == 200 {
                let call = Call::new("PATCH", &format!("/api/v1/models/{id}"));
                let call = call.json(&json!({ "deleted_at": null }));
                app.send(as_whom(call, token)).await.expect(200);
            }
            let call = Call::post("/api/v1/models/query").json(&json!({ "limit": 100 }));
            let answer = app.send(as_whom(call, token)).await;
            let listed = answer.json()["data"]["result"]
                .as_array()
                .is_some_and(|rows| rows.iter().any(|row| row["id"] == id));
            writeln!(table, " listed={}", if listed { "yes" } else { "no" }).unwrap();
        }
    }
    insta::assert_snapshot!("platform_roles", table);
    app.finish().await;
}

#[tokio::test]
#[expect(
    clippy::too_many_lines,
    reason = "a table: one entry for each thing that is tried"
)]
async fn every_role_may_do_with_an_organization_what_the_table_says() {
    let app = TestApp::start().await;
    let mut table = String::new();
    let mut roles: Vec<Option<Role>> = Role::ALL.iter().copied().map(Some).collect();
    roles.push(None);
    for (n, role) in roles.iter().enumerate() {
        // An organization each, so that what one does is nothing to the others.
        let acme = organization(&app, "Acme Ltd").await;
        let name = role.map_or("stranger", Role::as_str);
        let (user, token) = somebody(&app, &format!("{name}{n}")).await;
        if let Some(role) = role {
            join(&app, user, acme, *role).await;
        }
        let mut others = Vec::new();
        for (m, role) in [Role::Owner, Role::Admin, Role::User]
            .into_iter()
            .enumerate()
        {
            let (other, _) = somebody(&app, &format!("other{n}{m}")).await;
            join(&app, other, acme, role).await;
            others.push(other);
        }
        let (receiver, _) = somebody(&app, &format!("receiver{n}")).await;
        let at = |rest: &str| format!("/api/v1/organizations/{acme}{rest}");
        let [owner, admin, member] = [0, 1, 2].map(|m| format!("/user/{}", others[m]));
        let invitation = format!("/invitation/{receiver}");
        let none = json!({});
        write!(table, "{name:<10}").unwrap();
        let cap = json!({ "organization_id": acme.to_string(), "credits": 1_000 });
        let call = Call::post("/api/v1/credit_caps").json(&cap).bearer(&token);
        write!(table, " cap={}", done(&app.send(call).await)).unwrap();
        for (what, method, rest, body) in [
            ("see", "GET", "", &none),
            ("members", "POST", "/user/query", &none),
            ("invitations", "GET", "/invitation", &none),
            ("change", "PATCH", "", &none),
            (
                "promote",
                "PATCH",
                member.as_str(),
                &json!({ "organization_role": "manager" }),
            ),
            (
                "crown",
                "PATCH",
                member.as_str(),
                &json!({ "organization_role": "owner" }),
            ),
            (
                "dethrone",
                "PATCH",
                owner.as_str(),
                &json!({ "organization_role": "user" }),
            ),
            ("invite", "POST", invitation.as_str(), &none),
            (
                "invite-owner",
                "POST",
                invitation.as_str(),
                &json!({ "organization_role": "owner" }),
            ),
            ("withdraw", "DELETE", invitation.as_str(), &none),
            (
                "by-email",
                "POST",
                "/invitation_by_email",
                &json!({ "email": "a@example.com" }),
            ),
            ("remove-admin", "DELETE", admin.as_str(), &none),
            ("remove-owner", "DELETE", owner.as_str(), &none),
            ("end", "DELETE", "", &none),
        ] {
            let call = Call::new(method, &at(rest)).bearer(&token);
            let call = if method == "GET" {
                call
            } else {
                call.json(body)
            };
            let answer = app.send(call).await;
            write!(table, " {what}={}", done(&answer)).unwrap();
        }
        table.push('\n');
    }
    insta::assert_snapshot!("organization_roles", table);
    app.finish().await;
}

#[tokio::test]
async fn members_are_changed_by_administrators_and_owners_by_owners() {
    let app = TestApp::start().await;
    let acme = organization(&app, "Acme Ltd").await;
    let mut people = Vec::new();
    for role in [Role::Owner, Role::Admin, Role::Manager] {
        let (user, token) = somebody(&app, role.as_str()).await;
        join(&app, user, acme, role).await;
        people.push((user, token));
    }
    let change = |by: usize, whom: usize, role: &str| {
        let path = format!("/api/v1/organizations/{acme}/user/{}", people[whom].0);
        let body = json!({ "organization_role": role });
        Call::new("PATCH", &path).json(&body).bearer(&people[by].1)
    };
    for (by, whom, role, status) in [
        (2, 1, "user", 403),
        (1, 0, "user", 403),
        (1, 2, "owner", 403),
        (1, 1, "owner", 403),
        (1, 2, "emperor", 400),
        (1, 2, "suspended", 200),
        (0, 1, "owner", 200),
        (1, 0, "admin", 200),
    ] {
        app.send(change(by, whom, role)).await.expect(status);
    }
    let path = format!("/api/v1/users/{}", people[2].0);
    // Who is suspended is signed out at once.
    app.send(Call::get(&path).bearer(&people[2].1))
        .await
        .expect(401);
    app.finish().await;
}

#[tokio::test]
async fn domains_of_an_account_open_the_models_that_say_so_at_once() {
    let app = TestApp::start().await;
    let (user, token) = somebody(&app, "hers").await;
    let frame = || Call::post("/api/v1/models/iframe/hers").origin("https://page.example.com");
    app.send(frame()).await.expect(403);
    let domains = json!({ "global_accessdomains": ["page.example.com"] });
    let call = Call::new("PATCH", &format!("/api/v1/users/{user}")).json(&domains);
    let shown = app.send(call.bearer(&token)).await.expect(200).json();
    assert_eq!(
        shown["data"]["global_accessdomains"][0]["name"],
        "page.example.com"
    );
    app.send(frame()).await.expect(403);
    let switch = json!({ "use_global_accessdomains": true });
    let call = Call::new("PATCH", "/api/v1/models/hers").json(&switch);
    app.send(call.bearer(&token)).await.expect(200);
    let framed = app.send(frame()).await.expect(200).json();
    let ticket = framed["data"]["ticket"].as_str().unwrap();
    let open = Call::post(&format!("/api/v2/ticket/{ticket}")).json(&json!({}));
    app.send(open.clone().origin("https://page.example.com"))
        .await
        .expect(201);
    app.send(Call::post("/api/v1/models/iframe/hers").origin(SHOP))
        .await
        .expect(200);
    let domains = json!({ "global_accessdomains": [] });
    let call = Call::new("PATCH", &format!("/api/v1/users/{user}")).json(&domains);
    app.send(call.bearer(&token)).await.expect(200);
    app.send(open.origin("https://page.example.com"))
        .await
        .expect(403);
    app.send(frame()).await.expect(403);
    app.finish().await;
}

#[tokio::test]
async fn what_a_plan_does_not_allow_is_refused_by_limit_and_plan() {
    let app = TestApp::start().await;
    let (user, token) = somebody(&app, "hers").await;
    let set = |path: &str, body: Value| Call::new("PATCH", path).json(&body).bearer(&token);
    let me = format!("/api/v1/users/{user}");
    let two = ["a.example.com", "b.example.com", "localhost:3000"];
    let calls = || {
        [
            (
                "max_accessdomains",
                set("/api/v1/models/hers", json!({ "accessdomains": two })),
            ),
            (
                "max_accessdomains",
                set(&me, json!({ "global_accessdomains": two })),
            ),
            (
                "backend_api",
                set("/api/v1/models/hers", json!({ "backendaccess": true })),
            ),
            (
                "direct_embedding",
                set(
                    "/api/v1/models/hers",
                    json!({ "allow_direct_embedding": true }),
                ),
            ),
            (
                "platform_api",
                Call::post("/api/v1/apitokens")
                    .json(&json!({ "scope": ["*"] }))
                    .bearer(&token),
            ),
        ]
    };
    let plan = |name: &str| {
        app.services
            .set_plan(Payer::User(user), Plan::named(name).unwrap())
    };
    assert!(plan("free").await.unwrap());
    for (limit, call) in calls() {
        let refused = app.send(call).await.expect(403).json();
        assert_eq!(refused["error"]["code"], "plan-exceeded");
        let said = refused["error"]["description"].as_str().unwrap();
        assert!(said.contains(limit) && said.contains("free"), "{said}");
    }
    let one = json!({ "accessdomains": ["a.example.com", "localhost:3000"] });
    app.send(set("/api/v1/models/hers", one)).await.expect(200);
    let shown = app
        .send(Call::get(&me).bearer(&token))
        .await
        .expect(200)
        .json();
    let features = &shown["data"]["features"];
    assert_eq!(features["limit"]["max_accessdomains"], 1);
    assert_eq!(
        features["feature"].as_object().unwrap().len(),
        Feature::ALL.len()
    );
    assert_eq!(
        features["limit"].as_object().unwrap().len(),
        Limit::ALL.len()
    );
    let cap = app.services.caps().await.unwrap().remove(0);
    assert_eq!((cap.scope, cap.credits_max), (CapScope::User(user), 1_000));
    assert!(plan("unlimited").await.unwrap());
    for (_, call) in calls() {
        app.send(call).await.expect(200);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_plan_that_leaves_out_back_ends_ends_their_sessions_at_once() {
    let app = TestApp::start().await;
    let (user, _) = somebody(&app, "hers").await;
    let model = app.services.model_by_slug("hers").await.unwrap().unwrap();
    let ticket = app.backend_ticket(&model).await;
    let session = app.open_backend(&ticket).await;
    app.send(session.defaults()).await.expect(200);
    let plan = async |name: &str| {
        let plan = Plan::named(name).unwrap();
        app.services
            .set_plan(Payer::User(user), plan)
            .await
            .unwrap()
    };
    assert!(plan("free").await);
    app.send(session.defaults()).await.expect(410);
    let refused = app
        .send(Call::post(&format!("/api/v2/ticket/{ticket}")))
        .await;
    assert_eq!(refused.expect(403).json()["code"], "backend-access-off");
    assert!(plan("unlimited").await);
    assert!(app.services.caps().await.unwrap().is_empty());
    app.open_backend(&ticket).await;
    app.finish().await;
}

#[tokio::test]
async fn founding_an_organization_leaves_no_plan_behind() {
    let app = TestApp::start().await;
    let (user, token) = somebody(&app, "hers").await;
    let free = Plan::named("free").unwrap();
    app.services
        .set_plan(Payer::User(user), free)
        .await
        .unwrap();
    let found = Call::post("/api/v1/organizations").bearer(&token);
    let made = app.send(found.json(&json!({ "name": "A way out" }))).await;
    let made = made.expect(200).json();
    let id: OrganizationId = made["data"]["id"].as_str().unwrap().parse().unwrap();
    let stored = app.services.store().organization(id).await.unwrap();
    assert_eq!(stored.unwrap().plan.name, "free");
    let key = Call::post("/api/v1/apitokens").bearer(&token);
    let refused = app
        .send(key.json(&json!({ "description": "x", "scope": ["*"] })))
        .await
        .expect(403)
        .json();
    assert_eq!(refused["error"]["code"], "plan-exceeded");
    app.finish().await;
}

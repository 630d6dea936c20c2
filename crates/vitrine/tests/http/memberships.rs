//! Invitations, seats, members who go, and the end of an organization.

use std::time::Duration;

use serde_json::{Value, json};
use vitrine_access::ids::{OrganizationId, UserId};
use vitrine_access::owner::Payer;
use vitrine_access::plan::Plan;
use vitrine_access::platform::Role;

use crate::app::{CUBE, Call, TestApp};
use crate::platform_roles::{join, organization, somebody};
use crate::second_factors::user;

async fn acme(app: &TestApp) -> (OrganizationId, Vec<(UserId, String)>) {
    let acme = organization(app, "Acme Ltd").await;
    let mut people = Vec::new();
    for role in [Role::Owner, Role::Admin, Role::Manager, Role::User] {
        let (user, token) = somebody(app, role.as_str()).await;
        join(app, user, acme, role).await;
        people.push((user, token));
    }
    (acme, people)
}

fn at(organization: OrganizationId, rest: &str) -> String {
    format!("/api/v1/organizations/{organization}{rest}")
}

fn post(path: &str, body: &Value, token: &str) -> Call {
    Call::post(path).json(body).bearer(token)
}

fn delete(path: &str, token: &str) -> Call {
    Call::new("DELETE", path).bearer(token)
}

#[tokio::test]
async fn whoever_is_invited_comes_in_once_and_with_the_role_that_was_meant() {
    let app = TestApp::start().await;
    let (acme, people) = acme(&app).await;
    let (bob, bobs) = somebody(&app, "bob").await;
    let (_, carols) = somebody(&app, "carol").await;
    let accept = |token: &str| post(&at(acme, "/invitation_accept"), &json!({}), token);
    app.send(accept(&bobs)).await.expect(404);
    let invite = |role: &str, by: usize| {
        let path = at(acme, &format!("/invitation/{bob}"));
        post(&path, &json!({ "organization_role": role }), &people[by].1)
    };
    for (role, by, status) in [
        ("user", 3, 403),
        ("user", 2, 403),
        ("owner", 1, 403),
        ("suspended", 1, 400),
        ("emperor", 1, 400),
        ("manager", 1, 200),
    ] {
        app.send(invite(role, by)).await.expect(status);
    }
    let me = Call::get(&format!("/api/v1/users/{bob}")).bearer(&bobs);
    let shown = app.send(me.clone()).await.expect(200).json();
    assert_eq!(
        shown["data"]["invitations"][0]["organization_name"],
        "Acme Ltd"
    );
    // It is for one user, whatever another one sends.
    app.send(accept(&carols)).await.expect(404);
    app.send(accept(&bobs)).await.expect(200);
    let shown = app.send(me).await.expect(200).json();
    assert_eq!(shown["data"]["organization_role"], "manager");
    app.send(accept(&bobs)).await.expect(404);
    app.send(invite("user", 1)).await.expect(400);
    app.finish().await;
}

/// The secret of a new invitation for an address.
async fn invited(app: &TestApp, acme: OrganizationId, email: &str, token: &str) -> String {
    let path = at(acme, "/invitation_by_email");
    let call = post(&path, &json!({ "email": email }), token);
    let made = app.send(call).await.expect(200).json()["data"].clone();
    let link = made["link"].as_str().unwrap();
    assert!(link.contains(&format!("/#/invitation/{acme}/")), "{link}");
    made["token"].as_str().unwrap().to_owned()
}

fn register(token: &str, email: &str, password: &str) -> Call {
    Call::post("/api/v1/invitations/register").json(&json!({
        "token": token, "email": email, "password": password,
    }))
}

#[tokio::test]
async fn a_link_lets_one_in_who_has_an_account_or_makes_one() {
    let app = TestApp::start().await;
    let (acme, people) = acme(&app).await;
    let link = async |email: &str| invited(&app, acme, email, &people[1].1).await;
    let token = link("dora@example.com").await;
    // What cannot be taken leaves the link good.
    app.send(register(&token, "dora@example.com", "short"))
        .await
        .expect(400);
    let other = register(&token, "rival@example.com", "a long walk home");
    app.send(other).await.expect(400);
    let good = register(&token, "Dora@example.com", "a long walk home");
    app.send(good.clone()).await.expect(200);
    app.send(good).await.expect(403);
    let members = post(&at(acme, "/user/query"), &json!({}), &people[0].1);
    let members = app.send(members).await.expect(200).json();
    assert!(members.to_string().contains("dora@example.com"));
    // With an account of one's own.
    let token = link("emil@example.com").await;
    let (_, emils) = user(&app, "emil").await;
    let accept = |organization: OrganizationId, token: &str| {
        let path = at(organization, "/invitation_accept");
        post(&path, &json!({ "token": token }), &emils)
    };
    let rival = organization(&app, "Rival Ltd").await;
    app.send(accept(rival, &token)).await.expect(403);
    app.send(accept(acme, &token)).await.expect(200);
    let refused = app.send(accept(acme, &token)).await.expect(403).json();
    assert_eq!(refused["error"]["code"], "link-invalid");
    app.finish().await;
}

#[tokio::test]
async fn links_that_were_replaced_withdrawn_or_are_old_let_nobody_in() {
    let app = TestApp::start().await;
    let (acme, people) = acme(&app).await;
    let link = async |email: &str| invited(&app, acme, email, &people[1].1).await;
    let (_, fredas) = user(&app, "freda").await;
    let accept = |token: &str| {
        let path = at(acme, "/invitation_accept");
        post(&path, &json!({ "token": token }), &fredas)
    };
    let replaced = link("freda@example.com").await;
    let withdrawn = link("freda@example.com").await;
    app.send(accept(&replaced)).await.expect(403);
    let open = Call::get(&at(acme, "/invitation")).bearer(&people[1].1);
    let open = app.send(open).await.expect(200).json()["data"].clone();
    assert_eq!(open.as_array().unwrap().len(), 1);
    assert!(!open.to_string().contains("vit_iv_"), "{open}");
    let path = at(
        acme,
        &format!("/invitation/{}", open[0]["id"].as_str().unwrap()),
    );
    app.send(delete(&path, &people[1].1)).await.expect(200);
    app.send(delete(&path, &people[1].1)).await.expect(404);
    app.send(accept(&withdrawn)).await.expect(403);
    let old = link("freda@example.com").await;
    app.pass(Duration::from_hours(7 * 24));
    let late = register(&old, "freda2@example.com", "a long walk home");
    app.send(late).await.expect(410);
    app.finish().await;
}

#[tokio::test]
async fn an_invitation_that_was_denied_lets_nobody_in() {
    let app = TestApp::start().await;
    let (acme, people) = acme(&app).await;
    let (bob, bobs) = somebody(&app, "bob").await;
    let path = at(acme, &format!("/invitation/{bob}"));
    app.send(post(&path, &json!({}), &people[0].1))
        .await
        .expect(200);
    let answer = |word: &str| post(&at(acme, word), &json!({}), &bobs);
    app.send(answer("/invitation_deny")).await.expect(200);
    app.send(answer("/invitation_accept")).await.expect(404);
    app.finish().await;
}

#[tokio::test]
async fn there_are_as_many_seats_as_the_plan_has() {
    let app = TestApp::start().await;
    let (acme, people) = acme(&app).await;
    let plan = |name: &str| {
        app.services
            .set_plan(Payer::Organization(acme), Plan::named(name).unwrap())
    };
    let invite = |email: &str| {
        let path = at(acme, "/invitation_by_email");
        post(&path, &json!({ "email": email }), &people[0].1)
    };
    plan("free").await.unwrap();
    let refused = app.send(invite("a@example.com")).await.expect(403).json();
    assert_eq!(refused["error"]["code"], "plan-exceeded");
    let said = refused["error"]["description"].as_str().unwrap();
    assert!(
        said.contains("max_users") && said.contains("free"),
        "{said}"
    );
    // One who was invited before the plan changed.
    plan("business").await.unwrap();
    let made = app.send(invite("a@example.com")).await.expect(200).json();
    plan("free").await.unwrap();
    let (_, bobs) = user(&app, "bob").await;
    let body = json!({ "token": made["data"]["token"] });
    let accept = post(&at(acme, "/invitation_accept"), &body, &bobs);
    app.send(accept.clone()).await.expect(403);
    plan("business").await.unwrap();
    app.send(accept).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn whoever_leaves_takes_nothing_of_the_organizations_along() {
    let app = TestApp::start().await;
    let (acme, people) = acme(&app).await;
    let (member, token) = &people[3];
    let creating = post(
        "/api/v1/models",
        &json!({ "title": "A model of Acme" }),
        token,
    );
    let made = app.send(creating).await.expect(200).json()["data"]["id"].clone();
    let model = format!("/api/v1/models/{}", made.as_str().unwrap());
    let remove = |user: UserId, by: usize| {
        let path = at(acme, &format!("/user/{user}"));
        delete(&path, &people[by].1)
    };
    for (whom, by, status) in [
        (people[3].0, 2, 403),
        (people[0].0, 1, 403),
        (people[0].0, 0, 400),
        (UserId::new(app.entropy()), 0, 404),
        (*member, 1, 200),
        (*member, 1, 404),
    ] {
        app.send(remove(whom, by)).await.expect(status);
    }
    app.send(Call::get(&model).bearer(token)).await.expect(404);
    let shown = app.send(Call::get(&model).bearer(&people[1].1)).await;
    assert_eq!(
        shown.expect(200).json()["data"]["user_id"],
        people[1].0.to_string()
    );
    // Members take themselves out.
    app.send(remove(people[2].0, 2)).await.expect(200);
    app.send(Call::get(&at(acme, "")).bearer(&people[2].1))
        .await
        .expect(404);
    app.finish().await;
}

#[tokio::test]
async fn whoever_has_left_does_nothing_more_with_the_models_they_made_there() {
    let app = TestApp::start().await;
    let (acme, people) = acme(&app).await;
    let (leaver, token) = &people[2];
    let (_, bosses) = &people[0];
    let body = json!({ "title": "A model of Acme", "visibility": "organization" });
    let made = app.send(post("/api/v1/models", &body, token)).await;
    let id = made.expect(200).json()["data"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let model = format!("/api/v1/models/{id}");
    let embeds = format!("{model}?embed=ticket,backend_ticket,author_ticket,token_owner");
    app.send(Call::get(&embeds).bearer(token)).await.expect(200);
    app.send(delete(&at(acme, &format!("/user/{leaver}")), token))
        .await
        .expect(200);
    let listed = async |token: &str| {
        let page = app
            .send(post("/api/v1/models/query", &json!({}), token))
            .await;
        page.expect(200).text().contains(&id)
    };
    let tries = [
        Call::get(&embeds).bearer(token),
        Call::new("PATCH", &model)
            .json(&json!({ "title": "Mine" }))
            .bearer(token),
        delete(&model, token),
        post(
            "/api/v1/tokens",
            &json!({ "id": id, "scope": ["group.view"] }),
            token,
        ),
        post(&format!("{model}/tickets"), &json!({}), token),
        post(&format!("{model}/tickets/query"), &json!({}), token),
    ];
    for call in tries {
        app.send(call).await.expect(404);
    }
    assert!(!listed(token).await);
    // Those who stay have it, whole.
    assert!(listed(bosses).await);
    let shown = app.send(Call::get(&model).bearer(bosses)).await.expect(200);
    assert_eq!(shown.json()["data"]["title"], "A model of Acme");
    app.finish().await;
}

#[tokio::test]
async fn an_organization_ends_when_its_last_member_says_so() {
    let app = TestApp::start().await;
    let (acme, people) = acme(&app).await;
    let (owner, token) = &people[0];
    let creating = post(
        "/api/v1/models",
        &json!({ "title": "A model of Acme" }),
        token,
    );
    let made = app.send(creating).await.expect(200).json()["data"]["id"].clone();
    let end = |by: usize| delete(&at(acme, ""), &people[by].1);
    app.send(end(1)).await.expect(403);
    app.send(end(0)).await.expect(400);
    for (user, _) in &people[1..] {
        let path = at(acme, &format!("/user/{user}"));
        app.send(delete(&path, token)).await.expect(200);
    }
    let (bob, bobs) = somebody(&app, "bob").await;
    let path = at(acme, &format!("/invitation/{bob}"));
    app.send(post(&path, &json!({}), token)).await.expect(200);
    app.send(end(0)).await.expect(200);
    app.send(end(0)).await.expect(404);
    let accept = post(&at(acme, "/invitation_accept"), &json!({}), &bobs);
    app.send(accept).await.expect(404);
    let model = Call::get(&format!("/api/v1/models/{}", made.as_str().unwrap()));
    let shown = app.send(model.bearer(token)).await.expect(200).json();
    assert_eq!(shown["data"]["organization_id"], Value::Null);
    assert_eq!(shown["data"]["user_id"], owner.to_string());
    app.push_for(*owner, "again", CUBE).await;
    app.finish().await;
}

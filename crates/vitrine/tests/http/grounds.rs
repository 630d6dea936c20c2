//! What the platform gave out ends with the right on which it was given: tokens, the sessions that they opened,
//! the links of these, and authors' tickets. What others were given stays good.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use vitrine_access::decide::ModelStatus;
use vitrine_access::ids::{OrganizationId, UserId};
use vitrine_access::owner::Payer;
use vitrine_access::platform::Role;
use vitrine_service::ModelRecord;
use vitrine_service::models::ModelPatch;

use crate::app::{CUBE, Call, Opened, SHOP, TestApp, open_call, plans_for_both_databases, until};
use crate::applications::{administrator, on_behalf_of};
use crate::platform_roles::{join, organization, somebody};
use crate::second_factors::user;
use crate::sharing::share;

/// What somebody was given for a model, and what they made of it.
struct Given {
    model: String,
    token: String,
    session: Opened,
    link: String,
}

fn signed(call: Call, by: Option<&str>) -> Call {
    match by {
        Some(token) => call.bearer(token),
        None => call,
    }
}

/// The model as it is shown with something embedded.
async fn shown(app: &TestApp, key: &str, embed: &str, by: Option<&str>) -> Value {
    let call = Call::get(&format!("/api/v1/models/{key}?embed={embed}"));
    let shown = app.send(signed(call, by)).await.expect(200);
    shown.json()["data"].clone()
}

impl Given {
    /// A token by an embed, a session by the token alone, and a link of the session.
    async fn to(app: &TestApp, key: &str, by: Option<&str>) -> Self {
        let shown = shown(app, key, "token_export_fallback", by).await;
        let token = shown["access_token"].as_str().unwrap().to_owned();
        let id = app.services.model_by_slug(&slug(&shown)).await.unwrap();
        Self::by(app, id.unwrap().id.to_string(), token).await
    }

    async fn by(app: &TestApp, model: String, token: String) -> Self {
        let opened = app.send(open(&model, &token)).await.expect(201);
        let session = Opened::read(&opened);
        let link = session.href("model");
        Self {
            model,
            token,
            session,
            link,
        }
    }

    async fn stands(&self, app: &TestApp, who: &str) {
        assert_eq!(self.tried(app).await, [201, 200, 206], "{who}");
    }

    async fn ended(&self, app: &TestApp, who: &str) {
        assert_eq!(self.tried(app).await, [401, 410, 410], "{who}");
    }

    /// What another session by the token, a call of the session and its link are answered.
    async fn tried(&self, app: &TestApp) -> [u16; 3] {
        let mut tried = [0; 3];
        let calls = [
            open(&self.model, &self.token),
            self.session.defaults(),
            Call::get(&self.link),
        ];
        for (status, call) in tried.iter_mut().zip(calls) {
            *status = app.send(call).await.status.as_u16();
        }
        tried
    }
}

fn open(model: &str, token: &str) -> Call {
    Call::post(&format!("/api/v2/model/{model}/session")).bearer(token)
}

fn slug(shown: &Value) -> String {
    shown["slug"].as_str().unwrap().to_owned()
}

async fn patch(app: &TestApp, key: &str, body: &Value, by: &str) {
    let call = Call::new("PATCH", &format!("/api/v1/models/{key}")).json(body);
    app.send(call.bearer(by)).await.expect(200);
}

/// A confirmed model of an organization, that its members see.
async fn model_of(app: &TestApp, user: UserId, organization: OrganizationId) -> ModelRecord {
    let patch = ModelPatch {
        user: Some(user),
        organization: Some(organization),
        name: Some("acmes".to_owned()),
        filename: Some("acmes.js".to_owned()),
        accessdomains: Some(vec!["shop.example.com".to_owned()]),
        ..ModelPatch::default()
    };
    let model = app.services.create_model(patch).await.unwrap();
    let bytes = Bytes::from_static(CUBE.as_bytes());
    app.services.take_file(model.id, bytes).await.unwrap();
    let model = app.analysed(model.id).await;
    assert_eq!(model.status, ModelStatus::Confirmed);
    model
}

/// Tokens tell whole seconds: what is given from the next one on is good.
fn a_second_later(app: &TestApp) {
    app.pass(Duration::from_secs(1));
}

#[tokio::test]
async fn what_was_given_for_a_share_ends_when_the_share_is_taken_back() {
    for plan in plans_for_both_databases("grounds_share").await {
        let mut app = plan.start().await;
        let (_, hers) = somebody(&app, "hers").await;
        let (bob, bobs) = user(&app, "bob").await;
        let (carol, carols) = user(&app, "carol").await;
        let mut exports = Value::Null;
        for (user, policy) in [
            (bob, "SharedModelPolicyView"),
            (carol, "SharedModelPolicyView"),
            (bob, "SharedModelPolicyExport"),
        ] {
            let made = app.send(share("hers", user, policy, &hers)).await;
            exports = made.expect(200).json()["data"]["id"].clone();
        }
        let by_bob = Given::to(&app, "hers", Some(&bobs)).await;
        let by_carol = Given::to(&app, "hers", Some(&carols)).await;
        let by_owner = Given::to(&app, "hers", Some(&hers)).await;
        by_bob.stands(&app, "bob").await;
        let end = format!("/api/v1/model_sharing/{}", exports.as_str().unwrap());
        app.send(Call::new("DELETE", &end).bearer(&hers))
            .await
            .expect(200);
        by_bob.ended(&app, "bob").await;
        by_carol.stands(&app, "carol").await;
        by_owner.stands(&app, "the owner").await;
        // He may still look, and asks again.
        a_second_later(&app);
        let again = Given::to(&app, "hers", Some(&bobs)).await;
        again.stands(&app, "bob, again").await;
        app.restart().await;
        by_bob.ended(&app, "bob, after a restart").await;
        again.stands(&app, "bob, after a restart").await;
        app.finish().await;
    }
}

#[tokio::test]
async fn what_was_given_for_a_link_ends_when_it_is_switched_off() {
    for plan in plans_for_both_databases("grounds_link").await {
        let app = plan.start().await;
        let (_, hers) = somebody(&app, "hers").await;
        let (_, bobs) = somebody(&app, "bobs").await;
        let (carol, carols) = user(&app, "carol").await;
        let shared = share("hers", carol, "SharedModelPolicyView", &hers);
        app.send(shared).await.expect(200);
        patch(&app, "hers", &json!({ "link_sharing": true }), &hers).await;
        let link = shown(&app, "hers", "ticket", Some(&hers)).await["link_sharing_slug"].clone();
        let link = link.as_str().unwrap();
        let anybody = Given::to(&app, link, None).await;
        let by_bob = Given::to(&app, link, Some(&bobs)).await;
        let by_carol = Given::to(&app, "hers", Some(&carols)).await;
        let by_owner = Given::to(&app, "hers", Some(&hers)).await;
        let bobs_own = Given::to(&app, "bobs", Some(&bobs)).await;
        patch(&app, "hers", &json!({ "link_sharing": false }), &hers).await;
        anybody.ended(&app, "anybody").await;
        by_bob.ended(&app, "bob").await;
        by_owner.stands(&app, "the owner").await;
        bobs_own.stands(&app, "bob on his own model").await;
        // A token does not say on what ground it was given: those with another one ask again.
        by_carol.ended(&app, "carol").await;
        a_second_later(&app);
        let again = Given::to(&app, "hers", Some(&carols)).await;
        again.stands(&app, "carol, again").await;
        app.finish().await;
    }
}

#[tokio::test]
async fn what_was_given_to_everybody_ends_when_fewer_may_see_the_model() {
    for plan in plans_for_both_databases("grounds_visibility").await {
        let app = plan.start().await;
        let (owner, hers) = user(&app, "hers").await;
        let (member, members) = user(&app, "member").await;
        let (_, bobs) = user(&app, "bob").await;
        let acme = organization(&app, "Acme Ltd").await;
        join(&app, owner, acme, Role::User).await;
        join(&app, member, acme, Role::Consumer).await;
        model_of(&app, owner, acme).await;
        patch(&app, "acmes", &json!({ "visibility": "public" }), &hers).await;
        let anybody = Given::to(&app, "acmes", None).await;
        let by_bob = Given::to(&app, "acmes", Some(&bobs)).await;
        let by_member = Given::to(&app, "acmes", Some(&members)).await;
        let by_owner = Given::to(&app, "acmes", Some(&hers)).await;
        let lower = json!({ "visibility": "organization" });
        patch(&app, "acmes", &lower, &hers).await;
        anybody.ended(&app, "anybody").await;
        by_bob.ended(&app, "bob").await;
        by_member.ended(&app, "a member").await;
        by_owner.stands(&app, "the owner").await;
        a_second_later(&app);
        let again = Given::to(&app, "acmes", Some(&members)).await;
        again.stands(&app, "a member, again").await;
        // What takes no right ends nothing.
        patch(&app, "acmes", &lower, &hers).await;
        patch(&app, "acmes", &json!({ "title": "Another" }), &hers).await;
        again.stands(&app, "a member, still").await;
        patch(&app, "acmes", &json!({ "visibility": "private" }), &hers).await;
        again.ended(&app, "a member of a private model").await;
        by_owner.stands(&app, "the owner").await;
        app.finish().await;
    }
}

#[tokio::test]
async fn whoever_asked_for_a_token_before_it_was_demanded_has_none() {
    for plan in plans_for_both_databases("grounds_demand").await {
        let app = plan.start().await;
        let (owner, hers) = somebody(&app, "hers").await;
        patch(&app, "hers", &json!({ "visibility": "public" }), &hers).await;
        let framed = Call::post("/api/v1/models/iframe/hers").origin(SHOP);
        let framed = app.send(framed).await.expect(200).json()["data"].clone();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let by_frame = text(&framed["token"]);
        let ticket = text(&framed["ticket"]);
        let visit = || open_call(&ticket).bearer(&by_frame);
        app.send(visit()).await.expect(201);
        let anybody = Given::to(&app, "hers", None).await;
        let by_owner = Given::to(&app, "hers", Some(&hers)).await;
        let force = |on| app.services.force_require_token(Payer::User(owner), on);
        force(true).await.unwrap();
        assert_eq!(anybody.tried(&app).await[0], 401);
        app.send(visit()).await.expect(401);
        app.send(open(&by_owner.model, &by_owner.token))
            .await
            .expect(201);
        force(false).await.unwrap();
        anybody.stands(&app, "anybody").await;
        app.send(visit()).await.expect(201);
        patch(&app, "hers", &json!({ "require_token": true }), &hers).await;
        assert_eq!(anybody.tried(&app).await[0], 401);
        app.send(visit()).await.expect(401);
        app.send(open(&by_owner.model, &by_owner.token))
            .await
            .expect(201);
        app.finish().await;
    }
}

/// A member of an organization, and what they were given as one.
struct Member {
    id: UserId,
    signed_in: String,
    author: String,
    authoring: Opened,
    /// An author's ticket that was made by hand.
    made: String,
    given: Given,
}

impl Member {
    async fn of(app: &TestApp, acme: OrganizationId, name: &str) -> Self {
        let (id, signed_in) = user(app, name).await;
        join(app, id, acme, Role::Manager).await;
        let shown = shown(app, "acmes", "author_ticket", Some(&signed_in)).await;
        let author = shown["author_ticket"]["ticket"].as_str().unwrap();
        let body = json!({ "type": "author" });
        let made = Call::post("/api/v1/models/acmes/tickets").json(&body);
        let made = app.send(made.bearer(&signed_in)).await.expect(200).json()["data"].clone();
        let days = |ticket: &Value| {
            (ticket["until"].as_i64().unwrap() - app.services.now().unix_s()) / 86_400
        };
        assert_eq!(days(&made), 31);
        Self {
            id,
            made: made["ticket"].as_str().unwrap().to_owned(),
            author: author.to_owned(),
            authoring: app.open(author).await,
            given: Given::to(app, "acmes", Some(&signed_in)).await,
            signed_in,
        }
    }

    async fn stands(&self, app: &TestApp, who: &str) {
        self.given.stands(app, who).await;
        app.send(open_call(&self.author)).await.expect(201);
        app.send(open_call(&self.made)).await.expect(201);
        app.send(self.authoring.defaults()).await.expect(200);
    }

    async fn ended(&self, app: &TestApp, who: &str) {
        self.given.ended(app, who).await;
        app.send(open_call(&self.author)).await.expect(403);
        app.send(open_call(&self.made)).await.expect(403);
        app.send(self.authoring.defaults()).await.expect(410);
    }
}

fn member_path(acme: OrganizationId, user: UserId) -> String {
    format!("/api/v1/organizations/{acme}/user/{user}")
}

/// An organization with a model, its owner's sign-in, and a visitor who came by a ticket.
async fn acme(app: &TestApp) -> (OrganizationId, UserId, String, Opened) {
    let acme = organization(app, "Acme Ltd").await;
    let (boss, bosses) = user(app, "boss").await;
    join(app, boss, acme, Role::Owner).await;
    let model = model_of(app, boss, acme).await;
    let visibility = json!({ "visibility": "organization" });
    patch(app, "acmes", &visibility, &bosses).await;
    let visitor = app.open(&app.ticket(&model).await).await;
    (acme, boss, bosses, visitor)
}

#[tokio::test]
async fn what_a_member_was_given_ends_when_they_go_or_become_less() {
    for plan in plans_for_both_databases("grounds_members").await {
        let app = plan.start().await;
        let (acme, _, bosses, visitor) = acme(&app).await;
        let leaves = Member::of(&app, acme, "leaves").await;
        let removed = Member::of(&app, acme, "removed").await;
        let lowered = Member::of(&app, acme, "lowered").await;
        let suspended = Member::of(&app, acme, "suspended").await;
        let stays = Member::of(&app, acme, "stays").await;
        assert_ne!(
            leaves.author, stays.author,
            "an author's ticket is one person's"
        );
        let role = |member: &Member, role: &str| {
            let body = json!({ "organization_role": role });
            let call = Call::new("PATCH", &member_path(acme, member.id));
            call.json(&body).bearer(&bosses)
        };
        // More takes nothing.
        app.send(role(&lowered, "admin")).await.expect(200);
        lowered.stands(&app, "an administrator").await;
        let goes = |member: &Member, by: &str| {
            Call::new("DELETE", &member_path(acme, member.id)).bearer(by)
        };
        for (who, member, call) in [
            ("leaves", &leaves, goes(&leaves, &leaves.signed_in)),
            ("removed", &removed, goes(&removed, &bosses)),
            ("lowered", &lowered, role(&lowered, "consumer")),
            ("suspended", &suspended, role(&suspended, "suspended")),
        ] {
            member.stands(&app, who).await;
            app.send(call).await.expect(200);
            member.ended(&app, who).await;
        }
        stays.stands(&app, "who stays").await;
        app.send(visitor.defaults()).await.expect(200);
        // A consumer still sees the model, and is no author.
        a_second_later(&app);
        let again = Given::to(&app, "acmes", Some(&lowered.signed_in)).await;
        again.stands(&app, "a consumer").await;
        let none = shown(&app, "acmes", "author_ticket", Some(&lowered.signed_in)).await;
        assert_eq!(none["author_ticket"], Value::Null);
        app.finish().await;
    }
}

#[tokio::test]
async fn what_an_account_was_given_ends_with_its_organization_its_password_its_key_and_its_block() {
    for plan in plans_for_both_databases("grounds_accounts").await {
        let app = plan.start().await;
        let (acme, boss, bosses, visitor) = acme(&app).await;
        let blocked = Member::of(&app, acme, "blocked").await;
        let changed = Member::of(&app, acme, "changed").await;
        let keyed = Member::of(&app, acme, "keyed").await;
        app.services.block_user(blocked.id, true).await.unwrap();
        blocked.ended(&app, "blocked").await;
        let me = Call::get(&format!("/api/v1/users/{}", blocked.id));
        app.send(me.bearer(&blocked.signed_in)).await.expect(401);
        app.services.block_user(blocked.id, false).await.unwrap();
        a_second_later(&app);
        blocked.ended(&app, "no longer blocked").await;
        changed.stands(&app, "others").await;
        let set = app.services.set_password(changed.id, "another long walk");
        set.await.unwrap();
        changed.ended(&app, "a new password").await;
        let (key, _) = crate::platform::key(&app, Some(&keyed.id.to_string()), None).await;
        keyed.stands(&app, "a new key").await;
        let revoked = app
            .services
            .revoke_access_key(keyed.id, key.parse().unwrap());
        revoked.await.unwrap();
        keyed.ended(&app, "a revoked key").await;
        // The organization ends with its last member, whose own the model becomes.
        for member in [&blocked, &changed, &keyed] {
            let call = Call::new("DELETE", &member_path(acme, member.id));
            app.send(call.bearer(&bosses)).await.expect(200);
        }
        a_second_later(&app);
        let by_boss = Given::to(&app, "acmes", Some(&bosses)).await;
        let usage = Call::post(&format!("/api/v1/organizations/{acme}/token"));
        let usage = app.send(usage.json(&json!({})).bearer(&bosses)).await;
        let usage = usage.expect(200).json()["data"][0]["access_token"].clone();
        let metrics = || {
            let body = json!({ "timestamp_type": "day", "parameters": [
                { "org_id": acme.to_string(), "timestamp_from": "20300101", "timestamp_to": "20300102" } ] });
            let call = Call::put("/api/v2/analytics/credit-metrics").json(&body);
            call.bearer(usage.as_str().unwrap())
        };
        assert_ne!(app.send(metrics()).await.status.as_u16(), 401);
        let end = Call::new("DELETE", &format!("/api/v1/organizations/{acme}"));
        app.send(end.bearer(&bosses)).await.expect(200);
        by_boss.ended(&app, "the organization has ended").await;
        app.send(metrics()).await.expect(401);
        app.send(visitor.defaults()).await.expect(200);
        a_second_later(&app);
        let again = Given::to(&app, "acmes", Some(&bosses)).await;
        again.stands(&app, "the model is the owner's own").await;
        assert_eq!(
            shown(&app, "acmes", "ticket", Some(&bosses)).await["user_id"],
            boss.to_string()
        );
        app.finish().await;
    }
}

#[tokio::test]
async fn a_token_for_several_models_ends_on_all_of_them() {
    let app = TestApp::start().await;
    let (_, hers) = somebody(&app, "hers").await;
    let (bob, bobs) = somebody(&app, "bobs").await;
    let shared = share("hers", bob, "SharedModelPolicyView", &hers);
    let shared = app.send(shared).await.expect(200).json()["data"]["id"].clone();
    let wish = json!({ "ids": ["hers", "bobs"], "scope": ["group.view"] });
    let made = Call::post("/api/v1/tokens").json(&wish).bearer(&bobs);
    let made = app.send(made).await.expect(200).json()["data"].clone();
    let token = made["access_token"].as_str().unwrap().to_owned();
    let mut given = Vec::new();
    for id in made["guids"].as_array().unwrap() {
        given.push(Given::by(&app, id.as_str().unwrap().to_owned(), token.clone()).await);
    }
    let end = format!("/api/v1/model_sharing/{}", shared.as_str().unwrap());
    // He gives it back himself.
    app.send(Call::new("DELETE", &end).bearer(&bobs))
        .await
        .expect(200);
    for one in &given {
        one.ended(&app, "the token").await;
    }
    app.finish().await;
}

#[tokio::test]
async fn every_node_hears_that_a_right_has_ended() {
    for plan in plans_for_both_databases("grounds_nodes").await {
        let app = plan.start().await;
        let (_, hers) = somebody(&app, "hers").await;
        let (bob, bobs) = user(&app, "bob").await;
        let shared = share("hers", bob, "SharedModelPolicyView", &hers);
        let shared = app.send(shared).await.expect(200).json()["data"]["id"].clone();
        let (services, other) = app.second_node().await;
        let given = Given::to(&app, "hers", Some(&bobs)).await;
        let elsewhere = || open(&given.model, &given.token).send(&other);
        elsewhere().await.expect(201);
        given.session.defaults().send(&other).await.expect(200);
        let end = format!("/api/v1/model_sharing/{}", shared.as_str().unwrap());
        app.send(Call::new("DELETE", &end).bearer(&hers))
            .await
            .expect(200);
        given.ended(&app, "here").await;
        until("the other node hears of it", || async {
            (elsewhere().await.status.as_u16() == 401).then_some(())
        })
        .await;
        given.session.defaults().send(&other).await.expect(410);
        services.shutdown().await;
        app.finish().await;
    }
}

#[tokio::test]
async fn what_was_asked_for_by_a_sign_in_or_key_that_is_ended_ends_too() {
    for plan in plans_for_both_databases("grounds_sign_ins").await {
        let app = plan.start().await;
        let (ada, adas) = user(&app, "ada").await;
        app.push_for(ada, "adas", CUBE).await;
        let (_, bobs) = somebody(&app, "bobs").await;
        let by_bob = Given::to(&app, "bobs", Some(&bobs)).await;
        let pair = crate::platform::key(&app, Some(&ada.to_string()), None).await;
        let signed = crate::platform::signed_in(&app, &pair).await;
        let by_key = signed["access_token"].as_str().unwrap();
        let sign_in = crate::platform::sign_in_id(by_key);
        let given = Given::to(&app, "adas", Some(by_key)).await;
        given.stands(&app, "a sign-in by the key").await;
        let path = format!("/api/v1/users/users/{ada}/apiclients/{sign_in}");
        app.send(Call::new("DELETE", &path).bearer(&adas))
            .await
            .expect(200);
        given.ended(&app, "the sign-in was ended").await;
        a_second_later(&app);
        let given = Given::to(&app, "adas", Some(&adas)).await;
        let key = |body: &Value| {
            let call = Call::new("PATCH", &format!("/api/v1/apitokens/{}", pair.0));
            call.json(body).bearer(&adas)
        };
        app.send(key(&json!({ "description": "Another" })))
            .await
            .expect(200);
        given.stands(&app, "a key of another name").await;
        app.send(key(&json!({ "active": false }))).await.expect(200);
        given.ended(&app, "the key was switched off").await;
        a_second_later(&app);
        // A copied refresh token ends what its holder may have asked for.
        app.send(key(&json!({ "active": true }))).await.expect(200);
        a_second_later(&app);
        let signed = crate::platform::signed_in(&app, &pair).await;
        let first = signed["refresh_token"].as_str().unwrap();
        let renewed = app
            .send(crate::platform::renew(first))
            .await
            .expect(200)
            .json();
        let second = renewed["refresh_token"].as_str().unwrap();
        app.send(crate::platform::renew(second)).await.expect(200);
        let given = Given::to(&app, "adas", Some(&adas)).await;
        app.pass(vitrine_access::limits::REFRESH_GRACE * 2);
        given.stands(&app, "before the copy is shown").await;
        app.send(crate::platform::renew(first)).await.expect(400);
        given.ended(&app, "a copy was shown").await;
        a_second_later(&app);
        let given = Given::to(&app, "adas", Some(&adas)).await;
        let rotate = Call::post(&format!("/api/v1/apitokens/{}/rotate", pair.0));
        let rotate = rotate.json(&json!({ "overlap": 0 })).bearer(&adas);
        app.send(rotate).await.expect(200);
        given.ended(&app, "the key was replaced at once").await;
        by_bob.stands(&app, "another account").await;
        app.finish().await;
    }
}

#[tokio::test]
async fn what_an_application_asked_for_ends_with_it() {
    for plan in plans_for_both_databases("grounds_applications").await {
        let app = plan.start().await;
        let root = administrator(&app).await;
        let found = app.services.find_user(Some("root@example.com")).await;
        app.push_for(found.unwrap().id, "roots", CUBE).await;
        let its = on_behalf_of(&app, &root).await;
        let given = Given::to(&app, "roots", Some(&its)).await;
        given.stands(&app, "an application").await;
        let known = Call::post("/api/v1/apiclients/query").json(&json!({}));
        let known = app.send(known.bearer(&root)).await.expect(200).json();
        let client = known["data"]["result"][0]["client_id"].as_str().unwrap();
        let path = format!("/api/v1/apiclients/{client}");
        app.send(Call::new("DELETE", &path).bearer(&root))
            .await
            .expect(200);
        given.ended(&app, "the application is gone").await;
        app.finish().await;
    }
}

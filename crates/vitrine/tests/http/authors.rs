//! What authors change, by token or by the session of an author's ticket, and what becomes of it.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::{Value, json};
use vitrine_access::grant::Subject;
use vitrine_access::ticket::TicketType;
use vitrine_service::ModelRecord;
use vitrine_service::models::ModelPatch;

use crate::app::{
    Answer, CUBE, Call, Opened, Plan, SHOP, TestApp, open_call, plans_for_both_databases,
};

/// Another version of the cube: a narrower range, no wood, the choices gone.
const NEXT_CUBE: &str = r"
const { primitives } = require('@jscad/modeling')
const getParameterDefinitions = () => [
  { name: 'size', caption: 'Edge length', type: 'slider', initial: 20, min: 10, max: 70, step: 1 },
  { name: 'depth', caption: 'Depth', type: 'slider', initial: 20, min: 10, max: 70, step: 1 }
]
const main = (p) => primitives.cuboid({ size: [p.size, p.size, p.depth] })
module.exports = { main, getParameterDefinitions }
";

/// A server with one model, its plain session and a token of its owner.
struct Scene {
    app: TestApp,
    model: ModelRecord,
    session: Opened,
    owner: String,
}

impl Scene {
    async fn on(plan: Plan) -> Self {
        let app = plan.start().await;
        let model = app.push("cube", CUBE).await;
        let session = app.open(&app.ticket(&model).await).await;
        let owner = app.token(Subject::Model(model.id), &["group.owner", "group.view"]);
        Self {
            app,
            model,
            session,
            owner,
        }
    }

    async fn new() -> Self {
        Self::on(Plan::new()).await
    }

    fn patch(&self, path: &str, body: &Value) -> Call {
        Call::new("PATCH", &format!("/api/v2/model/{}/{path}", self.model.id)).json(body)
    }

    async fn change(&self, path: &str, body: &Value) -> Answer {
        self.app
            .send(self.patch(path, body).bearer(&self.owner))
            .await
    }

    fn parameter(&self, name: &str) -> String {
        named(&self.session.body["parameters"], name)
    }

    async fn opened(&self) -> Opened {
        self.app.open(&self.app.ticket(&self.model).await).await
    }

    async fn author_session(&self) -> Opened {
        let ticket = self
            .app
            .ticket_with(&self.model, |request| request.author = true)
            .await;
        self.app.open(&ticket).await
    }
}

fn named(items: &Value, name: &str) -> String {
    let found = items.as_object().unwrap().iter();
    let mut found = found.filter(|(_, item)| item["name"] == name);
    found.next().unwrap().0.clone()
}

fn actions(session: &Value) -> BTreeSet<String> {
    let all = session["actions"].as_array().unwrap().iter();
    all.map(|action| action["name"].as_str().unwrap().to_owned())
        .collect()
}

fn version(session: &Opened, output: &str) -> String {
    let output = &session.body["outputs"][session.output(output)];
    assert!(output["content"].is_array(), "{output}");
    output["version"].as_str().unwrap().to_owned()
}

const AUTHORING: [&str; 5] = [
    "configure",
    "defaultparam",
    "export-definition",
    "output-definition",
    "parameter-definition",
];

#[tokio::test]
async fn changed_defaults_open_the_next_session_with_their_own_versions() {
    for plan in plans_for_both_databases("defaults").await {
        let scene = Scene::on(plan).await;
        let size = scene.parameter("size");
        let before = version(&scene.session, "model");
        let values = json!({ &size: "70", "Wood": "1" });
        let answer = scene.change("parameter/defval", &values).await.expect(200);
        assert_eq!(answer.json(), json!({ "version": "2.5.0" }));
        let opened = scene.opened().await;
        assert_eq!(opened.body["parameters"][&size]["defval"], "70");
        let after = version(&opened, "model");
        assert_ne!(after, before);
        // The same values by hand are the same version, and come from the cache.
        let runs = scene.app.runs(scene.model.id).await;
        let asked = opened.compute(&json!({ "size": 70, "wood": 1 }));
        let asked = scene.app.send(asked).await.expect(200).json();
        assert_eq!(asked["outputs"][opened.output("model")]["version"], after);
        assert_eq!(scene.app.runs(scene.model.id).await, runs);
        // A running session sees the new defaults as well.
        let running = scene.app.send(scene.session.defaults()).await.expect(200);
        assert_eq!(running.json()["parameters"][&size]["defval"], "70");
        let back = json!({ "size": "40", "wood": "0" });
        scene.change("parameter/defval", &back).await.expect(200);
        assert_eq!(version(&scene.opened().await, "model"), before);
        scene.app.finish().await;
    }
}

#[tokio::test]
async fn a_default_that_its_parameter_does_not_take_is_refused_and_nothing_changes() {
    let scene = Scene::new().await;
    for (values, said) in [
        (json!({ "size": "101" }), "size"),
        (json!({ "size": "9" }), "10"),
        (json!({ "size": "wide" }), "wide"),
        (json!({ "size": "50", "wood": "2" }), "wood"),
        (json!({ "size": "50", "Edge length": "51" }), "size"),
        (json!({ "thickness": "3" }), "thickness"),
    ] {
        let refused = scene.change("parameter/defval", &values).await;
        let refused = refused.expect_error(400, "SdParameterValidationError");
        assert!(refused.message().contains(said), "{}", refused.message());
    }
    let call = scene.patch(
        "parameter/defval?ignoreUnknownParams=true",
        &json!({ "thickness": "3" }),
    );
    scene.app.send(call.bearer(&scene.owner)).await.expect(200);
    let opened = scene.opened().await;
    assert_eq!(
        opened.body["parameters"][scene.parameter("size")]["defval"],
        "40"
    );
    scene.app.finish().await;
}

#[tokio::test]
async fn definitions_are_shown_as_authors_want_them_and_computing_goes_on() {
    let scene = Scene::new().await;
    let size = scene.parameter("size");
    let price = scene.session.output("price");
    let stl = scene.session.export("stl");
    let group = json!({ "id": "looks", "name": "Looks" });
    let parameter = json!({ &size: {
        "displayname": "Total size", "group": group, "hidden": true, "order": 9,
        "tooltip": "In millimetres", "settings": { "step": 5 },
    } });
    scene.change("parameter", &parameter).await.expect(200);
    let output = json!({ &price: { "displayname": "Cost", "order": 2, "chunks": [] } });
    scene.change("output", &output).await.expect(200);
    let export = json!({ &stl: { "tooltip": "For the printer", "hidden": true } });
    scene.change("export", &export).await.expect(200);
    let opened = scene.opened().await;
    let shown = &opened.body["parameters"][&size];
    for (member, value) in parameter[&size].as_object().unwrap() {
        assert_eq!(&shown[member], value, "{member}");
    }
    assert_eq!(opened.body["outputs"][&price]["displayname"], "Cost");
    assert_eq!(opened.body["exports"][&stl]["tooltip"], "For the printer");
    // Nothing of this is part of a version, and the new name is a key like the old one.
    assert_eq!(version(&opened, "model"), version(&scene.session, "model"));
    let computed = opened.compute(&json!({ "Total size": "55" }));
    scene.app.send(computed).await.expect(200);
    // Null and an empty text take away.
    let removed = json!({ &size: { "displayname": "", "group": null, "tooltip": "" } });
    scene.change("parameter", &removed).await.expect(200);
    let opened = scene.opened().await;
    let shown = &opened.body["parameters"][&size];
    for member in ["displayname", "group", "tooltip"] {
        assert!(shown.get(member).is_none(), "{member} in {shown}");
    }
    assert_eq!(shown["order"], 9);
    scene.app.finish().await;
}

#[tokio::test]
async fn unknown_ids_and_chunks_are_refused() {
    let scene = Scene::new().await;
    let long = json!({ scene.session.export("stl"): { "displayname": "x".repeat(201) } });
    let chunk = json!({ scene.session.output("model"): { "chunks": [{ "id": "c" }] } });
    for (path, body) in [
        ("parameter", json!({ "size": { "order": 1 } })),
        ("output", json!({ "0123456789abcdef0123456789abcdef": {} })),
        ("output", chunk),
        ("export", json!({ "stl": { "hidden": true } })),
        ("export", long),
        ("config", json!([1])),
        ("config", json!({ "filler": "x".repeat(256 * 1024) })),
    ] {
        let refused = scene.change(path, &body).await;
        refused.expect_error(400, "SdRequestValidationError");
    }
    scene.app.finish().await;
}

#[tokio::test]
async fn a_new_version_keeps_what_its_author_set_as_far_as_it_fits() {
    let scene = Scene::new().await;
    let (size, wood) = (scene.parameter("size"), scene.parameter("wood"));
    let names = json!({ &size: { "displayname": "Total size" }, &wood: { "order": 4 } });
    scene.change("parameter", &names).await.expect(200);
    let values = json!({ "size": "65", "wood": "1" });
    scene.change("parameter/defval", &values).await.expect(200);
    let next = async |max: &str| {
        let patch = ModelPatch {
            prev_id: Some(scene.model.id),
            accessdomains: Some(vec!["shop.example.com".to_owned()]),
            ..ModelPatch::default()
        };
        let model = scene.app.services.create_model(patch).await.unwrap();
        let script = NEXT_CUBE.replace("max: 70", &format!("max: {max}"));
        let services = &scene.app.services;
        services
            .take_file(model.id, Bytes::from(script))
            .await
            .unwrap();
        let model = scene.app.analysed(model.id).await;
        scene.app.open(&scene.app.ticket(&model).await).await
    };
    let fits = next("70").await;
    let shown = &fits.body["parameters"][&size];
    assert_eq!(
        (&shown["defval"], &shown["displayname"]),
        (&json!("65"), &json!("Total size"))
    );
    assert!(fits.body["parameters"].get(&wood).is_none());
    // The analysis has computed these very defaults.
    assert_eq!(
        scene
            .app
            .runs(fits.body["model"]["id"].as_str().unwrap().parse().unwrap())
            .await,
        0
    );
    let narrower = next("60").await;
    let shown = &narrower.body["parameters"][&size];
    assert_eq!(
        (&shown["defval"], &shown["displayname"]),
        (&json!("20"), &json!("Total size"))
    );
    scene.app.finish().await;
}

#[tokio::test]
async fn viewer_settings_are_replaced_or_changed_member_by_member() {
    let scene = Scene::new().await;
    let get = Call::get(&format!("/api/v2/model/{}/config", scene.model.id)).bearer(&scene.owner);
    let config =
        async || scene.app.send(get.clone()).await.expect(200).json()["viewer"]["config"].clone();
    let first = json!({ "settings_version": "7.1", "light": { "a": 1 }, "camera": 3 });
    let post = Call::post(&format!("/api/v2/model/{}/config", scene.model.id)).json(&first);
    scene.app.send(post.bearer(&scene.owner)).await.expect(200);
    assert_eq!(config().await, first);
    let change = json!({ "light": { "b": 2 }, "session": {} });
    scene.change("config", &change).await.expect(200);
    let merged =
        json!({ "settings_version": "7.1", "light": { "b": 2 }, "camera": 3, "session": {} });
    assert_eq!(config().await, merged);
    assert_eq!(scene.opened().await.body["viewer"]["config"], merged);
    let post = Call::post(&format!("/api/v2/model/{}/config", scene.model.id)).json(&json!({}));
    scene.app.send(post.bearer(&scene.owner)).await.expect(200);
    assert_eq!(config().await, json!({}));
    scene.app.finish().await;
}

#[tokio::test]
async fn an_authors_session_may_change_its_model_and_a_visitors_may_not() {
    let scene = Scene::new().await;
    let author = scene.author_session().await;
    assert!(actions(&author.body).is_superset(&AUTHORING.map(str::to_owned).into()));
    assert!(actions(&scene.session.body).is_disjoint(&AUTHORING.map(str::to_owned).into()));
    let values = json!({ "size": "33" });
    let with = |session: &Opened| {
        let call = scene.patch("parameter/defval", &values).origin(SHOP);
        call.header("x-vitrine-session", &session.id)
    };
    scene.app.send(with(&author)).await.expect(200);
    let refused = scene.app.send(with(&scene.session)).await;
    refused.expect_error(403, "SdErrorForbidden");
    // A token beside a visitor's session adds to it; one for another model ends the matter.
    let beside = with(&scene.session).bearer(&scene.owner);
    scene.app.send(beside).await.expect(200);
    let other = scene.app.push("other", CUBE).await;
    let foreign = scene.app.model_token(other.id);
    let refused = scene.app.send(with(&author).bearer(&foreign)).await;
    refused.expect_error(403, "SdErrorForbidden");
    let elsewhere = Call::new(
        "PATCH",
        &format!("/api/v2/model/{}/parameter/defval", other.id),
    );
    let elsewhere = elsewhere
        .json(&values)
        .header("x-vitrine-session", &author.id);
    let refused = scene.app.send(elsewhere).await;
    refused.expect_error(403, "SdErrorForbidden");
    let twice = with(&author).header("x-vitrine-session", &author.id);
    let refused = scene.app.send(twice).await;
    refused.expect_error(400, "SdSessionValidationError");
    scene.app.send(author.close()).await.expect(200);
    let refused = scene.app.send(with(&author)).await;
    refused.expect_error(410, "SdSessionGoneError");
    scene.app.finish().await;
}

#[tokio::test]
async fn actions_mirror_what_session_and_token_permit_together() {
    let scene = Scene::new().await;
    let app = &scene.app;
    let author = scene.author_session().await;
    let own = |scopes: &[&str]| app.token(Subject::Model(scene.model.id), scopes);
    let seen = async |session: &Opened, token: Option<&str>| {
        let call = session.defaults();
        let call = match token {
            Some(token) => call.bearer(token),
            None => call,
        };
        actions(&app.send(call).await.expect(200).json())
    };
    // A token adds to a visitor's session what it carries, and takes nothing from an author's.
    let ui = own(&["set.parameter.ui"]);
    let visitor = seen(&scene.session, Some(&ui)).await;
    assert!(visitor.contains("parameter-definition") && !visitor.contains("defaultparam"));
    assert_eq!(seen(&author, Some(&ui)).await, seen(&author, None).await);
    // Where the model demands a token, the token alone counts, also beside an author's ticket.
    let strong = ModelPatch {
        require_token: Some(true),
        ..ModelPatch::default()
    };
    app.update(scene.model.id, strong).await;
    let view = own(&["group.view"]);
    let limited = seen(&author, Some(&view)).await;
    assert!(limited.contains("customize") && !limited.contains("export"));
    assert!(limited.is_disjoint(&AUTHORING.map(str::to_owned).into()));
    let call = scene.patch("parameter/defval", &json!({}));
    let call = call.header("x-vitrine-session", &author.id);
    app.send(call.clone())
        .await
        .expect_error(401, "SdTokenMissingError");
    let refused = app.send(call.clone().bearer(&view)).await;
    refused.expect_error(403, "SdErrorForbidden");
    app.send(call.bearer(&scene.owner)).await.expect(200);
    scene.app.finish().await;
}

#[tokio::test]
async fn the_trail_names_who_changed_a_model() {
    let scene = Scene::new().await;
    let author = scene.author_session().await;
    for (call, actor) in [
        (
            scene.patch("export", &json!({})).bearer(&scene.owner),
            format!("model:{}", scene.model.id),
        ),
        (
            scene
                .patch("export", &json!({}))
                .header("x-vitrine-session", &author.id),
            "author".to_owned(),
        ),
    ] {
        let answer = scene.app.send(call).await.expect(200);
        let request = answer.header("x-request-id").unwrap().parse().unwrap();
        let store = scene.app.services.store();
        let found = crate::app::until("the trail is written", || async {
            store.audit_by_request(request).await.unwrap().pop()
        })
        .await;
        assert_eq!(
            (found.operation.as_str(), found.actor),
            ("UpdateExportDefinitions", actor)
        );
        assert!(!found.credential.contains(&author.id));
    }
    scene.app.finish().await;
}

#[tokio::test]
async fn a_ticket_by_second_id_opens_what_the_id_names() {
    let scene = Scene::new().await;
    let id2 = ModelPatch {
        id2: Some("the-cube".to_owned()),
        ..ModelPatch::default()
    };
    let model = scene.app.update(scene.model.id, id2).await;
    let ticket = scene
        .app
        .ticket_with(&model, |request| {
            request.use_id2 = true;
            request.author = true;
            request.kind = TicketType::Embedding;
        })
        .await;
    let opened = Opened::read(&scene.app.send(open_call(&ticket)).await.expect(201));
    assert_eq!(opened.body["model"]["id"], scene.model.id.to_string());
    assert!(actions(&opened.body).contains("configure"));
    scene.app.finish().await;
}

//! No secret is written to a log, whatever its level.

use std::time::Duration;

use serde_json::json;
use vitrine_access::grant::Subject;

use crate::app::{
    BROKEN, CUBE, Call, Everything, MASTER_KEY, Opened, Plan, TestApp, href, open_call,
};

/// How much of a secret in a log is too much, in characters.
const PART_CHARS: usize = 24;

/// What gives rights, collected along a journey.
#[derive(Default)]
struct Secrets(Vec<(String, String)>);

impl Secrets {
    fn note(&mut self, what: &str, secret: &str) {
        assert!(secret.len() >= PART_CHARS, "{what}: {secret}");
        self.0.push((what.to_owned(), secret.to_owned()));
    }

    /// Beginning, middle and end of each secret are looked for. Tokens begin alike, and so does
    /// what is derived from them: their signatures count.
    fn found_in(&self, log: &str) -> Vec<&str> {
        let mut found = Vec::new();
        for (what, secret) in &self.0 {
            let middle = secret.len() / 2;
            let parts = [
                secret.as_str(),
                &secret[..PART_CHARS],
                &secret[secret.len() - PART_CHARS..],
                &secret[middle..(middle + PART_CHARS).min(secret.len())],
            ];
            let common = what.contains("token");
            for (at, part) in parts.into_iter().enumerate() {
                if part.len() == PART_CHARS && !(common && at == 1) && log.contains(part) {
                    found.push(what.as_str());
                }
            }
        }
        found
    }
}

async fn use_well(
    app: &TestApp,
    session: &Opened,
    ticket: &str,
    token: &str,
    secrets: &mut Secrets,
) {
    for call in session.all_calls().into_iter().take(5) {
        app.send(call.bearer(token)).await.expect(200);
    }
    let link = session.href("model");
    app.send(Call::get(&link)).await.expect(206);
    let made = app
        .send(session.make_export("stl", &json!({})))
        .await
        .json();
    let export = href(&made["exports"][session.export("stl")]);
    secrets.note("an export link", export.rsplit('/').next().unwrap());
    app.send(Call::get(&export).header("range", "bytes=0-9"))
        .await
        .expect(206);
    app.send(Call::get(&format!("/api/v2/ticket/{ticket}")).bearer(&app.backend_token()))
        .await
        .expect(200);
}

/// What is refused is logged too.
async fn use_badly(app: &TestApp, session: &Opened, ticket: &str) {
    app.send(session.compute(&json!({ "size": "huge" }))).await;
    app.send(session.compute(&json!({ "size": 1 })).bearer("x"))
        .await;
    app.send(Call::get(&session.path("output/x/list"))).await;
    app.send(Call::new("DELETE", &session.path("default")))
        .await;
    app.send(Call::get(&session.path("nothing"))).await;
    app.send(Call::post(&format!("/api/v2/ticket/{ticket}")).origin("https://evil.example"))
        .await
        .expect(403);
    app.send(Call::get(&format!(
        "{}?x={}",
        session.href("model"),
        session.id
    )))
    .await;
}

/// Invariant 4, as far as logs go; what is stored is searched in `invariants`.
#[tokio::test]
async fn no_session_id_ticket_token_key_or_link_is_written_to_the_log() {
    let everything = Everything::keep();
    let mut secrets = Secrets::default();
    secrets.note("the master key", MASTER_KEY);
    // Other tests write to the same log: with the same seed their ids would look like ours.
    let app = Plan::new().seed(4_711).start().await;
    let backend = app.backend_token();
    secrets.note("a backend token", &backend);

    let create = Call::post("/api/v2/model").bearer(&backend).json(
        &json!({ "filename": "cube.js", "accessdomains": ["shop.example.com"],
                       "webhook_token": "a-webhook-secret-of-32-characters" }),
    );
    secrets.note("the webhook's secret", "a-webhook-secret-of-32-characters");
    let created = app.send(create).await.expect(200).json();
    let upload = created["file"]["upload"].as_str().unwrap();
    secrets.note("an upload link", upload.rsplit('/').next().unwrap());
    app.send(Call::put(upload).body(CUBE)).await.expect(200);
    let id = created["model"]["id"].as_str().unwrap().parse().unwrap();
    let model = app.analysed(id).await;

    let ticket = app.ticket(&model).await;
    secrets.note("a ticket", &ticket);
    let token = app.model_token(model.id);
    secrets.note("a model's token", &token);
    let short = app.token_for(Subject::Backend, &["*"], Duration::from_secs(1));
    secrets.note("an old token", &short);
    let session = Opened::read(
        &app.send(open_call(&ticket).bearer(&token))
            .await
            .expect(201),
    );
    secrets.note("a session id", &session.id);
    let link = session.href("model");
    secrets.note("a link", link.rsplit('/').next().unwrap());

    use_well(&app, &session, &ticket, &token, &mut secrets).await;
    use_badly(&app, &session, &ticket).await;
    app.pass(Duration::from_secs(100));
    app.send(Call::get("/api/v2/model/list").bearer(&short))
        .await
        .expect(401);
    app.push_any("broken", BROKEN).await;
    app.send(session.close()).await.expect(200);
    app.send(session.close()).await.expect(410);
    app.send(Call::get(&link)).await.expect(410);
    app.finish().await;

    let log = everything.text();
    for word in [
        "/api/v2/session/{sessionId}/output",
        "session opened",
        "model analysed",
    ] {
        assert!(log.contains(word), "the log was not heard: {word}");
    }
    let found = secrets.found_in(&log);
    if let Some(what) = found.first() {
        let (_, secret) = secrets.0.iter().find(|(name, _)| name == what).unwrap();
        let example = log
            .lines()
            .find(|text| text.contains(&secret[secret.len() - PART_CHARS..]));
        panic!("in the log: {found:?}, for instance in {example:?}");
    }
}

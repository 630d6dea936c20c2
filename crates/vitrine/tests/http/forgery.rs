//! What an attacker with one good credential does to make another one of it: forging, splicing,
//! and using each credential in the place of every other.

use vitrine_access::Owner;
use vitrine_access::ids::{TicketId, UserId};
use vitrine_access::origin::AllowedDomains;
use vitrine_access::seal::Sealer;
use vitrine_access::secret::MasterKey;
use vitrine_access::ticket::{Ticket, TicketModel, TicketType};
use vitrine_access::time::Timestamp;
use vitrine_service::ModelRecord;

use crate::app::{CUBE, Call, Opened, SHOP, TestApp, open_call};

/// Everything that somebody may hold of one model.
struct Held {
    model: ModelRecord,
    session: Opened,
    /// Name and text of each credential.
    all: Vec<(&'static str, String)>,
}

async fn held(app: &TestApp, model: ModelRecord) -> Held {
    let ticket = app.ticket(&model).await;
    let session = app.open(&ticket).await;
    let link = session.href("model");
    let mut parts = link.rsplit('/');
    let sealed = parts.next().unwrap().to_owned();
    let alias = parts.nth(1).unwrap().to_owned();
    let all = vec![
        ("ticket", ticket),
        ("backend ticket", app.backend_ticket(&model).await),
        ("session id", session.id.clone()),
        ("session alias", alias),
        ("asset link", sealed),
        ("token", app.model_token(model.id)),
        ("model id", model.id.to_string()),
    ];
    Held {
        model,
        session,
        all,
    }
}

/// The places where a credential goes, and which of them are right for it.
fn places(text: &str, model: &str, output: &str) -> Vec<(&'static [&'static str], Call)> {
    vec![
        (
            &["ticket", "backend ticket"],
            Call::post(&format!("/api/v2/ticket/{text}")).origin(SHOP),
        ),
        (
            &["session id"],
            Call::get(&format!("/api/v2/session/{text}/default")),
        ),
        (
            &["session id"],
            Call::put(&format!("/api/v2/session/{text}/output")),
        ),
        (
            &["asset link"],
            Call::get(&format!("/api/v2/download/{text}")),
        ),
        (&[], Call::put(&format!("/api/v2/upload/{text}")).body("x")),
        (
            &["token"],
            Call::get(&format!("/api/v2/model/{model}")).bearer(text),
        ),
        (&[], Call::get("/api/v2/model/list").bearer(text)),
        (
            &[],
            Call::get(&format!("/api/v2/session/{text}/output/{output}")),
        ),
    ]
}

#[tokio::test]
async fn no_credential_is_good_in_the_place_of_another() {
    let app = TestApp::start().await;
    let model = app.push("mine", CUBE).await;
    let held = held(&app, model).await;
    let id = held.model.id.to_string();
    for (name, text) in &held.all {
        for (right, call) in places(text, &id, "00") {
            let shown = format!("{call:?}");
            let answer = app.send(call).await;
            assert_eq!(
                answer.status.is_success(),
                right.contains(name),
                "{name} at {shown}: {} {}",
                answer.status,
                answer.text()
            );
            assert!(!answer.status.is_server_error());
        }
    }
    app.send(held.session.close()).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn parts_of_two_good_tickets_make_no_third() {
    let app = TestApp::start().await;
    let first = app.push("mine", CUBE).await;
    let second = app
        .push_for(UserId::new(app.entropy()), "theirs", CUBE)
        .await;
    let (one, two) = (app.ticket(&first).await, app.ticket(&second).await);
    let (head_one, tail_one) = one.split_once('-').unwrap();
    let (head_two, tail_two) = two.split_once('-').unwrap();
    let half = head_one.len() / 2;
    let spliced = [
        format!("{head_one}-{tail_two}"),
        format!("{head_two}-{tail_one}"),
        format!("{}{}-{tail_one}", &head_one[..half], &head_two[half..]),
        format!("{}{}-{tail_two}", &head_one[..half], &head_two[half..]),
        format!("{head_one}{head_two}-{tail_one}"),
        format!("{tail_one}-{head_one}"),
        format!("{head_one}-{tail_one}-{tail_one}"),
        format!("{head_one}{tail_one}"),
        one.to_uppercase(),
        format!("{one}%00"),
        format!("{one}%20"),
        one.replace('-', "%2d%2d"),
    ];
    for text in &spliced {
        app.send(open_call(text))
            .await
            .expect_error(403, "SdTicketValidationError");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_ticket_of_another_installation_or_without_a_row_opens_nothing() {
    let app = TestApp::start().await;
    let model = app.push("mine", CUBE).await;
    let forged = Ticket {
        id: TicketId::new(app.entropy()),
        model: TicketModel::Id(model.id),
        kind: TicketType::Backend,
        public: true,
        author: true,
        domains: AllowedDomains::default(),
        until: Timestamp::MAX_14,
    };
    let other_key = "ff".repeat(32);
    for key in [other_key.as_str(), crate::app::MASTER_KEY] {
        // With the right key, too: the row is missing, so it was never issued, or was removed.
        let sealer = Sealer::new(&MasterKey::from_text(key).unwrap());
        let text = forged.seal(&sealer);
        app.send(Call::post(&format!("/api/v2/ticket/{}", text.reveal())))
            .await
            .expect_error(403, "SdTicketValidationError");
    }
    app.finish().await;
}

#[tokio::test]
async fn every_pair_of_tenants_is_kept_apart_at_every_place() {
    let app = TestApp::start().await;
    let mut tenants = Vec::new();
    for name in ["first", "second", "third"] {
        let user = UserId::new(app.entropy());
        let model = app.push_for(user, name, CUBE).await;
        tenants.push(held(&app, model).await);
    }
    for mine in &tenants {
        for theirs in &tenants {
            let Owner { user: me, .. } = mine.model.owner;
            if me == theirs.model.owner.user {
                continue;
            }
            let token = app.model_token(mine.model.id);
            let secrets = [theirs.model.name.as_str(), theirs.session.id.as_str()];
            for (_, text) in &theirs.all {
                for (_, call) in places(text, &theirs.model.id.to_string(), "00") {
                    // A token of mine beside whatever is theirs never helps, and is never ignored.
                    // Only a link that is its own right is good for everybody who holds it.
                    let alone = format!("{call:?}").contains("/download/");
                    let answer = app.send(call.bearer(&token)).await;
                    assert!(!answer.status.is_success() || alone, "{}", answer.text());
                    assert!(!answer.text().contains(secrets[1]), "{}", answer.text());
                }
            }
            let path = format!("/api/v2/model/{}", theirs.model.id);
            let answer = app.send(Call::get(&path).bearer(&token)).await;
            answer.clone().expect_error(403, "SdErrorForbidden");
            for secret in secrets {
                assert!(!answer.text().contains(secret));
            }
        }
    }
    app.finish().await;
}

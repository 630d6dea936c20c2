//! External issuers: tokens that somebody else signs, for the models of one account.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use vitrine_access::grant::Subject;
use vitrine_access::ids::{AuthGroupId, ModelId, TokenId, UserId};
use vitrine_access::jwt::{AccessToken, Algorithm, KeySet, SigningKey};
use vitrine_access::owner::Payer;
use vitrine_access::permissions::PermissionSet;
use vitrine_service::ModelRecord;
use vitrine_service::coverage::GroupMembers;
use vitrine_service::issuers::{
    ExternalIssuer, KEYS_REFRESH, KEYS_RETRY, KEYS_STALE_MAX, KeySource,
};
use vitrine_service::models::ModelPatch;
use vitrine_service::outgoing::{Outgoing, OutgoingAnswer, OutgoingError, OutgoingRequest};

use crate::app::{CUBE, Call, Opened, Plan, TestApp, href, open_call, until};

const NAME: &str = "https://login.example.com";
const KEYS: &str = "https://login.example.com/keys.json";
/// Requests of one subject in a minute: more than any test needs that is not about it.
const KEY_QUOTA: u32 = 60;

/// The issuer's server: publishes keys, or does not answer.
#[derive(Default)]
struct TheirServer {
    keys: Mutex<Option<Bytes>>,
    asked: AtomicUsize,
}

impl TheirServer {
    fn publish(&self, keys: &[&SigningKey]) {
        let keys = KeySet::new(keys.iter().map(|key| key.public()).collect());
        *self.keys.lock().unwrap() = Some(keys.to_jwks().to_string().into());
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

struct Wire(Arc<TheirServer>);

impl Outgoing for Wire {
    fn fetch<'a, 'b>(
        &'a self,
        request: OutgoingRequest,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<OutgoingAnswer, OutgoingError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            assert_eq!(request.url, KEYS);
            self.0.asked.fetch_add(1, Ordering::SeqCst);
            let keys = self.0.keys.lock().unwrap().clone();
            let body = keys.ok_or(OutgoingError::TooSlow { max_ms: 1 })?;
            Ok(OutgoingAnswer {
                status: axum::http::StatusCode::OK,
                headers: axum::http::HeaderMap::new(),
                body,
                url: request.url,
            })
        })
    }
}

struct World {
    app: TestApp,
    server: Arc<TheirServer>,
    key: SigningKey,
    user: UserId,
    mine: ModelRecord,
    theirs: ModelRecord,
}

impl World {
    async fn new(allowed: Option<PermissionSet>) -> Self {
        let world = Self::unpublished(allowed).await;
        world.server.publish(&[&world.key]);
        world.app.pass(KEYS_RETRY);
        let token = world.token(|_| ());
        until("the keys are read", || async {
            let answer = world.get(&world.mine, &token).await;
            (answer != 503).then_some(())
        })
        .await;
        // Refusals until then are errors of the server, and logged as such.
        world.app.take_errors();
        world
    }

    async fn unpublished(allowed: Option<PermissionSet>) -> Self {
        let user = UserId::from_bytes([7; 16]);
        let server = Arc::new(TheirServer::default());
        let issuer = ExternalIssuer {
            issuer: NAME.to_owned(),
            audience: "geometry".to_owned(),
            keys: KeySource::Url(KEYS.to_owned()),
            account: Payer::User(user),
            allowed,
        };
        let app = Plan::new()
            .settings(|settings| {
                settings.external_issuers = vec![issuer];
                settings.rates.key = KEY_QUOTA;
            })
            .outgoing(Arc::new(Wire(Arc::clone(&server))))
            .start()
            .await;
        Self {
            mine: app.push_for(user, "mine", CUBE).await,
            theirs: app.push("theirs", CUBE).await,
            key: SigningKey::generate(Algorithm::Rs256).unwrap(),
            app,
            server,
            user,
        }
    }

    fn token(&self, change: impl FnOnce(&mut AccessToken)) -> String {
        self.signed(&self.key, change)
    }

    fn signed(&self, key: &SigningKey, change: impl FnOnce(&mut AccessToken)) -> String {
        let now = self.app.services.now();
        let mut token = AccessToken {
            id: TokenId::new(self.app.entropy()),
            issuer: NAME.to_owned(),
            audience: "geometry".to_owned(),
            subject: Subject::Model(self.mine.id),
            scopes: vec!["group.view".to_owned(), "file.download".to_owned()],
            issued_at: now,
            not_before: now,
            expires_at: now.plus(Duration::from_hours(30)),
        };
        change(&mut token);
        token.sign(key).unwrap()
    }

    async fn get(&self, model: &ModelRecord, token: &str) -> u16 {
        let path = format!("/api/v2/model/{}/file/download", model.id);
        let answer = self.app.send(Call::get(&path).bearer(token)).await;
        answer.status.as_u16()
    }
}

#[tokio::test]
async fn an_issuers_token_counts_for_the_models_of_its_account_only() {
    let world = World::new(None).await;
    let World {
        app, mine, theirs, ..
    } = &world;
    let token = world.token(|_| ());
    assert_eq!(world.get(mine, &token).await, 200);
    let ticket = app.ticket(mine).await;
    app.send(open_call(&ticket).bearer(&token))
        .await
        .expect(201);

    let foreign = world.token(|token| token.subject = Subject::Model(theirs.id));
    let nobodys = ModelId::new(app.entropy());
    let invented = world.token(|token| token.subject = Subject::Model(nobodys));
    let there = app
        .send(Call::get(&format!("/api/v2/model/{}", theirs.id)).bearer(&foreign))
        .await
        .expect_error(403, "SdErrorForbidden");
    let nowhere = app
        .send(Call::get(&format!("/api/v2/model/{nobodys}")).bearer(&invented))
        .await
        .expect_error(403, "SdErrorForbidden");
    assert_eq!(there.message(), nowhere.message());
    let ticket = app.ticket(theirs).await;
    app.send(open_call(&ticket).bearer(&foreign))
        .await
        .expect_error(403, "SdErrorForbidden");

    let members = GroupMembers {
        models: vec![mine.id, theirs.id],
        ..GroupMembers::default()
    };
    let group = app.services.create_auth_group(members).await.unwrap();
    let group = world.token(|token| token.subject = Subject::AuthGroup(group));
    assert_eq!(world.get(mine, &group).await, 200);
    assert_eq!(world.get(theirs, &group).await, 403);
    let unknown = Subject::AuthGroup(AuthGroupId::new(app.entropy()));
    let unknown = world.token(|token| token.subject = unknown);
    assert_eq!(world.get(mine, &unknown).await, 403);
    world.app.finish().await;
}

#[tokio::test]
async fn an_issuer_is_never_the_back_end_nor_another_account_and_has_no_reserved_scope() {
    let world = World::new(None).await;
    let stranger = UserId::new(world.app.entropy());
    for change in [
        &(|token: &mut AccessToken| token.subject = Subject::Backend) as &dyn Fn(&mut AccessToken),
        &|token| token.subject = Subject::User(stranger),
        &|token| token.scopes = vec!["*".to_owned()],
        &|token| token.scopes = vec!["group.view".to_owned(), "create".to_owned()],
        &|token| token.audience = "vitrine-geometry".to_owned(),
    ] {
        let token = world.token(|token| change(token));
        for path in [
            "/api/v2/model/list".to_owned(),
            format!("/api/v2/model/{}", world.mine.id),
        ] {
            let call = Call::get(&path).bearer(&token);
            let refused = world.app.send(call).await;
            refused.expect_error(401, "SdJwtValidationError");
        }
    }
    // Our own name in a token that they signed.
    let posing = world.token(|token| {
        token.issuer = "vitrine".to_owned();
        token.audience = "vitrine-geometry".to_owned();
        token.subject = Subject::Backend;
    });
    let call = Call::get("/api/v2/model/list").bearer(&posing);
    let refused = world.app.send(call).await;
    refused.expect_error(401, "SdJwtValidationError");
    let own = world.token(|token| token.subject = Subject::User(world.user));
    assert_eq!(world.get(&world.mine, &own).await, 403, "analytics only");
    world.app.finish().await;
}

#[tokio::test]
async fn an_issuer_permits_no_more_than_the_operator_lets_it() {
    let (view, _) = PermissionSet::from_scopes(&["group.view"]);
    let world = World::new(Some(view)).await;
    let token = world.token(|_| ());
    assert_eq!(world.get(&world.mine, &token).await, 403, "no download");
    let open = Call::post(&format!("/api/v2/model/{}/session", world.mine.id));
    world.app.send(open.bearer(&token)).await.expect(201);
    world.app.finish().await;
}

#[tokio::test]
async fn keys_that_are_not_there_yet_are_no_reason_to_trust_or_to_refuse_for_good() {
    let world = World::unpublished(None).await;
    let token = world.token(|_| ());
    assert_eq!(world.get(&world.mine, &token).await, 503);
    let own = world.app.model_token(world.mine.id);
    assert_eq!(
        world.get(&world.mine, &own).await,
        200,
        "our own tokens count"
    );
    world.server.publish(&[&world.key]);
    world.app.pass(KEYS_RETRY);
    until("the keys are read", || async {
        (world.get(&world.mine, &token).await == 200).then_some(())
    })
    .await;
    // The refusals of above are logged as errors of the server.
    world.app.take_errors();
    world.app.finish().await;
}

#[tokio::test]
async fn an_issuers_new_key_is_fetched_soon_and_its_withdrawn_key_ends() {
    let world = World::new(None).await;
    let old = world.token(|_| ());
    assert_eq!(world.get(&world.mine, &old).await, 200);
    let next = SigningKey::generate(Algorithm::Es256).unwrap();
    let new = world.signed(&next, |_| ());
    world.server.publish(&[&next]);
    let asked = world.server.asked();
    for _ in 0..20 {
        assert_eq!(world.get(&world.mine, &new).await, 401);
    }
    assert_eq!(
        world.server.asked(),
        asked,
        "inventing key ids causes no requests"
    );
    world.app.pass(KEYS_RETRY);
    until("the new key is fetched", || async {
        (world.get(&world.mine, &new).await == 200).then_some(())
    })
    .await;
    assert_eq!(
        world.get(&world.mine, &old).await,
        401,
        "although it was in memory"
    );
    assert_eq!(world.server.asked(), asked + 1);
    world.app.finish().await;
}

#[tokio::test]
async fn keys_of_an_issuer_that_falls_silent_count_for_a_day() {
    let world = World::new(None).await;
    let token = world.token(|_| ());
    *world.server.keys.lock().unwrap() = None;
    let asked = world.server.asked();
    world.app.pass(KEYS_REFRESH);
    until("the issuer is asked again", || async {
        (world.server.asked() > asked).then_some(())
    })
    .await;
    assert_eq!(world.get(&world.mine, &token).await, 200);
    world.app.pass(KEYS_STALE_MAX);
    until("the old keys are forgotten", || async {
        (world.get(&world.mine, &token).await == 503).then_some(())
    })
    .await;
    world.app.take_errors();
    world.app.finish().await;
}

#[tokio::test]
async fn an_issuer_cannot_use_up_the_quota_of_a_model_that_is_not_its_accounts() {
    let world = World::new(None).await;
    let World { app, theirs, .. } = &world;
    let claimed = world.token(|token| token.subject = Subject::Model(theirs.id));
    for _ in 0..KEY_QUOTA {
        assert_eq!(world.get(theirs, &claimed).await, 403);
    }
    assert_eq!(world.get(theirs, &claimed).await, 429);
    let own = app.model_token(theirs.id);
    assert_eq!(world.get(theirs, &own).await, 200);
    world.app.finish().await;
}

#[tokio::test]
async fn an_issuers_clock_carries_no_token_past_a_revocation() {
    let world = World::new(None).await;
    let World { app, mine, .. } = &world;
    let ahead = |seconds| {
        world.token(|token| {
            token.issued_at = token.issued_at.plus(Duration::from_secs(seconds));
        })
    };
    let tokens: Vec<String> = [0, 5, 55].into_iter().map(ahead).collect();
    for token in &tokens {
        assert_eq!(world.get(mine, token).await, 200);
    }
    let subject = Subject::Model(mine.id);
    app.services.revoke_subject(subject).await.unwrap();
    for token in &tokens {
        assert_eq!(world.get(mine, token).await, 401);
    }
    // Once that is over by more than clocks may differ, the issuer's tokens count again.
    app.pass(Duration::from_secs(70));
    assert_eq!(world.get(mine, &world.token(|_| ())).await, 200);
    world.app.finish().await;
}

#[tokio::test]
async fn what_an_issuer_calls_its_tokens_is_on_nobodys_account() {
    let world = World::new(None).await;
    let World { app, mine, .. } = &world;
    let anothers = TokenId::from_bytes([9; 16]);
    let token = world.token(|token| {
        token.id = anothers;
        token.scopes = vec!["group.view".to_owned()];
    });
    let open = Call::post(&format!("/api/v2/model/{}/session", mine.id)).bearer(&token);
    let session = Opened::read(&app.send(open).await.expect(201));
    let computed = session.compute(&json!({})).bearer(&token);
    app.send(computed).await.expect(200);
    let rows = app.usage(&session).await;
    assert!(rows.len() >= 2, "{rows:?}");
    for row in rows {
        assert_eq!((row.token, row.subject), (None, None));
        assert_eq!(row.payer, Payer::User(world.user));
    }
    world.app.finish().await;
}

#[tokio::test]
async fn what_was_opened_with_a_key_ends_when_its_issuer_withdraws_it() {
    let world = World::new(None).await;
    let World { app, mine, .. } = &world;
    let token = world.token(|token| token.scopes = vec!["group.view".to_owned()]);
    let open = Call::post(&format!("/api/v2/model/{}/session", mine.id)).bearer(&token);
    let by_token = Opened::read(&app.send(open).await.expect(201));
    let ticket = app.ticket(mine).await;
    let beside = open_call(&ticket).bearer(&token);
    let beside = Opened::read(&app.send(beside).await.expect(201));
    let by_ticket = app.open(&ticket).await;
    let own = app.token(Subject::Model(mine.id), &["group.view"]);
    let open = Call::post(&format!("/api/v2/model/{}/session", mine.id)).bearer(&own);
    let by_own = Opened::read(&app.send(open).await.expect(201));
    let next = SigningKey::generate(Algorithm::Es256).unwrap();
    world.server.publish(&[&next]);
    app.pass(KEYS_REFRESH);
    until("the key is withdrawn", || async {
        (app.send(by_token.defaults()).await.status == 410).then_some(())
    })
    .await;
    for session in [&by_token, &beside] {
        for call in session.all_calls() {
            app.send(call).await.expect_error(410, "SdSessionGoneError");
        }
        app.send(Call::get(&session.href("model")))
            .await
            .expect(410);
    }
    for session in [&by_ticket, &by_own] {
        app.send(session.defaults()).await.expect(200);
        app.send(Call::get(&session.href("model")))
            .await
            .expect(206);
    }
    world.app.finish().await;
}

#[tokio::test]
async fn a_link_made_with_a_token_ends_with_the_key_that_signed_it() {
    let world = World::new(None).await;
    let World { app, mine, .. } = &world;
    let demand = ModelPatch {
        require_token: Some(true),
        ..ModelPatch::default()
    };
    app.update(mine.id, demand).await;
    // Opened with a token of ours, asked on with one of theirs.
    let own = app.token(Subject::Model(mine.id), &["group.view"]);
    let opened = open_call(&app.ticket(mine).await).bearer(&own);
    let session = Opened::read(&app.send(opened).await.expect(201));
    let theirs = world.token(|token| token.scopes = vec!["group.view".to_owned()]);
    let answer = app
        .send(session.defaults().bearer(&theirs))
        .await
        .expect(200);
    let link = href(&answer.json()["outputs"][session.output("model")]);
    app.send(Call::get(&link)).await.expect(206);
    let next = SigningKey::generate(Algorithm::Es256).unwrap();
    world.server.publish(&[&next]);
    app.pass(KEYS_REFRESH);
    until("the key is withdrawn", || async {
        (app.send(Call::get(&link)).await.status == 410).then_some(())
    })
    .await;
    app.send(Call::get(&session.href("model")))
        .await
        .expect(206);
    app.send(session.defaults().bearer(&own)).await.expect(200);
    world.app.finish().await;
}

#[tokio::test]
async fn while_an_issuers_keys_are_not_known_its_sessions_are_neither_served_nor_ended() {
    let mut world = World::new(None).await;
    let token = world.token(|token| token.scopes = vec!["group.view".to_owned()]);
    let open = Call::post(&format!("/api/v2/model/{}/session", world.mine.id)).bearer(&token);
    let session = Opened::read(&world.app.send(open).await.expect(201));
    let published = world.server.keys.lock().unwrap().take();
    world.app.restart().await;
    world.app.send(session.defaults()).await.expect(503);
    *world.server.keys.lock().unwrap() = published;
    world.app.pass(KEYS_RETRY);
    until("the keys are read again", || async {
        let status = world.app.send(session.defaults()).await.status;
        (status == 200).then_some(())
    })
    .await;
    world.app.take_errors();
    world.app.finish().await;
}

#[tokio::test]
async fn a_group_token_tells_models_that_it_does_not_cover_from_none_by_nothing() {
    let world = World::new(None).await;
    let World {
        app, theirs, mine, ..
    } = &world;
    let members = GroupMembers {
        models: vec![mine.id],
        ..GroupMembers::default()
    };
    let group = app.services.create_auth_group(members).await.unwrap();
    let ours = app.token(Subject::AuthGroup(group), &["*"]);
    let external = world.token(|token| token.subject = Subject::AuthGroup(group));
    let nobodys = ModelId::new(app.entropy());
    let deleted = app.push("deleted", CUBE).await;
    app.services.delete_model(deleted.id).await.unwrap();
    // Whoever owns the others has revoked all that was given out, which is nobody else's business.
    let owner = Subject::User(theirs.owner.user);
    app.services.revoke_subject(owner).await.unwrap();
    let paths = ["", "/file/download", "/ticket", "/session", "/config"];
    for token in [&ours, &external] {
        for path in paths {
            let said = async |model: &str| {
                let method = match path {
                    "/ticket" | "/session" => "POST",
                    _ => "GET",
                };
                let call = Call::new(method, &format!("/api/v2/model/{model}{path}"));
                let answer = app.send(call.bearer(token)).await;
                let body = answer.json();
                let told = ["error", "code", "message"].map(|part| body[part].to_string());
                (answer.status.as_u16(), told)
            };
            let nothing = said(&nobodys.to_string()).await;
            assert_eq!(nothing.0, 403, "{nothing:?}");
            for other in [
                theirs.id.to_string(),
                deleted.id.to_string(),
                theirs.slug.clone(),
                "no-such-slug".to_owned(),
            ] {
                assert_eq!(said(&other).await, nothing, "{path} of {other}");
            }
        }
    }
    world.app.finish().await;
}

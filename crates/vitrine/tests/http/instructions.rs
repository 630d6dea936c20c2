//! The warm paths, again and again. By itself this shows that they answer every time; `tools/instructions`
//! runs it under callgrind and holds the instructions of each against `tests/instructions.json`.

use std::pin::Pin;

use tokio::runtime::{Builder, Runtime};
use vitrine_access::grant::Subject;
use vitrine_access::seal::Sealer;
use vitrine_access::secret::MasterKey;
use vitrine_access::ticket::Ticket;

use crate::app::{CUBE, Call, MASTER_KEY, TestApp, until};
use crate::authorize::{plan, question};
use crate::partner;

/// How often each path is gone: so many that the few turns of a cache's upkeep hardly show.
const TURNS: usize = 100;
/// Turns that are counted at once. Between them the server may catch up with what runs beside requests: one that is
/// kept from the change log for seconds, as callgrind on a busy machine does, trusts nobody.
const TURNS_AT_ONCE: usize = 10;
/// Turns of what takes long under callgrind.
const TURNS_FEW: usize = 20;

type Work<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// What is counted. Callgrind finds it by its name; everything else that the process does is left out.
#[inline(never)]
fn counted(runtime: &Runtime, work: Work<'_>) {
    runtime.block_on(work);
}

/// Counts some turns of a path, when the server is ready.
fn count_some(runtime: &Runtime, app: &TestApp, path: &str, turns: usize, work: Work<'_>) {
    runtime.block_on(until("the server is ready", || async {
        app.services.ready().await.ok()
    }));
    // What the tool reads.
    println!("counted {path} {turns}");
    counted(runtime, work);
}

/// Counts the calls, after one that warms up.
fn count(runtime: &Runtime, app: &TestApp, path: &str, status: u16, calls: &[Call]) {
    let (first, calls) = calls.split_first().expect("a call to warm up");
    runtime.block_on(async { app.send(first.clone()).await.expect(status) });
    for some in calls.chunks(TURNS_AT_ONCE) {
        let some = some.to_vec();
        let turns = some.len();
        let work = async {
            for call in some {
                app.send(call).await.expect(status);
            }
        };
        count_some(runtime, app, path, turns, Box::pin(work));
    }
}

#[test]
fn warm_paths_answer_again_and_again() {
    // What runs beside requests has a thread of its own and is not counted.
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (app, model, ticket, session, token) = runtime.block_on(async {
        let app = plan().start().await;
        let model = app.push("cube", CUBE).await;
        let ticket = app.ticket(&model).await;
        let session = app.open(&ticket).await;
        let acme = partner::acme(&app).await;
        let token = partner::made(&app, &acme.key).await;
        (app, model, ticket, session, token)
    });
    let by_session = question(model.id).header("x-vitrine-session", &session.id);
    let new_token = |_| {
        let token = app.token(Subject::Model(model.id), &["group.view"]);
        question(model.id).bearer(&token)
    };
    let again = |call: Call, turns| vec![call; turns + 1];
    count(
        &runtime,
        &app,
        "authorize-by-session",
        204,
        &again(by_session, TURNS),
    );
    count(
        &runtime,
        &app,
        "authorize-by-new-token",
        204,
        &(0..=TURNS_FEW).map(new_token).collect::<Vec<_>>(),
    );
    count(
        &runtime,
        &app,
        "session-defaults",
        200,
        &again(session.defaults(), TURNS_FEW),
    );
    count(
        &runtime,
        &app,
        "verify-editor-token",
        200,
        &again(partner::verify(&token), TURNS),
    );
    let sealer = Sealer::new(&MasterKey::from_text(MASTER_KEY).unwrap());
    let opening = async {
        for _ in 0..TURNS {
            Ticket::open(&sealer, &ticket).unwrap();
        }
    };
    count_some(&runtime, &app, "open-ticket", TURNS, Box::pin(opening));
    runtime.block_on(app.finish());
}

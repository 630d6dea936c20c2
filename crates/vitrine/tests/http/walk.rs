//! Every operation of the permission table, tried with every kind of credential.
//!
//! What the walk cannot try stands in `tests/walk-gaps.txt`, which should be empty.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};
use vitrine_access::grant::Subject;
use vitrine_access::ids::{ModelId, OrganizationId, PartnerId, SessionId, UserId};
use vitrine_access::permissions::{ANY_METHOD, Credential, OPERATIONS, Operation};
use vitrine_access::platform::Role;
use vitrine_service::keys::Rotation;
use vitrine_service::models::{ModelPatch, OPERATOR};
use vitrine_service::{ModelRecord, OrganizationRecord};

use crate::app::{Answer, CUBE, Call, Opened, SHOP, TestApp, href, open_call};
use crate::{authorize, caching, editor, platform};

const GAPS: &str = include_str!("../walk-gaps.txt");
/// A credential of the right form that nobody ever issued.
const GARBAGE: &str = "0123456789abcdef0123456789abcdef";

/// What every account does for itself.
const OWN: [&str; 8] = [
    "PlatformQueryCaps",
    "PlatformCheckDomains",
    "PlatformQueryModels",
    "PlatformCreateModel",
    "PlatformQueryAccessKeys",
    "PlatformCreateAccessKey",
    "PlatformCreateOrganization",
    "PlatformQueryBackendSystems",
];

/// The kinds of credential that are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Try {
    None,
    Garbage,
    Expired,
    OtherTenant,
    Narrow,
    Right,
}

const TRIES: [Try; 6] = [
    Try::None,
    Try::Garbage,
    Try::Expired,
    Try::OtherTenant,
    Try::Narrow,
    Try::Right,
];

/// One model with everything that gives rights on it.
struct Tenant {
    model: ModelRecord,
    ticket: String,
    old_ticket: String,
    token: String,
    /// A request about the model that was refused.
    refused: String,
    /// A token that covers the model and permits looking at it only.
    visitor: String,
    /// A token that covers the model and permits nothing of it.
    powerless: String,
    session: Opened,
    old_session: Opened,
    upload: String,
    export: String,
}

struct World {
    app: TestApp,
    mine: Tenant,
    theirs: Tenant,
    backend: String,
    old_backend: String,
    old_token: String,
    old_upload: String,
    spares: [Opened; 2],
    /// Ids of a ticket and of a session that the walk may use up.
    spare_ticket: String,
    spare_alias: String,
    /// Models for the operations that use one up.
    expendable: [(&'static str, ModelId); 4],
    partners: Partners,
    editors: Editors,
    accounts: Accounts,
}

/// What partners have: keys and tokens of two of them, and what is over of the first.
struct Partners {
    /// The first partner's id.
    id: String,
    /// Id of a key of its that nothing else of the walk needs.
    spare_key: String,
    key: String,
    old_key: String,
    revoked_key: String,
    token: String,
    old_token: String,
    revoked_token: String,
    others_token: String,
}

/// Editor sessions on a drawing of the first partner, one of the other partner's on its own, and
/// sessions for the operation that uses one up.
struct Editors {
    edit: String,
    view: String,
    old: String,
    others: String,
    spares: [String; 3],
    etag: String,
    /// A token of the first partner that nothing else of the walk revokes.
    token: String,
}

/// What accounts have: keys as id and secret, and tokens of the platform.
struct Accounts {
    key: (String, String),
    old_key: (String, String),
    revoked_key: (String, String),
    others_key: (String, String),
    token: String,
    old_token: String,
    others_token: String,
    /// One more sign-in of the account.
    sign_in: String,
    /// One more key of the account.
    spare_key: String,
    /// An account that belongs to no organization.
    loner_token: String,
    /// The organization of the account, and one more member of it.
    organization: String,
    member: String,
    /// A signing key that has signed nothing yet.
    signing_key: String,
}

impl World {
    #[expect(
        clippy::too_many_lines,
        reason = "everything that the walk's requests need, made once"
    )]
    async fn new() -> Self {
        let app = authorize::plan().start().await;
        let first = app.push("mine", CUBE).await;
        let second = app
            .push_for(UserId::new(app.entropy()), "theirs", CUBE)
            .await;
        let hour = Duration::from_hours(1);
        let ends = app.services.now().plus(hour);
        let old_backend = app.token(Subject::Backend, &["*"]);
        let old_token = app.model_token(first.id);
        let old_upload = upload_link(&app).await;
        let (acme, first_key) = partner(&app, "acme").await;
        let (_, others_key) = partner(&app, "other").await;
        let old_editor = opened(&app, &first_key, "view").await.0;
        let old_editor_token = generate(&app, &first_key).await;
        let old_account_key = platform::key(&app, None, Some(ends)).await;
        let old_account_token = platform::access(&app, &old_account_key).await;
        let mut old = Vec::new();
        for model in [&first, &second] {
            let ticket = app.ticket_with(model, |request| request.until = ends).await;
            let session = app.open(&ticket).await;
            old.push((ticket, session));
        }
        // Beyond the editor sessions' time as well, which is the longest.
        app.pass(hour * 11);
        // Beyond the sessions' age, the links' grace and the tokens' tolerance.
        app.pass(hour * 2);
        let (theirs_old, mine_old) = (old.pop().unwrap(), old.pop().unwrap());
        let (edit, etag) = opened(&app, &first_key, "edit").await;
        let editors = Editors {
            view: opened(&app, &first_key, "view").await.0,
            others: opened(&app, &others_key, "edit").await.0,
            spares: [
                opened(&app, &first_key, "view").await.0,
                opened(&app, &others_key, "view").await.0,
                opened(&app, &first_key, "view").await.0,
            ],
            old: old_editor,
            token: generate(&app, &first_key).await,
            edit,
            etag,
        };
        let spare_key = app.services.create_partner_key(acme).await.unwrap();
        let partners = Partners {
            id: acme.to_string(),
            spare_key: spare_key.0.id.to_string(),
            revoked_key: spoiled_key(&app, acme).await,
            old_token: old_editor_token,
            revoked_token: spoiled_token(&app, &first_key).await,
            token: generate(&app, &first_key).await,
            others_token: generate(&app, &others_key).await,
            key: replaced_key(&app, acme).await,
            old_key: first_key,
        };
        let others = second.owner.user.to_string();
        let accounts = accounts(&app, &others, old_account_key, old_account_token).await;
        let mine = tenant(&app, first, mine_old).await;
        let theirs = tenant(&app, second, theirs_old).await;
        let backend = app.backend_token();
        let spares = [app.open(&mine.ticket).await, app.open(&mine.ticket).await];
        let spare_ticket = app.ticket(&mine.model).await;
        let spare_ticket = app.services.decrypt_ticket(&spare_ticket).unwrap().id;
        let spare = app.open(&mine.ticket).await;
        let spare: SessionId = spare.id.parse().unwrap();
        let expendable = [
            "DeleteModel",
            "RestoreModel",
            "EraseModel",
            "PlatformDeleteModel",
        ];
        let mut models = Vec::new();
        for _ in expendable {
            let model = app.services.create_model(ModelPatch::default()).await;
            models.push(model.unwrap().id);
        }
        app.services.delete_model(models[1]).await.unwrap();
        let expendable = [0, 1, 2, 3].map(|n| (expendable[n], models[n]));
        Self {
            app,
            mine,
            theirs,
            backend,
            old_backend,
            old_token,
            old_upload,
            spares,
            spare_ticket: spare_ticket.to_string(),
            spare_alias: spare.hash().alias().to_string(),
            expendable,
            partners,
            editors,
            accounts,
        }
    }

    /// The request of an operation, or `None` where the walk has no way to make it.
    fn call(&self, row: &Operation, with: Try) -> Option<Call> {
        match row.credential {
            Credential::Public => Some(bare(row, &row.path.replace("{slug}", "mine")).origin(SHOP)),
            Credential::Token | Credential::TokenOrAuthor => Some(self.by_token(row, with)),
            Credential::BackendToken => Some(self.by_backend(row, with)),
            Credential::Session | Credential::SessionOrToken => Some(self.by_session(row, with)),
            Credential::Ticket => Some(self.by_ticket(row, with)),
            Credential::SealedLink => self.by_link(row, with),
            Credential::Forwarded => Some(self.by_proxy(with)),
            Credential::PartnerKey => Some(self.by_partner_key(row, with)),
            Credential::EditorToken => Some(self.by_editor_token(row, with)),
            Credential::EditorSession => Some(self.by_editor_session(row, with)),
            Credential::AccessKey => Some(self.by_access_key(with)),
            Credential::Account | Credential::Operator => Some(self.by_account(row, with)),
        }
    }

    fn by_token(&self, row: &Operation, with: Try) -> Call {
        let call = bare(row, &self.mine_path(row));
        match with {
            Try::None => call,
            Try::Garbage => call.bearer(GARBAGE),
            Try::Expired => call.bearer(&self.old_token),
            Try::OtherTenant => call.bearer(&self.theirs.token),
            Try::Narrow if row.id == "ExplainRequest" => call.bearer(&self.mine.visitor),
            Try::Narrow => call.bearer(&self.mine.powerless),
            Try::Right => call.bearer(&self.mine.token),
        }
    }

    fn by_backend(&self, row: &Operation, with: Try) -> Call {
        let call = bare(row, &self.mine_path(row));
        match with {
            Try::None => call,
            Try::Garbage => call.bearer(GARBAGE),
            Try::Expired => call.bearer(&self.old_backend),
            Try::OtherTenant => call.bearer(&self.theirs.token),
            Try::Narrow => call.bearer(&self.mine.token),
            Try::Right => match self.expendable.iter().find(|(id, _)| *id == row.id) {
                Some((_, model)) => bare(row, &row.path.replace("{modelId}", &model.to_string())),
                None => call,
            }
            .bearer(&self.backend),
        }
    }

    fn by_session(&self, row: &Operation, with: Try) -> Call {
        let mine = &self.mine.session;
        let session = match with {
            Try::None => "none",
            Try::Garbage => GARBAGE,
            Try::Expired => &self.mine.old_session.id,
            // Closing uses a session up, and the walk goes on with the others.
            Try::Narrow if row.id == "CloseSession" => &self.spares[0].id,
            Try::Right if row.id == "CloseSession" => &self.spares[1].id,
            Try::OtherTenant | Try::Narrow | Try::Right => &mine.id,
        };
        let path = row
            .path
            .replace("{sessionId}", session)
            .replace("{outputId}", &mine.output("model"))
            .replace("{exportId}", &mine.export("stl"));
        let call = bare(row, &path).json(&session_body(row, mine));
        match with {
            Try::OtherTenant => call.bearer(&self.theirs.token),
            Try::Narrow => call.bearer(&self.mine.powerless),
            Try::Right if row.credential == Credential::SessionOrToken => {
                call.bearer(&self.mine.token)
            }
            _ => call,
        }
    }

    fn by_ticket(&self, row: &Operation, with: Try) -> Call {
        let ticket = match with {
            Try::None => "none",
            Try::Garbage => GARBAGE,
            Try::Expired => &self.mine.old_ticket,
            Try::OtherTenant | Try::Narrow | Try::Right => &self.mine.ticket,
        };
        let call = bare(row, &row.path.replace("{ticketId}", ticket));
        match with {
            Try::OtherTenant => call.origin(SHOP).bearer(&self.theirs.token),
            Try::Narrow => call.origin("https://stranger.example.com"),
            _ => call.origin(SHOP),
        }
    }

    fn by_proxy(&self, with: Try) -> Call {
        let call = authorize::question(self.mine.model.id);
        let session = |id: &str| call.clone().header("x-vitrine-session", id);
        match with {
            Try::None => call,
            Try::Garbage => session(GARBAGE),
            Try::Expired => session(&self.mine.old_session.id),
            Try::OtherTenant => session(&self.theirs.session.id),
            Try::Narrow => call.bearer(&self.mine.powerless),
            Try::Right => session(&self.mine.session.id),
        }
    }

    fn by_link(&self, row: &Operation, with: Try) -> Option<Call> {
        let last = |link: &str| link.rsplit('/').next().unwrap().to_owned();
        let alias = |link: &str| link.split('/').rev().nth(2).unwrap().to_owned();
        let (mine, theirs) = (&self.mine, &self.theirs);
        let (output, old, foreign) = (
            mine.session.href("model"),
            mine.old_session.href("model"),
            theirs.session.href("model"),
        );
        let (good, expired) = match row.id {
            "UploadModelFile" => (mine.upload.clone(), self.old_upload.clone()),
            "DownloadOutput" | "DownloadAsset" => (output.clone(), old.clone()),
            // The walk's old session made no export: an expired link of it is an output's.
            "DownloadExport" => (mine.export.clone(), old.clone()),
            _ => return None,
        };
        let sealed = match with {
            Try::None => "none".to_owned(),
            Try::Garbage => GARBAGE.to_owned(),
            Try::Expired => last(&expired),
            Try::OtherTenant => last(&foreign),
            // A link of another purpose.
            Try::Narrow if row.id == "UploadModelFile" => last(&output),
            Try::Narrow if row.id == "DownloadOutput" => last(&mine.export),
            Try::Narrow if row.id == "DownloadExport" => last(&output),
            Try::Narrow => last(&mine.upload),
            Try::Right => last(&good),
        };
        let place = if with == Try::Expired { &old } else { &output };
        let path = row
            .path
            .replace("{sessionId}", &alias(place))
            .replace("{assetDataEncrypted}", &sealed)
            .replace("{uploadLink}", &sealed);
        let call = bare(row, &path);
        Some(if row.id == "UploadModelFile" {
            call.body(CUBE)
        } else {
            call
        })
    }

    fn by_partner_key(&self, row: &Operation, with: Try) -> Call {
        let partners = &self.partners;
        // Another partner's token is no credential here but what is asked about.
        let token = match with {
            Try::OtherTenant => &partners.others_token,
            _ => &partners.token,
        };
        let call = match row.id {
            "GenerateEditorToken" => bare(row, row.path).json(&json!({ "file": "a.dxf" })),
            _ => bare(row, row.path)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(format!("token={token}")),
        };
        match with {
            Try::None => call,
            Try::Garbage => call.header("x-api-key", GARBAGE),
            Try::Expired => call.header("x-api-key", &partners.old_key),
            Try::Narrow => call.header("x-api-key", &partners.revoked_key),
            Try::OtherTenant | Try::Right => call.header("x-api-key", &partners.key),
        }
    }

    fn by_editor_token(&self, row: &Operation, with: Try) -> Call {
        let partners = &self.partners;
        if row.id == "OpenEditorSession" {
            return match with {
                Try::None => bare(row, row.path).json(&json!({})),
                Try::Garbage => editor::open(GARBAGE),
                Try::Expired => editor::open(&partners.old_token),
                Try::Narrow => editor::open(&partners.revoked_token),
                Try::OtherTenant => editor::open(&partners.others_token),
                Try::Right => editor::open(&self.editors.token),
            };
        }
        let call = bare(row, row.path);
        match with {
            Try::None => call,
            Try::Garbage => call.header("x-api-token", GARBAGE),
            Try::Expired => call.header("x-api-token", &partners.old_token),
            Try::Narrow => call.header("x-api-token", &partners.revoked_token),
            Try::OtherTenant => call.header("x-api-token", &partners.others_token),
            // Revoked meanwhile by the operation that does that.
            Try::Right => call.header("x-api-token", &partners.token),
        }
    }

    fn by_editor_session(&self, row: &Operation, with: Try) -> Call {
        let editors = &self.editors;
        let call = match row.id {
            "SaveEditorDrawing" => bare(row, row.path)
                .header("if-match", &editors.etag)
                .body(editor::DXF),
            _ => bare(row, row.path),
        };
        match with {
            Try::None => call,
            Try::Garbage => call.bearer(GARBAGE),
            Try::Expired => call.bearer(&editors.old),
            Try::Narrow if row.id == "CloseEditorSession" => call.bearer(&editors.spares[0]),
            Try::Narrow => call.bearer(&editors.view),
            Try::OtherTenant if row.id == "CloseEditorSession" => call.bearer(&editors.spares[1]),
            Try::OtherTenant => call.bearer(&editors.others),
            // Closing uses a session up, and the walk goes on with the others.
            Try::Right if row.id == "CloseEditorSession" => call.bearer(&editors.spares[2]),
            Try::Right => call.bearer(&editors.edit),
        }
    }

    fn by_access_key(&self, with: Try) -> Call {
        let accounts = &self.accounts;
        let (id, secret) = match with {
            Try::None => return Call::post("/oauth/token").json(&json!({})),
            Try::Garbage => (GARBAGE, GARBAGE),
            Try::Expired => (accounts.old_key.0.as_str(), accounts.old_key.1.as_str()),
            Try::OtherTenant => (accounts.others_key.0.as_str(), accounts.key.1.as_str()),
            Try::Narrow => (
                accounts.revoked_key.0.as_str(),
                accounts.revoked_key.1.as_str(),
            ),
            Try::Right => (accounts.key.0.as_str(), accounts.key.1.as_str()),
        };
        platform::sign_in(id, secret)
    }

    fn by_account(&self, row: &Operation, with: Try) -> Call {
        let accounts = &self.accounts;
        let used_up = self.expendable.iter().find(|(id, _)| *id == row.id);
        let model = match used_up.filter(|_| with == Try::Right) {
            Some((_, model)) => model.to_string(),
            None => self.mine.model.id.to_string(),
        };
        let owner = self.mine.model.owner.user.to_string();
        let user = match row.id {
            "PlatformUpdateMember" => &accounts.member,
            _ => &owner,
        };
        let path = row
            .path
            .replace("{userId}", user)
            .replace("{signInId}", &accounts.sign_in)
            .replace("{keyId}", &accounts.spare_key)
            .replace("{organizationId}", &accounts.organization)
            .replace("{modelKey}", &model)
            .replace("{platformTicketId}", &self.spare_ticket)
            .replace("{sessionAlias}", &self.spare_alias)
            .replace("{signingKeyId}", &accounts.signing_key)
            .replace("{accountName}", &owner)
            .replace("{partnerId}", &self.partners.id)
            .replace("{partnerKeyId}", &self.partners.spare_key);
        let call = match self.account_body(row.id) {
            Some(body) => bare(row, &path).json(&body),
            None => bare(row, &path),
        };
        match with {
            Try::None => call,
            Try::Garbage => call.bearer(GARBAGE),
            Try::Expired => call.bearer(&accounts.old_token),
            Try::OtherTenant => call.bearer(&accounts.others_token),
            // A token of the Geometry API signs nobody in.
            Try::Narrow => call.bearer(&self.mine.token),
            // Nobody belongs to two organizations.
            Try::Right if row.id == "PlatformCreateOrganization" => {
                call.bearer(&accounts.loner_token)
            }
            Try::Right => call.bearer(&accounts.token),
        }
    }

    /// What an operation of accounts takes, where `{}` will not do.
    fn account_body(&self, id: &str) -> Option<Value> {
        let model = self.mine.model.id.to_string();
        let user = self.mine.model.owner.user.to_string();
        let organization = &self.accounts.organization;
        Some(match id {
            "PlatformCreateTokens" => json!({ "id": model, "scope": ["group.view"] }),
            "PlatformCreateTicket" => json!({ "type": "embedding" }),
            "PlatformCheckDomains" => json!({ "accessdomains": [] }),
            "PlatformTryOrigin" => json!({ "origin": SHOP }),
            "PlatformCreateModel" => json!({ "title": "A new model" }),
            "PlatformDecryptTicket" => json!({ "ticket": self.mine.ticket }),
            "PlatformCreateAccessKey" => json!({ "scope": ["tokens"] }),
            "PlatformCreateOrganization" => json!({ "name": "Example Ltd" }),
            "PlatformUpdateMember" => json!({ "organization_role": "consumer" }),
            "PlatformUpdateAccount" => json!({ "plan": "unlimited" }),
            "PlatformCreatePartner" => json!({ "name": "A new partner" }),
            "PlatformRevokeEditorTokens" => json!({ "user": "nobody" }),
            "PlatformQueryUserMetrics" => json!({ "filters": { "user_id[=]": user } }),
            "PlatformQueryOrganizationMetrics" => {
                json!({ "filters": { "organization_id[=]": organization } })
            }
            _ => return None,
        })
    }

    fn mine_path(&self, row: &Operation) -> String {
        row.path
            .replace("{modelId}", &self.mine.model.id.to_string())
            .replace("{requestId}", &self.mine.refused)
            .replace("{ticketId}", &self.mine.ticket)
    }
}

async fn upload_link(app: &TestApp) -> String {
    let model = app
        .services
        .create_model(ModelPatch::default())
        .await
        .unwrap();
    app.services.upload_href(&model)
}

async fn tenant(app: &TestApp, model: ModelRecord, old: (String, Opened)) -> Tenant {
    let ticket = app.ticket(&model).await;
    let session = app.open(&ticket).await;
    let made = app.send(session.make_export("stl", &json!({}))).await;
    let export = href(&made.expect(200).json()["exports"][session.export("stl")]);
    let visitor = app.token(Subject::Model(model.id), &["group.view"]);
    let file = Call::get(&format!("/api/v2/model/{}/file/download", model.id));
    let refused = app.send(file.bearer(&visitor)).await;
    let refused = refused.expect_error(403, "SdErrorForbidden").json()["requestId"]
        .as_str()
        .unwrap()
        .to_owned();
    Tenant {
        refused,
        visitor,
        token: app.model_token(model.id),
        powerless: app.token(Subject::Model(model.id), &["group.analytics"]),
        upload: upload_link(app).await,
        ticket,
        old_ticket: old.0,
        session,
        old_session: old.1,
        export,
        model,
    }
}

async fn accounts(
    app: &TestApp,
    others: &str,
    old_key: (String, String),
    old_token: String,
) -> Accounts {
    let key = platform::key(app, None, None).await;
    let others_key = platform::key(app, Some(others), None).await;
    let (organization, member) = organization(app).await;
    let loner = UserId::new(app.entropy());
    app.push_for(loner, "loner", CUBE).await;
    let loner_key = platform::key(app, Some(&loner.to_string()), None).await;
    let store = app.services.store();
    store.set_administrator(OPERATOR, true).await.unwrap();
    let rotated = app.services.rotate_keys(Rotation::default()).await;
    Accounts {
        signing_key: rotated.unwrap().kid,
        spare_key: platform::key(app, None, None).await.0,
        loner_token: platform::access(app, &loner_key).await,
        organization,
        member,
        sign_in: platform::sign_in_id(&platform::access(app, &key).await),
        token: platform::access(app, &key).await,
        others_token: platform::access(app, &others_key).await,
        revoked_key: platform::revoked_key(app).await,
        old_key,
        old_token,
        key,
        others_key,
    }
}

/// An organization that the operator owns, and one more member of it.
async fn organization(app: &TestApp) -> (String, String) {
    let id = OrganizationId::new(app.entropy());
    let record = OrganizationRecord::new(id, "Acme Ltd".to_owned(), app.services.now());
    app.services
        .store()
        .insert_organization(&record)
        .await
        .unwrap();
    let member = UserId::new(app.entropy());
    app.push_for(member, "members", CUBE).await;
    for (user, role) in [(OPERATOR, Role::Owner), (member, Role::User)] {
        app.services
            .set_member(user, Some((id, role)))
            .await
            .unwrap();
    }
    (id.to_string(), member.to_string())
}

async fn partner(app: &TestApp, name: &str) -> (PartnerId, String) {
    let partner = editor::with_bucket(app, name).await;
    (partner.id, partner.key)
}

async fn generate(app: &TestApp, key: &str) -> String {
    let call = Call::post("/generate")
        .header("x-api-key", key)
        .json(&json!({ "file": "a.dxf", "userId": "7" }));
    let made = app.send(call).await.expect(200).json();
    made["token"].as_str().unwrap().to_owned()
}

/// An editor session and the tag of its drawing.
async fn opened(app: &TestApp, key: &str, access: &str) -> (String, String) {
    let call = Call::post("/generate")
        .header("x-api-key", key)
        .json(&json!({ "file": "a.dxf", "userId": "7", "access": access }));
    let made = app.send(call).await.expect(200).json();
    let opened = app
        .send(editor::open(made["token"].as_str().unwrap()))
        .await;
    let state = opened.expect(201).json();
    let text = |name: &str| state[name].as_str().unwrap().to_owned();
    (text("session"), text("etag"))
}

/// A key that was revoked.
async fn spoiled_key(app: &TestApp, partner: PartnerId) -> String {
    let (record, key) = app.services.create_partner_key(partner).await.unwrap();
    let revoked = app.services.revoke_partner_key(partner, record.id).await;
    revoked.unwrap();
    key.reveal().to_owned()
}

async fn spoiled_token(app: &TestApp, key: &str) -> String {
    let token = generate(app, key).await;
    let revoked = app.services.revoke_editor_token_unscoped(&token).await;
    revoked.unwrap();
    token
}

/// A new key that leaves the ones before it no time.
async fn replaced_key(app: &TestApp, partner: PartnerId) -> String {
    let rotated = app.services.rotate_partner_key(partner, Duration::ZERO);
    rotated.await.unwrap().1.reveal().to_owned()
}

/// The request without a credential.
fn bare(row: &Operation, path: &str) -> Call {
    let call = Call::new(row.method, path);
    match row.id {
        "CreateTicket" => {
            call.json(&json!({ "type": "", "pub": false, "until": "20300101000000" }))
        }
        _ => call,
    }
}

fn session_body(row: &Operation, session: &Opened) -> Value {
    match row.id {
        "ComputeExports" | "GetCachedExports" => {
            json!({ "exports": [session.export("stl")], "parameters": {} })
        }
        _ => json!({}),
    }
}

/// Status and type that a kind of credential deserves. 401: who are you; 403: known, but not
/// allowed; 410: it was good once.
#[expect(
    clippy::match_same_arms,
    reason = "in the order of the kinds of credential, each with its own reason"
)]
fn deserved(row: &Operation, with: Try) -> (u16, &'static str) {
    use Credential::{
        AccessKey, Account, BackendToken, EditorSession, EditorToken, Forwarded, Operator,
        PartnerKey, Public, SealedLink, Session, SessionOrToken, Ticket, Token, TokenOrAuthor,
    };
    const FORBIDDEN: (u16, &str) = (403, "SdErrorForbidden");
    const TICKET: (u16, &str) = (403, "SdTicketValidationError");
    const GONE: (u16, &str) = (410, "SdSessionGoneError");
    const JWT: (u16, &str) = (401, "SdJwtValidationError");

    let right = match row.id {
        "CreateSessionByTicket" | "CreateSessionByModel" | "OpenEditorSession" => (201, ""),
        "DownloadOutput" => (206, ""),
        "Authorize" | "CloseEditorSession" | "ReleaseEditorLease" => (204, ""),
        "EraseModel" => (202, ""),
        _ => (200, ""),
    };
    match (row.credential, with) {
        // What demands no permission shows each block by a permission of its own; a token takes
        // nothing away from an open session (see `strong` for those that demand one); links to
        // assets that stand alone are their own right. Whoever holds an editor token may verify it;
        // about another partner's token nothing is said, and nothing happens to it.
        (Public, _)
        | (_, Try::Right)
        | (Session, Try::Narrow)
        | (PartnerKey | EditorToken, Try::OtherTenant) => right,
        (EditorSession, Try::None) => (401, "editor-session-missing"),
        (EditorSession, Try::Garbage | Try::Expired) => (410, "editor-session-gone"),
        (EditorSession, Try::Narrow)
            if ["SaveEditorDrawing", "TakeEditorLease"].contains(&row.id) =>
        {
            (403, "view-only")
        }
        // A session stands for one drawing of its own partner: whose it is, is no question.
        (EditorSession, Try::Narrow | Try::OtherTenant) => right,
        (Token, Try::Narrow) if row.permission.is_none() => right,
        (AccessKey, Try::None) => (400, "request-invalid"),
        // What is no key's id is taken for somebody's address.
        (AccessKey, Try::Garbage) => (400, "password-invalid"),
        (AccessKey, _) => (400, "access-key-invalid"),
        (Account | Operator, Try::None) => (401, "token-missing"),
        (Account | Operator, Try::Expired) => (401, "token-expired"),
        (Account | Operator, Try::Garbage | Try::Narrow) => (401, "token-invalid"),
        // What concerns everybody is the administrators' alone, whatever it is about.
        (Operator, Try::OtherTenant) => (403, "permission-missing"),
        // Everybody has lists of their own, and makes things of their own.
        (Account, Try::OtherTenant) if OWN.contains(&row.id) => right,
        (Account, Try::OtherTenant) if !row.path.contains("{modelKey}") => match row.id {
            "PlatformDecryptTicket" | "PlatformCreateTokens" => (404, "model-unknown"),
            _ => (404, "entity-unknown"),
        },
        (Account, Try::OtherTenant) => (404, "model-unknown"),
        (PartnerKey, with) if row.path.starts_with("/oauth/") => (401, key_code(with)),
        (PartnerKey, with) => (403, key_code(with)),
        (EditorToken, with) => (403, token_code(with)),
        (SealedLink, Try::OtherTenant) if row.id == "DownloadAsset" => right,
        // Proxies read headers only, so the reason stands for the type.
        (Forwarded, Try::None) => (401, "credential-missing"),
        (Forwarded, Try::Garbage | Try::Expired) => (401, "session-gone"),
        (Forwarded, Try::OtherTenant) => (403, "wrong-model"),
        (Forwarded, Try::Narrow) => (403, "permission-missing"),
        (Token | TokenOrAuthor | BackendToken, Try::None) => (401, "SdTokenMissingError"),
        (Token | TokenOrAuthor | BackendToken, Try::Garbage | Try::Expired) => JWT,
        (Session | SessionOrToken, Try::None) => (400, "SdSessionValidationError"),
        (Session | SessionOrToken, Try::Garbage | Try::Expired) => GONE,
        (SealedLink, Try::Expired) => (410, "SdResourceGoneError"),
        (Ticket, Try::None | Try::Garbage | Try::Expired | Try::Narrow) => TICKET,
        (
            Token | TokenOrAuthor | BackendToken | Session | SessionOrToken | Ticket,
            Try::OtherTenant | Try::Narrow,
        )
        | (SealedLink, _) => FORBIDDEN,
    }
}

fn key_code(with: Try) -> &'static str {
    match with {
        Try::None => "partner-key-missing",
        Try::Expired => "partner-key-expired",
        Try::Narrow => "partner-key-revoked",
        Try::Garbage | Try::OtherTenant | Try::Right => "partner-key-invalid",
    }
}

fn token_code(with: Try) -> &'static str {
    match with {
        Try::None => "editor-token-missing",
        Try::Expired => "editor-token-expired",
        Try::Narrow => "editor-token-revoked",
        Try::Garbage | Try::OtherTenant | Try::Right => "editor-token-invalid",
    }
}

/// The word that names the cause: the type of the Geometry API, the code of the others.
fn cause(row: &Operation, answer: &Answer) -> String {
    let place = match row.credential {
        Credential::PartnerKey
        | Credential::EditorToken
        | Credential::EditorSession
        | Credential::AccessKey => "/code",
        Credential::Account | Credential::Operator => "/error/code",
        _ => "/error",
    };
    let body = answer.json();
    body.pointer(place).unwrap().as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_operation_answers_every_kind_of_credential_as_it_deserves() {
    let mut gaps = BTreeSet::new();
    let mut wrong = Vec::new();
    let world = Box::pin(World::new()).await;
    for row in OPERATIONS {
        for with in TRIES {
            let Some(call) = world.call(row, with) else {
                gaps.insert(format!("{} {with:?}", row.id));
                continue;
            };
            let answer = world.app.send(call).await;
            let (status, error) = deserved(row, with);
            wrong.extend(caching::complaint(
                row.id,
                answer.status.as_u16(),
                answer.header("cache-control"),
            ));
            let said = match answer.header("x-vitrine-reason") {
                _ if status < 400 => String::new(),
                Some(reason) => reason.to_owned(),
                None => cause(row, &answer),
            };
            if (answer.status.as_u16(), said.as_str()) != (status, error) {
                wrong.push(format!(
                    "{} {with:?}: {} {} instead of {status} {error}",
                    row.id,
                    answer.status,
                    answer.text()
                ));
            }
        }
    }
    world.app.finish().await;
    assert!(wrong.is_empty(), "{wrong:#?}");
    let golden: BTreeSet<String> = GAPS.lines().map(str::to_owned).collect();
    assert_eq!(
        gaps, golden,
        "tests/walk-gaps.txt lists what the walk cannot try"
    );
}

/// Invariant 3: every operation has exactly one row, and what is served has one.
#[test]
fn the_table_and_the_served_description_list_the_same_operations() {
    let mut described = BTreeSet::new();
    for document in [
        vitrine_http::openapi_geometry(),
        vitrine_http::openapi_partner(),
        vitrine_http::openapi_platform(),
    ] {
        let document = serde_json::to_value(document).unwrap();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                if let Some(id) = operation["operationId"].as_str() {
                    described.insert((method.to_uppercase(), plain(path), id.to_owned()));
                }
            }
        }
    }
    let table: BTreeSet<_> = OPERATIONS
        .iter()
        .map(|row| {
            // A description has no word for "any"; it shows what most clients send.
            let method = row.method.replace(ANY_METHOD, "GET");
            (method, plain(row.path), row.id.to_owned())
        })
        .collect();
    assert_eq!(described, table);
}

/// The template with nameless parameters: the contract names one of them in two ways.
fn plain(path: &str) -> String {
    path.split('/')
        .map(|part| if part.starts_with('{') { "{}" } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

/// What a client can see of a refusal.
fn seen(answer: &Answer) -> (StatusCode, Value) {
    let mut body = answer.json();
    body.as_object_mut().unwrap().remove("requestId");
    (answer.status, body)
}

#[tokio::test]
async fn ids_that_a_token_does_not_cover_look_the_same_whether_they_exist_or_not() {
    let app = TestApp::start().await;
    let mine = app.push("mine", CUBE).await;
    let theirs = app
        .push_for(UserId::new(app.entropy()), "theirs", CUBE)
        .await;
    let nobodys = ModelId::new(app.entropy());
    let tokens = [
        app.model_token(mine.id),
        app.token(Subject::User(UserId::new(app.entropy())), &["*"]),
        app.token(Subject::User(mine.owner.user), &["*"]),
    ];
    for row in OPERATIONS
        .iter()
        .filter(|row| row.path.contains("{modelId}"))
    {
        for token in &tokens {
            let mut answers = Vec::new();
            for id in [theirs.id.to_string(), nobodys.to_string(), "x".into()] {
                let path = row.path.replace("{modelId}", &id);
                let answer = app.send(bare(row, &path).bearer(token)).await;
                assert_eq!(answer.status.as_u16(), 403, "{} {}", row.id, answer.text());
                answers.push(seen(&answer));
            }
            answers.dedup();
            assert_eq!(answers.len(), 1, "{}: {answers:?}", row.id);
        }
    }
    // Those who may know are told.
    let call = Call::get(&format!("/api/v2/model/{nobodys}")).bearer(&app.backend_token());
    app.send(call)
        .await
        .expect_error(404, "SdErrorEntityNotFound");
    app.finish().await;
}

#[tokio::test]
async fn sessions_that_never_were_look_like_sessions_that_ended() {
    let app = TestApp::start().await;
    let model = app.push("mine", CUBE).await;
    let session = app.open(&app.ticket(&model).await).await;
    app.send(session.close()).await.expect(200);
    let closed = app.send(session.defaults()).await;
    let path = format!("/api/v2/session/{GARBAGE}/default");
    let never = app.send(Call::get(&path)).await;
    assert_eq!(closed.status, never.status);
    assert_eq!(closed.json()["error"], never.json()["error"]);
    assert_eq!(closed.json()["code"], never.json()["code"]);
    app.finish().await;
}

#[tokio::test]
async fn an_altered_ticket_is_refused_wherever_it_was_altered() {
    let app = TestApp::start().await;
    let model = app.push("mine", CUBE).await;
    let ticket = app.ticket(&model).await;
    for at in (0..ticket.len()).step_by(7) {
        let mut altered = ticket.clone().into_bytes();
        altered[at] = if altered[at] == b'0' { b'1' } else { b'0' };
        let altered = String::from_utf8(altered).unwrap();
        app.send(open_call(&altered))
            .await
            .expect_error(403, "SdTicketValidationError");
    }
    app.send(open_call(&ticket)).await.expect(201);
    app.finish().await;
}

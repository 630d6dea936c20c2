//! Every operation of the permission table, tried with every kind of credential.
//!
//! What the walk cannot try stands in `tests/walk-gaps.txt`, which should be empty.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};
use vitrine_access::grant::Subject;
use vitrine_access::ids::{
    ModelId, NotificationId, OrganizationId, PartnerId, SessionId, UserId, WebhookId,
};
use vitrine_access::owner::Payer;
use vitrine_access::permissions::{ANY_METHOD, Credential, OPERATIONS, Operation, Permission};
use vitrine_access::platform::Role;
use vitrine_service::keys::Rotation;
use vitrine_service::models::{ModelPatch, OPERATOR};
use vitrine_service::{ModelRecord, NotificationRecord, OrganizationRecord, WebhookRecord};

use crate::app::{Answer, CUBE, Call, Opened, SHOP, TestApp, href, open_call};
use crate::{applications, authorize, caching, editor, platform, second_factors};

const GAPS: &str = include_str!("../walk-gaps.txt");
/// A credential of the right form that nobody ever issued.
const GARBAGE: &str = "0123456789abcdef0123456789abcdef";

/// What every account does for itself.
const OWN: [&str; 18] = [
    "PlatformQueryCaps",
    "PlatformSetCap",
    "PlatformQueryOwnShares",
    "PlatformQueryNotifications",
    "PlatformSumNotifications",
    "PlatformReadNotifications",
    "PlatformQueryWebhooks",
    "PlatformCreateWebhook",
    "PlatformExportUsage",
    "PlatformAuthorize",
    "PlatformGetClient",
    "PlatformCheckDomains",
    "PlatformQueryModels",
    "PlatformCreateModel",
    "PlatformQueryAccessKeys",
    "PlatformCreateAccessKey",
    "PlatformCreateOrganization",
    "PlatformQueryBackendSystems",
];

/// Operations on the second factor, each tried with an account of its own.
const FACTORS: [&str; 3] = [
    "PlatformBeginSecondFactor",
    "PlatformConfirmSecondFactor",
    "PlatformRemoveSecondFactor",
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
    /// Notifications and webhooks of the account; the operations that use one up have their own.
    notices: [String; 2],
    webhooks: [String; 2],
    /// Tokens for the usage of the first tenant's user, and of the organization.
    account_tokens: [String; 2],
    /// The query by which the registered application asks.
    asking: String,
    /// Secrets of set-up links: over, replaced, and good.
    set_up: [String; 3],
    /// The same of invitations.
    invitations: [String; 3],
    newcomers: Newcomers,
}

/// Accounts for operations that one account does once.
struct Newcomers {
    /// Begins a second factor, confirms one, and removes one: id, token, and the code for it.
    factors: [(String, String, String); 3],
    /// Accept and deny an invitation of the first organization's.
    invited: [String; 2],
    /// Belongs nowhere.
    receiver: String,
    /// A member who can go.
    leaver: String,
    /// The only member of an organization, and that.
    last: (String, String),
    /// A right on the first model.
    share: String,
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
    /// Ids of script jobs of both.
    job: String,
    others_job: String,
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
    /// Signed in by password, and made an administrator of the server when the walk comes to what these do: beside
    /// one the set-up link is good for nothing. `token` is an access key's of another administrator.
    root: (UserId, String),
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
        let asking = applications::registered(&app, "walk").await;
        applications::registered(&app, "spare").await;
        let old_account_key = platform::key(&app, None, Some(ends)).await;
        let old_account_token = platform::access(&app, &old_account_key).await;
        let old_set_up = app.services.new_set_up_link().await.unwrap().unwrap();
        let old_set_up = old_set_up.reveal().to_owned();
        let acme_organization = organization(&app).await;
        let root = platform::access(&app, &platform::key(&app, None, None).await).await;
        let old_invitation = invite_by_email(&app, &acme_organization.0, &root).await;
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
            job: started(&app, &first_key).await,
            others_job: started(&app, &others_key).await,
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
        let old_account = (old_account_key, old_account_token);
        let accounts = accounts(&app, &others, old_account, acme_organization).await;
        let organization: OrganizationId = accounts.organization.parse().unwrap();
        let account_tokens = [
            Subject::User(first.owner.user),
            Subject::Organization(organization),
        ]
        .map(|account| app.token(account, &["group.analytics"]));
        let owner = first.owner.user;
        let notices = [notice(&app, owner).await, notice(&app, owner).await];
        let webhooks = [webhook(&app, owner).await, webhook(&app, owner).await];
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
        let mut invitations = vec![old_invitation];
        for _ in 0..2 {
            invitations.push(invite_by_email(&app, &accounts.organization, &accounts.token).await);
        }
        let newcomers = newcomers(&app, &accounts, &mine.model).await;
        let mut set_up = vec![old_set_up];
        for _ in 0..2 {
            let link = app.services.new_set_up_link().await.unwrap().unwrap();
            set_up.push(link.reveal().to_owned());
        }
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
            account_tokens,
            notices,
            webhooks,
            asking,
            set_up: set_up.try_into().unwrap(),
            invitations: invitations.try_into().unwrap(),
            newcomers,
        }
    }

    /// The request of an operation, or `None` where the walk has no way to make it.
    fn call(&self, row: &Operation, with: Try) -> Option<Call> {
        match row.credential {
            Credential::Public if row.id == "PlatformAuthorizePage" => {
                Some(bare(row, &format!("{}{}", row.path, self.asking)))
            }
            Credential::OneTimeLink => Some(self.by_one_time_link(row, with)),
            Credential::Public if row.path.contains("{providerId}") => {
                Some(bare(row, &row.path.replace("{providerId}", "nobody")))
            }
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
            Credential::ScriptJob => Some(self.by_script_job(row, with)),
            Credential::AccessKey => Some(self.by_access_key(with)),
            Credential::Account | Credential::Operator => Some(self.by_account(row, with)),
        }
    }

    fn by_token(&self, row: &Operation, with: Try) -> Call {
        let call = bare(row, &self.mine_path(row));
        let model = self.mine.model.id.to_string();
        let call = match row.id {
            "GetCreditMetrics" => {
                call.json(&json!({ "parameters": [{ "id": { "modelIds": [model] } }] }))
            }
            _ => call,
        };
        match with {
            // A token for one model says nothing of its account.
            Try::Right if row.id == "GetModelUserCreditMetrics" => {
                call.bearer(&self.account_tokens[0])
            }
            Try::Right if row.id == "GetModelOrganizationCreditMetrics" => {
                call.bearer(&self.account_tokens[1])
            }
            Try::None => call,
            Try::Garbage => call.bearer(GARBAGE),
            Try::Expired => call.bearer(&self.old_token),
            Try::OtherTenant => call.bearer(&self.theirs.token),
            Try::Narrow if row.permission == Some(Permission::AnalyticsModelGet) => {
                call.bearer(&self.mine.visitor)
            }
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
            // A user that nobody's token names: the walk goes on with the tokens that it has.
            "RevokeEditorTokensOfUser" => form(row, "user=nobody".to_owned()),
            _ => form(row, format!("token={token}")),
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
            Try::Right if row.path == "/startScriptJob" => {
                call.header("x-api-token", &self.editors.token)
            }
            Try::Right => call.header("x-api-token", &partners.token),
        }
    }

    fn by_script_job(&self, row: &Operation, with: Try) -> Call {
        let editors = &self.editors;
        let job = match with {
            Try::None => return bare(row, row.path),
            Try::Garbage => GARBAGE,
            Try::Expired => "0000000000000000000000000000000000000000000000000000000000000000",
            Try::OtherTenant => &editors.others_job,
            Try::Narrow | Try::Right => &editors.job,
        };
        // A job of one partner asked about as another's.
        let auth = if matches!(with, Try::Narrow) {
            "other"
        } else {
            "acme"
        };
        let auth = if matches!(with, Try::OtherTenant) {
            "other"
        } else {
            auth
        };
        bare(row, &format!("{}?jobId={job}&auth={auth}", row.path))
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

    fn by_one_time_link(&self, row: &Operation, with: Try) -> Call {
        let (secrets, email) = match row.id {
            "PlatformJoin" => (&self.invitations, "invited@example.com"),
            _ => (&self.set_up, "first@example.com"),
        };
        let secret = match with {
            Try::None => return bare(row, row.path).json(&json!({})),
            Try::Garbage => GARBAGE,
            Try::Expired => &secrets[0],
            Try::OtherTenant | Try::Narrow => &secrets[1],
            Try::Right => &secrets[2],
        };
        bare(row, row.path).json(&json!({
            "token": secret, "email": email, "password": "a long walk home",
        }))
    }

    fn by_account(&self, row: &Operation, with: Try) -> Call {
        let accounts = &self.accounts;
        let used_up = self.expendable.iter().find(|(id, _)| *id == row.id);
        let model = match used_up.filter(|_| with == Try::Right) {
            Some((_, model)) => model.to_string(),
            None => self.mine.model.id.to_string(),
        };
        let owner = self.mine.model.owner.user.to_string();
        let newcomers = &self.newcomers;
        let factor = FACTORS.iter().position(|id| *id == row.id);
        let factor = factor.map(|n| &newcomers.factors[n]);
        let user = match row.id {
            "PlatformUpdateMember" => &accounts.member,
            "PlatformRemoveMember" => &newcomers.leaver,
            _ => factor.map_or(&owner, |(user, ..)| user),
        };
        // What is used up is none that the walk goes on with.
        let key = match row.id {
            "PlatformRotateAccessKey" => &accounts.key.0,
            _ => &accounts.spare_key,
        };
        let client = match (row.id, with) {
            ("PlatformDeleteClient", Try::Right) => "spare",
            _ => "walk",
        };
        let organization = match row.id {
            "PlatformDeleteOrganization" => &newcomers.last.1,
            _ => &accounts.organization,
        };
        let path = row
            .path
            .replace("{userId}", user)
            .replace("{signInId}", &accounts.sign_in)
            .replace("{identityId}", &accounts.sign_in)
            .replace("{passkeyId}", &accounts.sign_in)
            .replace("{keyId}", key)
            .replace("{clientId}", client)
            .replace("{organizationId}", organization)
            .replace("{receiverId}", &newcomers.receiver)
            .replace("{shareId}", &newcomers.share)
            .replace("{modelKey}", &model)
            .replace("{platformTicketId}", &self.spare_ticket)
            .replace("{sessionAlias}", &self.spare_alias)
            .replace("{signingKeyId}", &accounts.signing_key)
            .replace("{accountName}", &owner)
            .replace("{partnerId}", &self.partners.id)
            .replace("{partnerKeyId}", &self.partners.spare_key);
        let spent = usize::from(row.id.starts_with("PlatformDelete"));
        let path = path
            .replace("{notificationId}", &self.notices[spent])
            .replace("{webhookId}", &self.webhooks[spent]);
        let call = match self.account_body(row.id) {
            Some(body) => bare(row, &path).json(&body),
            None => bare(row, &path),
        };
        self.as_account(row, with, call, factor.map(|(_, token, _)| token.as_str()))
    }

    /// `factors` is the token of whoever may change second factors with this operation.
    fn as_account(&self, row: &Operation, with: Try, call: Call, factors: Option<&str>) -> Call {
        let (accounts, newcomers) = (&self.accounts, &self.newcomers);
        match with {
            Try::None => call,
            Try::Garbage => call.bearer(GARBAGE),
            Try::Expired => call.bearer(&accounts.old_token),
            Try::OtherTenant => call.bearer(&accounts.others_token),
            Try::Narrow if row.credential == Credential::Operator => call.bearer(&accounts.token),
            Try::Right if row.credential == Credential::Operator => call.bearer(&accounts.root.1),
            // A token of the Geometry API signs nobody in.
            Try::Narrow => call.bearer(&self.mine.token),
            // Nobody belongs to two organizations.
            Try::Right if row.id == "PlatformCreateOrganization" => {
                call.bearer(&accounts.loner_token)
            }
            Try::Right => call.bearer(match row.id {
                "PlatformAcceptInvitation" => &newcomers.invited[0],
                "PlatformDenyInvitation" => &newcomers.invited[1],
                "PlatformDeleteOrganization" => &newcomers.last.0,
                _ => factors.unwrap_or(&accounts.token),
            }),
        }
    }

    /// What an operation of accounts takes, where `{}` will not do.
    fn account_body(&self, id: &str) -> Option<Value> {
        let model = self.mine.model.id.to_string();
        let user = self.mine.model.owner.user.to_string();
        let organization = &self.accounts.organization;
        Some(match id {
            "PlatformCreateTokens" => json!({ "id": model, "scope": ["group.view"] }),
            "PlatformAuthorize" => applications::asked("walk"),
            "PlatformAddPasskey" => json!({
                "name": "Phone", "client_data": "", "authenticator_data": "",
            }),
            "PlatformLinkIdentity" => json!({ "provider": "nobody" }),
            "PlatformBeginSecondFactor" => json!({ "password": second_factors::PASSWORD }),
            "PlatformConfirmSecondFactor" => json!({ "otp": self.newcomers.factors[1].2 }),
            "PlatformRemoveSecondFactor" => json!({
                "password": second_factors::PASSWORD, "otp": self.newcomers.factors[2].2,
            }),
            "PlatformInviteByEmail" => json!({ "email": "somebody@example.com" }),
            "PlatformShareModel" => json!({
                "user_id": self.newcomers.leaver, "model_id": model,
                "policy_alias": "SharedModelPolicyExport",
            }),
            "PlatformShareModelMultiple" => json!({
                "user_id": self.newcomers.leaver, "model_id": model,
                "policy_aliases": ["SharedModelPolicyExport"],
            }),
            // A model's rights on itself are there already: copying them is no mistake.
            "PlatformCopyShares" => json!({ "model_id": model }),
            "PlatformCreateClient" => json!({ "client_name": "Another application" }),
            "PlatformCreateTicket" => json!({ "type": "embedding" }),
            "PlatformCheckDomains" => json!({ "accessdomains": [] }),
            "PlatformTryOrigin" => json!({ "origin": SHOP }),
            "PlatformCreateModel" => json!({ "title": "A new model" }),
            "PlatformDecryptTicket" => json!({ "ticket": self.mine.ticket }),
            "PlatformCreateAccessKey" => json!({ "scope": ["tokens"] }),
            "PlatformCreateOrganization" => json!({ "name": "Example Ltd" }),
            "PlatformCreateWebhook" => json!({ "url": "https://hooks.example.com/x" }),
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
            .replace("{timestamp}", "202611")
            .replace("{userId}", &self.mine.model.owner.user.to_string())
            .replace("{orgId}", &self.accounts.organization)
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
    (old_key, old_token): ((String, String), String),
    (organization, member): (String, String),
) -> Accounts {
    let key = platform::key(app, None, None).await;
    let others_key = platform::key(app, Some(others), None).await;
    app.services
        .store()
        .set_administrator(OPERATOR, true)
        .await
        .unwrap();
    let loner = UserId::new(app.entropy());
    app.push_for(loner, "loner", CUBE).await;
    let loner_key = platform::key(app, Some(&loner.to_string()), None).await;
    let rotated = app.services.rotate_keys(Rotation::default()).await;
    Accounts {
        root: second_factors::user(app, "root").await,
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
        app.services.set_member(user, id, role).await.unwrap();
    }
    (id.to_string(), member.to_string())
}

async fn notice(app: &TestApp, receiver: UserId) -> String {
    let record = NotificationRecord {
        id: NotificationId::new(app.entropy()),
        receiver,
        level: "warning".to_owned(),
        class: "account".to_owned(),
        kind: "credit-limit-warning".to_owned(),
        description: "50 of 100 credits are used.".to_owned(),
        model: None,
        organization: None,
        created_at: app.services.now(),
        read_at: None,
    };
    let store = app.services.store();
    store.insert_notification(&record).await.unwrap();
    record.id.to_string()
}

async fn webhook(app: &TestApp, user: UserId) -> String {
    let record = WebhookRecord {
        id: WebhookId::new(app.entropy()),
        account: Payer::User(user),
        url: "https://hooks.example.com/x".to_owned(),
        sealed_secret: vec![0; 32],
        active: true,
        created_at: app.services.now(),
        updated_at: app.services.now(),
    };
    app.services.store().insert_webhook(&record).await.unwrap();
    record.id.to_string()
}

/// The secret of a new invitation for whoever has its link.
async fn invite_by_email(app: &TestApp, organization: &str, token: &str) -> String {
    let path = format!("/api/v1/organizations/{organization}/invitation_by_email");
    let call = Call::post(&path).json(&json!({ "email": "invited@example.com" }));
    let made = app.send(call.bearer(token)).await.expect(200).json();
    made["data"]["token"].as_str().unwrap().to_owned()
}

async fn newcomers(app: &TestApp, accounts: &Accounts, model: &ModelRecord) -> Newcomers {
    let mut people = Vec::new();
    for n in 0..8 {
        people.push(second_factors::user(app, &format!("newcomer{n}")).await);
    }
    let secret = second_factors::begun(app, people[1].0, &people[1].1).await;
    let code = second_factors::code(app, &secret);
    let secret = second_factors::begun(app, people[2].0, &people[2].1).await;
    let codes = second_factors::confirmed(app, people[2].0, &people[2].1, &secret).await;
    for (user, _) in &people[3..5] {
        let organization = &accounts.organization;
        let path = format!("/api/v1/organizations/{organization}/invitation/{user}");
        let call = Call::post(&path).json(&json!({}));
        app.send(call.bearer(&accounts.token)).await.expect(200);
    }
    let acme: OrganizationId = accounts.organization.parse().unwrap();
    let joined = app.services.set_member(people[5].0, acme, Role::User);
    joined.await.unwrap();
    let body = json!({ "name": "Alone Ltd" });
    let call = Call::post("/api/v1/organizations").json(&body);
    let alone = app.send(call.bearer(&people[6].1)).await.expect(200).json();
    let share = Call::post("/api/v1/model_sharing").json(&json!({
        "user_id": people[6].0.to_string(), "model_id": model.id.to_string(),
        "policy_alias": "SharedModelPolicyView",
    }));
    let share = app
        .send(share.bearer(&accounts.token))
        .await
        .expect(200)
        .json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let factor = |n: usize, code: &str| {
        let (user, token) = &people[n];
        (user.to_string(), token.clone(), code.to_owned())
    };
    Newcomers {
        factors: [factor(0, ""), factor(1, &code), factor(2, &codes[0])],
        invited: [people[3].1.clone(), people[4].1.clone()],
        receiver: people[7].0.to_string(),
        leaver: people[5].0.to_string(),
        last: (people[6].1.clone(), text(&alone["data"]["id"])),
        share: text(&share["data"]["id"]),
    }
}

async fn partner(app: &TestApp, name: &str) -> (PartnerId, String) {
    let partner = editor::with_bucket(app, name).await;
    (partner.id, partner.key)
}

async fn generate(app: &TestApp, key: &str) -> String {
    let call = Call::post("/generate")
        .header("x-api-key", key)
        .json(&json!({ "file": "a.dxf", "userId": "7", "fileType": "PDF" }));
    let made = app.send(call).await.expect(200).json();
    made["token"].as_str().unwrap().to_owned()
}

/// The id of a script job.
async fn started(app: &TestApp, key: &str) -> String {
    let token = generate(app, key).await;
    let answer = app
        .send(Call::get("/startScriptJob").header("x-api-token", &token))
        .await;
    let text = answer.expect(200).text();
    text.strip_prefix("JobID::").unwrap().to_owned()
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

fn form(row: &Operation, body: String) -> Call {
    bare(row, row.path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
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

/// Status of an operation's success.
fn success(row: &Operation) -> u16 {
    match row.id {
        "CreateSessionByTicket" | "CreateSessionByModel" | "OpenEditorSession" => 201,
        "DownloadOutput" => 206,
        "Authorize" | "CloseEditorSession" | "ReleaseEditorLease" => 204,
        "EraseModel" => 202,
        "PlatformAuthorizePage" | "PlatformEndProviderSignIn" => 303,
        _ => 200,
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
        AccessKey, Account, BackendToken, EditorSession, EditorToken, Forwarded, OneTimeLink,
        Operator, PartnerKey, Public, ScriptJob, SealedLink, Session, SessionOrToken, Ticket,
        Token, TokenOrAuthor,
    };
    const FORBIDDEN: (u16, &str) = (403, "SdErrorForbidden");
    const TICKET: (u16, &str) = (403, "SdTicketValidationError");
    const GONE: (u16, &str) = (410, "SdSessionGoneError");
    const JWT: (u16, &str) = (401, "SdJwtValidationError");

    let right = match row.id {
        "PlatformBeginProviderSignIn" | "PlatformLinkIdentity" => (404, "provider-unknown"),
        "PlatformUnlinkIdentity" | "PlatformRemovePasskey" => (404, "entity-unknown"),
        // The operator has no password, and an access key does not stand in for one.
        "PlatformBeginPasskey" => (403, "sign-in-stale"),
        // Only an authenticator makes one: see `passkeys`.
        "PlatformAddPasskey" => (401, "passkey-invalid"),
        _ => (success(row), ""),
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
        // Whoever holds a job's id may ask about it.
        (ScriptJob, Try::OtherTenant) => right,
        (ScriptJob, _) => (403, "script-job-invalid"),
        // A session stands for one drawing of its own partner: whose it is, is no question.
        (EditorSession, Try::Narrow | Try::OtherTenant) => right,
        (Token, Try::Narrow) if row.permission.is_none() => right,
        (AccessKey | OneTimeLink, Try::None) => (400, "request-invalid"),
        // What is no key's id is taken for somebody's address.
        (AccessKey, Try::Garbage) => (400, "password-invalid"),
        (AccessKey, _) => (400, "access-key-invalid"),
        (Account | Operator, Try::None) => (401, "token-missing"),
        (Account | Operator, Try::Expired) => (401, "token-expired"),
        (Account | Operator, Try::Garbage) | (Account, Try::Narrow) => (401, "token-invalid"),
        // What concerns everybody is the administrators' alone, whatever it is about; not even an
        // access key of theirs that is good for everything does it.
        (Operator, Try::OtherTenant | Try::Narrow) => (403, "permission-missing"),
        // Everybody has lists of their own, and makes things of their own.
        (Account, Try::OtherTenant) if OWN.contains(&row.id) => right,
        (OneTimeLink, _) => (403, "link-invalid"),
        (Account, Try::OtherTenant) if !row.path.contains("{modelKey}") => match row.id {
            "PlatformDecryptTicket"
            | "PlatformCreateTokens"
            | "PlatformShareModel"
            | "PlatformShareModelMultiple" => (404, "model-unknown"),
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
        | Credential::ScriptJob
        | Credential::AccessKey => "/code",
        Credential::Account
        | Credential::OneTimeLink
        | Credential::Operator
        | Credential::Public => "/error/code",
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
        if row.credential == Credential::Operator {
            let store = world.app.services.store();
            let root = world.accounts.root.0;
            store.set_administrator(root, true).await.unwrap();
        }
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

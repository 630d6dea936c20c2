//! `vitrine demo`: the main job in one command, on real models and three real origins.

use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use vitrine_access::decide::ModelStatus;
use vitrine_access::editor_token::AppId;
use vitrine_access::grant::Subject;
use vitrine_access::origin::AllowedDomains;
use vitrine_access::secret::{ApiKey, PartnerKeyKind};
use vitrine_access::ticket::TicketType;
use vitrine_access::time::Timestamp;
use vitrine_service::models::ModelPatch;
use vitrine_service::partners::NewPartner;
use vitrine_service::platform::ACCESS_KEY_CLIENT;
use vitrine_service::tickets::TicketRequest;
use vitrine_service::{PartnerSettings, Services};
use vitrine_store::ModelRecord;

use crate::cli::DemoArguments;
use crate::commands::account::new_password;
use crate::commands::{model, start_log};
use crate::config::{Config, LogFormat};
use crate::connections::Crowd;
use crate::node::{self, Tweak};
use crate::shop::BackEnd;
use crate::single_server::SingleServer;
use crate::{observe, partner_site, server, shop};

/// Tokens of the demo hold for a day: long enough to play, short enough to be left behind.
const TOKEN_TTL: Duration = Duration::from_hours(24);
/// Application id of the demo's partner.
const PARTNER: &str = "demo";
/// Folder of the data folder that plays the bucket of the demo's partner.
const BUCKET: &str = "partner-drawings";
/// The model that `--strong` protects.
const STRONG: &str = "lamp";
/// Tells the demo's access keys from others.
const ACCESS_KEY_LABEL: &str = "vitrine demo";
/// With what the demo's user signs in.
const EMAIL: &str = "demo@example.com";
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

struct DemoModel {
    slug: &'static str,
    title: &'static str,
    filename: &'static str,
    script: &'static str,
}

const MODELS: [DemoModel; 3] = [
    DemoModel {
        slug: "shelf",
        title: "Shelf cut to measure",
        filename: "shelf.js",
        script: include_str!("../../../demo/models/shelf.js"),
    },
    DemoModel {
        slug: "enclosure",
        title: "Electronics enclosure",
        filename: "enclosure.js",
        script: include_str!("../../../demo/models/enclosure.js"),
    },
    DemoModel {
        slug: "lamp",
        title: "Twisted lamp shade",
        filename: "lamp.js",
        script: include_str!("../../../demo/models/lamp.js"),
    },
];

/// Names of temporary folders that are tried, as others may have taken the first.
const NAMES_TRIED: u32 = 1_000;

/// A data folder that is removed when the demo ends, unless the operator named it.
struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    fn open(named: Option<PathBuf>) -> Result<Self> {
        if let Some(path) = named {
            return Ok(Self {
                path,
                temporary: false,
            });
        }
        let mut number = 0;
        loop {
            let name = format!("vitrine-demo-{}-{number}", std::process::id());
            let path = std::env::temp_dir().join(name);
            // Made, never taken over: others may put folders there too.
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => {
                    return Ok(Self {
                        path,
                        temporary: true,
                    });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists && number < NAMES_TRIED => {
                    number += 1;
                }
                Err(error) => {
                    return Err(error).with_context(|| format!("cannot make {}", path.display()));
                }
            }
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            eprintln!(
                "vitrine: {} could not be removed: {error}",
                self.path.display()
            );
        }
    }
}

struct Shown {
    record: Arc<ModelRecord>,
    embedding_ticket: String,
    backend_ticket: String,
}

struct Places {
    base: String,
    content: String,
    shop: String,
    stranger: String,
    partner: String,
}

/// Runs the demo until it is asked to stop.
#[expect(
    clippy::too_many_lines,
    reason = "one step after the other, each with what the ones before made"
)]
pub(crate) async fn run(arguments: DemoArguments) -> Result<()> {
    start_log(
        if arguments.json { "info" } else { "warn" },
        LogFormat::Text,
    )?;
    let listener = bind_or_free(&arguments.listen).await?;
    let shop_listener = bind_or_free(&arguments.shop_listen).await?;
    let stranger_listener = bind_or_free(&next_port(&shop_listener)?).await?;
    let partner_listener = bind_or_free(&arguments.partner_listen).await?;
    let bound = listener.local_addr()?;
    let places = Places {
        base: format!("http://{bound}"),
        content: content_url(bound),
        shop: format!("http://{}", shop_listener.local_addr()?),
        stranger: format!("http://{}", stranger_listener.local_addr()?),
        partner: format!("http://{}", partner_listener.local_addr()?),
    };
    let folder = Folder::open(arguments.data)?;
    let config = Config {
        data: folder.path.clone(),
        listen: bound.to_string(),
        database: arguments.database.unwrap_or_default(),
        public_url: places.base.clone(),
        content_url: places.content.clone(),
        ..Config::default()
    };
    let _only = SingleServer::take(&config)?;
    let tweak = Tweak {
        limit_loopback: false,
    };
    let services = node::build(&config, bound, tweak).await?;
    services.spawn_background();
    let shown = prepare(&services, &places, arguments.strong).await?;

    let stop = CancellationToken::new();
    let ttl = Duration::from_secs(arguments.token_ttl);
    let tokens = BackEnd::new(services.clone(), shown.iter().map(|one| one.record.id), ttl);
    let allowed = shop::router(shop_config(&places, &shown, false), Some(tokens));
    let strange = shop::router(shop_config(&places, &shown, true), None);
    let partner_key = partner_key(&services, &places, &folder.path).await?;
    let shown_key = partner_key.reveal().to_owned();
    let partner = partner_site::router(partner_site::BackEnd::new(
        services.clone(),
        partner_key,
        &places.content,
    ));
    let routers = [
        (
            listener,
            vitrine_http::router_with(services.clone(), observe::start(&config, services.clone())?)
                .into(),
        ),
        (shop_listener, allowed),
        (stranger_listener, strange),
        (partner_listener, partner),
    ];
    let serving = routers.map(|(listener, router)| {
        tokio::spawn(server::serve(
            listener,
            router,
            Crowd::new(services.settings().trusted_proxies.clone()),
            stop.clone(),
            SHUTDOWN_GRACE,
        ))
    });
    let account = account(&services).await?;
    let told = Told {
        account: &account,
        places: &places,
        shown: &shown,
        partner_key: &shown_key,
    };
    announce(&services, &told, arguments.json, &folder.path)?;
    server::stop_asked().await;
    stop.cancel();
    for task in serving {
        task.await?;
    }
    services.shutdown().await;
    Ok(())
}

/// Binds the wished address, or a free port of it when somebody else has the wished one.
async fn bind_or_free(listen: &str) -> Result<TcpListener> {
    match server::bind(listen).await {
        Ok(listener) => Ok(listener),
        Err(error) => {
            let wished: SocketAddr = listen.parse().map_err(|_| error)?;
            server::bind(&SocketAddr::new(wished.ip(), 0).to_string()).await
        }
    }
}

fn next_port(listener: &TcpListener) -> Result<String> {
    let shop = listener.local_addr()?;
    Ok(SocketAddr::new(shop.ip(), shop.port().checked_add(1).unwrap_or(0)).to_string())
}

/// The content origin of the demo: the same listener under its other name, which makes it another
/// origin for browsers.
fn content_url(bound: SocketAddr) -> String {
    if bound.ip().is_loopback() && bound.is_ipv4() {
        format!("http://localhost:{}", bound.port())
    } else {
        format!("http://{bound}")
    }
}

async fn prepare(services: &Services, places: &Places, strong: bool) -> Result<Vec<Shown>> {
    let mut shown = Vec::with_capacity(MODELS.len());
    for demo in &MODELS {
        let domains = vec![places.shop.clone()];
        let known = services.model_by_slug(demo.slug).await?;
        let id = match known {
            Some(model) => model.id,
            None => push(services, demo).await?.id,
        };
        // The shop may have come up on another port than last time.
        let patch = ModelPatch {
            accessdomains: Some(domains),
            backend_access: Some(true),
            require_token: Some(strong && demo.slug == STRONG),
            ..ModelPatch::default()
        };
        let record = Arc::new(services.update_model(id, patch).await?);
        let embedding_ticket = match services.embedding_ticket(&record).await? {
            Some(ticket) => ticket,
            None => ticket(services, &record, TicketType::Embedding).await?,
        };
        let backend_ticket = ticket(services, &record, TicketType::Backend).await?;
        shown.push(Shown {
            record,
            embedding_ticket,
            backend_ticket,
        });
    }
    Ok(shown)
}

async fn push(services: &Services, demo: &DemoModel) -> Result<ModelRecord> {
    let patch = ModelPatch {
        name: Some(demo.title.to_owned()),
        title: Some(demo.title.to_owned()),
        slug: Some(demo.slug.to_owned()),
        filename: Some(demo.filename.to_owned()),
        ..ModelPatch::default()
    };
    let record = model::push(services, Bytes::from_static(demo.script.as_bytes()), patch).await?;
    if record.status != ModelStatus::Confirmed {
        bail!(
            "the demo model {} was not confirmed: {:?}",
            demo.slug,
            record.message
        );
    }
    if let Some(png) = shop::thumbnail(demo.slug) {
        services.set_thumbnail(record.id, Bytes::from(png)).await?;
    }
    Ok(record)
}

async fn ticket(services: &Services, model: &ModelRecord, kind: TicketType) -> Result<String> {
    let request = TicketRequest {
        kind,
        public: false,
        author: false,
        domains: AllowedDomains::default(),
        until: Timestamp::MAX_14,
        use_id2: false,
    };
    Ok(services.create_ticket(model, request).await?)
}

fn shop_config(places: &Places, shown: &[Shown], stranger: bool) -> serde_json::Value {
    let models: Vec<_> = shown
        .iter()
        .map(|model| {
            serde_json::json!({
                "id": model.record.id.to_string(),
                "slug": model.record.slug,
                "title": model.record.title,
                "embedding_ticket": model.embedding_ticket,
                "thumbnail": format!("/thumbnails/{}.png", model.record.slug),
            })
        })
        .collect();
    serde_json::json!({
        "base_url": places.base,
        "content_url": places.content,
        "models": models,
        "stranger": stranger,
    })
}

/// What the demo tells when everything answers.
struct Told<'a> {
    places: &'a Places,
    shown: &'a [Shown],
    partner_key: &'a str,
    account: &'a Account,
}

/// The account that owns the demo's models, and what signs it in.
struct Account {
    password: String,
    key_id: String,
    key_secret: String,
}

/// As with the partner's key: a demo that starts again makes a new one and ends those before it.
async fn account(services: &Services) -> Result<Account> {
    let user = services.find_user(None).await?;
    for key in services.access_keys(user.id).await? {
        if key.label == ACCESS_KEY_LABEL && key.revoked_at.is_none() {
            services.revoke_access_key(user.id, key.id).await?;
        }
    }
    let label = ACCESS_KEY_LABEL.to_owned();
    let (record, key) = services.create_access_key(&user, label, None).await?;
    let password = new_password(services);
    services.appoint(user.id, EMAIL, &password).await?;
    Ok(Account {
        password,
        key_id: record.id.to_string(),
        key_secret: key.reveal().to_owned(),
    })
}

/// A key of the demo's partner. Keys are shown once, so a demo that starts again on its old data makes
/// a new one and ends those before it.
async fn partner_key(
    services: &Services,
    places: &Places,
    data: &Path,
) -> Result<ApiKey<PartnerKeyKind>> {
    let bucket = fill_bucket(data)?;
    let entries = vec![places.partner.clone()];
    let origins = vitrine_service::partners::origins(&entries)?;
    let app_id: AppId = PARTNER.parse()?;
    let known = services.store().partner_by_app_id(&app_id).await?;
    let key = if let Some(mut partner) = known {
        // The page may have come up on another port than last time.
        partner.settings.origins = origins;
        partner.settings.content = Some(bucket);
        let partner = services.update_partner(partner).await?;
        let rotated = services.rotate_partner_key(partner.id, Duration::ZERO);
        rotated.await?.1
    } else {
        let new = NewPartner {
            name: "Partner of the demo".to_owned(),
            app_id: Some(PARTNER.to_owned()),
            settings: PartnerSettings {
                origins,
                content: Some(bucket),
                ..PartnerSettings::default()
            },
        };
        services.create_partner(new).await?.2
    };
    Ok(key)
}

/// Puts the demo's drawings into the partner's bucket, where they are not there yet; returns its URL.
fn fill_bucket(data: &Path) -> Result<String> {
    let bucket = data.canonicalize()?.join(BUCKET);
    for drawing in &partner_site::DRAWINGS {
        let path = bucket.join(drawing.file);
        if path.exists() {
            continue;
        }
        let parent = path.parent().context("a drawing stands in a folder")?;
        std::fs::create_dir_all(parent)
            .and_then(|()| std::fs::write(&path, drawing.content))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(format!("file://{}", bucket.display()))
}

fn announce(services: &Services, told: &Told<'_>, json: bool, data: &Path) -> Result<()> {
    if json {
        println!("{}", summary(services, told)?);
        return Ok(());
    }
    let Told { places, shown, .. } = told;
    println!("Vitrine is serving.\n");
    println!("  A shop that may show the models:   {}", places.shop);
    println!("  The same page, not allowed:        {}", places.stranger);
    println!("  A partner with CAD drawings:       {}", places.partner);
    println!(
        "  The Geometry API and its docs:     {}/api/v2/docs",
        places.base
    );
    for model in *shown {
        println!(
            "  {:<34} {}/embed/{}",
            format!("{} (iframe):", model.record.title),
            places.content,
            model.record.slug
        );
    }
    println!("\n  Data folder: {}    Stop: Ctrl+C", data.display());
    Ok(())
}

fn summary(services: &Services, told: &Told<'_>) -> Result<serde_json::Value> {
    let Told { places, shown, .. } = told;
    let first = shown.first().context("the demo has models")?;
    let scopes = [
        "group.view",
        "group.export",
        "group.owner",
        "group.analytics",
        "file.download",
    ];
    let model_jwt = services.mint_token(
        Subject::Model(first.record.id),
        scopes.map(str::to_owned).to_vec(),
        TOKEN_TTL,
    )?;
    let backend_jwt = services.mint_token(Subject::Backend, vec!["*".to_owned()], TOKEN_TTL)?;
    let models: Vec<_> = shown
        .iter()
        .map(|model| {
            serde_json::json!({
                "id": model.record.id.to_string(),
                "slug": model.record.slug,
                "title": model.record.title,
                "embedding_ticket": model.embedding_ticket,
                "backend_ticket": model.backend_ticket,
            })
        })
        .collect();
    Ok(serde_json::json!({
        "base_url": places.base,
        "content_url": places.content,
        "shop_url": places.shop,
        "stranger_url": places.stranger,
        "models": models,
        "model_jwt": model_jwt,
        "backend_jwt": backend_jwt,
        "partner_key": told.partner_key,
        "account": { "username": EMAIL, "email": EMAIL, "password": told.account.password },
        "partner_url": places.partner,
        "access_key": { "key_id": told.account.key_id, "key_secret": told.account.key_secret },
        "client_id": ACCESS_KEY_CLIENT,
    }))
}

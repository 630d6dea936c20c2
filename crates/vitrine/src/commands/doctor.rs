//! `vitrine doctor`: looks at an installation as its server would, and says what to do.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use url::{Host, Url};
use vitrine_access::time::Clock;
use vitrine_access::{BlobKey, Owner, UserId};
use vitrine_engine::OpenScad;
use vitrine_engine::pool::{ModelSource, PoolHealth, WorkerPool};
use vitrine_engine::worker::missing_layers;
use vitrine_model::{Customization, Wanted};
use vitrine_store::{Blobs, Store, StoreOptions};

use super::{doctor_machine, start_log};
use crate::adapters::{SystemClock, SystemEntropy};
use crate::cli::Place;
use crate::config::{Config, LogFormat};
use crate::master_key;
use crate::node::{self, Tweak, without_password};

/// How long one look may take: a database far away, a cold disk.
const LOOK_MAX: Duration = Duration::from_secs(30);
/// How long a server on this machine may take to say that it lives.
const ANSWER_MAX: Duration = Duration::from_secs(3);
/// Difference of clocks that a server bears; beyond it nothing that needs trust is answered.
const CLOCK_OFF_MAX_S: u64 = 30;
/// What is stored to see that it can be; the same bytes each time take their place once.
const PROBE: &[u8] = b"vitrine doctor";
/// The model that a worker computes.
const CUBE: &str = "const main = () => require('@jscad/modeling').primitives.cuboid()\n\
                    module.exports = { main }";

/// The same for OpenSCAD.
const OPENSCAD_CUBE: &str = "cube(1);\n";

/// What was found out about one thing.
pub(super) enum Finding {
    Fine(String),
    /// It works; the operator may want to change it.
    Advice(String),
}

/// The list of findings as it is printed.
#[derive(Default)]
struct Report {
    looked: usize,
    failed: usize,
}

impl Report {
    fn add(&mut self, name: &str, found: Result<Finding>) {
        self.looked += 1;
        match found {
            Ok(Finding::Fine(text)) => println!("ok      {name}: {text}"),
            Ok(Finding::Advice(text)) => println!("advice  {name}: {text}"),
            Err(error) => {
                self.failed += 1;
                println!("FAILED  {name}: {error:#}");
            }
        }
    }

    /// Takes a look that must end in time.
    async fn look(&mut self, name: &str, look: impl Future<Output = Result<Finding>>) {
        let found = timeout(LOOK_MAX, look).await;
        let late = || {
            bail!(
                "no answer within {} s; see that it is reachable",
                LOOK_MAX.as_secs()
            )
        };
        self.add(name, found.unwrap_or_else(|_| late()));
    }
}

/// Looks at everything; an error when something must be mended.
pub(super) async fn run(place: &Place) -> Result<()> {
    let mut report = Report::default();
    let config = match Config::load(place.config.as_deref(), &place.flags()) {
        Ok(config) => config,
        Err(error) => {
            report.add("configuration", Err(error));
            bail!("the configuration has to be mended before anything else can be looked at");
        }
    };
    start_log("off", LogFormat::Text)?;
    report.add("configuration", Ok(Finding::Fine("can be used".into())));
    report.add("addresses", addresses(&config));
    report.look("listening", listening(&config)).await;
    report.add("open files", Ok(doctor_machine::files()));
    report.look("traces", doctor_machine::traces(&config)).await;
    report.look("workers", workers(&config)).await;
    report.look("openscad", openscad(&config)).await;
    if begun(&config) {
        report.look("database", database(&config)).await;
        report.add("master key", key(&config));
        report.add("space", doctor_machine::space(&config));
        report.look("objects", objects(&config)).await;
        report.look("start", start(&config)).await;
    } else {
        let text = format!(
            "there is none at {} yet; the first start makes it. Name another by --data or --config",
            config.data.display()
        );
        report.add("installation", Ok(Finding::Advice(text)));
    }
    ensure!(
        report.failed == 0,
        "{} of {} checks failed",
        report.failed,
        report.looked
    );
    println!("All {} checks passed.", report.looked);
    Ok(())
}

/// Whether a server was started on this installation before: looking must not begin a new one.
fn begun(config: &Config) -> bool {
    if config.database.is_empty() {
        config.data.join("vitrine.db").is_file()
    } else {
        config.data.is_dir()
    }
}

/// What the two URLs mean for browsers.
fn addresses(config: &Config) -> Result<Finding> {
    let bound: SocketAddr = config.listen.parse()?;
    if config.public_url.is_empty() {
        return Ok(if bound.ip().is_loopback() {
            Finding::Fine("for this machine alone; set public_url before others come".into())
        } else {
            Finding::Advice(format!(
                "{bound} is open to others, but links lead to http://{bound}; set public_url"
            ))
        });
    }
    for (setting, text) in [
        ("public_url", &config.public_url),
        ("content_url", &config.content_url),
    ] {
        let Ok(url) = Url::parse(text) else { continue };
        if url.scheme() == "http" && !is_local(&url) {
            return Ok(Finding::Advice(format!(
                "{setting} = {text} is not https: tokens and sessions travel in clear; end TLS in \
                 a proxy and write https"
            )));
        }
    }
    Ok(
        if config.content_url.is_empty() || config.content_url == config.public_url {
            Finding::Advice(
                "content_url is not an origin of its own: what authors make shares one with the \
                 APIs; point a second host name at the same server"
                    .into(),
            )
        } else {
            Finding::Fine(format!("{}, {}", config.public_url, config.content_url))
        },
    )
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Whether the port is free, or this server is what answers there.
async fn listening(config: &Config) -> Result<Finding> {
    let address = &config.listen;
    match TcpListener::bind(address).await {
        Ok(_) => Ok(Finding::Fine(format!(
            "{address} is free; no server runs there"
        ))),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let answered = timeout(ANSWER_MAX, is_alive(address)).await;
            if matches!(answered, Ok(Ok(true))) {
                return Ok(Finding::Fine(format!("a server answers at {address}")));
            }
            bail!("{address} is taken by another program; end that, or set listen")
        }
        Err(error) => Err(error).with_context(|| {
            format!("{address} cannot be listened on; name an address of this machine in listen, and a port that this user may take")
        }),
    }
}

async fn is_alive(address: &str) -> Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await?;
    let mut status = [0; "HTTP/1.1 200".len()];
    stream.read_exact(&mut status).await?;
    Ok(status.ends_with(b" 200"))
}

/// A worker starts, is caged, and computes a cube.
async fn workers(config: &Config) -> Result<Finding> {
    let (text, health) = cube(config, "cube.js", CUBE).await?;
    Ok(caged(&text, &health.layers))
}

/// The same through OpenSCAD, where it is installed.
async fn openscad(config: &Config) -> Result<Finding> {
    const REMEDY: &str =
        "install it (Debian: openscad) and name the program in openscad, if authors shall use it";
    if config.openscad.is_empty() {
        return Ok(Finding::Fine("turned off; .scad models are refused".into()));
    }
    if let Err(error) = OpenScad::find(Path::new(&config.openscad)) {
        return Ok(Finding::Advice(format!(
            "{}: {error}; .scad models are refused; {REMEDY}",
            config.openscad
        )));
    }
    let (text, health) = cube(config, "cube.scad", OPENSCAD_CUBE).await?;
    let version = health.openscad.unwrap_or_default();
    let text = format!("version {version}, {text}");
    Ok(caged(&text, &health.openscad_layers))
}

/// Lets a worker compute a model of one cube. Gives what to say about it, and the pool's health.
async fn cube(
    config: &Config,
    filename: &str,
    script: &'static str,
) -> Result<(String, PoolHealth)> {
    let pool = WorkerPool::start(node::pool_config(&Config {
        workers: 1,
        ..config.clone()
    })?)?;
    let source = ModelSource {
        key: BlobKey::of(script.as_bytes()),
        lineage: "doctor".into(),
        filename: filename.to_owned(),
        bytes: Bytes::from_static(script.as_bytes()),
        wall_ms_max: None,
        output_bytes_max: None,
        export_bytes_max: None,
    };
    let owner = Owner {
        user: UserId::from_bytes([0; 16]),
        organization: None,
    };
    let started = Instant::now();
    let (definition, _) = pool.describe(source.clone(), owner).await?;
    let wanted = definition.outputs.iter();
    let wanted = wanted
        .map(|output| Wanted::Output(output.id.clone()))
        .collect();
    let values = Arc::new(Customization::defaults(&definition));
    let results = pool
        .compute(source, owner, Arc::new(definition), values, wanted)
        .await?;
    let health = pool.health();
    pool.shutdown().await;
    let text = format!(
        "a cube of {} triangles in {} ms, start of the worker included",
        results.stats.triangles,
        started.elapsed().as_millis(),
    );
    Ok((text, health))
}

/// What is said of workers with these layers.
fn caged(text: &str, layers: &[String]) -> Finding {
    let text = format!("{text}; layers: {}", layers.join(", "));
    let missing = missing_layers(layers);
    if missing.is_empty() {
        return Finding::Fine(text);
    }
    Finding::Advice(format!(
        "{text}. The kernel does not give {}; only compute models of people you know here",
        missing.join(", ")
    ))
}

/// The database answers, its schema is this program's, and its clock agrees with ours.
async fn database(config: &Config) -> Result<Finding> {
    let url = config.database_url();
    let shown = without_password(&url);
    let store = Store::open(&url, StoreOptions::default())
        .await
        .with_context(|| format!("{shown} cannot be opened"))?;
    let clock = store.database_clock().await?;
    store.close().await;
    let off_s = clock.unix_s().abs_diff(SystemClock.now().unix_s());
    ensure!(
        off_s <= CLOCK_OFF_MAX_S,
        "{shown}: its clock and this machine's are {off_s} s apart, {CLOCK_OFF_MAX_S} s at most are \
         possible; set the clocks (NTP)"
    );
    Ok(Finding::Fine(format!(
        "{shown}, schema up to date, clocks {off_s} s apart"
    )))
}

fn key(config: &Config) -> Result<Finding> {
    let path = config.master_key_path();
    master_key::load(&path, false, &SystemEntropy::new())?;
    Ok(Finding::Fine(format!(
        "{} is readable by its owner only; keep a copy elsewhere",
        path.display()
    )))
}

/// Objects can be written and come back as they were.
async fn objects(config: &Config) -> Result<Finding> {
    let url = config.objects_url();
    let blobs = Blobs::open(&url)
        .await
        .with_context(|| format!("{url} cannot be opened"))?;
    let stored = blobs
        .put(Bytes::from_static(PROBE))
        .await
        .with_context(|| format!("{url} cannot be written; see its rights and free space"))?;
    let read = blobs.get(stored).await?;
    ensure!(
        read == PROBE,
        "{url} gave back other bytes than were stored"
    );
    Ok(Finding::Fine(format!("{url} can be written and read")))
}

/// Everything together, as the server starts it: the keys in the database open with the master key.
async fn start(config: &Config) -> Result<Finding> {
    let bound = config.listen.parse()?;
    let tweak = Tweak {
        limit_loopback: true,
    };
    let services = node::build(config, bound, tweak).await?;
    services.shutdown().await;
    Ok(Finding::Fine(
        "the parts fit together; the keys in the database open".into(),
    ))
}

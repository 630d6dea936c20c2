//! The command line: an interface that others script against (design, section 9).
#![expect(
    clippy::doc_markdown,
    reason = "these comments are the help texts that people read"
)]

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::{Flags, WorkerConfinement};

/// First argument of a worker process. Not for people: it speaks frames on its standard streams.
pub(crate) const WORKER_COMMAND: &str = "__worker";

/// Vitrine shows parametric 3D models on any web page without giving them away.
#[derive(Debug, Parser)]
#[command(name = "vitrine", version, about, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the APIs and pages.
    Serve(ServeArguments),
    /// Show the main job: three models, a shop that may embed them and one that may not.
    Demo(DemoArguments),
    /// Models: push a file, list, show, allow a domain, block.
    Model {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        command: ModelCommand,
    },
    /// Tickets: create, show, revoke.
    Ticket {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        command: TicketCommand,
    },
    /// Access tokens: mint, inspect, revoke.
    Jwt {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        command: JwtCommand,
    },
    /// Sessions: list a model's, end one.
    Session {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        command: SessionCommand,
    },
    /// The audit trail: export it, or explain one request.
    Audit {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// The configuration: check it, or show what is in force.
    Config {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Print the OpenAPI document of an API.
    Openapi {
        /// Which API.
        api: Api,
    },
}

/// Where the installation lies that a command works on.
#[derive(Clone, Debug, Args)]
pub(crate) struct Place {
    /// Configuration file (TOML).
    #[arg(long, global = true)]
    pub(crate) config: Option<PathBuf>,
    /// Data folder.
    #[arg(long, global = true)]
    pub(crate) data: Option<PathBuf>,
    /// Database URL.
    #[arg(long, global = true)]
    pub(crate) database: Option<String>,
    /// Object storage URL.
    #[arg(long, global = true)]
    pub(crate) objects: Option<String>,
}

impl Place {
    /// These flags as configuration.
    pub(crate) fn flags(&self) -> Flags {
        Flags {
            data: self.data.clone(),
            database: self.database.clone(),
            objects: self.objects.clone(),
            ..Flags::default()
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Address and port to listen on; port 0 is a free one.
    #[arg(long)]
    pub(crate) listen: Option<String>,
    /// URL under which clients reach the APIs.
    #[arg(long)]
    pub(crate) public_url: Option<String>,
    /// URL of the content origin.
    #[arg(long)]
    pub(crate) content_url: Option<String>,
    /// What to do when the kernel lacks a layer of the workers' cage.
    #[arg(long, value_enum)]
    pub(crate) worker_confinement: Option<WorkerConfinement>,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// Data folder; a fresh one that is removed at the end when none is named.
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
    /// Database URL; an embedded one in the data folder by default.
    #[arg(long)]
    pub(crate) database: Option<String>,
    /// Address of the server; port 0 is a free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub(crate) listen: String,
    /// Address of the shop; port 0 is a free one. The stranger's page takes the next port.
    #[arg(long, default_value = "127.0.0.1:8090")]
    pub(crate) shop_listen: String,
    /// Ask for an access token beside the lamp's ticket (strong authorization). The shop gets it from
    /// its own back end.
    #[arg(long)]
    pub(crate) strong: bool,
    /// Seconds that the shop's access tokens hold.
    #[arg(long, default_value_t = 300)]
    pub(crate) token_ttl: u64,
    /// Print one JSON object when everything answers.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// Upload a model file and wait until it is analysed.
    Push {
        /// The model file (a JSCAD script).
        file: PathBuf,
        /// Name that people see.
        #[arg(long)]
        title: Option<String>,
        /// Name in URLs.
        #[arg(long)]
        slug: Option<String>,
        /// Domain of a page that may embed the model; may be repeated.
        #[arg(long)]
        allow: Vec<String>,
        /// Let backend tickets open sessions.
        #[arg(long)]
        backend_access: bool,
    },
    /// List all models.
    List,
    /// Show one model.
    Show {
        /// The model's id.
        id: String,
    },
    /// Let pages of a domain embed a model.
    Allow {
        /// The model's id.
        id: String,
        /// shop.example.com, host:port, *.example.com, http://localhost:3000 …
        domain: String,
    },
    /// Block a model: no session opens, running ones end.
    Block {
        /// The model's id.
        id: String,
        /// Take the block away.
        #[arg(long)]
        off: bool,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum TicketKind {
    /// For pages; the model's domains apply.
    Embedding,
    /// For back ends; the model must allow backend access.
    Backend,
    /// For pages of authors; may change the model's configuration.
    Author,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TicketCommand {
    /// Issue a ticket and print it.
    Create {
        /// The model's id.
        model: String,
        /// What the ticket is for.
        #[arg(long = "type", value_enum, default_value = "embedding")]
        kind: TicketKind,
        /// End of validity in UTC, YYYYMMDDhhmmss; without it the ticket holds until revoked.
        #[arg(long)]
        until: Option<String>,
    },
    /// Show what a ticket says.
    Show {
        /// The ticket.
        ticket: String,
    },
    /// Revoke a ticket; its sessions end.
    Revoke {
        /// The ticket.
        ticket: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum JwtCommand {
    /// Sign an access token and print it.
    Mint {
        /// backend, model:ID, user:ID, organization:ID or auth_group:ID.
        #[arg(long)]
        subject: String,
        /// A scope, such as group.view or compute.output.*; may be repeated.
        #[arg(long = "scope", required = true, num_args = 1..)]
        scopes: Vec<String>,
        /// Lifetime in seconds.
        #[arg(long, default_value_t = 3600)]
        ttl: u64,
    },
    /// Verify a token and show what it says.
    Inspect {
        /// The token.
        token: String,
    },
    /// Revoke a token, or all tokens of a subject; sessions that they opened end.
    Revoke {
        /// The token's id (`jti`).
        #[arg(required_unless_present = "subject")]
        jti: Option<String>,
        /// All tokens of this subject that were issued until now: backend, model:ID, user:ID,
        /// organization:ID or auth_group:ID.
        #[arg(long, conflicts_with = "jti")]
        subject: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SessionCommand {
    /// List the running sessions of a model, newest first.
    List {
        /// The model's id.
        model: String,
    },
    /// End a session: its calls and links are refused at once.
    Revoke {
        /// The session's alias, as in the list, in asset links and in the audit trail; or its id.
        session: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Print decisions as JSON lines, oldest first.
    Export {
        /// From this instant on, in UTC, YYYYMMDDhhmmss.
        #[arg(long)]
        from: Option<String>,
        /// Before this instant, in UTC, YYYYMMDDhhmmss.
        #[arg(long)]
        to: Option<String>,
        /// Only decisions about this model.
        #[arg(long)]
        model: Option<String>,
    },
    /// Say in words how a request was decided, and what to do.
    Show {
        /// The request's id: `requestId` of an error, or the header X-Request-Id.
        request: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say whether the configuration can be used; all faults at once.
    Check,
    /// Print the configuration in force, secrets left out.
    Show,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Api {
    /// The Geometry API v2.
    Geometry,
}

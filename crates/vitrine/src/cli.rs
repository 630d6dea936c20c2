//! The command line: an interface that others script against (design, section 9).
#![expect(
    clippy::doc_markdown,
    reason = "these comments are the help texts that people read"
)]

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use vitrine_access::caps::CapWindow;

use crate::config::{Flags, WorkerConfinement};

/// Largest cap: far above any bill, far below where sums would overflow.
const CREDITS_MAX: u64 = 1_000_000_000_000;

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
    /// Keys: rotate, retire and list the keys that sign tokens; list those that seal tickets.
    Keys {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Users: make one, set a password, change what holds for all of a user's models.
    User {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Organizations: change what holds for all of an organization's models.
    Org {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        command: AccountCommand,
    },
    /// Caps on credits: set, list, remove.
    Cap {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        command: CapCommand,
    },
    /// Sums of usage: rebuild.
    Usage {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        command: UsageCommand,
    },
    /// Access keys, with which accounts sign in to the platform: make, list, revoke.
    Accesskey {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        command: AccessKeyCommand,
    },
    /// Partners of the drawing editor: make, list, show, set up; their keys and tokens.
    Partner {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        command: PartnerCommand,
    },
    /// The configuration: check it, or show what is in force.
    Config {
        #[command(flatten)]
        place: Place,
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Look at an installation as its server would, and say what to do. Opens the database as a
    /// start does, which moves an older schema forward.
    Doctor {
        #[command(flatten)]
        place: Place,
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
    /// Address of the partner's page; port 0 is a free one.
    #[arg(long, default_value = "127.0.0.1:8095")]
    pub(crate) partner_listen: String,
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
        /// The model file (a JSCAD script or an OpenSCAD file).
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

/// Signature algorithms by their names in tokens.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum KeyAlgorithm {
    /// ECDSA with P-256 and SHA-256.
    #[value(name = "ES256")]
    Es256,
    /// Ed25519.
    #[value(name = "EdDSA")]
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256 and 2048 bits.
    #[value(name = "RS256")]
    Rs256,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// List all keys: signing ones with their state, sealing ones with the live tickets on them.
    List {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Make a new signing key and print its id; the keys before it verify for a while longer.
    Rotate {
        /// The new key's algorithm.
        #[arg(long, value_enum, default_value = "ES256")]
        algorithm: KeyAlgorithm,
        /// Seconds for which the keys before verify once the new one signs; as long as any token may
        /// live when it is left out.
        #[arg(long)]
        overlap: Option<u64>,
        /// Sign with the new key at once, not after the two minutes in which everybody hears of it.
        #[arg(long)]
        at_once: bool,
    },
    /// End a signing key: its tokens, and the sessions they opened, are refused within a second.
    Retire {
        /// The key's id. One in 64 begins with a dash.
        #[arg(allow_hyphen_values = true)]
        kid: String,
    },
}

/// A switch on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    /// Yes.
    On,
    /// No.
    Off,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Make a user who signs in by password.
    Create {
        /// The user's address.
        email: String,
        /// The user's name.
        #[arg(long, default_value = "")]
        name: String,
        /// Lets the user do what concerns everybody.
        #[arg(long)]
        admin: bool,
        /// A file with the password; without it one is made and shown this once.
        #[arg(long)]
        password_file: Option<PathBuf>,
    },
    /// Set a user's password, and end every sign-in of theirs.
    Password {
        /// The user's id or address.
        user: String,
        /// A file with the password; without it one is made and shown this once.
        #[arg(long)]
        password_file: Option<PathBuf>,
    },
    /// Let nobody sign in as a user, and end every sign-in of theirs and what they were given. Their models stay.
    Block {
        /// The user's id or address.
        user: String,
    },
    /// Let a user sign in again.
    Unblock {
        /// The user's id or address.
        user: String,
    },
    /// Take a user's second factor away: whoever has lost the device and the recovery codes signs in by the
    /// password alone again.
    ForgetSecondFactor {
        /// The user's id or address.
        user: String,
    },
    /// Change a setting of the account.
    Set {
        /// The account's id.
        id: String,
        /// Demand an access token beside the ticket for all models of the account.
        #[arg(long, value_enum)]
        force_require_token: Option<Switch>,
        /// What the account may use, and how much: unlimited, business or free.
        #[arg(long)]
        plan: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Change a setting of the account.
    Set {
        /// The account's id.
        id: String,
        /// Demand an access token beside the ticket for all models of the account.
        #[arg(long, value_enum)]
        force_require_token: Option<Switch>,
        /// What the account may use, and how much: unlimited, business or free.
        #[arg(long)]
        plan: Option<String>,
    },
}

/// How long credits add up before they begin anew, by the UTC calendar.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Per {
    /// A full hour.
    Hour,
    /// A day.
    Day,
    /// A month.
    Month,
}

impl Per {
    pub(crate) const fn domain(self) -> CapWindow {
        match self {
            Self::Hour => CapWindow::Hour,
            Self::Day => CapWindow::Day,
            Self::Month => CapWindow::Month,
        }
    }
}

/// `vitrine usage`.
#[derive(Debug, Subcommand)]
pub(crate) enum UsageCommand {
    /// Make the sums that are kept anew from the usage rows. Charges wait while it begins.
    Rebuild,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CapCommand {
    /// Bound the credits of an account, model, ticket or token; a running server obeys at once.
    Set {
        /// user:ID, organization:ID, model:ID, ticket:TICKET, token:JTI or subject:SUBJECT.
        scope: String,
        /// The time within which credits add up.
        #[arg(long, value_enum)]
        per: Per,
        /// Most credits within that time; 0 lets only what is free pass.
        #[arg(long, value_parser = clap::value_parser!(u64).range(..=CREDITS_MAX))]
        credits: u64,
    },
    /// List all caps with what is used of them.
    List,
    /// Take a cap away.
    Remove {
        /// As for set.
        scope: String,
        /// As for set.
        #[arg(long, value_enum)]
        per: Per,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccessKeyCommand {
    /// Make a key, whose secret is shown this once.
    Create {
        /// The user's id or address; the operator when not given.
        #[arg(long)]
        user: Option<String>,
        /// What the key is for.
        #[arg(long, default_value = "")]
        label: String,
    },
    /// List a user's keys.
    List {
        /// The user's id or address; the operator when not given.
        #[arg(long)]
        user: Option<String>,
    },
    /// Revoke a key, and end every sign-in by it.
    Revoke {
        /// The key's id.
        key: String,
        /// The user's id or address; the operator when not given.
        #[arg(long)]
        user: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PartnerCommand {
    /// Make a partner and its first key, which is shown this once.
    Create {
        /// Name for people.
        name: String,
        /// Public name, `auth` of what its tokens verify to; made up when not given.
        #[arg(long)]
        app_id: Option<String>,
        #[command(flatten)]
        settings: Box<PartnerSettingsArguments>,
    },
    /// List all partners.
    List,
    /// Show one partner.
    Show {
        /// The partner's application id or id.
        partner: String,
    },
    /// Change what is set for a partner; what is not named stays.
    Set {
        /// The partner's application id or id.
        partner: String,
        /// Name for people.
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        settings: Box<PartnerSettingsArguments>,
    },
    /// A partner's keys: create, rotate, revoke, list.
    Key {
        #[command(subcommand)]
        command: PartnerKeyCommand,
    },
    /// Editor tokens: revoke one, or all of a user.
    Token {
        #[command(subcommand)]
        command: PartnerTokenCommand,
    },
}

#[derive(Debug, Args)]
pub(crate) struct PartnerSettingsArguments {
    /// Page that may frame the editor: shop.example.com, *.example.com, http://localhost:3000 …; may
    /// be repeated. Replaces the list; an empty one empties it.
    #[arg(long = "origin")]
    pub(crate) origins: Option<Vec<String>>,
    /// Bucket with drawings, file:///folder or s3://bucket/prefix; empty for none.
    #[arg(long)]
    pub(crate) content: Option<String>,
    /// Bucket with customization, file:///folder or s3://bucket/prefix; empty for none.
    #[arg(long)]
    pub(crate) customization: Option<String>,
    /// Host that the parameter `server` may name; may be repeated. Replaces the list; an empty one
    /// empties it.
    #[arg(long = "server")]
    pub(crate) servers: Option<Vec<String>>,
    /// How those servers are asked, NAME=VALUE: a route (read, write, add, info) with {file} in the file's
    /// place, or a header (session-header, token-header); may be repeated. Without VALUE it is as usual.
    #[arg(long = "api", value_name = "NAME=VALUE")]
    pub(crate) api: Option<Vec<String>>,
    /// How long a token holds when the request does not say, seconds.
    #[arg(long)]
    pub(crate) lifetime: Option<u64>,
    /// The longest life that a request may ask for, seconds.
    #[arg(long)]
    pub(crate) lifetime_max: Option<u64>,
    /// Whether verifying a token needs the key beside it.
    #[arg(long)]
    pub(crate) require_key_on_verify: Option<bool>,
    /// Whether pages of the editor may be opened by parameters in their address, for looking only.
    #[arg(long)]
    pub(crate) plain_parameters: Option<bool>,
    /// Tokens that may be made in an hour; 0 for no limit.
    #[arg(long)]
    pub(crate) tokens_per_hour: Option<u32>,
    /// Refuse the partner's keys and tokens.
    #[arg(long)]
    pub(crate) blocked: Option<bool>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PartnerKeyCommand {
    /// Make another key and show it this once.
    Create {
        /// The partner's application id or id.
        partner: String,
    },
    /// Make a new key, show it this once, and let the present ones end after the overlap.
    Rotate {
        /// The partner's application id or id.
        partner: String,
        /// How long the present keys stay good, seconds. What they made stays good anyway.
        #[arg(long, default_value_t = 7 * 24 * 3600)]
        overlap: u64,
    },
    /// Revoke a key at once, and with it every token that it made.
    Revoke {
        /// The partner's application id or id.
        partner: String,
        /// The key's id, as `list` shows it.
        key: String,
    },
    /// List a partner's keys, the newest first.
    List {
        /// The partner's application id or id.
        partner: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PartnerTokenCommand {
    /// Revoke a token, or all tokens of a partner's user.
    Revoke {
        /// The token.
        #[arg(required_unless_present = "user", conflicts_with = "user")]
        token: Option<String>,
        /// The partner's own id of the user.
        #[arg(long, requires = "partner")]
        user: Option<String>,
        /// The partner whose user it is.
        #[arg(long, requires = "user")]
        partner: Option<String>,
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
    /// The token service for partners.
    Partner,
    /// The platform, where accounts sign in.
    Platform,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_begins_with_a_dash_is_retired_wherever_options_stand() {
        for line in [
            ["vitrine", "keys", "retire", "-dash_id", "--data", "here"],
            ["vitrine", "keys", "retire", "--data", "here", "-dash_id"],
            ["vitrine", "keys", "--data", "here", "retire", "-dash_id"],
        ] {
            let parsed = Arguments::try_parse_from(line).unwrap();
            let Command::Keys {
                place,
                command: KeysCommand::Retire { kid },
            } = parsed.command
            else {
                panic!("another command: {line:?}");
            };
            assert_eq!(kid, "-dash_id", "{line:?}");
            assert_eq!(place.data, Some(PathBuf::from("here")), "{line:?}");
        }
    }
}

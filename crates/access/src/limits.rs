//! Every bound of this crate, with its reason.

use std::time::Duration;

/// Entries in one list of allowed domains. Real shops need a handful; the list is walked at each
/// session creation and repeated in a response header.
pub const DOMAINS_MAX: usize = 100;

/// Entries sealed into one ticket: each adds its length twice to a URL path, and reverse proxies
/// commonly refuse request lines above 8 KiB.
pub const TICKET_DOMAINS_MAX: usize = 24;

/// Characters of a ticket in its text form. Above it nothing is decoded: below the 65,534 bytes to
/// which the HTTP stack bounds a URI, above what [`TICKET_DOMAINS_MAX`] full-length domains need.
pub const TICKET_CHARS_MAX: usize = 16_384;

/// Characters of a model's secondary id inside a ticket; its length is one byte on the wire.
pub const SECONDARY_ID_BYTES_MAX: usize = 255;

/// Characters of a link segment. Content type and file name are the only parts of free length.
pub const LINK_CHARS_MAX: usize = 8_192;

/// Bytes of a file name or content type inside a link, so that the link stays below
/// [`LINK_CHARS_MAX`].
pub const LINK_TEXT_BYTES_MAX: usize = 1_024;

/// Bytes of a host name, RFC 1035 section 2.3.4 (without the root's dot).
pub const HOST_BYTES_MAX: usize = 253;

/// Bytes of one label of a host name, RFC 1035 section 2.3.4.
pub const LABEL_BYTES_MAX: usize = 63;

/// Bytes of a URL scheme. The longest in use for origins (`safari-web-extension`) has 20.
pub const SCHEME_BYTES_MAX: usize = 32;

/// Bytes of an `Origin` header: scheme, `://`, host, colon and five digits.
pub const ORIGIN_BYTES_MAX: usize = SCHEME_BYTES_MAX + 3 + HOST_BYTES_MAX + 6;

/// Bytes of a domain entry as an owner writes it. Unicode spellings are longer than what they are
/// normalised to, but never by this much for a name that still fits [`HOST_BYTES_MAX`].
pub const DOMAIN_ENTRY_BYTES_MAX: usize = 1_024;

/// Bytes of the embedding page's address in `X-ShapeDiver-Origin`; browsers' referrers are cut at
/// 4 KiB.
pub const EMBEDDER_URL_BYTES_MAX: usize = 4_096;

/// How long a load of the iframe page opens a session: time enough for a slow line to bring the
/// viewer's code, too short to be passed on by hand.
pub const EMBED_NONCE_TTL: Duration = Duration::from_mins(1);

/// How long a page that stands open gets fresh ones: a day in a shop's exhibition room.
pub const EMBED_PAGE_AGE_MAX: Duration = Duration::from_hours(24);

/// Characters of an origin repeated in a refusal, so that a message stays one sentence.
pub const SEEN_CHARS_MAX: usize = 120;

/// Characters of a JWS in compact form. Our own tokens are below 2 KiB; proxies bound header lines
/// at 8 KiB.
pub const JWS_CHARS_MAX: usize = 8_192;

/// Nesting of JSON in token headers, claims and keys; theirs is at most three.
pub const JSON_DEPTH_MAX: usize = 8;

/// Bytes of a key id. A thumbprint has 43.
pub const KID_BYTES_MAX: usize = 128;

/// Keys in one set: a current one, retired ones, and room for an external issuer's.
pub const KEYS_MAX: usize = 64;

/// Scopes in one token. The whole table has 43 permissions and 5 groups.
pub const SCOPES_MAX: usize = 64;

/// Bytes of one scope: the longest permission plus the longest id.
pub const SCOPE_BYTES_MAX: usize = 128;

/// Bytes of an issuer, audience or subject claim.
pub const CLAIM_BYTES_MAX: usize = 512;

/// Audiences in one token.
pub const AUDIENCES_MAX: usize = 16;

/// How far the clock of a token's issuer may be off, either way.
pub const TOKEN_SKEW_MAX: Duration = Duration::from_mins(1);

/// The longest life of a token that we sign: long enough for a build server's month, short enough
/// that a forgotten one dies by itself.
pub const TOKEN_TTL_MAX: Duration = Duration::from_hours(31 * 24);

/// Bits of an RSA modulus, RFC 7518 section 3.3.
pub const RSA_BITS_MIN: usize = 2_048;

/// Bits of an RSA modulus above which verifying costs an attacker too little and us too much.
pub const RSA_BITS_MAX: usize = 8_192;

/// Id-limited permissions in one set; they are walked at each check.
pub const LIMITED_PERMISSIONS_MAX: usize = SCOPES_MAX;

/// Bytes of the id in an id-limited permission; output, export and parameter ids have 32 or 36.
pub const LIMITED_ID_BYTES_MAX: usize = 64;

/// The longest life of a session.
pub const SESSION_AGE_MAX: Duration = Duration::from_hours(1);

/// How long a session may be unused.
pub const SESSION_IDLE_MAX: Duration = Duration::from_hours(1);

/// How long assets stay readable after a session aged out, so that a page that just recovers need
/// not reload what it is downloading.
pub const ASSET_GRACE: Duration = Duration::from_mins(5);

/// The period that one session credit covers.
pub const SESSION_SLOT: Duration = Duration::from_mins(10);

/// The chunk in which computing and loading time is charged.
pub const COMPUTATION_CHUNK_MS: u64 = 10_000;

/// Bytes of a URL that we are asked to fetch.
pub const EGRESS_URL_BYTES_MAX: usize = 4_096;

/// Master keys that still open sealed things beside the current one.
pub const RETIRED_KEYS_MAX: usize = 8;

/// Most proxies between a client and us whose word is followed; real chains have two or three.
pub const FORWARDED_HOPS_MAX: usize = 16;
/// Longest address with port in a forwarding header: an IPv6 address in brackets has 54 bytes.
pub const FORWARDED_NODE_BYTES_MAX: usize = 64;

/// Bytes of the body behind an editor token. Parameters are ids, words and a few URLs; the longest
/// presigned URL in use has about four kilobytes.
pub const EDITOR_BODY_BYTES_MAX: usize = 32 * 1024;

/// Members of the object behind an editor token. The editor knows some twenty; the rest are the
/// partner's own.
pub const EDITOR_MEMBERS_MAX: usize = 100;

/// Bytes of the name of one parameter. The longest documented one has 24.
pub const EDITOR_NAME_BYTES_MAX: usize = 128;

/// How long an editor token holds unless the partner or the request says otherwise.
pub const EDITOR_TOKEN_TTL_DEFAULT: Duration = Duration::from_hours(1);

/// The longest life of an editor token that an operator may allow a partner: a forgotten token dies
/// within a month.
pub const EDITOR_TOKEN_TTL_MAX: Duration = Duration::from_hours(31 * 24);

/// Bytes of the name of a drawing: S3 allows 1,024 for a key, and the names of its versions are longer.
pub const DRAWING_NAME_BYTES_MAX: usize = 960;

/// Characters of what the editor shows as a drawing's or a person's name.
pub const EDITOR_TITLE_CHARS_MAX: usize = 200;

/// Characters of a language or a workspace; the longest documented one has 16.
pub const EDITOR_WORD_CHARS_MAX: usize = 64;

/// Bytes of a route of a partner's API server: a path that somebody types, not an address with a signature.
pub const API_ROUTE_BYTES_MAX: usize = 512;

/// Bytes of the name of a header of a partner's API server.
pub const API_HEADER_BYTES_MAX: usize = 64;

/// How long an editor session holds: a long working day. The token's own end does not end it, because
/// whoever draws for longer than an hour must still be able to save.
pub const EDITOR_SESSION_TTL: Duration = Duration::from_hours(12);

/// How long the right to edit a drawing holds without a sign of life: three missed ones of 20 seconds.
pub const EDITOR_LEASE_TTL: Duration = Duration::from_mins(1);

/// How long the address of an editor page may be loaded again.
pub const EDITOR_FRAME_TTL: Duration = Duration::from_hours(24);

/// Characters of a partner's application id; it stands in every answer to its tokens.
pub const APP_ID_CHARS_MAX: usize = 64;

/// How long a refresh token stays good beside the one that took its place: requests that were under way at
/// the same moment have arrived by then, and a thief has no time to be unnoticed in.
pub const REFRESH_GRACE: Duration = Duration::from_mins(1);

/// Fewest characters of a password (NIST SP 800-63B-4 asks for 15 where nothing else is asked for; sign-ins
/// are limited per account and address here, and Argon2id makes guesses from a copy dear).
pub const PASSWORD_CHARS_MIN: usize = 12;

/// Most bytes of a password: no longer one is typed, and hashing reads it all.
pub const PASSWORD_BYTES_MAX: usize = 1_024;

/// Most bytes of an e-mail address (RFC 5321, section 4.5.3.1.3).
pub const EMAIL_BYTES_MAX: usize = 254;

/// Bytes of an address that an application is called back at: browsers and proxies take some thousand.
pub const REDIRECT_BYTES_MAX: usize = 2_000;

/// Members of an organization and open invitations into it: lists of them are one page.
pub const MEMBERS_MAX: usize = 500;

/// Bytes of the name of a provider in addresses; a word.
pub const PROVIDER_NAME_BYTES_MAX: usize = 40;

/// How long somebody may take to sign in at a provider: time to find a phone for a second factor there.
pub const PROVIDER_SIGN_IN_TTL: Duration = Duration::from_mins(10);

/// Bytes of a subject in an ID token (`OpenID` Connect Core 1.0, section 2).
pub const ID_TOKEN_SUBJECT_BYTES_MAX: usize = 255;

/// How long an authenticator may take to sign: browsers give up after five minutes by themselves.
pub const PASSKEY_TTL: Duration = Duration::from_mins(5);

/// Bytes of the client data of a passkey: origin and challenge, and what browsers add to keep readers flexible.
pub const PASSKEY_CLIENT_DATA_BYTES_MAX: usize = 2_048;

/// Bytes of an authenticator's id of a key (Web Authentication Level 3, section 4).
pub const PASSKEY_CREDENTIAL_BYTES_MAX: usize = 1_023;

/// Bytes of authenticator data: the longest id and an RSA key, twice over.
pub const PASSKEY_DATA_BYTES_MAX: usize = 4_096;

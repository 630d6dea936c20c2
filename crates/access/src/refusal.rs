//! Why something is refused, in one stable code and one sentence for people.

use std::fmt;

use thiserror::Error;

/// A refusal: its kind decides the status on the wire, its message says what was wrong and what to
/// do. The message is public: it never holds a secret or another account's facts.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Refusal {
    /// What kind of refusal this is.
    pub kind: RefusalKind,
    /// What was wrong and what to do, for people.
    pub message: String,
}

impl Refusal {
    /// A refusal of this kind with this sentence.
    #[must_use]
    pub fn new(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }
}

macro_rules! refusal_kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// The kinds of refusal. Audit lines and metrics carry [`RefusalKind::code`].
        #[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum RefusalKind {
            $($(#[$doc])* $name,)*
        }

        impl RefusalKind {
            /// Every kind, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable code, lower-case words with dashes.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                }
            }
        }
    };
}

refusal_kinds! {
    /// The ticket cannot be opened: not ours, or changed.
    TicketInvalid = "ticket-invalid",
    /// The ticket's end has passed.
    TicketExpired = "ticket-expired",
    /// The ticket was revoked or rotated away.
    TicketRevoked = "ticket-revoked",
    /// No `Origin` header came along.
    OriginMissing = "origin-missing",
    /// The `Origin` header (or the embedding page's address) has no valid form.
    OriginMalformed = "origin-malformed",
    /// The page's origin is not on the list.
    OriginNotAllowed = "origin-not-allowed",
    /// The model may only be shown inside an iframe.
    IframeRequired = "iframe-required",
    /// The request does not prove that it comes from a fresh load of the iframe page.
    EmbedUnproven = "embed-unproven",
    /// The model does not accept backend tickets.
    BackendAccessOff = "backend-access-off",
    /// A token is needed and none came along.
    TokenMissing = "token-missing",
    /// The token cannot be verified.
    TokenInvalid = "token-invalid",
    /// The token's time is over, or has not come yet.
    TokenExpired = "token-expired",
    /// The token was revoked.
    TokenRevoked = "token-revoked",
    /// Neither session nor token gives the permission.
    PermissionMissing = "permission-missing",
    /// The credential stands for another model.
    WrongModel = "wrong-model",
    /// Only other kinds of token may do this.
    SubjectRestricted = "subject-restricted",
    /// No such model, as far as the caller may know.
    ModelUnknown = "model-unknown",
    /// The model was deleted.
    ModelDeleted = "model-deleted",
    /// The model is not confirmed.
    ModelUnconfirmed = "model-unconfirmed",
    /// The model is blocked.
    ModelBlocked = "model-blocked",
    /// The session ended, or never was.
    SessionGone = "session-gone",
    /// The text is no session id.
    SessionMalformed = "session-malformed",
    /// The link cannot be opened: not ours, or changed, or for another place.
    LinkInvalid = "link-invalid",
    /// The link's time is over.
    LinkExpired = "link-expired",
    /// Too many requests.
    RateLimited = "rate-limited",
    /// A spending or usage cap is reached.
    CapReached = "cap-reached",
    /// The account's plan does not allow it.
    PlanExceeded = "plan-exceeded",
    /// A request for a decision came from a peer that is no trusted proxy.
    ProxyUntrusted = "proxy-untrusted",
    /// The proxy did not say, or not in one way, what the route needs.
    RouteInvalid = "route-invalid",
    /// No credential came along where any kind would do.
    CredentialMissing = "credential-missing",
    /// Credentials contradict each other, or their form is nobody's.
    CredentialUnclear = "credential-unclear",
    /// No partner key came along.
    PartnerKeyMissing = "partner-key-missing",
    /// The partner key was never issued, or is no partner key at all.
    PartnerKeyInvalid = "partner-key-invalid",
    /// The partner key's time is over.
    PartnerKeyExpired = "partner-key-expired",
    /// The partner key was revoked.
    PartnerKeyRevoked = "partner-key-revoked",
    /// The partner is blocked.
    PartnerBlocked = "partner-blocked",
    /// No editor token came along.
    EditorTokenMissing = "editor-token-missing",
    /// There is no such editor token, as far as the caller may know.
    EditorTokenInvalid = "editor-token-invalid",
    /// The editor token's time is over.
    EditorTokenExpired = "editor-token-expired",
    /// The editor token was revoked, or the key that made it.
    EditorTokenRevoked = "editor-token-revoked",
    /// The editor token was good for one use and has been used.
    EditorTokenUsed = "editor-token-used",
    /// No editor session came along.
    EditorSessionMissing = "editor-session-missing",
    /// The editor session ended, or never was.
    EditorSessionGone = "editor-session-gone",
    /// There is no such script job, as far as the caller may know.
    ScriptJobInvalid = "script-job-invalid",
    /// The parameters stand in the address, and the partner does not permit that, or they hold a secret.
    PlainParametersRefused = "plain-parameters-refused",
    /// The token permits looking only.
    ViewOnly = "view-only",
    /// Somebody else has the right to edit the drawing, or nobody asked for it.
    LeaseMissing = "lease-missing",
    /// Access key id and secret do not belong together, or the key is no longer good.
    AccessKeyInvalid = "access-key-invalid",
    /// Name and password do not belong together, as far as anybody may know.
    PasswordInvalid = "password-invalid",
    /// The platform does not know the client.
    ClientUnknown = "client-unknown",
    /// The platform does not know the way of signing in.
    GrantUnsupported = "grant-unsupported",
    /// The client is known, and may not sign in in this way.
    ClientUnauthorized = "client-unauthorized",
    /// A code that an application trades for tokens is not good, or not for this application.
    CodeInvalid = "code-invalid",
    /// The address that an application wants to be called back at is not one of its own.
    RedirectInvalid = "redirect-invalid",
    /// The account asks for a second factor, and none came along.
    SecondFactorMissing = "second-factor-missing",
    /// The second factor is wrong, or was used before.
    SecondFactorInvalid = "second-factor-invalid",
    /// A passkey is not known here, or what it signed is not what was asked.
    PasskeyInvalid = "passkey-invalid",
    /// No provider of this name signs anybody in here.
    ProviderUnknown = "provider-unknown",
    /// This browser has begun no such sign-in at a provider, or it is over or was finished before.
    ProviderSignInInvalid = "provider-sign-in-invalid",
    /// The provider signed nobody in, by its own word.
    ProviderDenied = "provider-denied",
    /// What the provider sent does not prove who somebody is.
    ProviderAnswerInvalid = "provider-answer-invalid",
    /// The provider knows who it is, and no account here is theirs.
    IdentityUnknown = "identity-unknown",
    /// Another account has this identity.
    IdentityTaken = "identity-taken",
    /// Without this nobody could sign in to the account any more.
    LastWayIn = "last-way-in",
    /// For this the sign-in has to be a fresh one.
    SignInStale = "sign-in-stale",
    /// The access key is not good at this address of the network.
    AddressNotAllowed = "address-not-allowed",
    /// A browser asks for what only servers may ask.
    BrowserRefused = "browser-refused",
    /// The server cannot establish trust at the moment.
    TrustUnavailable = "trust-unavailable",
}

impl fmt::Display for RefusalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_distinct_kebab_words() {
        let codes: BTreeSet<_> = RefusalKind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(codes.len(), RefusalKind::ALL.len());
        for code in codes {
            assert!(
                code.bytes()
                    .all(|byte| byte == b'-' || byte.is_ascii_lowercase()),
                "{code}"
            );
        }
    }
}

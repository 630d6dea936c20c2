//! The error catalogue: for each code of the one table in [`crate::error`], what it means and what
//! to do. The page `/docs/errors` and the file `docs/errors.md` are both made from it.

use crate::error::ErrorKind;
use crate::geometry::wire::ResErrorType;

/// One entry of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Stable name of the cause: member `code` of error bodies, and the anchor in the page.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
    /// Member `error` of error bodies.
    pub error: ResErrorType,
    /// What happened.
    pub meaning: &'static str,
    /// What the reader can do about it.
    pub remedy: &'static str,
}

/// The whole catalogue, in the order of the table.
pub fn entries() -> impl Iterator<Item = Entry> {
    ErrorKind::all().filter_map(|kind| {
        let row = kind.row();
        let (_, meaning, remedy) = TEXTS.iter().find(|(code, ..)| *code == row.code)?;
        Some(Entry {
            code: row.code,
            status: row.status.as_u16(),
            error: row.error,
            meaning,
            remedy,
        })
    })
}

/// Where a code is explained, relative to the server.
#[must_use]
pub fn anchor(code: &str) -> String {
    format!("/docs/errors#{code}")
}

/// Code, meaning, remedy. A test holds the codes against the table.
static TEXTS: &[(&str, &str, &str)] = &[
    (
        "ticket-invalid",
        "The ticket cannot be opened: another server made it, or a character is missing or changed.",
        "Copy the whole ticket again. If the server was set up anew, create a new ticket.",
    ),
    (
        "ticket-expired",
        "The end that was written into the ticket has passed.",
        "Create a new ticket, with a later end or none.",
    ),
    (
        "ticket-revoked",
        "The owner revoked this ticket, or renewed all tickets of the model.",
        "Ask the owner for the present ticket and put it into the page.",
    ),
    (
        "origin-missing",
        "An embedding ticket was used, and the request does not say which page it comes from.",
        "Outside browsers use a backend ticket. Inside a frame, let the page around it send its \
         referrer.",
    ),
    (
        "origin-malformed",
        "The Origin header, or the address of the page around the frame, is not the address of \
         an ordinary web page.",
        "Serve the page over https under an ordinary host name. A page opened from a file has no \
         origin.",
    ),
    (
        "origin-not-allowed",
        "The page is not on the model's list of allowed domains, or not on the ticket's own list.",
        "Add the host that the message names: `vitrine model allow MODEL HOST`. Host and port are \
         compared exactly; `*.example.com` covers one label.",
    ),
    (
        "iframe-required",
        "The owner lets this model be shown inside the server's own frame only.",
        "Embed `/embed/SLUG` in an iframe, or ask the owner to turn off `require_iframe`.",
    ),
    (
        "embed-unproven",
        "A request came from the server's own content origin, but not from a page `/embed/SLUG` that \
         was loaded a moment ago inside an allowed page. Each load opens one session.",
        "Reload the page. Do not open sessions from scripts of your own on the content origin.",
    ),
    (
        "backend-access-off",
        "A backend ticket was used, and the model does not accept any.",
        "Ask the owner to turn on `backendaccess`.",
    ),
    (
        "token-missing",
        "The operation, or this model, needs an access token and none was sent.",
        "Send `Authorization: Bearer TOKEN`. In the viewer set `jwt` or `refreshToken`.",
    ),
    (
        "token-invalid",
        "The token is not well formed, has a wrong signature, or is meant for another server.",
        "Get a token from this server, and send it unchanged. Issuer and audience must match the \
         server's settings.",
    ),
    (
        "token-expired",
        "The token's time is over or has not begun.",
        "Get a new token. Compare the clock of the machine that signs with the server's.",
    ),
    (
        "token-revoked",
        "The token was revoked before its end.",
        "Get a new token, if you are still allowed to have one.",
    ),
    (
        "permission-missing",
        "Neither the session nor the token holds the permission that the operation asks for.",
        "Ask for a token whose scopes cover the permission that the message names.",
    ),
    (
        "wrong-model",
        "The token or session belongs to another model than the one in the address.",
        "Use a token for this model. The answer is the same whether the model exists or not.",
    ),
    (
        "subject-restricted",
        "The operation is reserved for another kind of token, mostly for the back end's.",
        "Call it from your back end with a token whose subject is `backend`.",
    ),
    (
        "model-unknown",
        "There is no such model, as far as you may know.",
        "Check the id or the slug.",
    ),
    (
        "model-deleted",
        "The model was deleted.",
        "Remove it from the page, or ask the owner to restore it.",
    ),
    (
        "model-unconfirmed",
        "The model has no file yet, is still being checked, or was refused.",
        "The owner reads the reason with `vitrine model show MODEL` and uploads a better file.",
    ),
    (
        "model-blocked",
        "The model is blocked for the reason that the message names.",
        "The owner or the operator can take the block away.",
    ),
    (
        "session-gone",
        "The session was closed, grew too old, was not used for too long, or was revoked.",
        "Open a new session with the same ticket. The viewer does this by itself.",
    ),
    (
        "session-malformed",
        "The text in the address is no session id.",
        "Use the `sessionId` of the session's creation unchanged: 32 lower-case hexadecimal digits.",
    ),
    (
        "link-invalid",
        "The link to a file was changed, or is used for another session or place.",
        "Use the `href` of the session's answer unchanged.",
    ),
    (
        "link-expired",
        "The time of the link, or of the token that it was made with, is over, or its file made room for \
         newer ones.",
        "Ask the session again; its answer holds a new link. Where the file is gone, send the \
         customization again.",
    ),
    (
        "rate-limited",
        "This address opened more sessions of the model than its owner allows, or a partner made more \
         tokens than its operator allows.",
        "Wait as long as the Retry-After header says, and repeat.",
    ),
    (
        "cap-reached",
        "A cap on spending or usage is reached.",
        "The owner can raise the cap that the message names.",
    ),
    (
        "plan-exceeded",
        "The account's plan leaves this out, or allows less of it; or the account stores as much as it \
         may (`account_…_max`).",
        "Ask for less, erase what nobody needs, or ask the operator for another plan (`vitrine user set \
         --plan`) or more room.",
    ),
    (
        "proxy-untrusted",
        "`/authorize` was asked by an address that is not among the trusted proxies, or that passed \
         the question on for somebody else.",
        "Name the proxy's address in the setting `trusted_proxies`. Nobody else has a use for this \
         address.",
    ),
    (
        "route-invalid",
        "The proxy did not tell `/authorize` which model and which permission the route needs, or \
         told it twice.",
        "Set `model` and `permission` in the query of the auth URL, or in the headers \
         `X-Vitrine-Model` and `X-Vitrine-Permission`, and not in both.",
    ),
    (
        "credential-missing",
        "Neither a session, nor a ticket, nor an access token came along.",
        "Send one in the way that the route's guide names: a header, or the cookie or query member \
         that the proxy's configuration allows.",
    ),
    (
        "credential-unclear",
        "Several credentials contradict each other, or one has the form of none.",
        "Send one session or one ticket, unchanged, and at most one access token beside it.",
    ),
    (
        "partner-key-missing",
        "The token service was asked without a partner's key.",
        "Send the key as `x-api-key`, from your back end. For `/oauth` also as HTTP Basic.",
    ),
    (
        "partner-key-invalid",
        "The key is none of this server's, or was mistyped or cut off.",
        "Copy the whole key again. `vitrine partner key list PARTNER` shows how present ones end.",
    ),
    (
        "partner-key-expired",
        "The key was replaced by a new one, and the time in which both were good is over.",
        "Use the new key.",
    ),
    (
        "partner-key-revoked",
        "The key was revoked, and with it every token that it made.",
        "Use another key, or ask the operator for one.",
    ),
    (
        "partner-blocked",
        "The operator has blocked the partner.",
        "Ask the operator: `vitrine partner set PARTNER --blocked false` takes the block away.",
    ),
    (
        "editor-token-missing",
        "A token was to be verified and none was sent.",
        "Send it as `x-api-token`.",
    ),
    (
        "editor-token-invalid",
        "There is no such token. Tokens are forgotten a day after their end.",
        "Let the partner's back end generate a new one.",
    ),
    (
        "editor-token-expired",
        "The token's time is over.",
        "Generate a new one; `x-token-lifetime` asks for a longer time.",
    ),
    (
        "editor-token-revoked",
        "The token, its user's tokens or the key that made it were revoked.",
        "Generate a new one.",
    ),
    (
        "editor-token-used",
        "The token was good for one use and has been used.",
        "Generate a new one for each use.",
    ),
    (
        "editor-session-missing",
        "An operation of the drawing editor was asked for without an editor session.",
        "Open one: `POST /editor/session` with an editor token.",
    ),
    (
        "editor-session-gone",
        "The editor session ended: it was closed, its time is over, its token or key was revoked, or it \
         never was.",
        "Let the partner's back end generate a new token and open the editor with it.",
    ),
    (
        "script-job-invalid",
        "There is no such script job, or it is another partner's, or it ended more than a week ago.",
        "Ask with the id that starting the job returned, and with the application id of its partner.",
    ),
    (
        "plain-parameters-refused",
        "The address of the editor holds parameters instead of a token, and the partner does not permit that, or one of them is a secret.",
        "Open the editor by a token. A secret that stood in an address has to be replaced.",
    ),
    (
        "view-only",
        "The token opened the drawing for looking only.",
        "Generate a token with the parameter `access` set to `edit`. What is opened by `fileUrl` is \
         always for looking only.",
    ),
    (
        "lease-missing",
        "Another editor has the right to save this drawing, or this one did not keep it up.",
        "Take it by `POST /editor/lease` and save again; the answer says who has it.",
    ),
    (
        "access-key-invalid",
        "There is no such pair of access key id and secret, or the key was revoked or is over.",
        "Compare both halves with what `vitrine accesskey create` showed, or make a new key.",
    ),
    (
        "password-invalid",
        "Name and password do not belong together, or the account is blocked. Which of it is not said.",
        "Try again, or ask the operator for a new password (`vitrine user password`).",
    ),
    (
        "client-unknown",
        "The client id of a sign-in is none that the platform knows.",
        "Send the client id that is documented for access keys.",
    ),
    (
        "grant-unsupported",
        "The platform does not know this way of signing in.",
        "Use `password` with an access key, or `refresh_token`.",
    ),
    (
        "client-unauthorized",
        "The application is known, and may not sign in in this way.",
        "Registered applications use `authorization_code` with PKCE, and `refresh_token`.",
    ),
    (
        "code-invalid",
        "The code of a sign-in was never given out, was used before, is over, or belongs to another \
         application, redirect address or verifier.",
        "Begin again at `/oauth/authorize`. A code is good for one minute and one use.",
    ),
    (
        "redirect-invalid",
        "The address to go back to is not among those that the application was registered with, letter by \
         letter.",
        "Send a registered `redirect_uri`, or ask the operator to register this one.",
    ),
    (
        "second-factor-missing",
        "Name and password are right, and the account asks for a second factor.",
        "Send the same again with `otp`: the code of the authenticator program, or a recovery code.",
    ),
    (
        "second-factor-invalid",
        "The second factor is wrong, or this code was used before.",
        "Wait for the next code of the authenticator program, and compare the clock of its device.",
    ),
    (
        "passkey-invalid",
        "A passkey is not known here, or what it signed is not what was asked: another page or server, a challenge \
         that is over or was used, nobody who unlocked it, a counter that went back.",
        "Try again, or sign in another way. The server's log has the reason. When it is the counter, there may be a copy: \
         remove the passkey and make another.",
    ),
    (
        "provider-unknown",
        "No provider of this name signs anybody in here.",
        "Open the sign-in page again: it shows the providers that there are.",
    ),
    (
        "provider-sign-in-invalid",
        "The browser has no sign-in at a provider under way that this would be a part of: it was begun in another \
         browser, took more than ten minutes, or was finished before.",
        "Begin again from the sign-in page, in one window, with cookies allowed.",
    ),
    (
        "provider-denied",
        "The provider sent the browser back without signing anybody in; often somebody pressed Cancel there.",
        "Try again, or sign in another way. The server's log has the provider's own word.",
    ),
    (
        "provider-answer-invalid",
        "What the provider sent does not prove who somebody is: a token of another issuer, for another client or \
         another sign-in, out of time, or not signed by its keys.",
        "Try again. If it stays so, the operator finds the reason in the log: mostly a wrong `client_id`, \
         secret or clock.",
    ),
    (
        "identity-unknown",
        "The provider knows who it is, and no account here is linked with that.",
        "Sign in with the password and link the provider in the account, or ask the operator for an account. \
         Operators: `link_by_email` and `create_users` of the provider.",
    ),
    (
        "identity-taken",
        "Who somebody is at the provider is linked with another account here.",
        "Sign in to that account and remove it there first.",
    ),
    (
        "last-way-in",
        "Without it nothing would open the account any more.",
        "Add another way to sign in first: a password that the operator sets, a passkey, or another provider.",
    ),
    (
        "sign-in-stale",
        "The account has no password to be asked for, and its sign-in is older than ten minutes.",
        "Sign out, sign in again, and repeat it at once.",
    ),
    (
        "address-not-allowed",
        "The access key is good in some networks only, and the request came from another address.",
        "Use the key from there, or let its owner change its `networks`.",
    ),
    (
        "browser-refused",
        "A script in a browser tried to verify a token.",
        "Verify tokens from your back end. In a page the token itself is all that is needed.",
    ),
    (
        "trust-unavailable",
        "The server cannot establish at the moment whom it may trust.",
        "Repeat after the Retry-After header's time. Operators: see `/readyz`.",
    ),
    (
        "request-invalid",
        "The body, the query or an identifier does not have the documented form.",
        "Correct what the message names. The forms are shown at `/api/v2/docs`.",
    ),
    (
        "parameter-invalid",
        "The model has no such parameter, or the parameter cannot take this value.",
        "Correct the parameter that the message names. `ignoreUnknownParams` lets unknown ones \
         pass.",
    ),
    (
        "model-invalid",
        "The model's file or its settings cannot be used.",
        "Correct what the message names and upload again.",
    ),
    (
        "entity-unknown",
        "Something other than a model does not exist: an output, an export, a ticket.",
        "Take ids from the session's answer.",
    ),
    (
        "too-large",
        "The body is larger than allowed.",
        "Send less; the message names the bound.",
    ),
    (
        "busy",
        "All workers compute and the queue is full.",
        "Repeat after the Retry-After header's time. Operators: raise `workers` or \
         `worker_queue_max`.",
    ),
    (
        "computation-failed",
        "The model's script failed or reached a limit, and would again with the same values.",
        "Try other values. The message names the line or the limit for the model's author.",
    ),
    (
        "drawing-invalid",
        "The file is no drawing that can be read, or is beyond a bound.",
        "Open it in a CAD program and save it again as DXF.",
    ),
    (
        "drawing-stale",
        "The drawing changed since the version that was edited. What was sent is kept beside it.",
        "Load the drawing again and make the change in its newest version.",
    ),
    (
        "storage-failed",
        "The object storage did not answer as it should.",
        "Repeat later. Operators: look for the request id in the log.",
    ),
    (
        "database-failed",
        "The database did not answer as it should.",
        "Repeat later. Operators: look for the request id in the log.",
    ),
    (
        "connector-failed",
        "Another server that is needed did not answer as it should.",
        "Repeat after the Retry-After header's time.",
    ),
    (
        "not-ready",
        "This node has lost touch with its database, or its clock is wrong, and decides nothing \
         until that is mended.",
        "Repeat after the Retry-After header's time. Operators: see `/readyz`.",
    ),
    (
        "timeout",
        "The request took too long.",
        "Repeat it. A computation that went on meanwhile is found in the cache.",
    ),
    (
        "method-not-allowed",
        "The address exists and does not know the method.",
        "Use a method that the Allow header lists.",
    ),
    (
        "not-acceptable",
        "None of the media types of the Accept header can be made.",
        "Accept `application/json`.",
    ),
    (
        "route-unknown",
        "There is nothing at this address.",
        "Compare it with `/api/v2/docs`. Operations that are not served yet answer so too.",
    ),
    (
        "range-unsatisfiable",
        "The Range header asks for bytes behind the end of the file.",
        "Ask for less, or leave the header out.",
    ),
    (
        "internal",
        "The server met a condition that it did not expect: a defect of ours.",
        "Tell the operator the request id of the answer; the log has the cause under it.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_of_the_table_is_explained_and_nothing_else_is() {
        let table: Vec<_> = ErrorKind::all().map(|kind| kind.row().code).collect();
        let explained: Vec<_> = TEXTS.iter().map(|(code, ..)| *code).collect();
        assert_eq!(explained, table);
        assert_eq!(entries().count(), table.len());
    }

    #[test]
    fn meanings_and_remedies_are_whole_sentences() {
        for entry in entries() {
            for text in [entry.meaning, entry.remedy] {
                assert!(text.ends_with('.'), "{}: {text}", entry.code);
                assert!(!text.contains("  "), "{}: {text}", entry.code);
                assert_eq!(text.matches('`').count() % 2, 0, "{}: {text}", entry.code);
            }
        }
    }
}

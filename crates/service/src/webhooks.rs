//! Telling accounts' own servers, in the form of Standard Webhooks: signed, tried again for three days, never
//! redirected, and only where the operator's egress rules for `webhook` allow.

use std::collections::HashMap;
use std::time::Duration;

use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, StatusCode};
use serde_json::json;
use tokio::task::JoinSet;
use vitrine_access::egress::EgressPurpose;
use vitrine_access::ids::{DeliveryId, OrganizationId, WebhookId};
use vitrine_access::owner::Payer;
use vitrine_access::platform::Role;
use vitrine_access::seal::Purpose;
use vitrine_access::time::Timestamp;
use vitrine_access::webhook::WebhookSecret;
use vitrine_store::limits::LIST_ROWS_MAX;
use vitrine_store::{DeliveryRecord, DeliveryState, WebhookRecord};

use crate::Services;
use crate::error::{Error, ErrorKind, Result};
use crate::outgoing::{OutgoingError, OutgoingRequest};
use crate::platform::PlatformAccess;

/// Receivers of one account.
pub const WEBHOOKS_MAX: usize = 5;
/// Bytes of a receiver's address.
pub const WEBHOOK_URL_BYTES_MAX: usize = 1_024;
/// Deliveries of one receiver that are listed.
const DELIVERIES_LISTED_MAX: u32 = 100;
/// Deliveries that are sent at the same time.
const AT_ONCE_MAX: u32 = 16;
/// Of them, to one receiver: one that is slow does not hold up the others.
const AT_ONCE_PER_WEBHOOK_MAX: usize = 4;
/// How long a delivery steps back whose receiver is busy with others.
const STEP_BACK: Duration = Duration::from_secs(1);
/// Time for one attempt; the specification recommends 15 to 30 seconds.
const ATTEMPT_TIME_MAX: Duration = Duration::from_secs(15);
/// How long a delivery is kept from other nodes: an attempt, and time to write down how it ended.
const LEASE: Duration = Duration::from_mins(1);
/// Bytes of a receiver's answer: nobody looks at it.
const ANSWER_BYTES_MAX: usize = 16 << 10;
/// Characters of a receiver's answer that are kept.
const ANSWER_CHARS_MAX: usize = 200;
/// Waits before the second and each further attempt, as the specification recommends; then a delivery is
/// given up.
const RETRY_AFTER: [Duration; 8] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
];
/// What a test message is called.
const TEST_KIND: &str = "test";

/// What changes of a receiver; `None` leaves a member as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookPatch {
    /// Where to.
    pub url: Option<String>,
    /// Whether anything is sent.
    pub active: Option<bool>,
    /// Whether there shall be a new secret. What is sent from now on is signed by it alone.
    pub new_secret: bool,
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::RequestInvalid, message)
}

fn one_too_many() -> Error {
    invalid(format!(
        "An account has at most {WEBHOOKS_MAX} webhooks. Delete one that is not used."
    ))
}

fn unknown() -> Error {
    Error::new(
        ErrorKind::EntityUnknown,
        "There is no such webhook, as far as this account may know.",
    )
}

fn checked_url(url: &str) -> Result<()> {
    let fits = url.len() <= WEBHOOK_URL_BYTES_MAX
        && url::Url::parse(url).is_ok_and(|parsed| {
            matches!(parsed.scheme(), "https" | "http")
                && parsed.has_host()
                && parsed.username().is_empty()
                && parsed.password().is_none()
                && parsed.fragment().is_none()
        });
    if fits {
        return Ok(());
    }
    Err(invalid(format!(
        "'url' is an absolute https URL without user name and fragment, of at most \
         {WEBHOOK_URL_BYTES_MAX} bytes."
    )))
}

impl Services {
    /// Whose receivers are meant: the account's own, or those of its organization, for its administrators.
    ///
    /// # Errors
    /// `EntityUnknown` for another organization, `PermissionMissing` for other roles.
    pub async fn webhook_account(
        &self,
        access: &PlatformAccess,
        organization: Option<OrganizationId>,
    ) -> Result<Payer> {
        match organization {
            None => Ok(Payer::User(access.user.id)),
            Some(id) => {
                self.platform_organization(access, id, Role::Admin).await?;
                Ok(Payer::Organization(id))
            }
        }
    }

    /// The receivers of an account, oldest first. The caller has asked [`Services::webhook_account`].
    ///
    /// # Errors
    /// Database failures.
    pub async fn webhooks(&self, account: Payer) -> Result<Vec<WebhookRecord>> {
        Ok(self.inner.store.webhooks(account, LIST_ROWS_MAX).await?)
    }

    /// Adds a receiver and gives its secret, which is shown this once.
    ///
    /// # Errors
    /// `RequestInvalid` for an address of another form, and for one receiver too many.
    pub async fn create_webhook(
        &self,
        access: &PlatformAccess,
        account: Payer,
        url: String,
    ) -> Result<(WebhookRecord, WebhookSecret)> {
        checked_url(&url)?;
        if self.webhooks(account).await?.len() >= WEBHOOKS_MAX {
            return Err(one_too_many());
        }
        let now = self.now();
        let secret = WebhookSecret::new(&*self.inner.entropy);
        let record = WebhookRecord {
            id: WebhookId::new(&*self.inner.entropy),
            account,
            url,
            sealed_secret: self.sealed(&secret),
            active: true,
            created_at: now,
            updated_at: now,
        };
        let store = &self.inner.store;
        store.insert_webhook(&record).await?;
        // Of several that came at once each sees the others now; none of them stays beyond the bound.
        if self.webhooks(account).await?.len() > WEBHOOKS_MAX {
            store.delete_webhook(record.id).await?;
            return Err(one_too_many());
        }
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok((record, secret))
    }

    fn sealed(&self, secret: &WebhookSecret) -> Vec<u8> {
        let mut nonce = [0; 12];
        self.inner.entropy.fill(&mut nonce);
        let sealer = &self.inner.sealer;
        sealer.seal(Purpose::WebhookToken, secret.to_bytes(), nonce)
    }

    /// A receiver of the account's, or of its organization's.
    ///
    /// # Errors
    /// `EntityUnknown` for everybody else's; `PermissionMissing` for the organization's, to other roles than
    /// administrators.
    pub async fn webhook(&self, access: &PlatformAccess, id: &str) -> Result<WebhookRecord> {
        let id: WebhookId = id.parse().map_err(|_| unknown())?;
        let found = self.inner.store.webhook_unscoped(id).await?;
        let found = found.ok_or_else(unknown)?;
        let organization = match found.account {
            Payer::User(user) if user == access.user.id => None,
            Payer::Organization(its) if access.user.member.is_some_and(|(own, _)| own == its) => {
                Some(its)
            }
            _ => return Err(unknown()),
        };
        self.webhook_account(access, organization).await?;
        Ok(found)
    }

    /// Changes a receiver. The secret comes back when there is a new one.
    ///
    /// # Errors
    /// As [`Services::webhook`]; `RequestInvalid` for an address of another form.
    pub async fn update_webhook(
        &self,
        access: &PlatformAccess,
        id: &str,
        patch: WebhookPatch,
    ) -> Result<(WebhookRecord, Option<WebhookSecret>)> {
        let mut record = self.webhook(access, id).await?;
        if let Some(url) = patch.url {
            checked_url(&url)?;
            record.url = url;
        }
        if let Some(active) = patch.active {
            record.active = active;
        }
        let secret = patch
            .new_secret
            .then(|| WebhookSecret::new(&*self.inner.entropy));
        if let Some(secret) = &secret {
            record.sealed_secret = self.sealed(secret);
        }
        record.updated_at = self.now();
        if !self.inner.store.update_webhook(&record).await? {
            return Err(unknown());
        }
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok((record, secret))
    }

    /// Deletes a receiver, and what was to be sent to it.
    ///
    /// # Errors
    /// As [`Services::webhook`].
    pub async fn delete_webhook(&self, access: &PlatformAccess, id: &str) -> Result<()> {
        let record = self.webhook(access, id).await?;
        if !self.inner.store.delete_webhook(record.id).await? {
            return Err(unknown());
        }
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(())
    }

    /// What was and will be sent to a receiver, newest first.
    ///
    /// # Errors
    /// As [`Services::webhook`].
    pub async fn webhook_deliveries(
        &self,
        access: &PlatformAccess,
        id: &str,
    ) -> Result<Vec<DeliveryRecord>> {
        let record = self.webhook(access, id).await?;
        let store = &self.inner.store;
        Ok(store.deliveries(record.id, DELIVERIES_LISTED_MAX).await?)
    }

    /// Sends a receiver a message that says nothing.
    ///
    /// # Errors
    /// As [`Services::webhook`]; `RequestInvalid` while it is switched off, or has too many unsent messages.
    pub async fn test_webhook(&self, access: &PlatformAccess, id: &str) -> Result<DeliveryRecord> {
        let record = self.webhook(access, id).await?;
        if !record.active {
            return Err(invalid("The webhook is switched off. Set 'active' first."));
        }
        let store = &self.inner.store;
        let known = store.deliveries(record.id, DELIVERIES_LISTED_MAX).await?;
        let waiting = known
            .iter()
            .filter(|one| one.state == DeliveryState::Waiting);
        if waiting.count() >= DELIVERIES_LISTED_MAX as usize {
            return Err(invalid("Too many messages wait for this webhook already."));
        }
        let now = self.now();
        let body = json!({
            "type": TEST_KIND,
            "timestamp": now.to_iso_ms(),
            "data": { "webhook_id": record.id.to_string() },
        });
        let delivery = DeliveryRecord {
            id: DeliveryId::new(&*self.inner.entropy),
            webhook: record.id,
            kind: TEST_KIND.to_owned(),
            body: body.to_string(),
            state: DeliveryState::Waiting,
            attempts: 0,
            ready_at: now,
            answer: None,
            created_at: now,
        };
        store.insert_delivery(&delivery).await?;
        self.note_allowed_as(access.operation, &access.caller, &access.actor());
        Ok(delivery)
    }

    /// Sends everything whose turn it is; returns how many attempts were made.
    ///
    /// # Errors
    /// Database failures.
    pub async fn send_webhooks(&self) -> Result<usize> {
        let mut sent = 0;
        // Tasks, so that those under way go on while more are taken; they end with this one.
        let mut under_way = JoinSet::new();
        let mut busy: HashMap<WebhookId, usize> = HashMap::new();
        loop {
            let free = AT_ONCE_MAX.saturating_sub(u32::try_from(under_way.len()).unwrap_or(0));
            if free > 0 && !self.inner.stopping.is_cancelled() {
                let now = self.now();
                let store = &self.inner.store;
                for taken in store.take_deliveries(now, LEASE, free).await? {
                    let its = busy.entry(taken.webhook).or_default();
                    if *its < AT_ONCE_PER_WEBHOOK_MAX {
                        *its += 1;
                        sent += 1;
                        let services = self.clone();
                        under_way.spawn(async move { services.deliver(taken).await });
                    } else {
                        store.return_delivery(&taken, now.plus(STEP_BACK)).await?;
                    }
                }
            }
            // The next ones are taken as soon as one has ended, whatever the others wait for.
            let Some(ended) = under_way.join_next().await else {
                return Ok(sent);
            };
            let (webhook, outcome) = ended.map_err(Error::internal)?;
            outcome?;
            if let Some(its) = busy.get_mut(&webhook) {
                *its = its.saturating_sub(1);
            }
        }
    }

    async fn deliver(&self, delivery: DeliveryRecord) -> (WebhookId, Result<()>) {
        (delivery.webhook, self.deliver_one(&delivery).await)
    }

    async fn deliver_one(&self, delivery: &DeliveryRecord) -> Result<()> {
        let store = &self.inner.store;
        let outcome = match store.webhook_unscoped(delivery.webhook).await? {
            Some(webhook) if webhook.active => self.attempt(&webhook, delivery).await,
            // Switched off meanwhile: what waits is not sent when it is switched on again, days later.
            Some(_) => Err(Failure::Final("The webhook is switched off.".to_owned())),
            None => return Ok(()),
        };
        let now = self.now();
        let (state, ready_at, answer) = match outcome {
            Ok(answer) => (DeliveryState::Done, now, answer),
            Err(Failure::Final(why)) => (DeliveryState::Failed, now, why),
            Err(Failure::Again(why)) => match retry_at(delivery.attempts, now) {
                Some(at) => (DeliveryState::Waiting, at, why),
                None => (DeliveryState::Failed, now, why),
            },
        };
        metrics::counter!("vitrine_webhook_attempts_total", "state" => state.as_str()).increment(1);
        store
            .note_delivery(delivery, state, ready_at, &answer)
            .await?;
        Ok(())
    }

    async fn attempt(
        &self,
        webhook: &WebhookRecord,
        delivery: &DeliveryRecord,
    ) -> std::result::Result<String, Failure> {
        let opened = self
            .inner
            .sealer
            .open(Purpose::WebhookToken, &webhook.sealed_secret);
        let secret = opened
            .ok()
            .and_then(|bytes| WebhookSecret::from_bytes(&bytes));
        let Some(secret) = secret else {
            let why = "The secret cannot be opened by this server's keys. Ask for a new one.";
            return Err(Failure::Final(why.to_owned()));
        };
        let id = message_id(delivery.id);
        let now = self.now();
        let signature = secret.sign(&id, now, delivery.body.as_bytes());
        let mut request =
            OutgoingRequest::new(EgressPurpose::Webhook, Method::POST, webhook.url.clone())
                .body(delivery.body.clone())
                .bytes_max(ANSWER_BYTES_MAX)
                .time_max(ATTEMPT_TIME_MAX)
                .redirects_max(0)
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .header(USER_AGENT, HeaderValue::from_static("vitrine-webhooks"));
        for (name, value) in [
            ("webhook-id", id),
            ("webhook-timestamp", now.unix_s().to_string()),
            ("webhook-signature", signature),
        ] {
            let value = HeaderValue::from_str(&value)
                .map_err(|_| Failure::Final("The message has no valid headers.".to_owned()))?;
            request = request.header(HeaderName::from_static(name), value);
        }
        let answer = self.inner.outgoing.fetch(request).await;
        let answer = answer.map_err(|error| {
            tracing::debug!(webhook = %webhook.id, %error, "a webhook's receiver was not reached");
            Failure::Again(shortened(&told(&error)))
        })?;
        match answer.status {
            status if status.is_success() => Ok(status.as_u16().to_string()),
            StatusCode::GONE => {
                // Whoever gave it another address or secret meanwhile means it to be on.
                let off = self.inner.store.switch_off_webhook(webhook, now).await;
                if let Err(error) = off {
                    tracing::warn!(%error, "a webhook could not be switched off");
                }
                Err(Failure::Final(
                    "410: the receiver wants no more; the webhook was switched off.".to_owned(),
                ))
            }
            status if status.is_redirection() => Err(Failure::Again(format!(
                "{}: redirects are not followed. Give the address where it leads.",
                status.as_u16()
            ))),
            status => Err(Failure::Again(status.as_u16().to_string())),
        }
    }
}

/// What the owner of a webhook hears of a failure: enough to mend an address, nothing of what names mean inside
/// the operator's network.
fn told(error: &OutgoingError) -> String {
    match error {
        OutgoingError::Forbidden(_) | OutgoingError::Unresolved { .. } => {
            "the host has no address that this server may send to; its operator can allow more"
                .to_owned()
        }
        other => other.to_string(),
    }
}

/// Why an attempt did not reach its end.
enum Failure {
    Again(String),
    Final(String),
}

/// When a delivery is tried again after so many attempts; `None` when it is given up.
fn retry_at(attempts: u32, now: Timestamp) -> Option<Timestamp> {
    let before = usize::try_from(attempts.saturating_sub(1)).ok()?;
    RETRY_AFTER.get(before).map(|wait| now.plus(*wait))
}

/// The message's id on the wire; the same at every attempt, so that receivers know repetitions.
#[must_use]
pub fn message_id(id: DeliveryId) -> String {
    format!("msg_{id}")
}

fn shortened(text: &str) -> String {
    text.chars().take(ANSWER_CHARS_MAX).collect()
}

/// Sends until the server stops.
pub(crate) async fn run(services: Services) {
    let stopping = services.inner.stopping.clone();
    let round = services.inner.settings.webhook_round;
    loop {
        tokio::select! {
            () = stopping.cancelled() => break,
            () = tokio::time::sleep(round) => {}
        }
        tokio::select! {
            () = stopping.cancelled() => break,
            sent = services.send_webhooks() => if let Err(error) = sent {
                tracing::warn!(cause = error.cause_chain(), "webhooks could not be sent");
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_tried_nine_times_and_then_given_up() {
        let now = Timestamp::from_unix_ms(0);
        let waits: Vec<_> = (1..=10)
            .map(|attempts| retry_at(attempts, now).map(Timestamp::unix_s))
            .collect();
        assert_eq!(waits[..2], [Some(5), Some(300)]);
        assert_eq!(waits[7..], [Some(72_000), None, None]);
    }

    #[test]
    fn only_plain_absolute_addresses_are_taken() {
        for url in ["https://a.example/x?y=1", "http://10.0.0.1:8080/"] {
            assert!(checked_url(url).is_ok(), "{url}");
        }
        let long = format!("https://a.example/{}", "x".repeat(WEBHOOK_URL_BYTES_MAX));
        for url in [
            "",
            "a.example",
            "ftp://a.example/",
            "https://u:p@a.example/",
            "https://a.example/#x",
            "file:///etc/passwd",
            &long,
        ] {
            assert!(checked_url(url).is_err(), "{url}");
        }
    }
}

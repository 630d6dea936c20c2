//! Plain parameters: a page's address that names its drawing itself, for partners that ask for it.
//!
//! Nobody has vouched for such an address, so it is for looking only, unless the partner's own API server says
//! that its session may change the drawing. The parameters become a token that is good for one use and a
//! minute; from there on everything goes the way of tokens.

use std::sync::Arc;
use std::time::Duration;

use vitrine_access::editor_session::{EditorAccess, EditorOpening};
use vitrine_access::editor_token::{AppId, EditorParameters, EditorToken};
use vitrine_access::refusal::RefusalKind;
use vitrine_store::{PartnerKeyRecord, PartnerRecord};

use super::{place, read_opening};
use crate::Services;
use crate::audit::Actor;
use crate::editor_tokens::TokenWish;
use crate::error::{Error, ErrorKind, Result};
use crate::partners::PartnerAccess;
use crate::who::{Caller, refuse};

/// How long the token holds that stands for an address: a page trades it at once.
const TOKEN_TTL: Duration = Duration::from_mins(1);
/// Keys of a partner that are looked through for one that is good.
const KEYS_LISTED_MAX: u32 = 100;
/// Who makes the token, in the trail.
const OPERATION: &str = "OpenEditorSession";
/// Members that are secrets, whatever stands in them, in lower case. `sessionId` is not among them: the
/// API server that it is meant for decides what it is worth.
const SECRETS: [&str; 12] = [
    "token",
    "apikey",
    "api_key",
    "api-key",
    "x-api-key",
    "key",
    "secret",
    "password",
    "passwd",
    "authorization",
    "access_token",
    "credential",
];
/// What keys of this server begin with.
const KEYS_BEGIN: [&str; 2] = ["vit_pk_", "vit_ak_"];

impl Services {
    /// Makes a token for the parameters of an address, in the name of the partner that `auth` names.
    /// Refusals are noted.
    ///
    /// # Errors
    /// `PlainParametersRefused` unless the partner permits them, and for secrets; `RequestInvalid` for what is
    /// no drawing.
    pub async fn plain_editor_token(
        &self,
        members: &[(String, String)],
        caller: &Caller,
    ) -> Result<EditorToken> {
        self.trusted()?;
        let mut who = Actor::default();
        let outcome = self.token_for_address(members, caller, &mut who).await;
        self.audited_as(OPERATION, caller, &who, outcome)
    }

    async fn token_for_address(
        &self,
        members: &[(String, String)],
        caller: &Caller,
        who: &mut Actor,
    ) -> Result<EditorToken> {
        if let Some(name) = secret_in(members) {
            return Err(refused(&format!(
                "The address holds a secret ({name}), and whoever sees the address has it now. Replace it, and \
                 open the editor by a token."
            )));
        }
        let (partner, key) = self.plain_partner(members).await?;
        let access = PartnerAccess { partner, key };
        *who = access.actor();
        let mut parameters = parameters(members)?;
        let opening = read_opening(&parameters)?;
        if opening.access == EditorAccess::Edit
            && !self.server_lets_edit(&access.partner, &opening).await?
        {
            parameters = EditorParameters::parse(with_view(&parameters).as_bytes())
                .map_err(Error::internal)?;
        }
        let wish = TokenWish {
            lifetime_s: Some(
                TOKEN_TTL
                    .as_secs()
                    .min(access.partner.settings.token_lifetime_max_s),
            ),
            one_time: true,
        };
        let made = self
            .generate_editor_token(OPERATION, &access, caller, &parameters, wish)
            .await?;
        Ok(made.token)
    }

    /// The partner that an address names, if it permits addresses, and a key of it that is good.
    async fn plain_partner(
        &self,
        members: &[(String, String)],
    ) -> Result<(Arc<PartnerRecord>, Arc<PartnerKeyRecord>)> {
        let no = || {
            refused(
                "Parameters in the address are not permitted here. Open the editor by a token; an operator may \
                 permit a partner plain parameters: `vitrine partner set PARTNER --plain-parameters true`.",
            )
        };
        let mut named = members.iter().filter(|(name, _)| name == "auth");
        let (Some((_, app_id)), None) = (named.next(), named.next()) else {
            return Err(no());
        };
        let app_id: AppId = app_id.parse().map_err(|_| no())?;
        let found = self.inner.store.partner_by_app_id(&app_id).await?;
        let permitted =
            found.filter(|partner| partner.settings.plain_parameters && !partner.settings.blocked);
        let partner = permitted.ok_or_else(no)?;
        let now = self.now();
        let keys = self
            .inner
            .store
            .partner_keys(partner.id, KEYS_LISTED_MAX)
            .await?;
        let mut keys = keys.into_iter();
        let key =
            keys.find(|key| key.revoked_at.is_none() && key.expires_at.is_none_or(|end| now < end));
        Ok((Arc::new(partner), Arc::new(key.ok_or_else(no)?)))
    }

    /// Whether the partner's API server says that the address's session may change the drawing.
    async fn server_lets_edit(
        &self,
        partner: &PartnerRecord,
        opening: &EditorOpening,
    ) -> Result<bool> {
        match place::remote_of(&opening.source) {
            Some(remote) if remote.session_id.is_some() => {
                self.remote_lets_edit(partner, remote).await
            }
            _ => Ok(false),
        }
    }
}

/// The first member that is a secret.
fn secret_in(members: &[(String, String)]) -> Option<&str> {
    let is_secret = |name: &str, value: &str| {
        let name = name.to_ascii_lowercase();
        let has_user = value
            .split_once("://")
            .and_then(|(_, rest)| rest.split(['/', '?', '#']).next())
            .is_some_and(|host| host.contains('@'));
        SECRETS.contains(&name.as_str())
            || KEYS_BEGIN.iter().any(|begin| value.contains(begin))
            || has_user
    };
    let mut members = members.iter();
    members
        .find(|(name, value)| is_secret(name, value))
        .map(|(name, _)| name.as_str())
}

/// The members of an address as a token's parameters: texts, as addresses have them.
fn parameters(members: &[(String, String)]) -> Result<EditorParameters> {
    let mut object = serde_json::Map::new();
    for (name, value) in members.iter().filter(|(name, _)| name != "auth") {
        if object.insert(name.clone(), value.clone().into()).is_some() {
            return Err(Error::new(
                ErrorKind::RequestInvalid,
                "A parameter stands in the address twice.",
            ));
        }
    }
    let json = serde_json::Value::Object(object).to_string();
    EditorParameters::parse(json.as_bytes()).map_err(|error| {
        Error::new(
            ErrorKind::RequestInvalid,
            format!("The parameters cannot be taken: {error}."),
        )
    })
}

/// The same parameters for looking only.
fn with_view(parameters: &EditorParameters) -> String {
    let json = parameters.to_json();
    let mut object: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&json).unwrap_or_default();
    object.insert("access".to_owned(), "view".into());
    serde_json::Value::Object(object).to_string()
}

fn refused(message: &str) -> Error {
    refuse(RefusalKind::PlainParametersRefused, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(list: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        list.iter().map(owned).collect()
    }

    #[test]
    fn secrets_in_an_address_are_found_by_name_and_by_what_they_are() {
        for (name, value) in [
            ("token", "x"),
            ("API_KEY", "x"),
            ("x-api-key", "x"),
            ("file", "vit_pk_abc"),
            ("server", "https://user:pass@files.example.com/x"),
        ] {
            let list = members(&[("file", "a.dxf"), (name, value)]);
            assert_eq!(secret_in(&list), Some(name));
        }
        let fine = members(&[
            ("file", "a@b.dxf"),
            ("sessionId", "s"),
            ("fileUrl", "https://cad.example.com/a@b.dxf"),
        ]);
        assert_eq!(secret_in(&fine), None);
    }

    #[test]
    fn what_nobody_vouched_for_is_for_looking_and_says_nothing_twice() {
        let edit = parameters(&members(&[
            ("file", "a.dxf"),
            ("access", "edit"),
            ("auth", "acme"),
        ]));
        assert_eq!(
            with_view(&edit.unwrap()),
            r#"{"file":"a.dxf","access":"view"}"#
        );
        assert!(parameters(&members(&[("file", "a.dxf"), ("file", "b.dxf")])).is_err());
    }
}

//! Sessions as a page uses them.

use serde_json::{Value, json};
use vitrine_access::ids::{SessionHash, SessionId};

use super::SHOP;
use super::request::{Answer, Call};

/// A session's creation as the shop's page asks for it.
pub(crate) fn open_call(ticket: &str) -> Call {
    Call::post(&format!("/api/v2/ticket/{ticket}")).origin(SHOP)
}

/// A session that was opened.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    pub(crate) id: String,
    pub(crate) body: Value,
}

impl Opened {
    pub(crate) fn read(answer: &Answer) -> Self {
        let body = answer.json();
        Self {
            id: body["sessionId"].as_str().unwrap().to_owned(),
            body,
        }
    }

    pub(crate) fn hash(&self) -> SessionHash {
        self.id.parse::<SessionId>().unwrap().hash()
    }

    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/api/v2/session/{}/{rest}", self.id)
    }

    /// The id of an output by its name.
    pub(crate) fn output(&self, name: &str) -> String {
        named(&self.body["outputs"], name)
    }

    /// The id of an export by its name.
    pub(crate) fn export(&self, name: &str) -> String {
        named(&self.body["exports"], name)
    }

    pub(crate) fn compute(&self, values: &Value) -> Call {
        Call::put(&self.path("output")).json(values)
    }

    pub(crate) fn make_export(&self, name: &str, values: &Value) -> Call {
        let body = json!({ "exports": [self.export(name)], "parameters": values });
        Call::put(&self.path("export")).json(&body)
    }

    pub(crate) fn defaults(&self) -> Call {
        Call::get(&self.path("default"))
    }

    pub(crate) fn close(&self) -> Call {
        Call::post(&self.path("close"))
    }

    /// Every call that a session id is good for.
    pub(crate) fn all_calls(&self) -> Vec<Call> {
        vec![
            self.defaults(),
            self.compute(&json!({})),
            Call::put(&self.path("output/cache")).json(&json!({})),
            self.make_export("stl", &json!({})),
            Call::put(&self.path("export/cache"))
                .json(&json!({ "exports": [self.export("stl")], "parameters": {} })),
            self.close(),
        ]
    }

    /// The link of the first part of an output, as the creation's answer gave it.
    pub(crate) fn href(&self, output: &str) -> String {
        href(&self.body["outputs"][self.output(output)])
    }
}

/// The link of the first part of a result.
#[track_caller]
pub(crate) fn href(item: &Value) -> String {
    item["content"][0]["href"]
        .as_str()
        .unwrap_or_else(|| panic!("no link in {item}"))
        .to_owned()
}

#[track_caller]
fn named(items: &Value, name: &str) -> String {
    items
        .as_object()
        .into_iter()
        .flatten()
        .find(|(_, item)| item["name"] == name)
        .map_or_else(
            || panic!("nothing is called {name} in {items}"),
            |(id, _)| id.clone(),
        )
}

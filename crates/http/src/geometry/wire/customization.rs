//! Customizations, export requests and cache requests: bodies that clients write in several forms.

use std::fmt;

use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use vitrine_model::RawValue;

use crate::error::{ApiError, ErrorKind};

/// Most parameters (or versions) that one request may mention; a model declares far fewer.
pub const PARAMETERS_MAX: usize = 1024;

/// The value of one parameter as a client wrote it.
#[derive(Debug, Clone, PartialEq)]
pub enum ReqParameterValue {
    /// A JSON text; official user interfaces send everything as text.
    Text(String),
    /// A JSON number.
    Number(f64),
    /// A JSON boolean.
    Bool(bool),
    /// The object form of structured (s-type) parameters that names an uploaded asset.
    Asset(String),
}

impl<'de> Deserialize<'de> for ReqParameterValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self::Text(text)),
            Value::Bool(value) => Ok(Self::Bool(value)),
            Value::Number(number) => number
                .as_f64()
                .map(Self::Number)
                .ok_or_else(|| D::Error::custom("no such number")),
            Value::Object(object) => structured(&object).map_err(D::Error::custom),
            Value::Null => Err(D::Error::custom(
                "null is not a value; leave the parameter out to take its default",
            )),
            Value::Array(_) => Err(D::Error::custom(
                "a list is not a value; a check list is a text of indices such as \"0,2\"",
            )),
        }
    }
}

/// The object form `{value?, asset?: {id, chunk?}}`; `value` wins over `asset`.
fn structured(object: &Map<String, Value>) -> Result<ReqParameterValue, &'static str> {
    if let Some(value) = object.get("value") {
        return value
            .as_str()
            .map(|text| ReqParameterValue::Text(text.to_owned()))
            .ok_or("\"value\" of a parameter object is a text");
    }
    object
        .get("asset")
        .and_then(|asset| asset.get("id"))
        .and_then(Value::as_str)
        .map(|id| ReqParameterValue::Asset(id.to_owned()))
        .ok_or("a parameter object has a text \"value\" or an \"asset\" with a text \"id\"")
}

/// Parameter keys and values in the order they were sent. Keys are ids, names or display names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReqCustomization(Vec<(String, ReqParameterValue)>);

impl ReqCustomization {
    /// The pairs as they were sent.
    #[must_use]
    pub fn pairs(&self) -> &[(String, ReqParameterValue)] {
        &self.0
    }

    /// Whether no parameter is mentioned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The pairs in the form that the model reads.
    ///
    /// # Errors
    /// [`ErrorKind::ParameterInvalid`] for an asset reference: no parameter type takes one.
    pub fn into_raw(self) -> Result<Vec<(String, RawValue)>, ApiError> {
        self.0
            .into_iter()
            .map(|(key, value)| match value {
                ReqParameterValue::Text(text) => Ok((key, RawValue::Text(text))),
                ReqParameterValue::Number(number) => Ok((key, RawValue::Number(number))),
                ReqParameterValue::Bool(value) => Ok((key, RawValue::Bool(value))),
                ReqParameterValue::Asset(_) => Err(ApiError::new(
                    ErrorKind::ParameterInvalid,
                    format!(
                        "The value of parameter {key:?} refers to an uploaded asset, which no \
                         parameter of this server takes. Send the value as text."
                    ),
                )),
            })
            .collect()
    }
}

impl<'de> Deserialize<'de> for ReqCustomization {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = ReqCustomization;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of parameter ids (or names) and values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry::<String, ReqParameterValue>()? {
                    if pairs.len() == PARAMETERS_MAX {
                        return Err(A::Error::custom(format_args!(
                            "more than {PARAMETERS_MAX} parameters"
                        )));
                    }
                    pairs.push(pair);
                }
                Ok(ReqCustomization(pairs))
            }
        }

        deserializer.deserialize_map(Pairs)
    }
}

/// Body of an export request.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
pub struct ReqExport {
    /// Values of the parameters.
    pub parameters: ReqCustomization,
    /// Ids of the exports to make. Old clients send `{"id": "…"}` for a single one.
    #[serde(deserialize_with = "export_ids")]
    pub exports: Vec<String>,
    /// Ids of outputs to compute along with them.
    #[serde(default)]
    pub outputs: Option<Vec<String>>,
    /// Milliseconds to hold the request before answering that the result is not there yet.
    #[serde(default)]
    pub max_wait_time: Option<u64>,
}

fn export_ids<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a list of export ids")]
    enum Ids {
        Many(Vec<String>),
        One { id: String },
    }

    Ok(match Ids::deserialize(deserializer)? {
        Ids::Many(ids) => ids,
        Ids::One { id } => vec![id],
    })
}

/// Whether an object is an export request: it has both marks of one. A map of parameters that are
/// called `exports` and `parameters` is told apart by the latter's value not being an object.
fn is_export_request(object: &Map<String, Value>) -> bool {
    object.contains_key("exports") && object.get("parameters").is_some_and(Value::is_object)
}

/// Reads a part of a body whose form was decided first, keeping the path in the error.
fn read<T: DeserializeOwned, E: serde::de::Error>(object: Map<String, Value>) -> Result<T, E> {
    serde_path_to_error::deserialize(Value::Object(object)).map_err(|error| {
        match error.path().to_string() {
            path if path == "." => E::custom(error.inner()),
            path => E::custom(format_args!("{path}: {}", error.inner())),
        }
    })
}

/// Body of a session request: nothing, values, or an export to make at once.
#[derive(Debug, Clone, PartialEq, ToSchema)]
#[serde(untagged)]
pub enum ReqCustomizationOrExport {
    /// Values; none for `{}` and for an empty body.
    Customization(ReqCustomization),
    /// An export request.
    Export(ReqExport),
}

impl<'de> Deserialize<'de> for ReqCustomizationOrExport {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Map::deserialize(deserializer)?;
        if is_export_request(&object) {
            read(object).map(Self::Export)
        } else {
            read(object).map(Self::Customization)
        }
    }
}

/// Body of `GetCachedOutputs`: output ids with versions, or values. Which of them only the model can
/// tell: see [`ReqCustomizationOrCache::classify`].
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct ReqCustomizationOrCache(ReqCustomization);

/// What a request for cached outputs means.
#[derive(Debug, Clone, PartialEq)]
pub enum CacheRequest {
    /// Results of these versions, by id.
    Versions(ReqCache),
    /// Results for these values.
    Customization(ReqCustomization),
}

impl ReqCustomizationOrCache {
    /// Decides between the two forms: when every key is the id of an output, the values are
    /// versions. An empty body asks for the default values.
    ///
    /// # Errors
    /// [`ErrorKind::RequestInvalid`] when a version is not text.
    pub fn classify(self, is_output: impl Fn(&str) -> bool) -> Result<CacheRequest, ApiError> {
        if self.0.is_empty() || !self.0.0.iter().all(|(key, _)| is_output(key)) {
            return Ok(CacheRequest::Customization(self.0));
        }
        self.0
            .0
            .into_iter()
            .map(|(id, value)| match value {
                ReqParameterValue::Text(version) => Ok((id, version)),
                _ => Err(ApiError::new(
                    ErrorKind::RequestInvalid,
                    format!(
                        "The version of {id:?} is not text. Send the \"version\" that the server \
                         gave."
                    ),
                )),
            })
            .collect::<Result<_, _>>()
            .map(|pairs| CacheRequest::Versions(ReqCache(pairs)))
    }
}

/// Ids with versions, in the order they were sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReqCache(Vec<(String, String)>);

impl ReqCache {
    /// The pairs of id and version.
    #[must_use]
    pub fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }
}

impl<'de> Deserialize<'de> for ReqCache {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Map::deserialize(deserializer)?;
        if object.len() > PARAMETERS_MAX {
            return Err(D::Error::custom(format_args!(
                "more than {PARAMETERS_MAX} ids"
            )));
        }
        object
            .into_iter()
            .map(|(id, version)| match version {
                Value::String(version) => Ok((id, version)),
                _ => Err(D::Error::custom(format_args!(
                    "{id}: send the version as text, or both \"exports\" and \"parameters\""
                ))),
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// Body of `GetCachedExports`: export ids with versions, or the export request itself.
#[derive(Debug, Clone, PartialEq, ToSchema)]
#[serde(untagged)]
pub enum ReqExportOrCache {
    /// Export ids and versions.
    Versions(ReqCache),
    /// The request that was sent to `ComputeExports`.
    Export(ReqExport),
}

impl<'de> Deserialize<'de> for ReqExportOrCache {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Map::deserialize(deserializer)?;
        if is_export_request(&object) {
            return read(object).map(Self::Export);
        }
        read(object).map(Self::Versions)
    }
}

/// The schema of an object whose members all have one schema.
fn object_of(member: impl Into<RefOr<Schema>>) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Object))
        .additional_properties(Some(member.into()))
        .into()
}

fn of_type(kind: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(kind))
}

impl PartialSchema for ReqParameterValue {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .item(of_type(Type::String))
            .item(of_type(Type::Number))
            .item(of_type(Type::Boolean))
            .item(
                of_type(Type::Object)
                    .property("value", of_type(Type::String))
                    .property("asset", of_type(Type::Object)),
            )
            .into()
    }
}

impl ToSchema for ReqParameterValue {}

impl PartialSchema for ReqCustomization {
    fn schema() -> RefOr<Schema> {
        object_of(Ref::from_schema_name(ReqParameterValue::name()))
    }
}

impl ToSchema for ReqCustomization {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((
            ReqParameterValue::name().into_owned(),
            ReqParameterValue::schema(),
        ));
    }
}

impl PartialSchema for ReqCache {
    fn schema() -> RefOr<Schema> {
        object_of(RefOr::T(Schema::from(of_type(Type::String))))
    }
}

impl ToSchema for ReqCache {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    fn text(value: &str) -> ReqParameterValue {
        ReqParameterValue::Text(value.to_owned())
    }

    #[test]
    fn values_may_be_text_numbers_booleans_and_objects() {
        let body = r#"{"a":"2.0","b":2.5,"c":true,"d":{"value":"x","asset":{"id":"y"}},"e":{"asset":{"id":"z"}}}"#;
        let customization: ReqCustomization = parse(body).unwrap();
        let expected = [
            ("a".to_owned(), text("2.0")),
            ("b".to_owned(), ReqParameterValue::Number(2.5)),
            ("c".to_owned(), ReqParameterValue::Bool(true)),
            ("d".to_owned(), text("x")),
            ("e".to_owned(), ReqParameterValue::Asset("z".to_owned())),
        ];
        assert_eq!(customization.pairs(), expected);
    }

    #[test]
    fn null_and_lists_are_not_values() {
        for body in [
            r#"{"a":null}"#,
            r#"{"a":[1]}"#,
            r#"{"a":{}}"#,
            r#"{"a":{"value":1}}"#,
        ] {
            assert!(parse::<ReqCustomization>(body).is_err(), "{body}");
        }
    }

    #[test]
    fn an_asset_reference_is_refused_by_name() {
        let customization: ReqCustomization = parse(r#"{"Door":{"asset":{"id":"z"}}}"#).unwrap();
        let error = customization.into_raw().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ParameterInvalid);
        assert!(error.message().contains("\"Door\""), "{}", error.message());
    }

    #[test]
    fn more_parameters_than_the_bound_are_refused() {
        let body = |count: usize| {
            let members: Vec<_> = (0..count).map(|i| format!("\"p{i}\":1")).collect();
            format!("{{{}}}", members.join(","))
        };
        assert!(parse::<ReqCustomization>(&body(PARAMETERS_MAX)).is_ok());
        assert!(parse::<ReqCustomization>(&body(PARAMETERS_MAX + 1)).is_err());
    }

    #[test]
    fn a_session_body_is_an_export_request_when_it_has_both_marks() {
        let export = r#"{"exports":["e1"],"parameters":{"a":"1"},"max_wait_time":0}"#;
        let ReqCustomizationOrExport::Export(export) = parse(export).unwrap() else {
            panic!("not recognised")
        };
        assert_eq!(export.exports, ["e1"]);
        assert_eq!(export.max_wait_time, Some(0));
        for map in [
            r"{}",
            r#"{"exports":"1"}"#,
            r#"{"exports":"1","parameters":"2"}"#,
        ] {
            let body: ReqCustomizationOrExport = parse(map).unwrap();
            assert!(
                matches!(body, ReqCustomizationOrExport::Customization(_)),
                "{map}"
            );
        }
    }

    #[test]
    fn the_old_object_form_of_exports_is_accepted() {
        let export: ReqExport = parse(r#"{"exports":{"id":"e1"},"parameters":{}}"#).unwrap();
        assert_eq!(export.exports, ["e1"]);
        assert!(parse::<ReqExport>(r#"{"exports":"e1","parameters":{}}"#).is_err());
    }

    #[test]
    fn the_error_of_an_export_request_names_the_member() {
        let body = r#"{"exports":["e1"],"parameters":{"a":null}}"#;
        let error = parse::<ReqCustomizationOrExport>(body).unwrap_err();
        assert!(error.contains("parameters.a: null"), "{error}");
    }

    #[test]
    fn a_cache_request_is_told_from_a_customization_by_its_keys() {
        let outputs = |id: &str| id.starts_with('o');
        let classify = |body: &str| {
            parse::<ReqCustomizationOrCache>(body)
                .unwrap()
                .classify(outputs)
        };
        assert_eq!(
            classify(r#"{"o1":"v1","o2":"v2"}"#).unwrap(),
            CacheRequest::Versions(ReqCache(vec![
                ("o1".into(), "v1".into()),
                ("o2".into(), "v2".into())
            ]))
        );
        for body in ["{}", r#"{"p1":"1"}"#, r#"{"o1":"v1","p1":"1"}"#] {
            assert!(
                matches!(classify(body).unwrap(), CacheRequest::Customization(_)),
                "{body}"
            );
        }
        assert!(classify(r#"{"o1":1}"#).is_err());
    }

    #[test]
    fn an_export_cache_request_has_two_forms() {
        let versions: ReqExportOrCache = parse(r#"{"e1":"v1"}"#).unwrap();
        let expected = ReqCache(vec![("e1".into(), "v1".into())]);
        assert_eq!(versions, ReqExportOrCache::Versions(expected));
        let request = parse(r#"{"exports":["e1"],"parameters":{}}"#).unwrap();
        assert!(matches!(request, ReqExportOrCache::Export(_)));
        assert!(parse::<ReqExportOrCache>(r#"{"e1":1}"#).is_err());
    }
}

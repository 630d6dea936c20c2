//! Pieces that several bodies share.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

/// The API version that every answer names; clients accept any text here.
pub const API_VERSION: &str = "2.5.0";

/// The newest viewer settings version that is served. Viewers convert their settings down to it
/// before they save them.
pub const VIEWER_SETTINGS_VERSION: &str = "7.1";

/// Items on one page of a list. The API bounds `limit` to 1..=100 and takes 100 as its default.
pub const PAGE_ITEMS_MAX: u32 = 100;

/// A JSON object from ids to items that keeps the order it was filled in, so that parameters come
/// out in the order the model declares them.
#[derive(Debug, Clone, PartialEq)]
pub struct Directory<T>(Vec<(String, T)>);

impl<T> Directory<T> {
    /// An empty directory, which is written as `{}`.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The items with their ids, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(id, item)| (id.as_str(), item))
    }

    /// The item of an id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&T> {
        self.iter()
            .find(|(key, _)| *key == id)
            .map(|(_, item)| item)
    }

    /// Takes in the items of another directory; an item whose id is there already takes the other's
    /// place.
    pub fn extend(&mut self, other: Self) {
        for (id, item) in other.0 {
            match self.0.iter_mut().find(|(known, _)| *known == id) {
                Some((_, place)) => *place = item,
                None => self.0.push((id, item)),
            }
        }
    }

    /// How many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no item.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T> Default for Directory<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Collects items whose ids are distinct; the definition they come from guarantees that.
impl<T> FromIterator<(String, T)> for Directory<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl<T: Serialize> Serialize for Directory<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (id, item) in &self.0 {
            map.serialize_entry(id, item)?;
        }
        map.end()
    }
}

/// Group of a parameter, export or output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommonsGroup {
    /// Items with the same group id stand together.
    pub id: String,
    /// Heading of the group.
    pub name: String,
}

/// Where a page of a list ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResPagination {
    /// The largest number of items that this page could hold, 1..=100.
    pub limit: u32,
    /// Text that asks for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_offset: Option<String>,
}

/// How a computation, or the collecting of one result, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ResComputationStatus)]
#[expect(missing_docs, reason = "the API gives these words and no more")]
pub enum ComputationStatus {
    Success,
    Timeout,
    CheckConfirmed,
    CheckDenied,
    CheckPending,
    MaxCombinedAssetSizeExceeded,
    MaxDbSizePerOutputExceeded,
    MaxPartsPerOutputExceeded,
    MaxAssetPartsPerOutputExceeded,
    MaxTransformationsPerOutputExceeded,
    MaxPartsExceeded,
    MaxAssetPartsExceeded,
    RecoverableError,
    UnrecoverableError,
    NoOutputDataForDefaultParameterValues,
    ModelWithoutGeometryOutput,
    Unknown,
}

impl ComputationStatus {
    /// Every status of the API.
    pub const ALL: [Self; 17] = [
        Self::Success,
        Self::Timeout,
        Self::CheckConfirmed,
        Self::CheckDenied,
        Self::CheckPending,
        Self::MaxCombinedAssetSizeExceeded,
        Self::MaxDbSizePerOutputExceeded,
        Self::MaxPartsPerOutputExceeded,
        Self::MaxAssetPartsPerOutputExceeded,
        Self::MaxTransformationsPerOutputExceeded,
        Self::MaxPartsExceeded,
        Self::MaxAssetPartsExceeded,
        Self::RecoverableError,
        Self::UnrecoverableError,
        Self::NoOutputDataForDefaultParameterValues,
        Self::ModelWithoutGeometryOutput,
        Self::Unknown,
    ];

    /// The API's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Timeout => "timeout",
            Self::CheckConfirmed => "checkconfirmed",
            Self::CheckDenied => "checkdenied",
            Self::CheckPending => "checkpending",
            Self::MaxCombinedAssetSizeExceeded => "maxcombinedassetsizeexceeded",
            Self::MaxDbSizePerOutputExceeded => "maxdbsizeperoutputexceeded",
            Self::MaxPartsPerOutputExceeded => "maxpartsperoutputexceeded",
            Self::MaxAssetPartsPerOutputExceeded => "maxassetpartsperoutputexceeded",
            Self::MaxTransformationsPerOutputExceeded => "maxtransformationsperoutputexceeded",
            Self::MaxPartsExceeded => "maxpartsexceeded",
            Self::MaxAssetPartsExceeded => "maxassetpartsexceeded",
            Self::RecoverableError => "recoverableerror",
            Self::UnrecoverableError => "unrecoverableerror",
            Self::NoOutputDataForDefaultParameterValues => "nooutputdatafordefaultparametervalues",
            Self::ModelWithoutGeometryOutput => "modelwithoutgeometryoutput",
            Self::Unknown => "unknown",
        }
    }

    /// The status of a word; a word that the API does not have is `unknown`, because clients reject
    /// foreign words.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == word)
            .unwrap_or(Self::Unknown)
    }
}

/// Status of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ResModelStatus)]
#[expect(missing_docs, reason = "the API gives these words and no more")]
pub enum ModelStatusWord {
    Unknown,
    NotUploaded,
    Uploaded,
    Pending,
    Confirmed,
    Denied,
    Deleted,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_written_as_its_word_and_read_back() {
        for status in ComputationStatus::ALL {
            let json = serde_json::to_value(status).unwrap();
            assert_eq!(json, status.as_str());
            assert_eq!(ComputationStatus::from_word(status.as_str()), status);
        }
        assert_eq!(
            ComputationStatus::from_word("exploded"),
            ComputationStatus::Unknown
        );
    }

    #[test]
    fn a_directory_keeps_its_order() {
        let directory: Directory<u8> = [("z".to_owned(), 1), ("a".to_owned(), 2)]
            .into_iter()
            .collect();
        assert_eq!(
            serde_json::to_string(&directory).unwrap(),
            r#"{"z":1,"a":2}"#
        );
        assert_eq!(directory.get("a"), Some(&2));
    }

    #[test]
    fn extending_replaces_in_place_and_appends() {
        let of = |items: &[(&str, u8)]| -> Directory<u8> {
            items
                .iter()
                .map(|(id, item)| ((*id).to_owned(), *item))
                .collect()
        };
        let mut directory = of(&[("a", 1), ("b", 2)]);
        directory.extend(of(&[("c", 3), ("a", 4)]));
        assert_eq!(directory, of(&[("a", 4), ("b", 2), ("c", 3)]));
    }
}

//! The language of list queries: filters and sorters. What is not known is refused, naming it.

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use vitrine_access::time::Timestamp;
use vitrine_service::{Clause, Condition, Field, FieldKind, ListQuery, Operand, SortBy, Test};

use crate::error::{ApiError, ErrorKind};
use crate::limits::{
    PLATFORM_FILTER_BYTES_MAX, PLATFORM_FILTER_VALUES_MAX, PLATFORM_FILTERS_MAX,
    PLATFORM_PAGE_ROWS_MAX,
};

/// Rows of a page when none are asked for.
const PAGE_ROWS_DEFAULT: u32 = 10;
/// The orders of most lists.
pub(crate) const SORTS: [SortBy; 2] = [SortBy::Created, SortBy::Updated];

/// What is wanted of a list.
#[derive(Default, Deserialize, ToSchema)]
pub(crate) struct QueryRequest {
    /// Conditions, all of which hold: a field, or several with `&` or `|` between them, each with an
    /// operator in brackets (`=`, `!=`, `%`, `,`, `?`, `!?`, `<`, `<=`, `>`, `>=`).
    #[serde(default)]
    pub(crate) filters: Option<Map<String, Value>>,
    /// The order: `created_at` or `updated_at`, `asc` or `desc`. Newest first without it.
    #[serde(default)]
    pub(crate) sorters: Option<Map<String, Value>>,
    /// What shall stand beside each row.
    #[serde(default)]
    pub(crate) embed: Option<Vec<String>>,
    /// Most rows, 1 to 100; 10 without it.
    #[serde(default)]
    pub(crate) limit: Option<u32>,
    /// `next_offset` of the page before.
    #[serde(default)]
    pub(crate) offset: Option<String>,
}

impl QueryRequest {
    /// Rows of the page.
    pub(crate) fn rows(&self) -> u32 {
        let asked = self.limit.unwrap_or(PAGE_ROWS_DEFAULT);
        asked.clamp(1, PLATFORM_PAGE_ROWS_MAX)
    }

    /// Takes what lists have that are short and in one order: these filters, and nothing else.
    ///
    /// # Errors
    /// [`ErrorKind::RequestInvalid`] naming what is not known.
    pub(crate) fn read_plain(&self, known: &[&str]) -> Result<(), ApiError> {
        let unknown = |key: &&String| !known.contains(&key.as_str());
        if let Some(key) = self.filters.iter().flat_map(Map::keys).find(unknown) {
            let why = match known {
                [] => "this list takes no filters".to_owned(),
                _ => format!("this list takes {}", known.join(", ")),
            };
            return Err(invalid(&format!("filters.{key}"), &why));
        }
        if let Some(key) = self.sorters.iter().flat_map(Map::keys).next() {
            return Err(invalid(
                &format!("sorters.{key}"),
                "this list has one order",
            ));
        }
        if let Some(name) = self.embed.iter().flatten().next() {
            return Err(invalid(
                "embed",
                &format!("there is no {:?} here", shortened(name)),
            ));
        }
        Ok(())
    }

    /// The query for a list with these fields and orders.
    ///
    /// # Errors
    /// [`ErrorKind::RequestInvalid`] naming what is not known.
    pub(crate) fn read(
        &self,
        fields: &'static [Field],
        sorts: &[SortBy],
    ) -> Result<ListQuery, ApiError> {
        let (sort, descending) = order(self.sorters.as_ref(), sorts)?;
        let empty = Map::new();
        let filters = self.filters.as_ref().unwrap_or(&empty);
        if filters.len() > PLATFORM_FILTERS_MAX {
            return Err(invalid(
                "filters",
                &format!("there are at most {PLATFORM_FILTERS_MAX}"),
            ));
        }
        Ok(ListQuery {
            clauses: filters
                .iter()
                .map(|(key, value)| clause(fields, key, value))
                .collect::<Result<_, _>>()?,
            sort,
            descending,
            after: None,
            limit: self.rows(),
        })
    }
}

/// Messages begin with the member that they are about; [`super::wire`] tells clients by that.
fn invalid(member: &str, why: &str) -> ApiError {
    let member = shortened(member);
    ApiError::new(ErrorKind::RequestInvalid, format!("'{member}': {why}."))
}

/// As much of a member's name as an answer repeats, which it does several times.
pub(crate) fn shortened(member: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 128;
    member.chars().take(SHOWN_CHARS_MAX).collect()
}

fn order(
    sorters: Option<&Map<String, Value>>,
    sorts: &[SortBy],
) -> Result<(SortBy, bool), ApiError> {
    let mut sorters = sorters.into_iter().flatten();
    let (name, direction) = match (sorters.next(), sorters.next()) {
        (None, _) => return Ok((SortBy::Created, true)),
        (Some(one), None) => one,
        (Some(_), Some((second, _))) => {
            return Err(invalid(
                &format!("sorters.{second}"),
                "rows are ordered by one field; those that are equal in it by their ids",
            ));
        }
    };
    let member = format!("sorters.{name}");
    let sort = sorts.iter().copied().find(|sort| sort.name() == name);
    let sort = sort.ok_or_else(|| {
        let known: Vec<&str> = sorts.iter().map(|sort| sort.name()).collect();
        invalid(
            &member,
            &format!("rows are ordered by {}", known.join(" or by ")),
        )
    })?;
    match direction.as_str() {
        Some("desc") => Ok((sort, true)),
        Some("asc") => Ok((sort, false)),
        _ => Err(invalid(&member, "the order is \"asc\" or \"desc\"")),
    }
}

fn clause(fields: &'static [Field], key: &str, value: &Value) -> Result<Clause, ApiError> {
    let member = format!("filters.{key}");
    if key.len() > PLATFORM_FILTER_BYTES_MAX {
        return Err(invalid(&member, "this is too long"));
    }
    let join = match (key.contains('&'), key.contains('|')) {
        (true, true) => return Err(invalid(&member, "use & or |, not both")),
        (false, false) => {
            return Ok(Clause::All(vec![condition(fields, &member, key, value)?]));
        }
        (true, false) => '&',
        (false, true) => '|',
    };
    let parts: Vec<&str> = key.split(join).collect();
    let values = value
        .as_array()
        .filter(|values| values.len() == parts.len());
    let values = values.ok_or_else(|| {
        let why = format!(
            "the value is a list with one entry for each of the {} fields",
            parts.len()
        );
        invalid(&member, &why)
    })?;
    let conditions = parts
        .iter()
        .zip(values)
        .map(|(part, value)| condition(fields, &member, part, value))
        .collect::<Result<_, _>>()?;
    Ok(if join == '&' {
        Clause::All(conditions)
    } else {
        Clause::Any(conditions)
    })
}

fn condition(
    fields: &'static [Field],
    member: &str,
    part: &str,
    value: &Value,
) -> Result<Condition, ApiError> {
    let (name, operator) = match part.strip_suffix(']').and_then(|part| part.split_once('[')) {
        Some((name, operator)) => (name, operator),
        None => (part, "="),
    };
    let field = fields
        .iter()
        .find(|field| field.name == name)
        .ok_or_else(|| {
            let known: Vec<&str> = fields.iter().map(|field| field.name).collect();
            invalid(
                member,
                &format!(
                    "there is no such field here; there are {}",
                    known.join(", ")
                ),
            )
        })?;
    let test = test(field, operator, value).map_err(|why| invalid(member, &why))?;
    Ok(Condition { field, test })
}

fn test(field: &Field, operator: &str, value: &Value) -> Result<Test, String> {
    let nothing = value.is_null();
    Ok(match operator.trim_end_matches(':') {
        // A bare colon is an equals sign.
        "" | "=" | "?" if nothing => Test::Empty,
        "!" | "!=" | "!?" if nothing => Test::Present,
        "?" | "!?" => return Err("this operator takes null".to_owned()),
        "" | "=" => match operand(field, value)? {
            Some(operand) => Test::Is(operand),
            None => Test::Never,
        },
        "!" | "!=" => match operand(field, value)? {
            Some(operand) => Test::IsNot(operand),
            None => Test::Always,
        },
        "%" => match (field.kind, value.as_str()) {
            (FieldKind::Text, Some(text)) if text.len() <= PLATFORM_FILTER_BYTES_MAX => {
                Test::Contains(text.trim_matches('%').to_owned())
            }
            (FieldKind::Text, Some(_)) => return Err("the text is too long".to_owned()),
            _ => return Err("only texts can be searched, by a text".to_owned()),
        },
        "," => match value.as_array() {
            Some(values) if values.len() <= PLATFORM_FILTER_VALUES_MAX => {
                let operands = values.iter().map(|value| operand(field, value));
                let operands = operands.collect::<Result<Vec<_>, _>>()?;
                let known: Vec<Operand> = operands.into_iter().flatten().collect();
                if known.is_empty() {
                    Test::Never
                } else {
                    Test::In(known)
                }
            }
            _ => {
                return Err(format!(
                    "this operator takes a list of at most {PLATFORM_FILTER_VALUES_MAX} values"
                ));
            }
        },
        sign @ ("<" | "<=" | ">" | ">=") => compared(field, sign, value)?,
        _ => return Err("there is no such operator".to_owned()),
    })
}

/// Instants are whole seconds on the wire and milliseconds in rows: a second means all of it.
fn compared(field: &Field, sign: &str, value: &Value) -> Result<Test, String> {
    const REST_OF_SECOND_MS: i64 = 999;
    let number = match field.kind {
        FieldKind::Instant | FieldKind::Number => value.as_i64(),
        _ => return Err("only instants and numbers can be compared".to_owned()),
    };
    let number = number.ok_or("the value is a whole number")?;
    let (first, last) = match field.kind {
        FieldKind::Instant => {
            let first = number.saturating_mul(1000);
            (first, first.saturating_add(REST_OF_SECOND_MS))
        }
        _ => (number, number),
    };
    Ok(match sign {
        "<" => Test::Less(Operand::Number(first)),
        "<=" => Test::LessOrIs(Operand::Number(last)),
        ">" => Test::More(Operand::Number(last)),
        _ => Test::MoreOrIs(Operand::Number(first)),
    })
}

/// `None`: no row can have this value.
fn operand(field: &Field, value: &Value) -> Result<Option<Operand>, String> {
    match (field.kind, value) {
        (FieldKind::Text, Value::String(text)) if text.len() <= PLATFORM_FILTER_BYTES_MAX => {
            Ok(Some(Operand::Text(text.clone())))
        }
        (FieldKind::Id, Value::String(text)) => {
            let id = text.parse::<vitrine_access::ids::ModelId>().ok();
            Ok(id.map(|id| Operand::Id(*id.as_bytes())))
        }
        (FieldKind::Switch, Value::Bool(on)) => Ok(Some(Operand::Number(i64::from(*on)))),
        (FieldKind::Number, Value::Number(number)) => number
            .as_i64()
            .map(|number| Some(Operand::Number(number)))
            .ok_or_else(|| "the value is a whole number".to_owned()),
        (FieldKind::Instant, _) => Err("instants are compared by <, <=, > and >=".to_owned()),
        (kind, _) => Err(format!(
            "the value does not fit a field of the kind {kind:?}"
        )),
    }
}

/// Milliseconds of a number of seconds.
pub(crate) fn instant(value: &Value) -> Option<Timestamp> {
    let seconds = value.as_i64()?;
    Some(Timestamp::from_unix_ms(seconds.saturating_mul(1000)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vitrine_service::MODEL_FIELDS;

    use super::*;

    fn read(body: Value) -> Result<ListQuery, ApiError> {
        serde_json::from_value::<QueryRequest>(body)
            .unwrap()
            .read(MODEL_FIELDS, &SORTS)
    }

    fn one(key: &str, value: &Value) -> Test {
        let query = read(json!({ "filters": { key: value } })).unwrap();
        match &query.clauses[..] {
            [Clause::All(conditions)] => conditions[0].test.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_operator_of_the_table_is_read() {
        let text = || Operand::Text("x".to_owned());
        let number = Operand::Number;
        for (key, value, expected) in [
            ("slug", json!("x"), Test::Is(text())),
            ("slug[=]", json!("x"), Test::Is(text())),
            ("slug[:]", json!("x"), Test::Is(text())),
            ("slug[!:]", json!("x"), Test::IsNot(text())),
            ("slug[!=]", json!("x"), Test::IsNot(text())),
            ("title[%]", json!("%x"), Test::Contains("x".to_owned())),
            ("slug[,]", json!(["x"]), Test::In(vec![text()])),
            ("slug[,]", json!([]), Test::Never),
            ("deleted_at", json!(null), Test::Empty),
            ("deleted_at[?]", json!(null), Test::Empty),
            ("deleted_at[!?]", json!(null), Test::Present),
            ("created_at[<]", json!(2), Test::Less(number(2000))),
            ("created_at[<:]", json!(2), Test::Less(number(2000))),
            ("created_at[<=]", json!(2), Test::LessOrIs(number(2999))),
            ("created_at[>]", json!(2), Test::More(number(2999))),
            ("created_at[>=:]", json!(2), Test::MoreOrIs(number(2000))),
            ("user_id[=]", json!("%"), Test::Never),
        ] {
            assert_eq!(one(key, &value), expected, "{key}");
        }
    }

    #[test]
    fn chains_hold_all_together_or_any_of_them() {
        let query = read(json!({ "filters": { "slug[%]|title[%]": ["a", "b"] } })).unwrap();
        assert!(matches!(&query.clauses[0], Clause::Any(two) if two.len() == 2));
        let query = read(json!({ "filters": { "slug[%]&title[%]": ["a", "b"] } })).unwrap();
        assert!(matches!(&query.clauses[0], Clause::All(two) if two.len() == 2));
    }

    #[test]
    fn what_is_not_known_is_refused_by_its_name() {
        for (body, member) in [
            (
                json!({ "filters": { "password[=]": "x" } }),
                "'filters.password[=]'",
            ),
            (
                json!({ "filters": { "slug[~]": "x" } }),
                "'filters.slug[~]'",
            ),
            (json!({ "filters": { "slug[=]": 1 } }), "'filters.slug[=]'"),
            (
                json!({ "filters": { "slug|title&id": ["a", "b", "c"] } }),
                "use & or |",
            ),
            (
                json!({ "filters": { "slug|title": ["a"] } }),
                "one entry for each",
            ),
            (json!({ "filters": { "id[<]": "x" } }), "only instants"),
            (
                json!({ "filters": { "owner_user) OR 1=1 --": "x" } }),
                "no such field",
            ),
            (json!({ "sorters": { "title": "asc" } }), "'sorters.title'"),
            (
                json!({ "sorters": { "created_at": "up" } }),
                "'sorters.created_at'",
            ),
            (
                json!({ "sorters": { "created_at": "asc", "updated_at": "asc" } }),
                "one field",
            ),
        ] {
            let error = read(body).unwrap_err();
            assert!(error.message().contains(member), "{error}");
        }
    }

    #[test]
    fn the_number_of_filters_and_values_is_bounded() {
        let filters = |count: usize| {
            let pairs = (0..count).map(|n| {
                (
                    format!("slug[=]{}", "&slug".repeat(n)),
                    json!(vec!["x"; n + 1]),
                )
            });
            let map: Map<String, Value> = pairs.collect();
            json!({ "filters": map })
        };
        let values = |count: usize| json!({ "filters": { "slug[,]": vec!["x"; count] } });
        assert!(read(values(PLATFORM_FILTER_VALUES_MAX)).is_ok());
        assert!(read(values(PLATFORM_FILTER_VALUES_MAX + 1)).is_err());
        let error = read(filters(PLATFORM_FILTERS_MAX + 1)).unwrap_err();
        assert!(error.message().contains("'filters'"), "{error}");
    }
}

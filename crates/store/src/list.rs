//! Lists by conditions of the client's choice. The text of a query is put together from constants of this
//! crate only; what a client sends is bound, never written into it.

use std::borrow::Cow;

use vitrine_access::Timestamp;

use crate::db::{Query, Value};
use crate::limits::LIST_ROWS_MAX;

/// What a field holds, which decides the values that it can be compared with.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A UUID.
    Id,
    /// Text.
    Text,
    /// An instant.
    Instant,
    /// Yes or no.
    Switch,
    /// A whole number.
    Number,
}

/// One field that conditions may name.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name on the wire.
    pub name: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// The expression that stands for it.
    pub(crate) sql: &'static str,
}

impl Field {
    pub(crate) const fn new(name: &'static str, kind: FieldKind, sql: &'static str) -> Self {
        Self { name, kind, sql }
    }
}

/// How a field is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// It is this.
    Is(Operand),
    /// It is something else, or nothing.
    IsNot(Operand),
    /// It contains this text, whatever the case of ASCII letters.
    Contains(String),
    /// It is one of these.
    In(Vec<Operand>),
    /// It is nothing.
    Empty,
    /// It is something.
    Present,
    /// It is less than this.
    Less(Operand),
    /// It is this or less.
    LessOrIs(Operand),
    /// It is more than this.
    More(Operand),
    /// It is this or more.
    MoreOrIs(Operand),
    /// No row is meant: the value is none that the field could have.
    Never,
    /// Every row is meant.
    Always,
}

/// A value on the right of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// Text.
    Text(String),
    /// A number, a switch or milliseconds.
    Number(i64),
    /// An id.
    Id([u8; 16]),
}

impl Operand {
    fn value(self) -> Value {
        match self {
            Self::Text(text) => Value::Text(Some(text)),
            Self::Number(number) => Value::Int(Some(number)),
            Self::Id(id) => Value::Bytes(Some(id.to_vec())),
        }
    }
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// On what.
    pub field: &'static Field,
    /// Which.
    pub test: Test,
}

/// Conditions of which all hold, or any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clause {
    /// All of them.
    All(Vec<Condition>),
    /// At least one of them.
    Any(Vec<Condition>),
}

/// A field that rows may be ordered by: there is an index for it in every scope.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum SortBy {
    /// When the row was made.
    Created,
    /// When it was changed last.
    Updated,
}

impl SortBy {
    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created_at",
            Self::Updated => "updated_at",
        }
    }
}

/// A place in an ordered list.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct ListCursor {
    /// The last row's value of the field that rows are ordered by.
    pub at: Timestamp,
    /// The last row's id.
    pub id: [u8; 16],
}

/// What is wanted of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListQuery {
    /// All of these hold.
    pub clauses: Vec<Clause>,
    /// The order.
    pub sort: SortBy,
    /// Whether the largest comes first.
    pub descending: bool,
    /// Where the page before ended.
    pub after: Option<ListCursor>,
    /// Most rows ([`LIST_ROWS_MAX`]).
    pub limit: u32,
}

impl Default for ListQuery {
    fn default() -> Self {
        Self {
            clauses: Vec::new(),
            sort: SortBy::Created,
            descending: true,
            after: None,
            limit: LIST_ROWS_MAX,
        }
    }
}

/// A query's text in the making.
pub(crate) struct Assembly {
    sql: String,
    values: Vec<Value>,
}

impl Assembly {
    pub(crate) fn new(sql: &'static str) -> Self {
        Self {
            sql: sql.to_owned(),
            values: Vec::new(),
        }
    }

    pub(crate) fn text(&mut self, sql: &'static str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    /// Binds a value, and writes the `$n` that stands for it.
    pub(crate) fn value(&mut self, value: Value) -> &mut Self {
        self.values.push(value);
        self.sql.push('$');
        self.sql.push_str(&self.values.len().to_string());
        self
    }

    pub(crate) fn clauses(&mut self, clauses: &[Clause]) -> &mut Self {
        for clause in clauses {
            let (conditions, join) = match clause {
                Clause::All(conditions) => (conditions, " AND "),
                Clause::Any(conditions) => (conditions, " OR "),
            };
            self.text(" AND (");
            for (at, condition) in conditions.iter().enumerate() {
                if at > 0 {
                    self.text(join);
                }
                self.condition(condition);
            }
            if conditions.is_empty() {
                self.text("1 = 1");
            }
            self.text(")");
        }
        self
    }

    fn condition(&mut self, condition: &Condition) {
        let field = condition.field.sql;
        let compare = |own: &mut Self, operator: &'static str, operand: &Operand| {
            own.text(field)
                .text(operator)
                .value(operand.clone().value());
        };
        match &condition.test {
            Test::Is(operand) => compare(self, " = ", operand),
            Test::IsNot(operand) => compare(self, " IS DISTINCT FROM ", operand),
            Test::Less(operand) => compare(self, " < ", operand),
            Test::LessOrIs(operand) => compare(self, " <= ", operand),
            Test::More(operand) => compare(self, " > ", operand),
            Test::MoreOrIs(operand) => compare(self, " >= ", operand),
            Test::Contains(text) => {
                let pattern = Value::Text(Some(contains(text)));
                self.text("LOWER(")
                    .text(field)
                    .text(") LIKE ")
                    .value(pattern);
                self.text(" ESCAPE '!'");
            }
            Test::In(operands) => {
                self.text(field).text(" IN (");
                for (at, operand) in operands.iter().enumerate() {
                    if at > 0 {
                        self.text(", ");
                    }
                    self.value(operand.clone().value());
                }
                self.text(")");
            }
            Test::Empty => drop(self.text(field).text(" IS NULL")),
            Test::Present => drop(self.text(field).text(" IS NOT NULL")),
            Test::Never => drop(self.text("1 = 0")),
            Test::Always => drop(self.text("1 = 1")),
        }
    }

    /// Order, cursor and limit. `sort` is the column behind [`ListQuery::sort`].
    pub(crate) fn page(&mut self, query: &ListQuery, sort: &'static str) -> &mut Self {
        if let Some(after) = query.after {
            let at = Value::Int(Some(after.at.unix_ms()));
            self.text(" AND (").text(sort).text(", id) ");
            self.text(if query.descending { "< (" } else { "> (" });
            self.value(at).text(", ");
            self.value(Value::Bytes(Some(after.id.to_vec()))).text(")");
        }
        let direction = if query.descending { " DESC" } else { " ASC" };
        self.text(" ORDER BY ").text(sort).text(direction);
        self.text(", id").text(direction).text(" LIMIT ");
        self.value(Value::Int(Some(i64::from(query.limit.min(LIST_ROWS_MAX)))))
    }

    pub(crate) fn finish(self) -> Query {
        Query::assembled(Cow::Owned(self.sql), self.values)
    }
}

/// A LIKE pattern for "contains", with its special characters taken literally.
fn contains(text: &str) -> String {
    let mut pattern = String::from("%");
    for character in text.chars() {
        if matches!(character, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(character.to_ascii_lowercase());
    }
    pattern.push('%');
    pattern
}

//! Which variables of a file may be adjusted: assignments of plain values at the top, before the first brace.

use super::lexer::{Comment, Head, Placed, Token, head};

/// Numbers of one vector that the Customizer shows.
const VECTOR_MAX: usize = 4;

/// The section whose variables are not shown.
const HIDDEN: &str = "Hidden";

/// A variable that may be adjusted, and what its comments say.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) value: Literal,
    /// `// …` behind the assignment.
    pub(super) widget: Option<String>,
    /// `// …` in the line above.
    pub(super) description: Option<String>,
    /// `/* [ … ] */` above.
    pub(super) section: Option<String>,
}

/// A plain value.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Literal {
    Number(f64),
    Text(String),
    Bool(bool),
    /// One to four numbers.
    Vector(Vec<f64>),
}

/// The variables of a file, in the order in which they are first assigned.
pub(super) fn read(source: &str) -> Vec<Variable> {
    let head = head(source);
    let mut variables: Vec<Variable> = Vec::new();
    let mut computed: Vec<String> = Vec::new();
    let mut at = 0;
    while at < head.tokens.len() {
        let end = statement_end(&head.tokens, at);
        if let Some((name, value)) = assignment(&head.tokens[at..end]) {
            match value {
                // The last assignment is the one that counts.
                Some(value) => match variables.iter_mut().find(|known| known.name == name) {
                    Some(known) => known.value = value,
                    None => variables.extend(described(&head, at, end, name, value)),
                },
                None => computed.push(name.to_owned()),
            }
        }
        at = end;
    }
    // Adjusting what the file computes elsewhere would change more than the author offers.
    variables.retain(|variable| !computed.contains(&variable.name));
    variables
}

/// The piece behind a statement that begins at `start`.
fn statement_end(tokens: &[Placed], start: usize) -> usize {
    let mut depth = 0_usize;
    for (index, placed) in tokens.iter().enumerate().skip(start) {
        match placed.token {
            Token::Sign('(' | '[') => depth += 1,
            Token::Sign(')' | ']') => depth = depth.saturating_sub(1),
            Token::Sign(';') if depth == 0 => return index + 1,
            Token::Path => return index + 1,
            _ => {}
        }
    }
    tokens.len()
}

/// The name and the value of an assignment; no value when it is more than a plain one.
fn assignment(statement: &[Placed]) -> Option<(&str, Option<Literal>)> {
    let tokens: Vec<&Token> = statement.iter().map(|placed| &placed.token).collect();
    match tokens.as_slice() {
        [
            Token::Word(name),
            Token::Sign('='),
            value @ ..,
            Token::Sign(';'),
        ] => Some((name, literal(value))),
        _ => None,
    }
}

fn literal(tokens: &[&Token]) -> Option<Literal> {
    match tokens {
        [Token::Word(word)] if word == "true" => Some(Literal::Bool(true)),
        [Token::Word(word)] if word == "false" => Some(Literal::Bool(false)),
        [Token::Text(text)] => Some(Literal::Text(text.clone())),
        [Token::Sign('['), items @ .., Token::Sign(']')] => vector(items),
        other => number(other).map(Literal::Number),
    }
}

fn number(tokens: &[&Token]) -> Option<f64> {
    let (sign, text) = match tokens {
        [Token::Number(text)] => (1.0, text),
        [Token::Sign('-'), Token::Number(text)] => (-1.0, text),
        _ => return None,
    };
    let value: f64 = text.parse().ok()?;
    (value.is_finite()).then_some(if value == 0.0 { 0.0 } else { sign * value })
}

fn vector(items: &[&Token]) -> Option<Literal> {
    let items = items.strip_suffix(&[&Token::Sign(',')]).unwrap_or(items);
    let numbers = items
        .split(|token| **token == Token::Sign(','))
        .map(number)
        .collect::<Option<Vec<f64>>>()?;
    (numbers.len() <= VECTOR_MAX).then_some(Literal::Vector(numbers))
}

/// The variable with its comments; nothing when its section is hidden.
fn described(
    head: &Head,
    start: usize,
    end: usize,
    name: &str,
    value: Literal,
) -> Option<Variable> {
    let section = head
        .comments
        .iter()
        .take_while(|comment| comment.after <= start)
        .filter_map(section_name)
        .last();
    if section.is_some_and(|name| name.eq_ignore_ascii_case(HIDDEN)) {
        return None;
    }
    let line = head.tokens[end - 1].line;
    let behind = |c: &&Comment| !c.block && c.after == end && c.line == line;
    let first_line = head.tokens[start].line;
    let above = |c: &&Comment| {
        !c.block && c.after == start && c.line + 1 == first_line && is_alone(head, c)
    };
    let text = |comment: &Comment| Some(comment.text.clone()).filter(|text| !text.is_empty());
    Some(Variable {
        name: name.to_owned(),
        value,
        widget: head.comments.iter().find(behind).and_then(text),
        description: head.comments.iter().find(above).and_then(text),
        section: section.map(str::to_owned),
    })
}

/// The name in a comment of the form `/* [ … ] */`.
fn section_name(comment: &Comment) -> Option<&str> {
    if !comment.block {
        return None;
    }
    let (name, _) = comment.text.strip_prefix('[')?.split_once(']')?;
    let name = name.trim();
    (!name.is_empty() && !name.contains('\n')).then_some(name)
}

/// Whether no code stands before a comment in its line.
fn is_alone(head: &Head, comment: &Comment) -> bool {
    comment
        .after
        .checked_sub(1)
        .is_none_or(|before| head.tokens[before].line < comment.line)
}

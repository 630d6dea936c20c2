//! `import` and `export` statements, rewritten to `CommonJS` line by line. `QuickJS` has modules of its own, but they cannot be
//! mixed with `require` and with bare functions, and a script must keep its line numbers.

/// Rewrites statements that begin a line. Lines stay where they are.
pub(super) fn to_commonjs(source: &str) -> String {
    let mut out = String::with_capacity(source.len() + 256);
    let mut exported: Vec<(String, String)> = Vec::new();
    let mut found = false;
    let mut lines = source.split_inclusive('\n');
    while let Some(line) = lines.next() {
        if !begins_with_word(line, "import") && !begins_with_word(line, "export") {
            out.push_str(line);
            continue;
        }
        let mut statement = line.to_owned();
        if opens_braces(&statement) {
            for next in lines.by_ref() {
                statement.push_str(next);
                if next.contains('}') {
                    break;
                }
            }
        }
        if let Some(rewritten) = rewrite(&statement, &mut exported) {
            found = true;
            let body = rewritten.trim_end();
            let newlines = |text: &str| text.matches('\n').count();
            out.push_str(body);
            out.push_str(&"\n".repeat(newlines(&statement).saturating_sub(newlines(body))));
        } else {
            out.push_str(&statement);
        }
    }
    if !found {
        return source.to_owned();
    }
    let exports = exported
        .iter()
        .map(|(name, local)| format!("\n;exports.{name} = {local};"));
    out.extend(exports);
    out
}

fn begins_with_word(line: &str, word: &str) -> bool {
    line.strip_prefix(word)
        .is_some_and(|rest| rest.starts_with([' ', '{', '*', '\'', '"', '\t']))
}

/// `import {` or `export {` whose brace is not closed on its line.
fn opens_braces(line: &str) -> bool {
    let list = line
        .trim_start_matches("export")
        .trim_start_matches("import")
        .trim_start();
    let bare = list.starts_with('{') || (line.starts_with("import") && list.contains('{'));
    bare && !line.contains('}')
}

fn rewrite(statement: &str, exported: &mut Vec<(String, String)>) -> Option<String> {
    if let Some(rest) = statement.strip_prefix("import") {
        return rewrite_import(rest);
    }
    let rest = statement.strip_prefix("export")?.trim_start();
    if let Some(rest) = rest.strip_prefix("default ") {
        return Some(rewrite_default(rest, exported));
    }
    if rest.starts_with('{') {
        return rewrite_list(rest, exported);
    }
    let name = declared_name(rest)?;
    exported.push((name.clone(), name));
    Some(rest.to_owned())
}

fn quoted(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let quote = text.chars().next().filter(|c| *c == '\'' || *c == '"')?;
    let (name, rest) = text[1..].split_once(quote)?;
    Some((name, rest))
}

fn rewrite_import(rest: &str) -> Option<String> {
    if let Some((module, tail)) = quoted(rest) {
        return Some(format!("require('{module}'){tail}"));
    }
    let (what, from) = rest.rsplit_once("from")?;
    let (module, tail) = quoted(from)?;
    let (default, others) = match what.split_once([',', '{', '*']) {
        None => (what.trim(), ""),
        Some((before, _)) if before.trim().is_empty() => ("", what.trim()),
        Some((before, _)) => (
            before.trim(),
            what[before.len()..].trim_start_matches(',').trim(),
        ),
    };
    let mut parts = Vec::new();
    if !default.is_empty() {
        parts.push(format!("{default} = __defaultOf(require('{module}'))"));
    }
    if let Some(name) = others.strip_prefix('*') {
        let name = name.trim().strip_prefix("as ")?.trim();
        parts.push(format!("{name} = require('{module}')"));
    } else if others.starts_with('{') {
        parts.push(format!(
            "{} = require('{module}')",
            others.replace(" as ", ": ")
        ));
    }
    if parts.is_empty() {
        return None;
    }
    Some(format!("const {}{tail}", parts.join(", ")))
}

fn rewrite_default(rest: &str, exported: &mut Vec<(String, String)>) -> String {
    if let Some(name) = declared_name(rest) {
        exported.push(("default".to_owned(), name));
        return rest.to_owned();
    }
    format!("exports.default = {rest}")
}

fn rewrite_list(rest: &str, exported: &mut Vec<(String, String)>) -> Option<String> {
    let (list, tail) = rest.strip_prefix('{')?.split_once('}')?;
    let from = tail.trim_start().strip_prefix("from").and_then(quoted);
    let source = from.map(|(module, _)| format!("require('{module}')."));
    for item in list
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
    {
        let (local, name) = item.split_once(" as ").unwrap_or((item, item));
        let local = format!("{}{}", source.as_deref().unwrap_or(""), local.trim());
        exported.push((name.trim().to_owned(), local));
    }
    Some(from.map_or_else(|| tail.to_owned(), |(_, rest)| rest.to_owned()))
}

/// The name in `const name = …`, `function name (…)`, `async function name`, `class name`.
fn declared_name(text: &str) -> Option<String> {
    let text = text.trim_start();
    let text = text.strip_prefix("async ").unwrap_or(text).trim_start();
    let rest = [
        "const ",
        "let ",
        "var ",
        "function* ",
        "function ",
        "class ",
    ]
    .iter()
    .find_map(|word| text.strip_prefix(word))?;
    let name: String = rest
        .trim_start()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_' || *c == '$')
        .collect();
    (!name.is_empty()).then_some(name)
}

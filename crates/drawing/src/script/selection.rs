//! Which entities a command is about.

use acadrust::types::{Color, Handle};

use super::lexer::{Lexer, Word};
use super::{Fault, Run};

impl Run<'_> {
    /// Entities until an Enter: `ALL` (of model space), `LAST` (the one that was added last), or
    /// `(handent "HANDLE")`. Those on locked layers are left out, and so is what stands in blocks.
    pub(super) fn selection(&self, lexer: &mut Lexer<'_>) -> Result<Vec<Handle>, Fault> {
        let mut found = Vec::new();
        loop {
            let word = match lexer.word() {
                Word::Some(word) => word,
                Word::Enter => break,
                Word::End => return Err("the script ends before its selection does".into()),
            };
            match word.trim_start_matches('_').to_ascii_uppercase().as_str() {
                "ALL" => {
                    let all = self.document.model_space_entities();
                    found.extend(all.map(|entity| entity.common().handle));
                }
                "L" | "LAST" => found.push(self.last_added.ok_or("nothing was added before")?),
                other => {
                    let handle = handle(other).ok_or_else(|| {
                        "entities are chosen by ALL, LAST or (handent \"HANDLE\")".to_owned()
                    })?;
                    let known = self.document.get_entity(handle);
                    let known = known.ok_or_else(|| format!("there is no entity {handle:?}"))?;
                    found.push(known.common().handle);
                }
            }
        }
        found.sort_unstable_by_key(Handle::value);
        found.dedup();
        found.retain(|handle| {
            let entity = self.document.get_entity(*handle);
            let layer = entity.and_then(|entity| self.document.layers.get(&entity.common().layer));
            !layer.is_some_and(|layer| layer.flags.locked)
        });
        Ok(found)
    }
}

/// `(handent "1A")`.
fn handle(word: &str) -> Option<Handle> {
    let inner = word.strip_prefix('(')?.strip_suffix(')')?.trim();
    let text = inner.strip_prefix("HANDENT")?.trim().trim_matches('"');
    let number = u64::from_str_radix(text, 16).ok()?;
    (number != 0 && !text.starts_with('+')).then(|| Handle::new(number))
}

/// A colour's number, name or `R,G,B`.
pub(super) fn colour(word: &str) -> Result<Color, Fault> {
    let parts: Vec<&str> = word.split(',').collect();
    if let [red, green, blue] = parts[..]
        && let (Ok(r), Ok(g), Ok(b)) = (red.parse(), green.parse(), blue.parse())
    {
        return Ok(Color::Rgb { r, g, b });
    }
    let number = match word.trim_start_matches('_').to_ascii_uppercase().as_str() {
        "BYLAYER" => return Ok(Color::ByLayer),
        "BYBLOCK" => return Ok(Color::ByBlock),
        "RED" => 1,
        "YELLOW" => 2,
        "GREEN" => 3,
        "CYAN" => 4,
        "BLUE" => 5,
        "MAGENTA" => 6,
        "WHITE" => 7,
        other => other.parse::<u8>().unwrap_or(0),
    };
    if number == 0 {
        return Err("a colour is 1 to 255, a name, or three numbers like 255,128,0".into());
    }
    Ok(Color::Index(number))
}

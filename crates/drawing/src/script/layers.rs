//! `-LAYER`.

use acadrust::tables::Layer;

use super::lexer::{Lexer, Word};
use super::selection::colour;
use super::{Fault, Run};
use crate::limits::{SCRIPT_LAYERS_MAX, SCRIPT_NAME_BYTES_MAX};

/// Signs that names of layers do not have.
const NOT_IN_NAMES: [char; 14] = [
    '<', '>', '/', '\\', '"', ':', ';', '?', '*', '|', ',', '=', '`', '\'',
];

impl Run<'_> {
    pub(super) fn layers(&mut self, lexer: &mut Lexer<'_>) -> Result<String, Fault> {
        let mut changed = 0;
        loop {
            let option = match lexer.word() {
                Word::Some(word) => word.trim_start_matches('_').to_ascii_uppercase(),
                Word::Enter => return Ok(format!("{changed} changes")),
                Word::End => return Err("the script ends before the command does".into()),
            };
            match option.as_str() {
                "N" | "NEW" => {
                    for name in words(lexer)?.split(',') {
                        changed += usize::from(self.add_layer(name.trim())?);
                    }
                }
                "M" | "MAKE" => {
                    let name = words(lexer)?;
                    changed += usize::from(self.add_layer(name)?);
                    name.clone_into(&mut self.layer);
                }
                "S" | "SET" => {
                    let name = words(lexer)?;
                    if !self.document.layers.contains(name) {
                        return Err(format!("there is no layer {name}").into());
                    }
                    name.clone_into(&mut self.layer);
                }
                "C" | "COLOR" => {
                    let Word::Some(word) = lexer.word() else {
                        return Err("the colour is missing".into());
                    };
                    let colour = colour(word)?;
                    changed += self.each(words(lexer)?, |layer| layer.color = colour)?;
                }
                "ON" => changed += self.each(words(lexer)?, |layer| layer.flags.off = false)?,
                "OFF" => changed += self.each(words(lexer)?, |layer| layer.flags.off = true)?,
                "F" | "FREEZE" => {
                    changed += self.each(words(lexer)?, |layer| layer.flags.frozen = true)?;
                }
                "T" | "THAW" => {
                    changed += self.each(words(lexer)?, |layer| layer.flags.frozen = false)?;
                }
                "LO" | "LOCK" => {
                    changed += self.each(words(lexer)?, |layer| layer.flags.locked = true)?;
                }
                "U" | "UNLOCK" => {
                    changed += self.each(words(lexer)?, |layer| layer.flags.locked = false)?;
                }
                other => {
                    let other: String = other.chars().take(40).collect();
                    return Err(format!("there is no option {other}").into());
                }
            }
        }
    }

    /// Does something to the layers of a list: names with commas between them, `*` for all.
    fn each(&mut self, names: &str, change: impl Fn(&mut Layer)) -> Result<usize, Fault> {
        let document = self.changing()?;
        if names == "*" {
            document.layers.iter_mut().for_each(&change);
            return Ok(document.layers.len());
        }
        let mut count = 0;
        for name in names.split(',').map(str::trim) {
            let layer = document.layers.get_mut(name);
            change(layer.ok_or_else(|| format!("there is no layer {name}"))?);
            count += 1;
        }
        Ok(count)
    }

    /// `false` for one that there is.
    fn add_layer(&mut self, name: &str) -> Result<bool, Fault> {
        let is_name = (1..=SCRIPT_NAME_BYTES_MAX).contains(&name.len())
            && !name.contains(|letter: char| letter.is_control() || NOT_IN_NAMES.contains(&letter));
        if !is_name {
            return Err("this is no name of a layer".into());
        }
        if self.document.layers.contains(name) {
            return Ok(false);
        }
        if self.document.layers.len() >= SCRIPT_LAYERS_MAX {
            return Err(format!("the drawing has {SCRIPT_LAYERS_MAX} layers").into());
        }
        let document = self.changing()?;
        let mut layer = Layer::new(name);
        layer.handle = document.allocate_handle();
        let added = document.layers.add(layer);
        added
            .map(|()| true)
            .map_err(|error| error.to_string().into())
    }
}

fn words<'a>(lexer: &mut Lexer<'a>) -> Result<&'a str, Fault> {
    match lexer.word() {
        Word::Some(text) if !text.is_empty() => Ok(text),
        _ => Err("the names of layers are missing".into()),
    }
}

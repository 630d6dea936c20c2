//! JSCAD's parameter definitions, read into ours, and our values, given back as JSCAD's.

use serde_json::{Map, Number, Value as Json};
use vitrine_model::limits::STRING_LENGTH_DEFAULT;
use vitrine_model::{
    Customization, Definition, EngineError, Group, Parameter, ParameterKind, Value,
    decimals_needed, round_to_decimals,
};

use super::definition::{bad, group, optional_bool, optional_order, optional_text};

/// Decimals of a number whose definition names no step.
const DECIMALS_DEFAULT: u8 = 2;

/// Reads `getParameterDefinitions()`, with `extras` from `vitrine.parameters` laid over.
pub(super) fn read(
    lineage: &str,
    definitions: &Json,
    extras: &Json,
) -> Result<Vec<Parameter>, EngineError> {
    let list = match definitions {
        Json::Null => return Ok(Vec::new()),
        Json::Array(list) => list,
        other => {
            return Err(bad(format!(
                "getParameterDefinitions must return an array of definitions, not {}",
                short(other)
            )));
        }
    };
    let mut parameters = Vec::new();
    let mut current: Option<Group> = None;
    for (index, entry) in list.iter().enumerate() {
        let Json::Object(own) = entry else {
            return Err(bad(format!(
                "entry {} of getParameterDefinitions is not an object but {}",
                index + 1,
                short(entry)
            )));
        };
        let name = own.get("name").and_then(Json::as_str).map_or("", str::trim);
        if own.get("type").and_then(Json::as_str) == Some("group") {
            let caption = own.get("caption").filter(|c| !c.is_null());
            current = group(
                "the caption of a group",
                caption.unwrap_or(&Json::from(name)),
            )?;
            continue;
        }
        if name.is_empty() {
            return Err(bad(format!(
                "entry {} of getParameterDefinitions has no name; add name: '…'",
                index + 1
            )));
        }
        let mut all = own.clone();
        if let Some(Json::Object(extra)) = extras.get(name) {
            all.extend(extra.clone());
        }
        let entry = Entry {
            name,
            members: &all,
        };
        parameters.push(entry.read(lineage, current.as_ref())?);
    }
    unknown_extras(extras, &parameters)?;
    Ok(parameters)
}

fn unknown_extras(extras: &Json, parameters: &[Parameter]) -> Result<(), EngineError> {
    let Json::Object(extras) = extras else {
        return Ok(());
    };
    match extras
        .keys()
        .find(|key| !parameters.iter().any(|p| p.name == **key))
    {
        None => Ok(()),
        Some(stranger) => Err(bad(format!(
            "vitrine.parameters names '{stranger}', but getParameterDefinitions has no such parameter"
        ))),
    }
}

fn short(value: &Json) -> String {
    let text = value.to_string();
    if text.chars().count() <= 60 {
        return text;
    }
    text.chars().take(60).chain("…".chars()).collect()
}

/// One definition.
struct Entry<'a> {
    name: &'a str,
    members: &'a Map<String, Json>,
}

impl Entry<'_> {
    fn member(&self, name: &str) -> &Json {
        self.members.get(name).unwrap_or(&Json::Null)
    }

    fn initial(&self) -> &Json {
        let initial = self.member("initial");
        if initial.is_null() {
            self.member("default")
        } else {
            initial
        }
    }

    fn place(&self, member: &str) -> String {
        format!("{member} of parameter '{}'", self.name)
    }

    fn bad(&self, message: impl std::fmt::Display) -> EngineError {
        bad(format!("parameter '{}': {message}", self.name))
    }

    fn read(&self, lineage: &str, current: Option<&Group>) -> Result<Parameter, EngineError> {
        let (kind, default) = self.kind()?;
        let title = self.member("displayname");
        let title = if title.is_null() {
            self.member("caption")
        } else {
            title
        };
        let own_group = group(&self.place("group"), self.member("group"))?;
        Ok(Parameter {
            group: own_group.or_else(|| current.cloned()),
            order: optional_order(&self.place("order"), self.member("order"))?,
            tooltip: optional_text(&self.place("tooltip"), self.member("tooltip"))?,
            displayname: optional_text(&self.place("caption"), title)?,
            hidden: optional_bool(&self.place("hidden"), self.member("hidden"))?,
            ..Parameter::new(lineage, self.name, kind, default)
        })
    }

    fn kind(&self) -> Result<(ParameterKind, Value), EngineError> {
        let word = self.member("type").as_str().unwrap_or("text");
        match word {
            "int" => self.int(None),
            "float" | "number" => self.float(),
            "slider" => self.slider(),
            "checkbox" => self.checkbox(),
            "choice" | "radio" => self.choice(),
            "text" | "email" | "url" | "password" | "date" => self.text(),
            "color" => self.color(),
            other => Err(self.bad(format_args!(
                "the type '{other}' is unknown; use int, float, number, slider, checkbox, choice, radio, text, \
                 color, date, email, url, password or group"
            ))),
        }
    }

    /// A number, or a text that is one.
    fn number(&self, member: &str) -> Result<Option<f64>, EngineError> {
        let value = if member == "initial" {
            self.initial()
        } else {
            self.member(member)
        };
        let number = match value {
            Json::Null => return Ok(None),
            Json::Number(number) => number.as_f64(),
            Json::String(text) => text.trim().parse().ok().filter(|n: &f64| n.is_finite()),
            _ => None,
        };
        number.map(Some).ok_or_else(|| {
            self.bad(format_args!(
                "{member} must be a number, not {}",
                short(value)
            ))
        })
    }

    fn whole(&self, member: &str) -> Result<Option<i64>, EngineError> {
        let Some(number) = self.number(member)? else {
            return Ok(None);
        };
        if number.fract() != 0.0 || number.abs() > 9e15 {
            return Err(self.bad(format_args!(
                "{member} must be a whole number, not {number}"
            )));
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole and far within the range"
        )]
        Ok(Some(number as i64))
    }

    fn int(&self, step_default: Option<i64>) -> Result<(ParameterKind, Value), EngineError> {
        let (min, max) = (self.whole("min")?, self.whole("max")?);
        let even = optional_bool(&self.place("even"), self.member("even"))?;
        let odd = optional_bool(&self.place("odd"), self.member("odd"))?;
        let fallback = || {
            let start = min.unwrap_or(0).max(max.map_or(i64::MIN, |max| max.min(0)));
            start + i64::from((even && start % 2 != 0) || (odd && start % 2 == 0))
        };
        let default = self.whole("initial")?.unwrap_or_else(fallback);
        let kind = match (even, odd) {
            (true, true) => return Err(self.bad("a number cannot be even and odd")),
            (true, false) => ParameterKind::Even { min, max },
            (false, true) => ParameterKind::Odd { min, max },
            (false, false) => ParameterKind::Int {
                min,
                max,
                step: self.whole("step")?.or(step_default),
            },
        };
        Ok((kind, Value::Int(default)))
    }

    fn float(&self) -> Result<(ParameterKind, Value), EngineError> {
        if !self.member("even").is_null() || !self.member("odd").is_null() {
            return self.int(None);
        }
        let (min, max) = (self.number("min")?, self.number("max")?);
        let (initial, step) = (self.number("initial")?, self.number("step")?);
        let default = initial.or(min).unwrap_or(0.0);
        let needed = [Some(default), min, max, step]
            .into_iter()
            .flatten()
            .map(decimals_needed);
        let least = if step.is_some() { 0 } else { DECIMALS_DEFAULT };
        let decimals = match self.whole("decimals")? {
            Some(given) => u8::try_from(given)
                .map_err(|_| self.bad(format_args!("decimals must be 0 to 10, not {given}")))?,
            None => needed.max().unwrap_or(0).max(least),
        };
        let round = |value: f64| round_to_decimals(value, decimals);
        let kind = ParameterKind::Float {
            min: min.map(round),
            max: max.map(round),
            decimals,
        };
        Ok((kind, Value::Float(round(default))))
    }

    fn slider(&self) -> Result<(ParameterKind, Value), EngineError> {
        let step = self.number("step")?.unwrap_or(1.0);
        let mut numbers = vec![step];
        for member in ["min", "max", "initial"] {
            numbers.extend(self.number(member)?);
        }
        if numbers.iter().all(|n| n.fract() == 0.0) && self.member("decimals").is_null() {
            self.int(Some(1))
        } else {
            self.float()
        }
    }

    fn checkbox(&self) -> Result<(ParameterKind, Value), EngineError> {
        let checked = self.member("checked");
        let value = if checked.is_null() {
            self.initial()
        } else {
            checked
        };
        let yes = match value {
            Json::Null => false,
            Json::Bool(yes) => *yes,
            Json::String(text) => matches!(text.as_str(), "checked" | "true" | "on" | "1"),
            Json::Number(number) => number.as_f64() != Some(0.0),
            other => {
                return Err(self.bad(format_args!(
                    "checked must be true or false, not {}",
                    short(other)
                )));
            }
        };
        Ok((ParameterKind::Bool, Value::Bool(yes)))
    }

    fn choice(&self) -> Result<(ParameterKind, Value), EngineError> {
        let values = self
            .member("values")
            .as_array()
            .cloned()
            .unwrap_or_default();
        let captions = self
            .member("captions")
            .as_array()
            .cloned()
            .unwrap_or_default();
        let values = if values.is_empty() {
            captions.clone()
        } else {
            values
        };
        if values.is_empty() {
            return Err(self.bad("a choice needs values: ['…', '…']"));
        }
        if !captions.is_empty() && captions.len() != values.len() {
            return Err(self.bad(format_args!(
                "there are {} values but {} captions; give one caption for each value",
                values.len(),
                captions.len()
            )));
        }
        let labels = if captions.is_empty() {
            &values
        } else {
            &captions
        };
        let choices: Vec<String> = labels.iter().map(plain_text).collect();
        let initial = self.initial();
        let found = if initial.is_null() {
            Some(0)
        } else {
            let wanted = plain_text(initial);
            let same = |value: &Json| plain_text(value) == wanted;
            values
                .iter()
                .position(same)
                .or_else(|| choices.iter().position(|c| *c == wanted))
        };
        let index = found
            .and_then(|index| u32::try_from(index).ok())
            .ok_or_else(|| {
                self.bad(format_args!(
                    "initial {} is not one of the values",
                    short(initial)
                ))
            })?;
        let kind = ParameterKind::StringList {
            choices,
            multiple: false,
            values,
        };
        Ok((kind, Value::Choice(vec![index])))
    }

    fn text(&self) -> Result<(ParameterKind, Value), EngineError> {
        let initial = match self.initial() {
            Json::Null => String::new(),
            value => plain_text(value),
        };
        let max_length = match self.whole("maxLength")? {
            None => STRING_LENGTH_DEFAULT,
            Some(length) => u32::try_from(length)
                .map_err(|_| self.bad(format_args!("maxLength must not be {length}")))?,
        };
        Ok((ParameterKind::String { max_length }, Value::Text(initial)))
    }

    fn color(&self) -> Result<(ParameterKind, Value), EngineError> {
        let initial = self.initial();
        let color = match initial {
            Json::Null => Some([0, 0, 0, 255]),
            Json::String(text) => hex_color(text),
            Json::Array(parts) => unit_color(parts),
            _ => None,
        };
        let color = color.ok_or_else(|| {
            self.bad(format_args!(
                "initial must be a colour such as '#b5894f', not {}",
                short(initial)
            ))
        })?;
        Ok((ParameterKind::Color, Value::Color(color)))
    }
}

fn plain_text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn hex_color(text: &str) -> Option<[u8; 4]> {
    let digits = text.trim().strip_prefix('#')?;
    let digits = if digits.len() == 3 && digits.is_ascii() {
        digits.chars().flat_map(|c| [c, c]).collect()
    } else {
        digits.to_owned()
    };
    let part = |i: usize| u8::from_str_radix(digits.get(2 * i..2 * i + 2)?, 16).ok();
    match digits.len() {
        6 => Some([part(0)?, part(1)?, part(2)?, 255]),
        8 => Some([part(0)?, part(1)?, part(2)?, part(3)?]),
        _ => None,
    }
}

fn unit_color(parts: &[Json]) -> Option<[u8; 4]> {
    let mut color = [0, 0, 0, 255];
    if parts.len() < 3 || parts.len() > 4 {
        return None;
    }
    for (to, from) in color.iter_mut().zip(parts) {
        let part = from.as_f64().filter(|p| (0.0..=1.0).contains(p))?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to 255"
        )]
        {
            *to = (part * 255.0).round() as u8;
        }
    }
    Some(color)
}

/// The values as the script reads them in `params`.
pub(super) fn for_script(definition: &Definition, values: &Customization) -> Json {
    let member = |parameter: &Parameter| {
        let value = values.get(&parameter.id).unwrap_or(&parameter.default);
        (parameter.name.clone(), script_value(parameter, value))
    };
    Json::Object(definition.parameters.iter().map(member).collect())
}

fn script_value(parameter: &Parameter, value: &Value) -> Json {
    match value {
        Value::Int(number) => Json::from(*number),
        Value::Float(number) => Number::from_f64(*number).map_or(Json::Null, Json::Number),
        Value::Bool(yes) => Json::Bool(*yes),
        Value::Text(text) => Json::from(text.as_str()),
        Value::Choice(chosen) => chosen_value(&parameter.kind, chosen),
        Value::Color([r, g, b, 255]) => Json::from(format!("#{r:02x}{g:02x}{b:02x}")),
        Value::Color([r, g, b, a]) => Json::from(format!("#{r:02x}{g:02x}{b:02x}{a:02x}")),
        Value::File(file) => Json::from(file.clone()),
    }
}

fn chosen_value(kind: &ParameterKind, chosen: &[u32]) -> Json {
    let ParameterKind::StringList {
        choices,
        multiple,
        values,
    } = kind
    else {
        return Json::Null;
    };
    let one = |index: &u32| {
        let index = usize::try_from(*index).unwrap_or(usize::MAX);
        let label = choices
            .get(index)
            .map_or(Json::Null, |label| Json::from(label.as_str()));
        values.get(index).cloned().unwrap_or(label)
    };
    if *multiple {
        return Json::Array(chosen.iter().map(one).collect());
    }
    chosen.first().map_or(Json::Null, one)
}

//! Commands that add, change and write.

use acadrust::entities::{Circle, EntityType, Line, LwPolyline, Point, Text};
use acadrust::types::{Handle, Matrix4, Transform, Vector2, Vector3};

use super::lexer::{Lexer, Word};
use super::selection::colour;
use super::{Fault, OutputForm, Run, is_file_name};
use crate::convert::Release;
use crate::limits::SCRIPT_ENTITIES_MAX;

impl Run<'_> {
    /// Does one command; the answer is for the log.
    pub(super) fn command(&mut self, name: &str, lexer: &mut Lexer<'_>) -> Result<String, Fault> {
        match name {
            "-LAYER" => self.layers(lexer),
            "LINE" => self.line(lexer),
            "PLINE" => self.polyline(lexer),
            "CIRCLE" => {
                let center = self.point(lexer)?;
                let radius = positive(lexer, "radius")?;
                self.add(EntityType::Circle(Circle::from_center_radius(
                    center, radius,
                )))?;
                Ok("1 entity".to_owned())
            }
            "POINT" => {
                let mut point = Point::new();
                point.location = self.point(lexer)?;
                self.add(EntityType::Point(point))?;
                Ok("1 entity".to_owned())
            }
            "TEXT" => self.text_line(lexer),
            "ERASE" => {
                let chosen = self.selection(lexer)?;
                let document = self.changing()?;
                for handle in &chosen {
                    document.remove_entity(*handle);
                }
                Ok(counted(chosen.len()))
            }
            "MOVE" | "COPY" | "ROTATE" | "SCALE" => self.transform(name, lexer),
            "CHPROP" => self.properties(lexer),
            "DOSAVEAS" => self.save_as(lexer),
            _ => Err("there is no such command".into()),
        }
    }

    fn add(&mut self, mut entity: EntityType) -> Result<(), Fault> {
        entity.common_mut().layer.clone_from(&self.layer);
        let document = self.changing()?;
        if document.entity_count() >= SCRIPT_ENTITIES_MAX {
            return Err(format!("the drawing has {SCRIPT_ENTITIES_MAX} entities").into());
        }
        let added = document
            .add_entity(entity)
            .map_err(|error| error.to_string())?;
        self.last_added = Some(added);
        Ok(())
    }

    fn line(&mut self, lexer: &mut Lexer<'_>) -> Result<String, Fault> {
        let (mut from, mut count) = (self.point(lexer)?, 0);
        while let Some(to) = self.next_point(lexer)? {
            self.add(EntityType::Line(Line::from_points(from, to)))?;
            (from, count) = (to, count + 1);
        }
        Ok(counted(count))
    }

    fn polyline(&mut self, lexer: &mut Lexer<'_>) -> Result<String, Fault> {
        let first = self.point(lexer)?;
        let mut points = vec![Vector2::new(first.x, first.y)];
        let mut line = LwPolyline::new();
        loop {
            match lexer.word() {
                Word::Some(word) if word.trim_start_matches('_').eq_ignore_ascii_case("c") => {
                    line.is_closed = true;
                    break;
                }
                Word::Some(word) => {
                    let point = self.read_point(word)?;
                    points.push(Vector2::new(point.x, point.y));
                }
                Word::Enter => break,
                Word::End => return Err(ended()),
            }
        }
        if points.len() < 2 {
            return Err("a polyline has two points or more".into());
        }
        line.vertices = LwPolyline::from_points(points).vertices;
        self.add(EntityType::LwPolyline(line))?;
        Ok("1 entity".to_owned())
    }

    fn text_line(&mut self, lexer: &mut Lexer<'_>) -> Result<String, Fault> {
        let mut text = Text::new();
        text.insertion_point = self.point(lexer)?;
        text.height = positive(lexer, "height")?;
        text.rotation = number(lexer, "angle")?.to_radians();
        let value = lexer.text().filter(|value| !value.is_empty());
        value
            .ok_or("the text is missing")?
            .clone_into(&mut text.value);
        self.add(EntityType::Text(text))?;
        Ok("1 entity".to_owned())
    }

    fn transform(&mut self, name: &str, lexer: &mut Lexer<'_>) -> Result<String, Fault> {
        let chosen = self.selection(lexer)?;
        let base = self.point(lexer)?;
        let around = |inner: Matrix4| {
            Matrix4::translation(base.x, base.y, base.z)
                * inner
                * Matrix4::translation(-base.x, -base.y, -base.z)
        };
        let matrix = match name {
            "ROTATE" => around(Matrix4::rotation_z(number(lexer, "angle")?.to_radians())),
            "SCALE" => {
                let factor = positive(lexer, "factor")?;
                around(Matrix4::scaling(factor, factor, factor))
            }
            _ => {
                let to = self.point(lexer)?;
                Matrix4::translation(to.x - base.x, to.y - base.y, to.z - base.z)
            }
        };
        let transform = Transform::from_matrix(matrix);
        for handle in &chosen {
            if name == "COPY" {
                self.copy(*handle, &transform)?;
            } else {
                self.place(*handle, &transform)?;
            }
        }
        Ok(counted(chosen.len()))
    }

    fn place(&mut self, handle: Handle, by: &Transform) -> Result<(), Fault> {
        let document = self.changing()?;
        let Some(entity) = document.get_entity_mut(handle) else {
            return Ok(());
        };
        if matches!(
            entity,
            EntityType::Dimension(_) | EntityType::Unknown(_) | EntityType::Extended(_)
        ) {
            return Err(format!("a {} cannot be moved by a script", kind(entity)).into());
        }
        entity.as_entity_mut().apply_transform(by);
        Ok(())
    }

    fn copy(&mut self, handle: Handle, by: &Transform) -> Result<(), Fault> {
        let Some(entity) = self.document.get_entity(handle) else {
            return Ok(());
        };
        let is_plain = match entity {
            EntityType::Insert(insert) => insert.attributes.is_empty(),
            EntityType::Line(_)
            | EntityType::Circle(_)
            | EntityType::Arc(_)
            | EntityType::Ellipse(_)
            | EntityType::LwPolyline(_)
            | EntityType::Point(_)
            | EntityType::Text(_)
            | EntityType::MText(_)
            | EntityType::Spline(_)
            | EntityType::Solid(_)
            | EntityType::Hatch(_) => true,
            _ => false,
        };
        if !is_plain {
            return Err(format!("a {} cannot be copied by a script", kind(entity)).into());
        }
        let mut copy = entity.clone();
        let common = copy.common_mut();
        common.handle = Handle::NULL;
        common.owner_handle = Handle::NULL;
        common.xdictionary_handle = None;
        common.reactors.clear();
        let layer = common.layer.clone();
        copy.as_entity_mut().apply_transform(by);
        let current = std::mem::replace(&mut self.layer, layer);
        let added = self.add(copy);
        self.layer = current;
        added
    }

    fn properties(&mut self, lexer: &mut Lexer<'_>) -> Result<String, Fault> {
        let chosen = self.selection(lexer)?;
        loop {
            let option = match lexer.word() {
                Word::Some(word) => word.trim_start_matches('_').to_ascii_uppercase(),
                Word::Enter => return Ok(counted(chosen.len())),
                Word::End => return Err(ended()),
            };
            match option.as_str() {
                "LA" | "LAYER" => {
                    let Word::Some(name) = lexer.word() else {
                        return Err("the name of the layer is missing".into());
                    };
                    let layer = self.document.layers.get(name);
                    let name = layer
                        .ok_or_else(|| format!("there is no layer {name}"))?
                        .name
                        .clone();
                    self.each_of(&chosen, |entity| {
                        name.clone_into(&mut entity.common_mut().layer);
                    })?;
                }
                "C" | "COLOR" => {
                    let Word::Some(word) = lexer.word() else {
                        return Err("the colour is missing".into());
                    };
                    let colour = colour(word)?;
                    self.each_of(&chosen, |entity| entity.common_mut().color = colour)?;
                }
                _ => return Err("the properties are LAYER and COLOR".into()),
            }
        }
    }

    fn each_of(
        &mut self,
        chosen: &[Handle],
        change: impl Fn(&mut EntityType),
    ) -> Result<(), Fault> {
        let document = self.changing()?;
        for handle in chosen {
            if let Some(entity) = document.get_entity_mut(*handle) {
                change(entity);
            }
        }
        Ok(())
    }

    /// Name, `_F`, form, release (DXF and DWG), folder, `1` for the API server or `0` for the bucket.
    fn save_as(&mut self, lexer: &mut Lexer<'_>) -> Result<String, Fault> {
        let name = lexer.text().unwrap_or_default();
        if !is_file_name(name) {
            return Err("the name of the file is none: no folder, and no dot to begin with".into());
        }
        let mut word = |what: &str| match lexer.word() {
            Word::Some(word) => Ok(word.trim_start_matches('_')),
            Word::Enter | Word::End => Err(Fault::from(format!("the {what} is missing"))),
        };
        if !word("option F")?.eq_ignore_ascii_case("f") {
            return Err("behind the name stands F and the form".into());
        }
        let form = OutputForm::of_word(word("form")?);
        let form = form.ok_or("the form is DXF, DWG, SVG, PDF or PNG")?;
        let release = if form.has_release() {
            let release: Option<Release> = Release::of_word(word("release")?);
            Some(release.ok_or(Release::WORDS)?)
        } else {
            None
        };
        let folder = lexer.text().ok_or_else(ended)?.to_owned();
        let upload = match lexer.word() {
            Word::Some("1") => Some(folder),
            Word::Some("0") => None,
            _ => return Err("1 gives the file to the API server, 0 to the bucket".into()),
        };
        self.save(name, form, release, upload)?;
        Ok(format!("{} is written", form.as_str()))
    }

    /// `X,Y`, `X,Y,Z`, `@X,Y` from the point before, `@LENGTH<ANGLE`.
    fn point(&mut self, lexer: &mut Lexer<'_>) -> Result<Vector3, Fault> {
        match lexer.word() {
            Word::Some(word) => self.read_point(word),
            Word::Enter | Word::End => Err("a point is missing".into()),
        }
    }

    fn next_point(&mut self, lexer: &mut Lexer<'_>) -> Result<Option<Vector3>, Fault> {
        match lexer.word() {
            Word::Some(word) => self.read_point(word).map(Some),
            Word::Enter => Ok(None),
            Word::End => Err(ended()),
        }
    }

    fn read_point(&mut self, word: &str) -> Result<Vector3, Fault> {
        let wrong = || Fault::from("a point is X,Y or X,Y,Z or @X,Y or @LENGTH<ANGLE");
        let (text, from) = match word.strip_prefix('@') {
            Some(text) => (text, self.last_point),
            None => (word, [0.0; 3]),
        };
        let parts: Vec<f64> = if let Some((length, angle)) = text.split_once('<') {
            let length = read_number(length).ok_or_else(wrong)?;
            let angle = read_number(angle).ok_or_else(wrong)?.to_radians();
            vec![length * angle.cos(), length * angle.sin()]
        } else {
            let parts = text.split(',').map(read_number);
            parts.collect::<Option<_>>().ok_or_else(wrong)?
        };
        if !(2..=3).contains(&parts.len()) {
            return Err(wrong());
        }
        let at = |axis: usize| parts.get(axis).copied().unwrap_or(0.0) + from[axis];
        self.last_point = [at(0), at(1), at(2)];
        let [x, y, z] = self.last_point;
        Ok(Vector3::new(x, y, z))
    }
}

/// Coordinates are finite, and far from where numbers lose their digits.
fn read_number(text: &str) -> Option<f64> {
    let number: f64 = text.trim().parse().ok()?;
    (number.abs() <= 1e12).then_some(number)
}

fn number(lexer: &mut Lexer<'_>, what: &str) -> Result<f64, Fault> {
    match lexer.word() {
        Word::Some(word) => {
            read_number(word).ok_or_else(|| format!("the {what} is no number").into())
        }
        Word::Enter | Word::End => Err(format!("the {what} is missing").into()),
    }
}

fn positive(lexer: &mut Lexer<'_>, what: &str) -> Result<f64, Fault> {
    let number = number(lexer, what)?;
    if number > 0.0 {
        return Ok(number);
    }
    Err(format!("the {what} is above zero").into())
}

fn kind(entity: &EntityType) -> String {
    entity.as_entity().entity_type().to_owned()
}

fn counted(count: usize) -> String {
    if count == 1 {
        "1 entity".to_owned()
    } else {
        format!("{count} entities")
    }
}

fn ended() -> Fault {
    "the script ends before the command does".into()
}

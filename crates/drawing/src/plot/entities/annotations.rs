//! Texts.

use acadrust::entities::{
    AttachmentPoint as A, AttributeDefinition, AttributeEntity, EntityType, HorizontalAlignment,
    MText, Text, TextHorizontalAlignment, TextVerticalAlignment, VerticalAlignment,
};
use acadrust::types::{Matrix4, Vector3};

use super::super::text::{self, Look};
use super::super::{Mark, Paint};
use super::shapes::plane;
use super::{Painter, Place, Style};
use crate::DrawingError;

/// The middle of small letters, in heights of capitals.
const MIDDLE: f64 = 0.5;
/// How far letters reach below the line, in heights of capitals.
const BELOW: f64 = -0.32;
/// Bits of a text's flags: written backwards, upside down.
const BACKWARDS: i16 = 2;
const UPSIDE_DOWN: i16 = 4;

/// A line of text, whichever entity it comes from.
struct Words<'a> {
    value: &'a str,
    start: Vector3,
    aligned: Vector3,
    height: f64,
    rotation: f64,
    width: f64,
    lean: f64,
    flags: i16,
    normal: Vector3,
    across: Across,
    up: Up,
}

#[derive(Clone, Copy, PartialEq)]
enum Across {
    Left,
    Center,
    Right,
    Aligned,
    Middle,
    Fit,
}

#[derive(Clone, Copy, PartialEq)]
enum Up {
    Baseline,
    Bottom,
    Middle,
    Top,
}

impl Painter<'_> {
    pub(super) fn words(
        &mut self,
        entity: &EntityType,
        style: &Style,
        place: &Place,
    ) -> Result<(), DrawingError> {
        match entity {
            EntityType::Text(text) => self.line(&of_text(text), style, place),
            EntityType::MText(text) => self.paragraphs(text, style, place),
            EntityType::AttributeEntity(attribute) if !attribute.flags.invisible => {
                match &attribute.embedded_mtext {
                    Some(text) => self.paragraphs(text, style, place),
                    None => self.line(&of_attribute(attribute), style, place),
                }
            }
            EntityType::AttributeDefinition(definition) if !definition.flags.invisible => {
                self.line(&of_definition(definition), style, place)
            }
            _ => Ok(()),
        }
    }

    fn line(
        &mut self,
        words: &Words<'_>,
        style: &Style,
        place: &Place,
    ) -> Result<(), DrawingError> {
        let value = text::plain(words.value);
        let usual = text::width(&value) * words.height * words.width;
        let (mut height, mut width, mut rotation) = (words.height, words.width, words.rotation);
        let by_start = words.across == Across::Left && words.up == Up::Baseline;
        let mut at = if by_start { words.start } else { words.aligned };
        let mut across: f64 = match words.across {
            Across::Left => 0.0,
            Across::Center | Across::Middle => 0.5,
            Across::Right => 1.0,
            Across::Aligned | Across::Fit => {
                // Between two points: as wide as they are apart.
                let way = words.aligned - words.start;
                let wide = way.x.hypot(way.y);
                if wide > 0.0 && usual > 0.0 {
                    rotation = way.y.atan2(way.x);
                    width *= wide / usual;
                    if words.across == Across::Aligned {
                        height *= wide / usual;
                        width = words.width;
                    }
                }
                at = words.start;
                0.0
            }
        };
        let up = match (words.across, words.up) {
            (Across::Middle, _) | (_, Up::Middle) => MIDDLE,
            (Across::Aligned | Across::Fit, _) | (_, Up::Baseline) => 0.0,
            (_, Up::Bottom) => BELOW,
            (_, Up::Top) => 1.0,
        };
        if words.flags & BACKWARDS != 0 {
            width = -width;
            across = -across;
        }
        let turned = if words.flags & UPSIDE_DOWN == 0 {
            Matrix4::identity()
        } else {
            Matrix4::scaling(1.0, -1.0, 1.0)
        };
        let frame = place.to_drawing
            * plane(words.normal)
            * Matrix4::translation(at.x, at.y, at.z)
            * Matrix4::rotation_z(rotation)
            * turned;
        let look = Look {
            height,
            width,
            lean: words.lean,
            across: across.abs(),
            up,
        };
        let steps = text::line(&value, look, &frame);
        self.scene.add(Mark {
            steps,
            paint: Paint::Fill,
            colour: style.colour,
        })
    }

    fn paragraphs(&mut self, of: &MText, style: &Style, place: &Place) -> Result<(), DrawingError> {
        let room = (of.rectangle_width > 0.0).then(|| of.rectangle_width / of.height);
        let lines = text::lines(&of.value, room);
        let step = text::line_step(of.line_spacing_factor) * of.height;
        let below = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX)) * step;
        let whole = below(lines.len().saturating_sub(1)) + of.height;
        let across = match of.attachment_point {
            A::TopLeft | A::MiddleLeft | A::BottomLeft => 0.0,
            A::TopCenter | A::MiddleCenter | A::BottomCenter => 0.5,
            A::TopRight | A::MiddleRight | A::BottomRight => 1.0,
        };
        let top = match of.attachment_point {
            A::TopLeft | A::TopCenter | A::TopRight => 0.0,
            A::MiddleLeft | A::MiddleCenter | A::MiddleRight => whole / 2.0,
            A::BottomLeft | A::BottomCenter | A::BottomRight => whole,
        };
        let at = of.insertion_point;
        let frame = place.to_drawing
            * Matrix4::translation(at.x, at.y, at.z)
            * plane(of.normal)
            * Matrix4::rotation_z(of.rotation);
        for (number, line) in lines.iter().enumerate() {
            let foot = top - of.height - below(number);
            let frame = frame * Matrix4::translation(0.0, foot, 0.0);
            let look = Look {
                height: of.height,
                width: 1.0,
                lean: 0.0,
                across,
                up: 0.0,
            };
            let steps = text::line(line, look, &frame);
            self.scene.add(Mark {
                steps,
                paint: Paint::Fill,
                colour: style.colour,
            })?;
        }
        Ok(())
    }
}

fn of_text(text: &Text) -> Words<'_> {
    use TextHorizontalAlignment as H;
    use TextVerticalAlignment as V;
    Words {
        value: &text.value,
        start: text.insertion_point,
        aligned: text.alignment_point.unwrap_or(text.insertion_point),
        height: text.height,
        rotation: text.rotation,
        width: text.width_factor,
        lean: text.oblique_angle,
        flags: text.generation_flags,
        normal: text.normal,
        across: match text.horizontal_alignment {
            H::Left => Across::Left,
            H::Center => Across::Center,
            H::Right => Across::Right,
            H::Aligned => Across::Aligned,
            H::Middle => Across::Middle,
            H::Fit => Across::Fit,
        },
        up: match text.vertical_alignment {
            V::Baseline => Up::Baseline,
            V::Bottom => Up::Bottom,
            V::Middle => Up::Middle,
            V::Top => Up::Top,
        },
    }
}

fn of_attribute(attribute: &AttributeEntity) -> Words<'_> {
    Words {
        value: &attribute.value,
        start: attribute.insertion_point,
        aligned: attribute.alignment_point,
        height: attribute.height,
        rotation: attribute.rotation,
        width: attribute.width_factor,
        lean: attribute.oblique_angle,
        flags: attribute.text_generation_flags,
        normal: attribute.normal,
        across: across(attribute.horizontal_alignment),
        up: up(attribute.vertical_alignment),
    }
}

/// One that stands in no block shows its name.
fn of_definition(definition: &AttributeDefinition) -> Words<'_> {
    Words {
        value: &definition.tag,
        start: definition.insertion_point,
        aligned: definition.alignment_point,
        height: definition.height,
        rotation: definition.rotation,
        width: definition.width_factor,
        lean: definition.oblique_angle,
        flags: 0,
        normal: definition.normal,
        across: across(definition.horizontal_alignment),
        up: up(definition.vertical_alignment),
    }
}

fn across(alignment: HorizontalAlignment) -> Across {
    use HorizontalAlignment as H;
    match alignment {
        H::Left => Across::Left,
        H::Center => Across::Center,
        H::Right => Across::Right,
        H::Aligned => Across::Aligned,
        H::Middle => Across::Middle,
        H::Fit => Across::Fit,
    }
}

fn up(alignment: VerticalAlignment) -> Up {
    use VerticalAlignment as V;
    match alignment {
        V::Baseline => Up::Baseline,
        V::Bottom => Up::Bottom,
        V::Middle => Up::Middle,
        V::Top => Up::Top,
    }
}

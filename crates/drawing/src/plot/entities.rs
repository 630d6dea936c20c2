//! What each entity looks like.

mod annotations;
mod shapes;

use std::collections::HashMap;

use acadrust::CadDocument;
use acadrust::entities::EntityType;
use acadrust::types::{Color, Handle, LineWeight, Matrix4, Vector3};

use super::curves::dashed;
use super::{Endless, Mark, Paint, Point, Scene, Step, Width, seen};
use crate::DrawingError;
use crate::limits::PLOT_NESTING_MAX;

/// The width of a line that says none, millimetres.
const USUAL_WIDTH_MM: f64 = 0.25;
/// Widths that files give in hundredths of a millimetre.
const HUNDREDTHS: f64 = 100.0;
/// The layer that no program prints.
const NEVER_PRINTED: &str = "defpoints";

/// What entities in a block take from the place where it is inserted.
#[derive(Clone, Debug)]
struct Place {
    to_drawing: Matrix4,
    layer: Option<String>,
    colour: [u8; 3],
    width_mm: f64,
    depth: usize,
}

/// How an entity's lines look.
#[derive(Clone, Debug)]
struct Style {
    colour: [u8; 3],
    width_mm: f64,
    /// Lengths of dashes, and of gaps below zero.
    dashes: Vec<f64>,
}

/// All that is to be seen of model space.
pub(super) fn scene(document: &mut CadDocument) -> Result<Scene, DrawingError> {
    let parts = parts(document);
    let mut painter = Painter {
        document,
        parts,
        scene: Scene::default(),
    };
    let place = Place {
        to_drawing: Matrix4::identity(),
        layer: None,
        colour: [0; 3],
        width_mm: USUAL_WIDTH_MM,
        depth: 0,
    };
    for entity in document.model_space_entities() {
        painter.entity(entity, &place)?;
    }
    Ok(painter.scene)
}

/// What needs the drawing's styles to be taken apart: done first, for the drawing is only read later.
fn parts(document: &mut CadDocument) -> HashMap<Handle, Vec<EntityType>> {
    let whole: Vec<EntityType> = document
        .entities()
        .filter(|entity| match entity {
            EntityType::Dimension(dimension) => {
                picture(document, &dimension.base().block_name).is_none()
            }
            EntityType::MLine(_) | EntityType::MultiLeader(_) => true,
            _ => false,
        })
        .cloned()
        .collect();
    whole
        .iter()
        .map(|entity| (entity.common().handle, document.explode_entity(entity)))
        .collect()
}

/// The block with what a dimension or table looks like, unless it is empty.
fn picture<'d>(document: &'d CadDocument, name: &str) -> Option<&'d [Handle]> {
    let block = document.block_records.get(name)?;
    (!block.entity_handles.is_empty()).then_some(&block.entity_handles)
}

struct Painter<'d> {
    document: &'d CadDocument,
    parts: HashMap<Handle, Vec<EntityType>>,
    scene: Scene,
}

impl Painter<'_> {
    fn entity(&mut self, entity: &EntityType, place: &Place) -> Result<(), DrawingError> {
        let common = entity.common();
        let layer = match &place.layer {
            Some(inherited) if common.layer == "0" => inherited.clone(),
            _ => common.layer.clone(),
        };
        let shown = self
            .document
            .layers
            .get(&layer)
            .is_none_or(|layer| !layer.flags.off && !layer.flags.frozen && layer.is_plottable);
        if common.invisible || !shown || layer.eq_ignore_ascii_case(NEVER_PRINTED) {
            return Ok(());
        }
        let style = self.style(entity, &layer, place);
        match entity {
            EntityType::Insert(insert) => self.insert(insert, &layer, &style, place),
            EntityType::Dimension(dimension) => {
                let name = dimension.base().block_name.clone();
                self.pictured(entity, &name, &layer, &style, place)
            }
            EntityType::Text(_)
            | EntityType::MText(_)
            | EntityType::AttributeEntity(_)
            | EntityType::AttributeDefinition(_) => self.words(entity, &style, place),
            EntityType::Ray(_)
            | EntityType::XLine(_)
            | EntityType::Block(_)
            | EntityType::BlockEnd(_)
            | EntityType::Viewport(_)
            | EntityType::Seqend(_)
            | EntityType::Light(_)
            | EntityType::Wipeout(_)
            | EntityType::Unknown(_) => {
                self.endless(entity, &style, place);
                Ok(())
            }
            entity => {
                if self.shape(entity, &style, place)? {
                    return Ok(());
                }
                self.pieces(entity, &layer, &style, place)
            }
        }
    }

    /// What a block looks like where it is inserted, as often as it is.
    fn insert(
        &mut self,
        insert: &acadrust::entities::Insert,
        layer: &str,
        style: &Style,
        place: &Place,
    ) -> Result<(), DrawingError> {
        for attribute in &insert.attributes {
            let entity = EntityType::AttributeEntity(attribute.clone());
            self.entity(&entity, &within(layer, style, place, place.to_drawing)?)?;
        }
        let Some(block) = self.document.block_records.get(&insert.block_name) else {
            return Ok(());
        };
        let base = match self.document.get_entity(block.block_entity_handle) {
            Some(EntityType::Block(block)) => block.base_point,
            _ => Vector3::ZERO,
        };
        let handles = block.entity_handles.clone();
        let own = insert.get_transform().matrix;
        let to_base = Matrix4::translation(-base.x, -base.y, -base.z);
        for row in 0..insert.row_count.max(1) {
            for column in 0..insert.column_count.max(1) {
                let (x, y) = (
                    f64::from(column) * insert.column_spacing,
                    f64::from(row) * insert.row_spacing,
                );
                // The grid is turned with the block and not scaled with it.
                let (sin, cos) = insert.rotation.sin_cos();
                let step = Matrix4::translation(x * cos - y * sin, x * sin + y * cos, 0.0);
                let inner = place.to_drawing * step * own * to_base;
                self.block(&handles, &within(layer, style, place, inner)?)?;
            }
        }
        Ok(())
    }

    fn block(&mut self, handles: &[Handle], place: &Place) -> Result<(), DrawingError> {
        // Nested blocks may be empty and many all the same.
        self.scene.count(1)?;
        for handle in handles {
            let Some(entity) = self.document.get_entity(*handle) else {
                continue;
            };
            if !matches!(entity, EntityType::AttributeDefinition(_)) {
                self.entity(entity, place)?;
            }
        }
        Ok(())
    }

    /// An entity whose looks the drawing keeps in a block of its own.
    fn pictured(
        &mut self,
        entity: &EntityType,
        name: &str,
        layer: &str,
        style: &Style,
        place: &Place,
    ) -> Result<(), DrawingError> {
        let Some(handles) = picture(self.document, name) else {
            return self.pieces(entity, layer, style, place);
        };
        let handles = handles.to_vec();
        let inner = within(layer, style, place, place.to_drawing)?;
        self.block(&handles, &inner)
    }

    /// An entity that is made of others.
    fn pieces(
        &mut self,
        entity: &EntityType,
        layer: &str,
        style: &Style,
        place: &Place,
    ) -> Result<(), DrawingError> {
        let pieces = match self.parts.get(&entity.common().handle) {
            Some(parts) => parts.clone(),
            None => entity.explode(),
        };
        if pieces.is_empty() {
            return Ok(());
        }
        let inner = within(layer, style, place, place.to_drawing)?;
        for piece in &pieces {
            // One that comes to pieces of its own kind would never end.
            if std::mem::discriminant(piece) != std::mem::discriminant(entity) {
                self.entity(piece, &inner)?;
            }
        }
        Ok(())
    }

    fn style(&self, entity: &EntityType, layer: &str, place: &Place) -> Style {
        let common = entity.common();
        let layer = self.document.layers.get(layer);
        let colour = match common.color {
            Color::ByLayer | Color::None => {
                layer.map_or([0; 3], |layer| on_paper(layer.color).unwrap_or([0; 3]))
            }
            Color::ByBlock => place.colour,
            own => on_paper(own).unwrap_or([0; 3]),
        };
        let width = match common.line_weight {
            LineWeight::ByLayer => layer.map_or(LineWeight::Default, |layer| layer.line_weight),
            own => own,
        };
        let width_mm = match width {
            LineWeight::Value(width) => f64::from(width) / HUNDREDTHS,
            LineWeight::ByBlock => place.width_mm,
            LineWeight::ByLayer | LineWeight::Default => USUAL_WIDTH_MM,
        };
        let by_layer =
            common.linetype.is_empty() || common.linetype.eq_ignore_ascii_case("bylayer");
        let pattern = match layer {
            Some(layer) if by_layer => layer.line_type.as_str(),
            _ => common.linetype.as_str(),
        };
        let scale = self.document.header.linetype_scale * common.linetype_scale;
        let pattern = self.document.line_types.get(pattern);
        let dashes = pattern.map_or_else(Vec::new, |pattern| {
            let lengths = pattern
                .elements
                .iter()
                .map(|element| element.length * scale);
            lengths.collect()
        });
        Style {
            colour,
            width_mm,
            dashes,
        }
    }

    /// A line through points of the drawing.
    fn chain(&mut self, points: &[Point], width: Width, style: &Style) -> Result<(), DrawingError> {
        let pieces = dashed(points, &style.dashes).unwrap_or_else(|| vec![points.to_vec()]);
        let steps = pieces
            .iter()
            .flat_map(|piece| outline(piece, false))
            .collect();
        self.scene.add(Mark {
            steps,
            paint: Paint::Stroke(width),
            colour: style.colour,
        })
    }

    fn endless(&mut self, entity: &EntityType, style: &Style, place: &Place) {
        let (through, along, both_ways) = match entity {
            EntityType::Ray(ray) => (ray.base_point, ray.direction, false),
            EntityType::XLine(line) => (line.base_point, line.direction, true),
            _ => return,
        };
        let start = seen(&place.to_drawing, through.x, through.y, through.z);
        let end = through + along;
        let end = seen(&place.to_drawing, end.x, end.y, end.z);
        self.scene.endless.push(Endless {
            through: start,
            along: [end[0] - start[0], end[1] - start[1]],
            both_ways,
            width: Width::Paper(style.width_mm),
            colour: style.colour,
        });
    }
}

/// What is taken from a place by the entities of a block that is inserted there.
fn within(
    layer: &str,
    style: &Style,
    place: &Place,
    to_drawing: Matrix4,
) -> Result<Place, DrawingError> {
    if place.depth == PLOT_NESTING_MAX {
        return Err(DrawingError::TooLarge {
            what: "blocks one inside the other",
            max: PLOT_NESTING_MAX,
        });
    }
    Ok(Place {
        to_drawing,
        layer: Some(layer.to_owned()),
        colour: style.colour,
        width_mm: style.width_mm,
        depth: place.depth + 1,
    })
}

/// A colour on white paper, where colour 7 is black.
fn on_paper(colour: Color) -> Option<[u8; 3]> {
    match colour {
        Color::Index(7) => Some([0; 3]),
        colour => colour.rgb().map(|(red, green, blue)| [red, green, blue]),
    }
}

fn outline(points: &[Point], closed: bool) -> Vec<Step> {
    let mut steps: Vec<Step> = points
        .iter()
        .enumerate()
        .map(|(at, point)| {
            if at == 0 {
                Step::Move(*point)
            } else {
                Step::Line(*point)
            }
        })
        .collect();
    if closed && !steps.is_empty() {
        steps.push(Step::Close);
    }
    steps
}

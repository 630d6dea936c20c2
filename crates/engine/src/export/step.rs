//! STEP (ISO 10303-21, schema AP214): closed shells of flat triangles, in millimetres.
//!
//! A mesh has lost what its curved faces were, so this is a *faceted* boundary representation, and the file says so in its
//! header and in the name of its product.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::check;
use super::error::ExportError;
use super::mesh::{IndexedMesh, Scene};
use super::shells::bodies;
use super::text::number;
use super::weld::{cross, sub, unit};

/// What the file, its product and its bodies without a name are called.
const NAME: &str = "faceted model";
/// Distance below which points are one for readers, in millimetres.
const UNCERTAINTY: &str = "1.E-07";

const HEADER: &str = "ISO-10303-21;
HEADER;
FILE_DESCRIPTION(('faceted boundary representation of a triangle mesh'),'2;1');
FILE_NAME('faceted model','1970-01-01T00:00:00',(''),(''),'Vitrine','Vitrine','');
FILE_SCHEMA(('AUTOMOTIVE_DESIGN { 1 0 10303 214 1 1 1 1 }'));
ENDSEC;
DATA;
";
const FOOTER: &str = "ENDSEC;
END-ISO-10303-21;
";

/// Writes all solids as one STEP file.
///
/// # Errors
/// No solid, unusable numbers, or a body that is not closed.
pub fn step(scene: &Scene) -> Result<Vec<u8>, ExportError> {
    check::meshes(scene)?;
    check::closed(scene, "step")?;
    let mut writer = Writer {
        out: String::from(HEADER),
        last: 0,
        hollow: false,
    };
    let mut items = Vec::new();
    for solid in &scene.solids {
        let name = solid.name.as_deref().unwrap_or(NAME);
        items.extend(breps(&mut writer, &solid.mesh, name));
    }
    if items.is_empty() {
        return Err(ExportError::Empty {
            format: "step",
            needs: "a solid with a volume",
        });
    }
    product(&mut writer, &items);
    writer.out.push_str(FOOTER);
    Ok(writer.out.into_bytes())
}

/// The number of an entity.
type Id = usize;

struct Writer {
    out: String,
    last: Id,
    /// Whether a body has hollows. The schema's faceted representation holds only bodies without.
    hollow: bool,
}

impl Writer {
    /// Writes one entity and gives its number.
    fn add(&mut self, text: &str) -> Id {
        self.last += 1;
        // Writing to a String cannot fail.
        let _ = writeln!(self.out, "#{}={text};", self.last);
        self.last
    }

    fn point(&mut self, at: [f64; 3]) -> Id {
        let [x, y, z] = at.map(real);
        self.add(&format!("CARTESIAN_POINT('',({x},{y},{z}))"))
    }

    fn direction(&mut self, along: [f64; 3]) -> Id {
        let [x, y, z] = along.map(real);
        self.add(&format!("DIRECTION('',({x},{y},{z}))"))
    }
}

/// One body for each separate outer surface of a mesh.
fn breps(writer: &mut Writer, mesh: &IndexedMesh, name: &str) -> Vec<Id> {
    let mut points = HashMap::new();
    let name = text(name);
    let mut items = Vec::new();
    for body in bodies(mesh) {
        let outer = shell(writer, mesh, &body.outer, &mut points);
        if body.hollows.is_empty() {
            items.push(writer.add(&format!("FACETED_BREP('{name}',#{outer})")));
            continue;
        }
        let hollows: Vec<Id> = body
            .hollows
            .iter()
            .map(|hollow| {
                // A hollow's own shell looks into the hollow; the body has it the other way round.
                let outward: Vec<[u32; 3]> = hollow.iter().map(|[a, b, c]| [*a, *c, *b]).collect();
                let own = shell(writer, mesh, &outward, &mut points);
                writer.add(&format!("ORIENTED_CLOSED_SHELL('',*,#{own},.F.)"))
            })
            .collect();
        // Not the combined entity of the schema: widely used readers take its outer shell alone.
        items.push(writer.add(&format!(
            "BREP_WITH_VOIDS('{name}',#{outer},({}))",
            list(&hollows)
        )));
        writer.hollow = true;
    }
    items
}

/// A closed shell of flat faces.
fn shell(
    writer: &mut Writer,
    mesh: &IndexedMesh,
    triangles: &[[u32; 3]],
    points: &mut HashMap<u32, Id>,
) -> Id {
    let faces: Vec<Id> = triangles
        .iter()
        .map(|triangle| {
            let corners = triangle.map(|vertex| mesh.positions[vertex as usize]);
            let ids = triangle.map(|vertex| {
                *points
                    .entry(vertex)
                    .or_insert_with(|| writer.point(mesh.positions[vertex as usize]))
            });
            face(writer, corners, ids)
        })
        .collect();
    writer.add(&format!("CLOSED_SHELL('',({}))", list(&faces)))
}

fn face(writer: &mut Writer, corners: [[f64; 3]; 3], ids: [Id; 3]) -> Id {
    let [a, b, c] = corners;
    // A triangle without area lies in any plane through it.
    let along = unit(sub(b, a)).or_else(|| unit(sub(c, a)));
    let along = along.unwrap_or([1.0, 0.0, 0.0]);
    let normal = unit(cross(sub(b, a), sub(c, a))).unwrap_or_else(|| across(along));
    let (normal, along) = (writer.direction(normal), writer.direction(along));
    let [a, b, c] = ids;
    let axes = writer.add(&format!("AXIS2_PLACEMENT_3D('',#{a},#{normal},#{along})"));
    let plane = writer.add(&format!("PLANE('',#{axes})"));
    let ring = writer.add(&format!("POLY_LOOP('',(#{a},#{b},#{c}))"));
    let bound = writer.add(&format!("FACE_OUTER_BOUND('',#{ring},.T.)"));
    writer.add(&format!("FACE_SURFACE('',(#{bound}),#{plane},.T.)"))
}

/// Some direction at a right angle to this one.
fn across(along: [f64; 3]) -> [f64; 3] {
    let other = if along[0].abs() < 0.5 {
        [1.0, 0.0, 0.0]
    } else {
        [0.0, 1.0, 0.0]
    };
    unit(cross(along, other)).unwrap_or([0.0, 0.0, 1.0])
}

/// The product around the bodies, with its units.
fn product(writer: &mut Writer, items: &[Id]) {
    let millimetre = writer.add("(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT(.MILLI.,.METRE.))");
    let radian = writer.add("(NAMED_UNIT(*)PLANE_ANGLE_UNIT()SI_UNIT($,.RADIAN.))");
    let steradian = writer.add("(NAMED_UNIT(*)SI_UNIT($,.STERADIAN.)SOLID_ANGLE_UNIT())");
    let uncertainty = writer.add(&format!(
        "UNCERTAINTY_MEASURE_WITH_UNIT(LENGTH_MEASURE({UNCERTAINTY}),#{millimetre},'distance_accuracy_value','')"
    ));
    let context = writer.add(&format!(
        "(GEOMETRIC_REPRESENTATION_CONTEXT(3)GLOBAL_UNCERTAINTY_ASSIGNED_CONTEXT((#{uncertainty}))\
         GLOBAL_UNIT_ASSIGNED_CONTEXT((#{millimetre},#{radian},#{steradian}))REPRESENTATION_CONTEXT('',''))"
    ));
    let origin = writer.point([0.0; 3]);
    let up = writer.direction([0.0, 0.0, 1.0]);
    let right = writer.direction([1.0, 0.0, 0.0]);
    let axes = writer.add(&format!("AXIS2_PLACEMENT_3D('',#{origin},#{up},#{right})"));
    let kind = if writer.hollow {
        "SHAPE_REPRESENTATION"
    } else {
        "FACETED_BREP_SHAPE_REPRESENTATION"
    };
    let shape = writer.add(&format!(
        "{kind}('{NAME}',(#{axes},{}),#{context})",
        list(items)
    ));
    let application = writer.add("APPLICATION_CONTEXT('automotive design')");
    writer.add(&format!(
        "APPLICATION_PROTOCOL_DEFINITION('international standard','automotive_design',2000,#{application})"
    ));
    let of_product = writer.add(&format!("PRODUCT_CONTEXT('',#{application},'mechanical')"));
    let product = writer.add(&format!("PRODUCT('{NAME}','{NAME}','',(#{of_product}))"));
    writer.add(&format!(
        "PRODUCT_RELATED_PRODUCT_CATEGORY('part',$,(#{product}))"
    ));
    let formation = writer.add(&format!("PRODUCT_DEFINITION_FORMATION('','',#{product})"));
    let of_definition = writer.add(&format!(
        "PRODUCT_DEFINITION_CONTEXT('part definition',#{application},'design')"
    ));
    let definition = writer.add(&format!(
        "PRODUCT_DEFINITION('design','',#{formation},#{of_definition})"
    ));
    let of_shape = writer.add(&format!("PRODUCT_DEFINITION_SHAPE('','',#{definition})"));
    writer.add(&format!(
        "SHAPE_DEFINITION_REPRESENTATION(#{of_shape},#{shape})"
    ));
}

fn list(ids: &[Id]) -> String {
    let ids: Vec<String> = ids.iter().map(|id| format!("#{id}")).collect();
    ids.join(",")
}

/// A number with the point that the format asks for.
fn real(value: f64) -> String {
    let mut text = number(value);
    if !text.contains('.') {
        text.push('.');
    }
    text
}

/// A text inside quotes. Whatever is not printable ASCII is written as its number.
fn text(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '\'' => out.push_str("''"),
            '\\' => out.push_str("\\\\"),
            ' '..='~' => out.push(c),
            c if c.is_control() => {}
            c => {
                let _ = write!(out, "\\X4\\{:08X}\\X0\\", u32::from(c));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_point_and_texts_are_ascii() {
        assert_eq!([0.0, -1.0, 0.125].map(real), ["0.", "-1.", "0.125"]);
        assert_eq!(text("Bö'x\\\n"), "B\\X4\\000000F6\\X0\\''x\\\\");
    }
}

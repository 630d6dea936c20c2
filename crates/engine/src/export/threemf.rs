//! 3MF: closed meshes with shared vertices, names and colours, in millimetres.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::check;
use super::error::ExportError;
use super::mesh::{Material, Scene, SceneSolid};
use super::text::{hex_rgba, number, xml};
use super::weld::apart;

const CONTENT_TYPES: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/></Types>
"#;
const RELATIONSHIPS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Target="/3D/3dmodel.model" Id="rel0" Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/></Relationships>
"#;
/// Id of the one group of materials; objects count on from the next.
const MATERIALS_ID: usize = 1;
/// A middle way between time and size.
const COMPRESSION_LEVEL: i64 = 6;

/// Writes all solids as one 3MF file.
///
/// # Errors
/// No solid, unusable numbers, or a body that is not closed.
pub fn threemf(scene: &Scene) -> Result<Vec<u8>, ExportError> {
    check::meshes(scene)?;
    check::closed(scene, "3mf")?;
    if scene
        .solids
        .iter()
        .all(|solid| solid.mesh.triangles.is_empty())
    {
        return Err(ExportError::Empty {
            format: "3mf",
            needs: "a solid with a volume",
        });
    }
    let parts = [
        ("[Content_Types].xml", CONTENT_TYPES),
        ("_rels/.rels", RELATIONSHIPS),
        ("3D/3dmodel.model", &model(scene)),
    ];
    package(&parts).map_err(|error| ExportError::Writer {
        format: "3mf",
        message: error.to_string(),
    })
}

/// Equal parts give equal bytes: the time of each entry is the zero of the format.
fn package(parts: &[(&str, &str)]) -> Result<Vec<u8>, zip::result::ZipError> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(COMPRESSION_LEVEL))
        .last_modified_time(DateTime::DEFAULT)
        .unix_permissions(0o644);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, text) in parts {
        zip.start_file(*path, options)?;
        zip.write_all(text.as_bytes())?;
    }
    Ok(zip.finish()?.into_inner())
}

fn model(scene: &Scene) -> String {
    let palette = Palette::of(scene);
    let mut out = String::from(concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        "<model unit=\"millimeter\" xml:lang=\"en-US\" ",
        "xmlns=\"http://schemas.microsoft.com/3dmanufacturing/core/2015/02\">\n",
        "<metadata name=\"Application\">Vitrine</metadata>\n<resources>\n",
    ));
    palette.write(&mut out);
    let solids: Vec<(usize, &SceneSolid)> = scene
        .solids
        .iter()
        .filter(|solid| !solid.mesh.triangles.is_empty())
        .enumerate()
        .map(|(number, solid)| (MATERIALS_ID + 1 + number, solid))
        .collect();
    for (id, solid) in &solids {
        object(&mut out, *id, solid, &palette);
    }
    out.push_str("</resources>\n<build>\n");
    for (id, _) in &solids {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "<item objectid=\"{id}\"/>");
    }
    out.push_str("</build>\n</model>\n");
    out
}

fn object(out: &mut String, id: usize, solid: &SceneSolid, palette: &Palette) {
    let name = solid
        .name
        .as_ref()
        .map_or_else(String::new, |name| format!(" name=\"{}\"", xml(name)));
    let in_palette: Vec<usize> = solid.materials.iter().map(|m| palette.index(m)).collect();
    let material = |triangle: usize| {
        let own = solid
            .mesh
            .triangle_material
            .get(triangle)
            .copied()
            .unwrap_or(0);
        in_palette.get(own as usize).copied().unwrap_or(0)
    };
    let first = material(0);
    let _ = writeln!(
        out,
        "<object id=\"{id}\" type=\"model\"{name} pid=\"{MATERIALS_ID}\" pindex=\"{first}\"><mesh><vertices>"
    );
    for [x, y, z] in apart(&solid.mesh).iter() {
        let (x, y, z) = (number(*x), number(*y), number(*z));
        let _ = writeln!(out, "<vertex x=\"{x}\" y=\"{y}\" z=\"{z}\"/>");
    }
    out.push_str("</vertices><triangles>\n");
    for (at, [a, b, c]) in solid.mesh.triangles.iter().enumerate() {
        let _ = write!(out, "<triangle v1=\"{a}\" v2=\"{b}\" v3=\"{c}\"");
        let own = material(at);
        if own != first {
            let _ = write!(out, " pid=\"{MATERIALS_ID}\" p1=\"{own}\"");
        }
        out.push_str("/>\n");
    }
    out.push_str("</triangles></mesh></object>\n");
}

/// All materials of a file, each once. Holds at least one.
struct Palette(Vec<(String, String)>);

impl Palette {
    fn of(scene: &Scene) -> Self {
        let mut entries: Vec<(String, String)> = Vec::new();
        for solid in &scene.solids {
            for material in &solid.materials {
                let entry = Self::entry(material);
                if !entries.contains(&entry) {
                    entries.push(entry);
                }
            }
        }
        if entries.is_empty() {
            entries.push(Self::entry(&Material::default()));
        }
        Self(entries)
    }

    /// Name and colour. A material without a name is called by its colour, because names may not be empty.
    fn entry(material: &Material) -> (String, String) {
        let color = hex_rgba(material.color);
        let name = material
            .name
            .as_deref()
            .map(xml)
            .filter(|name| !name.trim().is_empty());
        (name.unwrap_or_else(|| color.clone()), color)
    }

    fn index(&self, material: &Material) -> usize {
        let entry = Self::entry(material);
        self.0.iter().position(|have| *have == entry).unwrap_or(0)
    }

    fn write(&self, out: &mut String) {
        let _ = writeln!(out, "<basematerials id=\"{MATERIALS_ID}\">");
        for (name, color) in &self.0 {
            let _ = writeln!(out, "<base name=\"{name}\" displaycolor=\"{color}\"/>");
        }
        out.push_str("</basematerials>\n");
    }
}

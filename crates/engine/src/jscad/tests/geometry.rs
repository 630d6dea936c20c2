//! Solids have the sizes that geometry says.

use std::f64::consts::PI;

use super::{HEAD, assert_close, assert_same, compute_with, evaluate, volume};
use vitrine_model::Body;

/// Volume of a prism over a regular polygon.
fn prism(radius: f64, height: f64, segments: f64) -> f64 {
    segments / 2.0 * radius * radius * (2.0 * PI / segments).sin() * height
}

#[test]
fn cube_minus_cylinder_has_the_exact_volume() {
    let found = volume(
        "booleans.subtract(primitives.cuboid({ size: [20, 20, 20] }), primitives.cylinder({ radius: 5, height: 30, segments: 64 }))",
    );
    assert_close(found, 8000.0 - prism(5.0, 20.0, 64.0), 1e-6);
}

#[test]
fn union_and_intersection_add_up() {
    let a = "primitives.cuboid({ size: [10, 10, 10] })";
    let b = "primitives.cuboid({ size: [10, 10, 10], center: [4, 3, 2] })";
    assert_close(
        volume(&format!("booleans.union({a}, {b})")),
        2000.0 - 6.0 * 7.0 * 8.0,
        1e-6,
    );
    assert_close(
        volume(&format!("booleans.intersect({a}, {b})")),
        6.0 * 7.0 * 8.0,
        1e-6,
    );
}

#[test]
fn primitives_agree_with_the_library_that_they_replace() {
    assert_close(
        volume("primitives.cylinder({ radius: 3, height: 7 })"),
        prism(3.0, 7.0, 32.0),
        1e-9,
    );
    assert_close(
        volume(
            "primitives.cylinderElliptic({ startRadius: [4, 4], endRadius: [0, 0], height: 9, segments: 48 })",
        ),
        prism(4.0, 9.0, 48.0) / 3.0,
        1e-9,
    );
    assert_close(
        volume(
            "primitives.cylinderElliptic({ startRadius: [0, 0], endRadius: [4, 4], height: 9, segments: 48 })",
        ),
        prism(4.0, 9.0, 48.0) / 3.0,
        1e-9,
    );
    assert_close(
        volume(
            "primitives.cylinderElliptic({ startRadius: [4, 4], endRadius: [4, 4], height: 2, endAngle: Math.PI, segments: 64 })",
        ),
        prism(4.0, 2.0, 64.0) / 2.0,
        1e-9,
    );
    let ball = volume("primitives.sphere({ radius: 10, segments: 128 })");
    assert_close(ball, 4.0 / 3.0 * PI * 1000.0, 10.0);
    let torus = volume(
        "primitives.torus({ innerRadius: 1, outerRadius: 5, innerSegments: 96, outerSegments: 96 })",
    );
    assert_close(torus, 2.0 * PI * PI * 5.0, 0.3);
    let geodesic = volume("primitives.geodesicSphere({ radius: 10, frequency: 60 })");
    assert_close(geodesic, 4.0 / 3.0 * PI * 1000.0, 60.0);
    let rounded =
        volume("primitives.roundedCuboid({ size: [10, 10, 10], roundRadius: 2, segments: 64 })");
    // Core, six slabs, twelve quarter cylinders, eight eighths of a ball.
    let exact = 216.0 + 6.0 * 36.0 * 2.0 + 3.0 * 6.0 * PI * 4.0 + 4.0 / 3.0 * PI * 8.0;
    assert_close(rounded, exact, 1.0);
    let dome = volume(
        "primitives.roundedCylinder({ radius: 5, height: 20, roundRadius: 5, segments: 128 })",
    );
    assert_close(dome, PI * 25.0 * 10.0 + 4.0 / 3.0 * PI * 125.0, 3.0);
}

#[test]
fn vertices_of_balls_and_rods_are_where_the_library_puts_them() {
    let boxes = evaluate(
        "return [primitives.sphere({ radius: 3, center: [1, 2, 3], segments: 24 }), \
         primitives.cylinder({ radius: 2, height: 4, center: [0, 0, 5], segments: 24 }), \
         primitives.roundedCuboid({ size: [4, 6, 8], roundRadius: 1, center: [1, 0, 0] })].map((s) => boundingBox(s))",
    );
    assert_same(
        &boxes,
        &serde_json::json!([
            [[-2.0, -1.0, 0.0], [4.0, 5.0, 6.0]],
            [[-2.0, -2.0, 3.0], [2.0, 2.0, 7.0]],
            [[-1.0, -3.0, -4.0], [3.0, 3.0, 4.0]]
        ]),
    );
}

#[test]
fn extrusions_have_the_exact_volume() {
    let flat = "primitives.rectangle({ size: [6, 4] })";
    assert_close(
        volume(&format!(
            "extrusions.extrudeLinear({{ height: 5 }}, {flat})"
        )),
        120.0,
        1e-9,
    );
    assert_close(
        volume(&format!(
            "extrusions.extrudeLinear({{ height: -5 }}, {flat})"
        )),
        120.0,
        1e-9,
    );
    let twisted = volume(&format!(
        "extrusions.extrudeLinear({{ height: 5, twistAngle: Math.PI / 2, twistSteps: 90 }}, {flat})"
    ));
    // Twisted walls bulge between their triangles.
    assert_close(twisted, 120.0, 1.0);
    let ring = "primitives.rectangle({ size: [2, 2], center: [10, 0] })";
    let full = volume(&format!(
        "extrusions.extrudeRotate({{ segments: 180 }}, {ring})"
    ));
    assert_close(full, 2.0 * PI * 10.0 * 4.0, 0.2);
    let half = volume(&format!(
        "extrusions.extrudeRotate({{ segments: 180, angle: Math.PI }}, {ring})"
    ));
    assert_close(half, PI * 10.0 * 4.0, 0.2);
    let wall = volume(&format!(
        "extrusions.extrudeRectangular({{ size: 1, height: 3 }}, {flat})"
    ));
    assert!(wall > 0.0);
    let helix = volume(
        "extrusions.extrudeHelical({ angle: Math.PI * 4, pitch: 10, segmentsPerRotation: 32 }, primitives.circle({ radius: 2, center: [10, 0] }))",
    );
    assert!(helix > 400.0, "{helix}");
}

#[test]
fn extrusion_below_the_plane_and_partial_turns_lie_where_they_should() {
    let boxes = evaluate(
        "const r = primitives.rectangle({ size: [2, 2], center: [10, 0] })\n\
         return [extrusions.extrudeLinear({ height: -5 }, r), \
         extrusions.extrudeRotate({ segments: 64, angle: Math.PI / 2 }, r), \
         extrusions.extrudeRotate({ segments: 64, angle: Math.PI / 2 }, transforms.mirrorX(r))] \
         .map((s) => boundingBox(s).map((c) => c.map((n) => Math.round(n * 1e6) / 1e6)))",
    );
    assert_same(
        &boxes,
        &serde_json::json!([
            [[9.0, -1.0, -5.0], [11.0, 1.0, 0.0]],
            [[0.0, 0.0, -1.0], [11.0, 11.0, 1.0]],
            [[-11.0, -11.0, -1.0], [0.0, 0.0, 1.0]]
        ]),
    );
}

#[test]
fn hulls_expansions_and_sums_have_the_expected_volume() {
    let a = "primitives.cuboid({ size: [2, 2, 2] })";
    let b = "primitives.cuboid({ size: [2, 2, 2], center: [4, 0, 0] })";
    assert_close(volume(&format!("hulls.hull({a}, {b})")), 24.0, 1e-9);
    let c = "primitives.cuboid({ size: [2, 2, 2], center: [4, 4, 0] })";
    assert!(volume(&format!("hulls.hullChain({a}, {b}, {c})")) > 32.0);
    assert_close(
        volume(&format!("minkowski.minkowskiSum({a}, {b})")),
        64.0,
        1e-9,
    );
    let grown = volume(
        "expansions.expand({ delta: 1, segments: 32 }, primitives.cuboid({ size: [4, 4, 4] }))",
    );
    let exact = 64.0 + 6.0 * 16.0 + 3.0 * 4.0 * PI + 4.0 / 3.0 * PI;
    assert_close(grown, exact, 1.0);
    let odd = volume(
        "expansions.expand({ delta: 0.5, segments: 8 }, booleans.subtract(primitives.cuboid({ size: [4, 4, 4] }), primitives.sphere({ radius: 2.4, segments: 12 })))",
    );
    assert!(odd > 64.0, "{odd}");
}

#[test]
fn flat_shapes_are_cut_grown_and_hulled() {
    let areas = evaluate(
        "const square = primitives.square({ size: 10 }), disc = primitives.circle({ radius: 2, segments: 4 })\n\
         return [booleans.subtract(square, disc), booleans.union(square, transforms.translate([5, 0, 0], square)), \
         booleans.intersect(square, transforms.translate([5, 0, 0], square)), \
         expansions.expand({ delta: 1, corners: 'edge' }, square), expansions.offset({ delta: -1 }, square), \
         expansions.expand({ delta: 1, corners: 'round', segments: 64 }, square), \
         hulls.hull(disc, transforms.translate([10, 0, 0], disc)), \
         extrusions.project({}, primitives.cuboid({ size: [3, 4, 5] })), \
         extrusions.project({ axis: [1, 0, 0] }, primitives.cuboid({ size: [3, 4, 5] }))].map((s) => area(s))",
    );
    let areas: Vec<f64> = areas
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n.as_f64().unwrap())
        .collect();
    let expected = [92.0, 150.0, 50.0, 144.0, 64.0, 140.0 + PI, 48.0, 12.0, 20.0];
    for (found, expected) in areas.iter().zip(expected) {
        assert_close(*found, expected, 0.02);
    }
}

#[test]
fn text_becomes_a_solid() {
    let found = volume(
        "text.vectorText({ input: 'Hi' }).map((s) => extrusions.extrudeRectangular({ size: 1, height: 2 }, \
         geometries.path2.fromPoints({}, s)))",
    );
    assert!(found > 50.0, "{found}");
}

#[test]
fn scripts_may_look_at_polygons_and_build_from_them() {
    let answer = evaluate(
        "const cube = booleans.subtract(primitives.cuboid({ size: [2, 2, 2] }), primitives.cuboid({ size: [1, 1, 4] }))\n\
         const polygons = geometries.geom3.toPolygons(cube)\n\
         const again = geometries.geom3.create(polygons)\n\
         const spread = { ...transforms.translate([5, 0, 0], cube) }\n\
         return [polygons.length > 12, polygons[0].vertices.length, volume(again), volume(booleans.union(again, spread)), \
         geometries.geom3.isA(cube), geometries.geom3.isA(spread), 'polygons' in cube, Array.isArray(cube.polygons), \
         geometries.geom3.toPoints(cube).length === polygons.length, modifiers.generalize({ snap: true }, cube) !== undefined]",
    );
    assert_same(
        &answer,
        &serde_json::json!([true, 3, 6.0, 12.0, true, true, true, true, true, true]),
    );
}

#[test]
fn transforms_and_measurements_agree() {
    let answer = evaluate(
        "const part = transforms.mirrorX(transforms.rotateZ(Math.PI / 2, transforms.scale([2, 1, 1], transforms.translate([1, 0, 0], primitives.cuboid({ size: [2, 2, 2] })))))\n\
         const round = (n) => Math.round(n * 1e6) / 1e6\n\
         return [measurements.measureVolume(part), measurements.measureArea(part), \
         measurements.measureBoundingBox(part).map((c) => c.map(round)), measurements.measureCenterOfMass(part).map(round), \
         volume(booleans.union(part, transforms.translate([100, 0, 0], part)))].map((v) => typeof v === 'number' ? round(v) : v)",
    );
    assert_same(
        &answer,
        &serde_json::json!([
            16.0,
            40.0,
            [[-1.0, 0.0, -1.0], [1.0, 4.0, 1.0]],
            [0.0, 2.0, 0.0],
            32.0
        ]),
    );
}

#[test]
fn a_solid_falls_into_its_pieces() {
    let answer = evaluate(
        "const a = primitives.cuboid(), b = primitives.cuboid({ center: [9, 0, 0] })\n\
         return booleans.scission(booleans.union(a, b)).map((s) => volume(s))",
    );
    assert_same(&answer, &serde_json::json!([8.0, 8.0]));
}

#[test]
fn moving_a_boolean_inside_another_boolean_moves_it_once() {
    for moved in [
        "transforms.translate([30, 0, 0], cut)",
        "transforms.rotate([0, 0, Math.PI / 2], transforms.translate([0, -30, 0], cut))",
    ] {
        let script = format!(
            "const cut = booleans.subtract(primitives.cuboid({{ size: [10, 10, 10] }}), primitives.cuboid({{ size: [4, 4, 20] }}))\n\
             const both = booleans.union(primitives.cuboid({{ size: [2, 2, 2], center: [60, 0, 0] }}), {moved})\n\
             return [measurements.measureBoundingBox(both), measurements.measureVolume(both)].flat(2).map((v) => Math.round(v * 1e6) / 1e6)"
        );
        assert_eq!(
            evaluate(&script),
            serde_json::json!([25, -5, -5, 61, 5, 5, 848]),
            "{moved}"
        );
    }
}

#[test]
fn long_chains_give_what_one_operation_gives() {
    let answer = evaluate(
        "const hole = (i) => primitives.cuboid({ size: [0.5, 0.5, 4], center: [i % 30 - 15 + 0.5, Math.floor(i / 30) - 7.5, 0] })\n\
         const block = primitives.cuboid({ size: [40, 40, 2] })\n\
         let chain = block\n\
         const holes = []\n\
         for (let i = 0; i < 450; i++) { chain = booleans.subtract(chain, hole(i)); holes.push(hole(i)) }\n\
         return [volume(chain), volume(booleans.subtract(block, holes))].map((v) => Math.round(v * 1e6) / 1e6)",
    );
    assert_same(&answer, &serde_json::json!([2975.0, 2975.0]));
}

/// Names and colours of the materials of a GLB.
fn materials(glb: &[u8]) -> Vec<serde_json::Value> {
    let length = u32::from_le_bytes(glb[12..16].try_into().unwrap());
    let json: serde_json::Value =
        serde_json::from_slice(&glb[20..20 + usize::try_from(length).unwrap()]).unwrap();
    json["materials"].as_array().cloned().unwrap_or_default()
}

#[test]
fn colours_and_materials_survive_booleans() {
    let results = compute_with(
        &format!(
            "{HEAD}const {{ material }} = require('vitrine')\n\
             const main = () => booleans.subtract(colors.colorize([1, 0, 0], primitives.cuboid({{ size: [10, 10, 10] }})), \
             material('steel', primitives.cylinder({{ radius: 2, height: 20 }})), primitives.cuboid({{ center: [5, 5, 5] }}))\n\
             module.exports = {{ main, vitrine: {{ materials: {{ steel: {{ color: '#808080', metalness: 1, roughness: 0.2 }} }} }} }}"
        ),
        &[],
    );
    let Body::Bytes(glb) = &results.items[0].content[0].body else {
        panic!("no file");
    };
    let found = materials(glb);
    assert_eq!(found.len(), 3, "{found:?}");
    let named: Vec<_> = found.iter().filter(|m| m["name"] == "steel").collect();
    assert_eq!(named.len(), 1, "{found:?}");
    assert_eq!(
        named[0]["pbrMetallicRoughness"]["roughnessFactor"]
            .as_f64()
            .map(|r| (r * 100.0).round()),
        Some(20.0)
    );
    assert!(
        found
            .iter()
            .any(|m| m["pbrMetallicRoughness"]["baseColorFactor"][0].as_f64() > Some(0.99))
    );
}

#[test]
fn shapes_that_do_not_close_are_shown_but_not_cut() {
    let open = "geometries.geom3.fromPoints([[[0, 0, 0], [1, 0, 0], [0, 1, 0]]])";
    let results = compute_with(
        &format!("{HEAD}const main = () => {open}\nmodule.exports = {{ main }}"),
        &[],
    );
    assert_eq!(results.stats.triangles, 1);
    let error = super::error_of(
        &format!("return booleans.union(primitives.cuboid(), {open})"),
        &super::context(),
    );
    assert!(error.to_string().contains("do not close"), "{error}");
}

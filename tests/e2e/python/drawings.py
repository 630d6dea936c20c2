"""Drawings for the end-to-end tests, made and audited by ezdxf, a library that Vitrine has nothing of.

    drawings.py make FILE            a drawing with whatever editors tend to lose
    drawings.py audit FILE...        one JSON object for each file, one a line

An audit names each record of the file by its handle, with its kind and a digest of all its pairs, so that two files
can be compared entity by entity.
"""

import hashlib
import json
import re
import sys
from collections import Counter
from pathlib import Path

import ezdxf
from ezdxf import recover
from ezdxf.lldxf.types import DXFTag, dxftag
from ezdxf.math import Vec3


def make(path: str) -> None:
    doc = ezdxf.new("R2018", setup=True)
    doc.header["$INSUNITS"] = 4
    for name, color in [("WALLS", 7), ("AXES", 1), ("TEXT", 3), ("HATCH", 252)]:
        doc.layers.add(name, color=color)
    doc.appids.add("ACME")
    msp = doc.modelspace()

    # Blocks in blocks, with attributes and a scaled and turned insertion, and one of rows and columns.
    bolt = doc.blocks.new("BOLT")
    bolt.add_circle((0, 0), 40)
    bolt.add_attdef("NUMBER", (50, 50), dxfattribs={"height": 30})
    plate = doc.blocks.new("PLATE")
    plate.add_lwpolyline([(0, 0), (600, 0), (600, 400), (0, 400)], close=True)
    for at in [(80, 80), (520, 80), (520, 320), (80, 320)]:
        plate.add_blockref("BOLT", at)
    for number, at in enumerate([(500, 500), (2000, 500), (3500, 500)]):
        insert = msp.add_blockref("PLATE", at, dxfattribs={"rotation": 15 * number, "xscale": 1 + number})
        insert.add_attrib("NUMBER", f"P{number}", at)
    msp.add_blockref("BOLT", (500, 2500), dxfattribs={"row_count": 2, "column_count": 5, "row_spacing": 200, "column_spacing": 200})

    # Hatches: a pattern with an island, a gradient, a fill with an edge path of arcs and splines.
    hatch = msp.add_hatch(color=256, dxfattribs={"layer": "HATCH"})
    hatch.set_pattern_fill("ANSI31", scale=40)
    hatch.paths.add_polyline_path([(5000, 0), (7000, 0), (7000, 2000), (5000, 2000)], is_closed=True)
    hatch.paths.add_polyline_path([(5500, 500), (6500, 500), (6500, 1500), (5500, 1500)], is_closed=True, flags=16)
    gradient = msp.add_hatch()
    gradient.set_gradient((10, 20, 30), (200, 210, 220), rotation=45)
    gradient.paths.add_polyline_path([(7500, 0), (8500, 0), (8500, 1000)], is_closed=True)
    edges = msp.add_hatch(color=3).paths.add_edge_path()
    edges.add_arc((8000, 2000), 400, 0, 180)
    edges.add_line((7600, 2000), (8400, 2000))

    # Dimensions of five kinds, in a style of its own.
    style = doc.dimstyles.duplicate_entry("EZDXF", "ACME_DIM")
    style.dxf.dimtxt = 90
    msp.add_linear_dim(base=(0, 3200), p1=(0, 3000), p2=(3000, 3000), dimstyle="ACME_DIM").render()
    msp.add_aligned_dim(p1=(0, 3600), p2=(1500, 4200), distance=200, dimstyle="ACME_DIM").render()
    msp.add_radius_dim(center=(4000, 3500), radius=500, angle=30, dimstyle="ACME_DIM").render()
    msp.add_diameter_dim(center=(4000, 5000), radius=400, angle=60, dimstyle="ACME_DIM").render()
    msp.add_angular_dim_2l(base=(6000, 4000), line1=((5500, 3000), (6500, 3000)), line2=((5500, 3000), (6000, 4000)), dimstyle="ACME_DIM").render()

    # Curves and texts.
    msp.add_spline(fit_points=[(0, 6000, 0), (1000, 6600, 0), (2000, 5800, 0), (3000, 6200, 0)])
    msp.add_open_spline([(0, 7000), (500, 7500), (1000, 6800), (1500, 7200)], degree=3)
    msp.add_rational_spline([(2000, 7000), (2500, 7500), (3000, 6800), (3500, 7200)], weights=[1, 2, 3, 1])
    msp.add_ellipse((5000, 6500), major_axis=(600, 200), ratio=0.4, start_param=0.3, end_param=4)
    msp.add_helix(radius=100, pitch=40, turns=3)
    msp.add_polyline3d([(0, 8000, 0), (500, 8200, 300), (900, 8000, 600)])
    mesh = msp.add_mesh()
    with mesh.edit_data() as data:
        data.add_face([(0, 0, 0), (100, 0, 0), (100, 100, 0)])
    msp.add_mline([(6000, 6000), (7000, 6000), (7000, 7000)])
    msp.add_leader([(3000, 4000), (3300, 4300), (3600, 4300)], dimstyle="ACME_DIM")
    msp.add_mtext("Grüße, \\C1;rot\\P{\\H2x;groß}", dxfattribs={"insert": (0, 9000), "char_height": 120, "layer": "TEXT"})
    text = msp.add_text("Ø 30 ± 0,1 €", height=120, dxfattribs={"layer": "TEXT"})
    text.set_placement((0, 9400))
    multileader = msp.add_multileader_mtext("Standard")
    multileader.set_content("Schraube M8")
    multileader.add_leader_line(ezdxf.render.ConnectionSide.left, [(2000, 9000)])
    multileader.build(insert=Vec3(2500, 9300).vec2)
    msp.add_wipeout([(8000, 8000), (8500, 8500)])
    image = doc.add_image_def("plan.png", size_in_pixel=(640, 360))
    msp.add_image(image, insert=(6000, 8000), size_in_units=(640, 360), rotation=10)
    pdf = doc.add_underlay_def("sheet.pdf", "pdf", "1")
    msp.add_underlay(pdf, insert=(7000, 8000))
    msp.add_solid([(9000, 0), (9100, 0), (9000, 100), (9100, 100)])
    msp.add_ray((9000, 1000), (1, 1))
    msp.add_xline((9000, 2000), (0, 1))

    # Alone on the right, where a test selects them by the mouse.
    msp.add_circle((12000, 0), 77)
    msp.add_circle((12000, 2000), 88)

    # What belongs to partners: extended data, an extension dictionary, records and dictionaries of their own.
    line = msp.add_line((0, 0), (9000, 0), dxfattribs={"layer": "WALLS", "true_color": 0x336699, "transparency": 0x02000080})
    line.set_xdata("ACME", [(1000, "part 4711"), (1040, 12.5), (1070, 3), (1005, "FF")])
    extension = line.new_extension_dict()
    record = extension.add_xrecord("ACME_DATA")
    record.reset([DXFTag(1, "hidden in an extension dictionary"), DXFTag(40, 2.75)])
    root = doc.rootdict.add_new_dict("ACME")
    parts = root.add_xrecord("PARTS")
    parts.reset([DXFTag(1, "a record of the partner's own"), DXFTag(90, 42), dxftag(10, (1, 2, 3))])
    root.add_dict_var("STATE", "released")
    group = doc.groups.new("ACME_GROUP")
    group.extend([line, text])

    # Two layouts with viewports.
    for name in ("A1 plan", "A3 detail"):
        layout = doc.layouts.new(name)
        layout.page_setup(size=(420, 297), margins=(10, 10, 10, 10), units="mm")
        layout.add_viewport(center=(200, 150), size=(300, 200), view_center_point=(4000, 4000), view_height=9000)
        layout.add_text(f"Sheet {name}", height=5).set_placement((20, 20))
    doc.ucs.new("ACME_UCS", dxfattribs={"origin": (100, 100, 0)})
    doc.views.new("OVERVIEW")
    doc.saveas(path)
    add_unknown(path)


def add_unknown(path: str) -> None:
    """An entity and an object of kinds that nobody knows, as other programs leave them."""
    text = Path(path).read_text(encoding="utf-8")
    doc = ezdxf.readfile(path)
    model, root = doc.modelspace().layout_key, doc.rootdict.dxf.handle
    wall = f"  0\nACMEWALL\n  5\nF0001\n330\n{model}\n100\nAcDbEntity\n  8\nWALLS\n100\nAcDbAcmeWall\n 40\n250.0\n  1\nload-bearing\n"
    thing = f"  0\nACMETHING\n  5\nF0002\n330\n{root}\n100\nAcDbAcmeThing\n 90\n7\n310\nDEADBEEF\n"
    for section, record in (("ENTITIES", wall), ("OBJECTS", thing)):
        at = text.index("  0\nENDSEC\n", text.index(f"  2\n{section}\n"))
        text = text[:at] + record + text[at:]
    text = re.sub(r"(\$HANDSEED\n  5\n)[0-9A-F]+", r"\g<1>F0003", text)
    Path(path).write_text(text, encoding="utf-8", newline="\n")


def records(path: str) -> dict[str, tuple[str, str]]:
    """Kind and digest of every record that has a handle."""
    lines = Path(path).read_bytes().decode("utf-8", "surrogateescape").split("\n")
    pairs = [(lines[at].strip(), lines[at + 1].strip()) for at in range(0, len(lines) - 1, 2)]
    found: dict[str, tuple[str, str]] = {}
    starts = [at for at, (code, _) in enumerate(pairs) if code == "0"] + [len(pairs)]
    for start, end in zip(starts, starts[1:]):
        record = pairs[start:end]
        kind = record[0][1]
        own = "105" if kind == "DIMSTYLE" else "5"
        handle = next((value for code, value in record[1:] if code == own), None)
        if handle is not None and kind not in ("SECTION", "ENDSEC", "EOF"):
            digest = hashlib.sha256("\n".join(f"{code}\n{value}" for code, value in record).encode("utf-8", "surrogateescape"))
            found[handle] = (kind, digest.hexdigest()[:16])
    return found


def audit(path: str) -> dict:
    doc, auditor = recover.readfile(path)
    strict = ezdxf.readfile(path)
    everything = strict.entitydb.values()
    return {
        "errors": [str(error.message) for error in auditor.errors],
        "fixes": [str(fix.message) for fix in auditor.fixes],
        "kinds": dict(Counter(entity.dxftype() for entity in everything if entity.is_alive)),
        "model": dict(Counter(entity.dxftype() for entity in doc.modelspace())),
        "layouts": sorted(strict.layouts.names()),
        "blocks": sorted(block.name for block in strict.blocks if not block.name.startswith("*")),
        "dimensions": sorted((entity.dxf.dimstyle, entity.dxf.text) for entity in strict.modelspace().query("DIMENSION")),
        "dimension_styles": sorted(style.dxf.name for style in strict.dimstyles),
        "texts": sorted(str(entity.dxf.text) for entity in strict.modelspace().query("TEXT")),
        "circles": sorted(round(entity.dxf.radius, 6) for entity in strict.modelspace().query("CIRCLE")),
        "records": records(path),
    }


if __name__ == "__main__":
    what, *files = sys.argv[1:]
    if what == "make":
        make(files[0])
    else:
        for file in files:
            print(json.dumps(audit(file)))

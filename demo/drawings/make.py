"""Makes the demo's drawing, flat.dxf: `python3 demo/drawings/make.py` with ezdxf 1.4. From it comes flat.dwg:
`cargo run -p vitrine-drawing --example drawing dwg demo/drawings/flat.dxf demo/drawings/flat.dwg`.

A flat of two rooms: layers, blocks with attributes, hatches, dimensions, text, a spline and objects that
editors usually do not model (an XRECORD, a dictionary of our own, extended data, two layouts).
"""

from pathlib import Path

import ezdxf
from ezdxf.enums import TextEntityAlignment
from ezdxf.lldxf.types import DXFTag

doc = ezdxf.new("R2010", setup=["linetypes"])
doc.header["$INSUNITS"] = 4
doc.header["$MEASUREMENT"] = 1
style = doc.styles.get("Standard")
style.dxf.font = "arial.ttf"
for name, color, linetype, weight in [
    ("WALLS", 7, "CONTINUOUS", 50),
    ("DOORS", 30, "CONTINUOUS", 25),
    ("WINDOWS", 4, "CONTINUOUS", 25),
    ("FURNITURE", 8, "CONTINUOUS", 18),
    ("DIMENSIONS", 2, "CONTINUOUS", 13),
    ("TEXT", 3, "CONTINUOUS", 18),
    ("HATCH", 252, "CONTINUOUS", 9),
    ("AXES", 1, "CENTER", 13),
    # Where ezdxf puts the viewports of layouts.
    ("VIEWPORTS", 8, "CONTINUOUS", 13),
]:
    doc.layers.add(name, color=color, linetype=linetype, lineweight=weight)

door = doc.blocks.new("DOOR_900")
door.add_line((0, 0), (0, 900), dxfattribs={"layer": "DOORS"})
door.add_arc((0, 0), 900, 0, 90, dxfattribs={"layer": "DOORS"})
door.add_attdef("NUMBER", (350, 250), dxfattribs={"height": 140, "layer": "TEXT"})
window = doc.blocks.new("WINDOW_1200")
for y in (0, 150, 300):
    window.add_line((0, y), (1200, y), dxfattribs={"layer": "WINDOWS"})
chair = doc.blocks.new("CHAIR")
chair.add_lwpolyline([(-220, -220), (220, -220), (220, 220), (-220, 220)], close=True)
chair.add_lwpolyline([(-220, 220, 0, 0, -0.5), (220, 220)], format="xyseb")

msp = doc.modelspace()


def wall(points):
    msp.add_lwpolyline(points, close=True, dxfattribs={"layer": "WALLS"})
    hatch = msp.add_hatch(color=256, dxfattribs={"layer": "HATCH"})
    hatch.set_pattern_fill("ANSI31", scale=60)
    hatch.paths.add_polyline_path(points, is_closed=True)


wall([(0, 0), (3100, 0), (3100, 300), (300, 300), (300, 5700), (0, 5700)])
wall([(4300, 0), (9000, 0), (9000, 300), (4300, 300)])
wall([(9000, 0), (9300, 0), (9300, 6000), (9000, 6000)])
wall([(0, 5700), (2000, 5700), (2000, 6000), (0, 6000)])
wall([(3200, 5700), (6000, 5700), (6000, 6000), (3200, 6000)])
wall([(7200, 5700), (9000, 5700), (9000, 6000), (7200, 6000)])
wall([(5200, 300), (5350, 300), (5350, 2600), (5200, 2600)])
wall([(5200, 3500), (5350, 3500), (5350, 5700), (5200, 5700)])

for number, (at, angle) in enumerate([((3100, 300), 0), ((5200, 2600), 90)], start=1):
    insert = msp.add_blockref("DOOR_900", at, dxfattribs={"rotation": angle, "layer": "DOORS"})
    insert.add_auto_attribs({"NUMBER": f"D{number}"})
for at in [(2000, 5700), (6000, 5700)]:
    msp.add_blockref("WINDOW_1200", at, dxfattribs={"layer": "WINDOWS"})

msp.add_ellipse((2400, 3000), major_axis=(900, 0), ratio=0.6, dxfattribs={"layer": "FURNITURE"})
for angle, at in [(0, (2400, 3900)), (180, (2400, 2100)), (90, (1150, 3000)), (270, (3650, 3000))]:
    msp.add_blockref("CHAIR", at, dxfattribs={"rotation": angle, "layer": "FURNITURE"})
msp.add_lwpolyline(
    [(6200, 600), (8700, 600), (8700, 2400), (6200, 2400)],
    close=True,
    dxfattribs={"layer": "FURNITURE"},
)
msp.add_spline(
    [(6300, 4200), (6900, 4900), (7600, 4300), (8300, 5000), (8700, 4400)],
    dxfattribs={"layer": "FURNITURE"},
)
msp.add_circle((7000, 3300), 350, dxfattribs={"layer": "FURNITURE"})
msp.add_line((-600, 3000), (9900, 3000), dxfattribs={"layer": "AXES", "ltscale": 300})
msp.add_line((5275, -600), (5275, 6600), dxfattribs={"layer": "AXES", "ltscale": 300})
msp.add_point((0, 0), dxfattribs={"layer": "AXES"})

for text, at in [("LIVING ROOM", (2400, 4900)), ("BEDROOM", (7400, 2800))]:
    msp.add_text(text, height=220, dxfattribs={"layer": "TEXT"}).set_placement(
        at, align=TextEntityAlignment.MIDDLE_CENTER
    )
msp.add_mtext(
    "{\\H1.4x;Flat 12}\\PSecond floor, scale 1:50\\P\\C1;Walls of brick, 300 mm",
    dxfattribs={"layer": "TEXT", "char_height": 180, "insert": (10200, 5600), "width": 4000},
)

dimstyle = doc.dimstyles.duplicate_entry("Standard", "PLAN")
for key, value in {"dimtxt": 160, "dimasz": 120, "dimexe": 80, "dimexo": 80, "dimgap": 60}.items():
    dimstyle.set_dxf_attrib(key, value)
dimstyle.set_dxf_attrib("dimdec", 0)
for base, one, two, angle in [
    ((0, -900), (0, 0), (9300, 0), 0),
    ((0, 6700), (0, 6000), (2000, 6000), 0),
    ((-900, 0), (0, 0), (0, 6000), 90),
]:
    msp.add_linear_dim(
        base=base, p1=one, p2=two, angle=angle, dimstyle="PLAN", dxfattribs={"layer": "DIMENSIONS"}
    ).render()
msp.add_radius_dim(
    center=(7000, 3300), radius=350, angle=30, dimstyle="PLAN", dxfattribs={"layer": "DIMENSIONS"}
).render()

# What editors usually do not model, and what must survive a save all the same.
record = doc.rootdict.add_xrecord("VITRINE_DEMO")
record.reset([DXFTag(1, "a record of the partner's own"), DXFTag(40, 12.5), DXFTag(70, 7)])
inner = doc.rootdict.add_new_dict("VITRINE_PARTS")
inner.add_xrecord("FIRST").reset([DXFTag(1, "nested")])
doc.appids.add("VITRINE")
msp[0].set_xdata("VITRINE", [(1000, "outer wall"), (1040, 300.0)])
extension = msp[1].new_extension_dict()
extension.add_xrecord("COST").reset([DXFTag(40, 199.95)])
layout = doc.layouts.get("Layout1")
layout.page_setup(size=(420, 297), margins=(10, 10, 10, 10), units="mm")
layout.add_viewport(center=(200, 140), size=(360, 250), view_center_point=(4650, 3000), view_height=8500)
layout.add_text("Sheet 1", height=6, dxfattribs={"layer": "TEXT"}).set_placement((20, 15))

doc.set_modelspace_vport(height=9000, center=(5600, 3000))
doc.saveas(Path(__file__).with_name("flat.dxf"))

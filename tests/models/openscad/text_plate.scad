// Name plate with raised or engraved text

/* [Text] */
// First line
line_1 = "Workshop"; // 20
// Second line, may be empty
line_2 = ""; // 20
font_size = 12; // [6:30]
font = "Liberation Sans:style=Bold"; // ["Liberation Sans:style=Bold":Sans, "Liberation Serif":Serif, "Liberation Mono":Mono]
style = "raised"; // [raised, engraved]
text_depth = 1; // [0.4:0.2:3]

/* [Plate] */
// Width, height and thickness
plate = [110, 34, 3]; // [1:200]
corner = 5; // [0:15]
holes = true;
hole_diameter = 3.5;

/* [Hidden] */
$fn = 48;

module letters() {
  lines = line_2 == "" ? [line_1] : [line_1, line_2];
  for (i = [0 : len(lines) - 1])
    translate([0, (len(lines) - 1) * font_size * 0.75 - i * font_size * 1.5, 0])
      text(lines[i], size = font_size, font = font, halign = "center", valign = "center");
}

module blank() {
  difference() {
    linear_extrude(height = plate.z)
      offset(r = corner) square([plate.x - 2 * corner, plate.y - 2 * corner], center = true);
    if (holes) for (x = [-1, 1])
      translate([x * (plate.x / 2 - hole_diameter * 1.5), 0, -1]) cylinder(d = hole_diameter, h = plate.z + 2);
  }
}

if (style == "raised") {
  color("SteelBlue") blank();
  color("White") translate([0, 0, plate.z - 0.01]) linear_extrude(height = text_depth) letters();
} else {
  difference() {
    blank();
    translate([0, 0, plate.z - text_depth]) linear_extrude(height = text_depth + 1) letters();
  }
}

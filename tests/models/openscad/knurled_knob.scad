/* [Knob] */
// Outer diameter
knob_diameter = 30; // [15:60]
knob_height = 14; // [8:40]
// Grooves around the knob
grooves = 18; // [6:2:48]
groove_depth = 1.2; // [0.4:0.2:3]

/* [Shaft] */
// How the shaft looks
shaft = "D"; // [round:Round, D:D-shaped (potentiometer), hex:Hexagonal]
shaft_diameter = 6.2; // [3:0.1:12]
shaft_depth = 10; // [5:30]

/* [Top] */
pointer = true;
// Rounding at the top
chamfer = 1.5; // [0:0.5:4]

/* [Hidden] */
$fn = 64;

module body() {
  difference() {
    union() {
      cylinder(d = knob_diameter, h = knob_height - chamfer);
      translate([0, 0, knob_height - chamfer - 0.001])
        cylinder(d1 = knob_diameter, d2 = knob_diameter - 2 * chamfer, h = chamfer + 0.001);
    }
    for (a = [0 : 360 / grooves : 359.9])
      rotate(a) translate([knob_diameter / 2 + groove_depth * 0.2, 0, -1])
        cylinder(r = groove_depth, h = knob_height + 2, $fn = 10);
  }
}

module hole() {
  if (shaft == "round") cylinder(d = shaft_diameter, h = shaft_depth);
  else if (shaft == "hex") cylinder(d = shaft_diameter / cos(30), h = shaft_depth, $fn = 6);
  else intersection() {
    cylinder(d = shaft_diameter, h = shaft_depth);
    translate([-shaft_diameter / 2, -shaft_diameter / 2, 0]) cube([shaft_diameter * 0.75, shaft_diameter, shaft_depth]);
  }
}

difference() {
  body();
  translate([0, 0, -0.01]) hole();
  if (pointer) translate([knob_diameter / 4, -0.6, knob_height - 0.8]) cube([knob_diameter / 4 - 2, 1.2, 2]);
}

// Phone stand with a slot for the cable

// Thickness of the phone with its case
phone_thickness = 11; // [6:0.5:20]
// Width of the stand
stand_width = 60; // [40:120]
// Angle of the back rest
lean = 65; // [45:80]
rest_height = 80; // [50:130]
material = 5; // [3:8]
/* [Cable] */
cable_slot = true;
cable_width = 14; // [8:20]
/* [Look] */
// Lighten the back with holes
holes = "hexagons"; // [none, circles, hexagons]
$fn = 24; // [12, 24, 48]

module profile() {
  back = [cos(lean) * rest_height, sin(lean) * rest_height];
  lip = phone_thickness + material;
  // base
  hull() {
    translate([-lip, 0]) circle(d = material);
    translate([back[0] + 10, 0]) circle(d = material);
  }
  // back rest
  hull() {
    circle(d = material);
    translate(back) circle(d = material);
  }
  // lip
  hull() {
    translate([-lip, 0]) circle(d = material);
    translate([-lip - 4, 14]) circle(d = material);
  }
  // brace
  hull() {
    translate([back[0] + 10, 0]) circle(d = material);
    translate(back * 0.55) circle(d = material);
  }
}

module hole_pattern() {
  if (holes != "none")
    for (i = [-1 : 1], j = [0 : 1])
      translate([0, 26 + j * 16, i * 17]) rotate([0, 90, 0])
        cylinder(d = 12, h = 60, center = true, $fn = holes == "hexagons" ? 6 : 32);
}

difference() {
  linear_extrude(height = stand_width, center = true, convexity = 8) profile();
  rotate(lean - 90) hole_pattern();
  if (cable_slot)
    translate([-phone_thickness - material - 10, -material, -cable_width / 2])
      cube([phone_thickness + material + 12, 30, cable_width]);
}

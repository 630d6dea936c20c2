// Wall hook with screw holes
// by nobody in particular

// Width of the plate
plate_width = 24; // [15:50]
plate_height = 70; // [40:120]
plate_thickness = 4; // [3:8]
// How far the hook reaches out
reach = 30; // [15:80]
// Opening between hook and plate at the tip
tip_height = 18; // [8:40]
hook_thickness = 8; // [5:15]

/* [Screws] */
screws = 2; // [1:3]
screw_diameter = 4.2; // .1
head_diameter = 8.4; // .1

/* [Hidden] */
$fn = 40;
e = 0.01;

module screw_hole() {
  translate([0, 0, -e]) cylinder(d = screw_diameter, h = plate_thickness + 2 * e);
  translate([0, 0, plate_thickness - (head_diameter - screw_diameter) / 2])
    cylinder(d1 = screw_diameter, d2 = head_diameter + e, h = (head_diameter - screw_diameter) / 2 + e);
}

module plate() {
  difference() {
    hull() for (x = [-1, 1], y = [-1, 1])
      translate([x * (plate_width / 2 - 4), y * (plate_height / 2 - 4), 0]) cylinder(r = 4, h = plate_thickness);
    for (i = [0 : screws - 1])
      translate([0, plate_height / 2 - 10 - i * 18, 0]) screw_hole();
  }
}

module arm() {
  points = [
    [0, -plate_height / 2 + hook_thickness],
    [reach * 0.6, -plate_height / 2 + hook_thickness * 0.7],
    [reach, -plate_height / 2 + hook_thickness + tip_height * 0.4],
    [reach, -plate_height / 2 + hook_thickness + tip_height]
  ];
  for (i = [0 : len(points) - 2]) hull() {
    for (p = [points[i], points[i + 1]])
      translate([0, p[1], p[0] + plate_thickness / 2]) rotate([0, 90, 0]) cylinder(d = hook_thickness, h = plate_width * 0.6, center = true);
  }
}

union() {
  plate();
  intersection() {
    arm();
    translate([-plate_width, -plate_height, 0.5]) cube([plate_width * 2, plate_height * 2, reach * 2]);
  }
}

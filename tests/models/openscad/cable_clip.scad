// Cable clip for the edge of a desk
// Measure your cables first!
cable_diameters = [6, 4, 3]; // [2:0.5:12]
// Thickness of the desk
desk = 18; // [8:0.5:40]
// How far it grips
grip = 25; // [15:50]
clip_width = 12; // [6:30]
wall = 2.4; // [1.6:0.4:5]
// Chamfer where cables go in
easy_entry = true;
label = "LAN"; // 6

/* [Global] */
// Roundness
quality = 32; // [16:Draft, 32:Good, 64:Best]

module __Customizer_Limit__ () {}

$fn = quality;

function offset_of(i) = i == 0 ? 0 : offset_of(i - 1) + cable_diameters[i - 1] / 2 + cable_diameters[i] / 2 + 2 * wall;

module jaw() {
  difference() {
    translate([-wall, -wall]) square([grip + wall, desk + 2 * wall]);
    square([grip + 1, desk]);
    translate([grip * 0.9, desk / 2]) rotate(45) square(desk * 0.72, center = true);
  }
}

module ring(d) {
  difference() {
    circle(d = d + 2 * wall);
    circle(d = d);
    translate([0, -d * 0.36]) square([d + 2 * wall, d * 0.72]);
    if (easy_entry) translate([d / 2 + wall, 0]) rotate(45) square(d * 0.9, center = true);
  }
}

linear_extrude(height = clip_width) {
  jaw();
  for (i = [0 : len(cable_diameters) - 1])
    translate([cable_diameters[0] / 2 + offset_of(i), desk + 1.5 * wall + cable_diameters[i] / 2]) rotate(90) ring(cable_diameters[i]);
}
translate([-wall + 0.3, desk / 2, clip_width / 2]) rotate([90, 0, -90])
  linear_extrude(height = 0.8) text(label, size = clip_width * 0.5, halign = "center", valign = "center");

// Parametric box with a lid that slips over a lip

/* [Size] */
// Inner width in mm
inner_width = 60; // [20:200]
// Inner depth in mm
inner_depth = 40; // [20:200]
// Inner height in mm
inner_height = 25; // [10:150]

/* [Walls] */
// Thickness of walls and floor
wall = 2; // [1.2:0.2:4]
// Radius of the upright edges
corner_radius = 4; // [1:0.5:12]
// Play between lip and lid
tolerance = 0.2; // [0:0.05:0.6]

/* [What to print] */
part = "both"; // [box:Box only, lid:Lid only, both:Box and lid]
// Dividers across the box
dividers = 1; // [0, 1, 2, 3]

/* [Hidden] */
$fn = 32;
lip = 4;

module rounded(w, d, h, r) {
  linear_extrude(height = h)
    offset(r = r) square([w - 2 * r, d - 2 * r], center = true);
}

module shell(w, d, h) {
  difference() {
    rounded(w + 2 * wall, d + 2 * wall, h + wall, corner_radius + wall);
    translate([0, 0, wall]) rounded(w, d, h + 1, corner_radius);
  }
}

module box() {
  shell(inner_width, inner_depth, inner_height);
  for (i = [1 : 1 : dividers]) {
    x = -inner_width / 2 + i * inner_width / (dividers + 1);
    translate([x - wall / 2, -inner_depth / 2 - 0.01, 1]) cube([wall, inner_depth + 0.02, inner_height - lip]);
  }
}

module lid() {
  rounded(inner_width + 2 * wall, inner_depth + 2 * wall, wall, corner_radius + wall);
  difference() {
    rounded(inner_width - 2 * tolerance, inner_depth - 2 * tolerance, wall + lip, corner_radius);
    translate([0, 0, -1])
      rounded(inner_width - 2 * wall, inner_depth - 2 * wall, wall + lip + 2, max(0.5, corner_radius - wall));
  }
}

if (part != "lid") box();
if (part != "box") translate([0, part == "both" ? inner_depth + 2 * wall + 10 : 0, 0]) lid();

// Twisted vase, prints in spiral mode

/* [Shape] */
// Corners of the outline
sides = 7; // [3:12]
height = 120; // [40:5:200]
base_radius = 32; // [15:60]
// How much wider the rim is than the foot
flare = 1.3; // [0.6:0.05:2]
// Turn over the whole height in degrees
twist = 75; // [-360:15:360]

/* [Wall] */
hollow = true;
wall = 1.6; // [0.8:0.4:4]
floor_height = 2; // [1:5]

/* [Quality] */
slices = 24; // [10:Coarse, 24:Normal, 48:Fine]

module outline(r) {
  difference() {
    circle(r = r, $fn = sides * 6);
    for (i = [0 : sides - 1]) rotate(i * 360 / sides) translate([r * 1.06, 0]) circle(r = r * 0.18, $fn = 16);
  }
}

module body(r, h) {
  linear_extrude(height = h, twist = twist, scale = flare, slices = slices, convexity = 6) outline(r);
}

difference() {
  body(base_radius, height);
  if (hollow)
    translate([0, 0, floor_height]) body(base_radius - wall, height);
}

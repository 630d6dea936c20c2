// Threaded bolt and nut, no libraries needed
//////////////////////////////////////////////

/* [Thread] */
// Nominal diameter
diameter = 10; // [5:30]
pitch = 2.5; // [1:0.25:5]
// Length under the head
bolt_length = 20; // [10:100]
// Gap for printing
clearance = 0.3; // [0:0.05:0.8]

/* [Head] */
head = "hex"; // [hex:Hexagon, knurled:Round with grip, none:Threaded rod]
head_height = 6; // [3:20]

/* [Output] */
show = 0; // [0:Bolt, 1:Nut, 2:Both]

/* [Hidden] */
segments = 24;

// A stack of slices, each turned a little: one polyhedron per thread
module thread(d, p, length) {
  turns = length / p;
  rings = ceil(turns * 8);
  function radius(a) = d / 2 - p * 0.3 * (1 + cos(a));
  points = [for (r = [0 : rings], s = [0 : segments - 1])
    let (z = length * r / rings, a = s * 360 / segments, q = radius(a + z / p * 360))
    [q * cos(a), q * sin(a), z]];
  walls = [for (r = [0 : rings - 1], s = [0 : segments - 1])
    let (n = (s + 1) % segments, i = r * segments)
    each [[i + s, i + segments + s, i + n], [i + n, i + segments + s, i + segments + n]]];
  bottom = [[for (s = [0 : segments - 1]) s]];
  top = [[for (s = [segments - 1 : -1 : 0]) rings * segments + s]];
  polyhedron(points = points, faces = concat(walls, bottom, top), convexity = 10);
}

module bolt() {
  thread(diameter, pitch, bolt_length);
  translate([0, 0, -head_height + 0.01]) {
    if (head == "hex") cylinder(d = diameter * 1.8, h = head_height, $fn = 6);
    if (head == "knurled") difference() {
      cylinder(d = diameter * 2, h = head_height, $fn = 60);
      for (a = [0 : 20 : 340]) rotate(a) translate([diameter * 1.05, 0, -1]) cylinder(d = 3, h = head_height + 2, $fn = 12);
    }
  }
}

module nut() {
  h = diameter * 0.8;
  difference() {
    cylinder(d = diameter * 1.8, h = h, $fn = 6);
    translate([0, 0, -pitch]) thread(diameter + 2 * clearance, pitch, h + 2 * pitch);
  }
}

if (show != 1) bolt();
if (show != 0) translate([show == 2 ? diameter * 2.5 : 0, 0, 0]) nut();

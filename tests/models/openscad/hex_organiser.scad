// Honeycomb organiser for a drawer

/* [Grid] */
columns = 4; // [1:10]
rows = 3;    // [1:10]
// Width across flats of one cell
cell = 22;   // [8:60]
// Height of the cells
height = 30; // [5:5:120]

/* [Walls] */
wall = 1.2;  // [0.8:0.2:3]
floor = 1.2; // [0:0.2:3]
// Leave every other cell lower
stagger = false;

/* [Hidden] */
step = cell + wall;

function position(c, r) = [c * step * sqrt(3) / 2, r * step + (c % 2) * step / 2];

module hexagon(flats) {
  circle(d = flats / cos(30), $fn = 6);
}

difference() {
  union() for (c = [0 : columns - 1], r = [0 : rows - 1])
    translate(position(c, r))
      linear_extrude(height = stagger && (c + r) % 2 == 1 ? height * 0.7 : height)
        hexagon(cell + 2 * wall);
  for (c = [0 : columns - 1], r = [0 : rows - 1])
    translate(concat(position(c, r), [floor == 0 ? -1 : floor]))
      linear_extrude(height = height + 2) hexagon(cell);
}

/*
 * Spur gear with involute teeth
 * Public domain
 */

// Number of teeth
teeth = 18; // [8:60]
// Size of a tooth: pitch diameter / teeth
gear_module = 2; // [0.5:0.25:5]
// Angle of contact
pressure_angle = 20; // [14.5, 20, 25]
thickness = 6; // [2:30]
// Bore for the shaft
bore = 5;   // [0:0.1:20]
// Hub on one side
with_hub = true;
// Twist, for a helical gear
helix_angle = 0; // [0:5:40]

/* [Hidden] */
steps = 6;
pitch_radius = teeth * gear_module / 2;
base_radius = pitch_radius * cos(pressure_angle);
outer_radius = pitch_radius + gear_module;
root_radius = max(bore / 2 + 1, pitch_radius - 1.25 * gear_module);

function involute(r, a) = [r * (cos(a) + a * PI / 180 * sin(a)), r * (sin(a) - a * PI / 180 * cos(a))];
function rotated(p, a) = [p[0] * cos(a) - p[1] * sin(a), p[0] * sin(a) + p[1] * cos(a)];
function angle_at(r) = r <= base_radius ? 0 : sqrt(pow(r / base_radius, 2) - 1) * 180 / PI;

pitch_point = involute(base_radius, angle_at(pitch_radius));
half_tooth = atan2(pitch_point[1], pitch_point[0]) + 90 / teeth;
last_angle = angle_at(outer_radius);

flank = [for (i = [0 : steps]) rotated(involute(base_radius, last_angle * i / steps), -half_tooth)];
mirrored = [for (i = [steps : -1 : 0]) [flank[i][0], -flank[i][1]]];

module tooth() {
  polygon(concat([[0, 0]], flank, mirrored));
}

module profile() {
  difference() {
    union() {
      circle(r = root_radius, $fn = teeth * 4);
      for (i = [0 : teeth - 1]) rotate(i * 360 / teeth) tooth();
    }
    if (bore > 0) circle(d = bore, $fn = 48);
  }
}

linear_extrude(height = thickness, twist = -atan(thickness * tan(helix_angle) / pitch_radius), slices = helix_angle > 0 ? 8 : 1)
  profile();
if (with_hub) {
  difference() {
    cylinder(d = bore * 2 + 4, h = thickness * 1.8, $fn = 48);
    translate([0, 0, -1]) cylinder(d = bore, h = thickness * 2, $fn = 48);
  }
}

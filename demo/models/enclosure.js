// An enclosure for electronics: a base and a lid with vents, stand-offs for the circuit board, openings for cables, and a label.
// X is the length, Y the width (the front looks towards -Y), Z the height. All lengths are millimetres.

const { primitives, booleans, transforms, extrusions, expansions, hulls, geometries, text } = require('@jscad/modeling')
const { material } = require('vitrine')

const { translate, rotateX, rotateY } = transforms
const { subtract, union } = booleans

/* Lid and base do not touch, so that paint and dust find room. */
const SEAM = 0.4
/* The lip of the lid reaches this far into the base, and stays this far away from its walls. */
const LIP_DEPTH = 3
const LIP_PLAY = 0.3
const LIP_WIDTH = 1.6
const BOSS_RADIUS = 4
const SCREW_RADIUS = 1.25
const CIRCUIT_THICKNESS = 1.6
const STAND_OFF_RADIUS = 3
const ENGRAVING = 0.6
/* More holes than this in one field make it no airier. */
const VENTS_MAX = 60

const FINISHES = {
  matt: { roughness: 0.72, metalness: 0, density: 1.05e-6, perCubicCentimetre: 0.21 },
  satin: { roughness: 0.38, metalness: 0, density: 1.2e-6, perCubicCentimetre: 0.34 },
  metal: { roughness: 0.36, metalness: 1, density: 2.7e-6, perCubicCentimetre: 1.1 }
}

const getParameterDefinitions = () => [
  { name: 'size', type: 'group', caption: 'Size' },
  { name: 'length', caption: 'Length', type: 'slider', initial: 124, min: 70, max: 220, step: 1, tooltip: 'Outer length in mm, without ears and glands.' },
  { name: 'width', caption: 'Width', type: 'slider', initial: 84, min: 55, max: 160, step: 1, tooltip: 'Outer width in mm.' },
  { name: 'height', caption: 'Height', type: 'slider', initial: 42, min: 32, max: 100, step: 1, tooltip: 'Outer height in mm with the lid closed.' },
  { name: 'wall', caption: 'Wall', type: 'float', initial: 2.4, min: 1.6, max: 4, step: 0.1, tooltip: 'Thickness of walls, floor and lid in mm.' },
  { name: 'corner', caption: 'Corner radius', type: 'float', initial: 9, min: 6, max: 16, step: 0.5, tooltip: 'Radius of the upright edges in mm.' },
  { name: 'inside', type: 'group', caption: 'Inside' },
  { name: 'opening', caption: 'Lift the lid', type: 'slider', initial: 46, min: 0, max: 90, step: 1, tooltip: 'Only for looking inside: files for printing do not change.' },
  { name: 'standOff', caption: 'Stand-offs', type: 'float', initial: 6, min: 3, max: 12, step: 0.5, tooltip: 'Height of the posts under the circuit board in mm.' },
  { name: 'circuit', caption: 'Show a circuit board', type: 'checkbox', checked: true, tooltip: 'A dummy to see what fits; it is not part of the product.' },
  { name: 'openings', type: 'group', caption: 'Openings' },
  { name: 'vents', caption: 'Vents', type: 'choice', values: ['slots', 'honeycomb', 'round', 'none'], captions: ['Slots', 'Honeycomb', 'Round holes', 'None'], initial: 'honeycomb', tooltip: 'Pattern of the openings in the lid and the long walls.' },
  { name: 'glands', caption: 'Cable glands', type: 'int', initial: 3, min: 0, max: 4, step: 1, tooltip: 'In the right wall, as many as fit side by side.' },
  { name: 'glandSize', caption: 'Gland thread', type: 'choice', values: [12, 16, 20], captions: ['M12', 'M16', 'M20'], initial: 12, tooltip: 'Low cases take the largest one that fits.' },
  { name: 'ears', caption: 'Ears for the wall', type: 'checkbox', checked: true, tooltip: 'Two tabs with slotted holes.' },
  { name: 'look', type: 'group', caption: 'Look' },
  { name: 'label', caption: 'Label', type: 'text', initial: 'VITRINE', maxLength: 18, tooltip: 'Engraved in the lid. Leave it empty for none.' },
  { name: 'finish', caption: 'Material', type: 'radio', values: ['matt', 'satin', 'metal'], captions: ['Plastic, matt', 'Plastic, satin', 'Aluminium'], initial: 'matt', tooltip: 'What walls and lid are made of.' },
  { name: 'baseColor', caption: 'Colour of the base', type: 'color', initial: '#3b434c', tooltip: 'Walls, floor and ears.' },
  { name: 'lidColor', caption: 'Colour of the lid', type: 'color', initial: '#d8d2c4', tooltip: 'The lid with its lip.' },
  { name: 'accent', caption: 'Colour of the label', type: 'color', initial: '#e2572b', tooltip: 'Filled into the engraving.' }
]

/* All measures that follow from the parameters, in one place. */
const plan = (p) => {
  const lidHeight = Math.max(8, p.wall + 5)
  const seam = p.height - lidHeight
  /* Bosses stand in the corners, but never break through the round edge. */
  const inset = Math.max(BOSS_RADIUS + p.wall / 2, p.corner - (p.corner - BOSS_RADIUS - 0.5) / Math.SQRT2)
  const boss = [p.length / 2 - inset, p.width / 2 - inset]
  return {
    seam,
    boss,
    inner: [p.length - 2 * p.wall, p.width - 2 * p.wall, Math.max(1.5, p.corner - p.wall)],
    circuit: [2 * (boss[0] - BOSS_RADIUS - 1), p.width - 2 * p.wall - 3],
    circuitFloor: p.wall + p.standOff
  }
}

const fourCorners = (x, y, shape) => [[x, y], [-x, y], [-x, -y], [x, -y]].map(([a, b]) => translate([a, b, 0], shape))

const plate = (length, width, radius, low, high) => translate([0, 0, low], extrusions.extrudeLinear(
  { height: high - low },
  primitives.roundedRectangle({ size: [length, width], roundRadius: Math.min(radius, length / 2 - 0.1, width / 2 - 0.1), segments: 32 })
))

const rod = (radius, low, high, segments) => primitives.cylinder({ radius, height: high - low, segments, center: [0, 0, (low + high) / 2] })

/* A plate whose lower and upper edges are rounded by these radii. */
const softPlate = (length, width, corner, low, high, lowEdge, highEdge) => {
  const layers = []
  const layer = (z, inset) => layers.push(plate(length - 2 * inset, width - 2 * inset, corner - inset, z, z + 0.01))
  const steps = 3
  for (let i = 0; i <= steps; i++) {
    const angle = Math.PI / 2 * (i / steps)
    const [out, up] = [1 - Math.sin(angle), 1 - Math.cos(angle)]
    layer(low + lowEdge * up, lowEdge * out)
    layer(high - 0.01 - highEdge * up, highEdge * out)
  }
  return hulls.hull(layers)
}

/* A slot with round ends, upright along Y. */
const slot = (width, length, height) => extrusions.extrudeLinear({ height }, primitives.roundedRectangle({
  size: [width, Math.max(length, width + 0.1)], roundRadius: width / 2 - 0.01, segments: 16
}))

/* Places of a field of holes around the origin, in rows that are shifted against each other. */
const field = (length, width, pitch) => {
  const spread = Math.max(pitch, Math.sqrt(length * width / (VENTS_MAX * 0.87)))
  const rise = spread * 0.866
  const rows = Math.max(1, Math.floor(width / rise))
  const places = []
  for (let row = 0; row < rows; row++) {
    const count = Math.max(1, Math.floor(length / spread) - row % 2)
    for (let i = 0; i < count; i++) places.push([(i - (count - 1) / 2) * spread, (row - (rows - 1) / 2) * rise])
  }
  return { places, spread }
}

/* The holes of a pattern in a field, from z = 0 to this height. */
const vents = (kind, length, width, height) => {
  if (kind === 'none' || length < 8 || width < 4) return []
  if (kind === 'slots') {
    const pitch = 5.6
    const count = Math.max(1, Math.floor(length / pitch))
    const one = slot(2.6, width, height)
    return Array.from({ length: count }, (_, i) => translate([(i - (count - 1) / 2) * pitch, 0, 0], one))
  }
  const { places, spread } = field(length, width, kind === 'honeycomb' ? 8.2 : 6.4)
  const radius = kind === 'honeycomb' ? (spread - 1.2) / Math.sqrt(3) : spread * 0.32
  const one = transforms.rotateZ(Math.PI / 6, rod(radius, 0, height, kind === 'honeycomb' ? 6 : 14))
  return places.map(([x, y]) => translate([x, y, 0], one))
}

/* The largest glands that the wall takes, and how many of them. */
const glandPlan = (p, m) => {
  const size = [20, 16, 12].find((candidate) => candidate <= Number(p.glandSize) && candidate * 1.45 + 2 <= m.seam)
  if (size === undefined) return { size: 0, places: [] }
  const pitch = size * 1.45 + 2
  const room = p.width - 2 * p.corner
  const count = Math.min(p.glands, Math.floor(room / pitch))
  const spread = count > 1 ? Math.min(pitch * 1.25, (room - pitch) / (count - 1)) : 0
  return { size, places: Array.from({ length: count }, (_, i) => (i - (count - 1) / 2) * spread) }
}

const base = (p, m) => {
  const floor = p.wall
  const shell = softPlate(p.length, p.width, p.corner, 0, m.seam - SEAM, Math.min(2.5, p.wall), 0.5)
  const [boss, post] = [rod(BOSS_RADIUS, floor - 1, m.seam - SEAM - 0.2, 24), rod(STAND_OFF_RADIUS, floor - 1, m.circuitFloor, 24)]
  const posts = [m.circuit[0] / 2 - 4.5, m.circuit[1] / 2 - 4.5]
  const parts = [
    subtract(shell, plate(...m.inner, floor, p.height)),
    ...fourCorners(...m.boss, boss),
    ...fourCorners(...posts, post)
  ]
  const cuts = [
    ...fourCorners(...m.boss, rod(SCREW_RADIUS, floor + 1.5, p.height, 16)),
    ...fourCorners(...posts, rod(1.1, floor + 0.6, m.circuitFloor + 2, 14))
  ]
  if (p.ears) {
    const ear = subtract(
      plate(p.length + 36, 26, 8, 0, 3.4),
      [1, -1].map((side) => translate([side * (p.length / 2 + 10), 0, -1], transforms.rotateZ(Math.PI / 2, slot(4.6, 9, 6))))
    )
    parts.push(subtract(ear, plate(p.length - 2 * p.wall, 60, 1, -1, 10)))
  }
  const { size, places } = glandPlan(p, m)
  const opening = rotateY(Math.PI / 2, rod(size / 2 + 0.2, -20, 20, 32))
  for (const y of places) cuts.push(translate([p.length / 2, y, m.seam / 2], opening))
  /* Vents in the long walls keep away from the seam, the bosses and the floor. */
  const high = m.seam - 14
  const wide = 2 * (m.boss[0] - BOSS_RADIUS - 4)
  const sideVents = vents(p.vents, wide, high, p.width + 20)
  cuts.push(...sideVents.map((hole) => translate([0, p.width / 2 + 10, m.seam / 2], rotateX(Math.PI / 2, hole))))
  return subtract(union(parts), cuts)
}

/* A countersunk hole from above and the screw that fills it, with their upper face at z = 0. */
const screwHole = (p) => [
  rod(SCREW_RADIUS + 0.4, -60, 1, 16),
  rod(2.9, -Math.min(2.2, p.wall), 1, 24)
]

const screwHead = (p) => subtract(
  rod(2.7, -Math.min(2.2, p.wall) + 0.1, -0.2, 24),
  rod(1.3, -1.4, 1, 6)
)

/* The label as flat shapes around the origin, not wider and not higher than asked for. */
const letters = (label, width, height) => {
  const lines = text.vectorText({ height: 10, align: 'left' }, label).filter((line) => line.length > 1)
  if (lines.length === 0) return []
  const xs = lines.flatMap((line) => line.map((point) => point[0]))
  const ys = lines.flatMap((line) => line.map((point) => point[1]))
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)]
  const scale = Math.min(width / Math.max(right - left, 1), height / Math.max(high - low, 8))
  const at = ([x, y]) => [(x - (left + right) / 2) * scale, (y - (low + high) / 2) * scale]
  const stroke = Math.max(0.3, 0.95 * scale)
  const flat = lines.map((line) => expansions.expand(
    { delta: stroke, corners: 'round', segments: 8 },
    geometries.path2.fromPoints({}, line.map(at))
  ))
  return [extrusions.extrudeLinear({ height: 5 }, booleans.union(flat))]
}

const lid = (p, m) => {
  const [length, width, corner] = m.inner
  const lip = (inset, low, high) => plate(length - 2 * inset, width - 2 * inset, Math.max(1, corner - inset), low, high)
  const bottom = m.seam
  const hollow = lip(LIP_PLAY + LIP_WIDTH, bottom - 20, p.height - p.wall)
  const ring = subtract(
    lip(LIP_PLAY, bottom - LIP_DEPTH, bottom + 1),
    [lip(LIP_PLAY + LIP_WIDTH, bottom - 20, bottom + 20), ...fourCorners(...m.boss, rod(BOSS_RADIUS + 0.5, bottom - 20, bottom + 0.2, 24))]
  )
  const body = union(
    subtract(softPlate(p.length, p.width, p.corner, bottom, p.height, 0.5, Math.min(2.5, p.wall)), hollow),
    ring,
    ...fourCorners(...m.boss, rod(BOSS_RADIUS, bottom, p.height - p.wall + 0.5, 24))
  )
  const reach = [2 * (m.boss[0] - BOSS_RADIUS - 2), width - 2 * (LIP_PLAY + LIP_WIDTH) - 6]
  const strip = p.label.trim() === '' ? 0 : Math.min(13, reach[1] / 4)
  const fieldWidth = reach[1] - (strip > 0 ? strip + 5 : 0)
  const cuts = screwHole(p).flatMap((hole) => fourCorners(...m.boss, hole)).map((hole) => translate([0, 0, p.height], hole))
  for (const hole of vents(p.vents, reach[0], fieldWidth, 30)) cuts.push(translate([0, reach[1] / 2 - fieldWidth / 2, p.height - 15], hole))
  const label = strip > 0 ? letters(p.label, reach[0], strip * 0.78) : []
  const engraving = label.map((shape) => material({ color: p.accent, roughness: 0.5 }, translate([0, -reach[1] / 2 + strip / 2, p.height - ENGRAVING], shape)))
  return { body, cuts: [...cuts, ...engraving] }
}

const paint = (p, color, shape) => material({ color, roughness: FINISHES[p.finish].roughness, metalness: FINISHES[p.finish].metalness }, shape)

const paintedLid = (p, m) => {
  const { body, cuts } = lid(p, m)
  return subtract(paint(p, p.lidColor, body), cuts.map((cut) => cut.color === undefined ? paint(p, p.lidColor, cut) : cut))
}

const gland = (size) => {
  const across = size * 1.25 / Math.sqrt(3)
  const nut = rod(across, 0.2, 5, 6)
  const r = size / 2
  const dome = extrusions.extrudeRotate({ segments: 32 }, primitives.polygon({
    points: [[r * 0.42, 4], [r * 1.05, 4], [r * 1.05, 8], [r * 0.95, 10.5], [r * 0.7, 12], [r * 0.42, 12.4]]
  }))
  const thread = subtract(rod(r, -8, 1, 32), rod(r * 0.42, -10, 8, 24))
  const counterNut = subtract(rod(across * 0.95, -7, -4.5, 6), rod(r - 0.5, -10, 0, 32))
  const opened = subtract(nut, rod(r * 0.42, -2, 8, 24))
  return rotateY(Math.PI / 2, union(opened, dome, thread, counterNut))
}

const circuitBoard = (p, m) => {
  const [length, width] = m.circuit
  const z = m.circuitFloor + 0.1
  const top = z + CIRCUIT_THICKNESS
  const tall = Math.max(1, Math.min(11, p.height - p.wall - LIP_DEPTH - top))
  const block = (x, y, dx, dy, dz) => primitives.cuboid({ size: [dx, dy, dz], center: [x * length, y * width, top + dz / 2 + 0.05] })
  const board = subtract(plate(length, width, 2, z, top), fourCorners(length / 2 - 4.5, width / 2 - 4.5, rod(1.6, z - 1, top + 1, 20)))
  const can = (x, y, radius, height) => translate([x * length, y * width, top + 0.05], primitives.roundedCylinder({ radius, height, roundRadius: 0.5, segments: 24, center: [0, 0, height / 2] }))
  const pins = Array.from({ length: 12 }, (_, i) => block(-0.06 + 0.024 * i, -0.28, 0.6, 0.6, Math.min(8, tall)))
  return [
    material({ color: '#1d6b46', roughness: 0.4 }, board),
    ...[block(0, 0.06, 16, 16, Math.min(1.6, tall)), block(-0.24, 0.22, 9, 7, Math.min(1.4, tall)), block(0.2, -0.12, 6, 5, Math.min(1.2, tall)), block(0.07, -0.28, 0.3 * length, 2.4, Math.min(2.5, tall))].map((chip) => material({ color: '#1b1c1f', roughness: 0.45 }, chip)),
    ...[can(-0.3, -0.16, 4, tall), can(-0.19, -0.2, 3.2, Math.min(8, tall)), can(-0.3, 0.02, 3.2, Math.min(8, tall))].map((part) => material({ color: '#c9ced6', roughness: 0.3, metalness: 1 }, part)),
    ...pins.map((pin) => material({ color: '#d8b45a', roughness: 0.3, metalness: 1 }, pin)),
    material({ color: '#2f7d4f', roughness: 0.5 }, block(0.38, 0.08, 0.1 * length, 0.5 * width, Math.min(9, tall)))
  ]
}

const extras = (p, m, lift) => {
  const shapes = []
  const { size, places } = glandPlan(p, m)
  if (places.length > 0) {
    const one = gland(size)
    shapes.push(...places.map((y) => material({ color: '#23262b', roughness: 0.55 }, translate([p.length / 2, y, m.seam / 2], one))))
  }
  const head = fourCorners(...m.boss, translate([0, 0, p.height + lift], screwHead(p)))
  shapes.push(...head.map((screw) => material({ color: '#c4c8ce', roughness: 0.3, metalness: 1 }, screw)))
  if (p.circuit) shapes.push(...circuitBoard(p, m))
  return shapes
}

const main = (p) => {
  const m = plan(p)
  return [[paint(p, p.baseColor, base(p, m)), translate([0, 0, p.opening], paintedLid(p, m))], extras(p, m, p.opening)]
}

/* Base and lid side by side, each on the face that a printer wants below. */
const printable = (p, ctx) => {
  const [[bottom, top]] = ctx.geometry('model')
  const turned = rotateX(Math.PI, translate([0, 0, -p.height - p.opening], top))
  return [bottom, translate([0, p.width + 15, 0], turned)]
}

const facts = (p, ctx) => {
  const [parts] = ctx.geometry('model')
  const finish = FINISHES[p.finish]
  const volume = ctx.volume(parts)
  const m = plan(p)
  const fittings = 2.2 + glandPlan(p, m).places.length * 1.9
  return { grams: volume * finish.density * 1000, euros: 6.5 + volume / 1000 * finish.perCubicCentimetre + fittings }
}

const space = (p) => {
  const m = plan(p)
  return `${m.circuit.map((side) => Math.floor(side)).join(' × ')} mm`
}

module.exports = {
  main,
  getParameterDefinitions,
  vitrine: {
    title: 'Electronics enclosure',
    description: 'A case that fits the circuit board instead of the other way round.',
    outputs: {
      model: { title: 'Enclosure', geometry: main },
      price: { title: 'Price', data: (p, ctx) => ({ label: 'Price', value: Math.round(facts(p, ctx).euros * 10) / 10, unit: 'EUR' }) },
      weight: { title: 'Weight', data: (p, ctx) => ({ label: 'Weight', value: Math.round(facts(p, ctx).grams), unit: 'g' }) },
      circuit: { title: 'Largest circuit board', parameters: ['length', 'width', 'height', 'wall', 'corner', 'standOff'], data: (p) => ({ label: 'Largest circuit board', value: space(p) }) }
    },
    exports: {
      stl: { title: 'STL for printing', format: 'stl', geometry: printable },
      threeMf: { title: '3MF for printing', format: '3mf', geometry: printable },
      glb: { title: 'GLB', format: 'glb' }
    }
  }
}

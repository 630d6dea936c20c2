// A lamp shade that turns on its way up, on a turned foot. Z points up; all lengths are millimetres.

const { primitives, booleans, transforms, extrusions } = require('@jscad/modeling')
const { material } = require('vitrine')

const { translate, rotateZ, transform } = transforms
const { subtract, union } = booleans

const TAU = 2 * Math.PI
/* Horizontal cuts through the shade, from which its skin is made. */
const LEVELS = 16
const BAND_HEIGHT = 7
const BAND_THICKNESS = 3.2
/* Inner radius of the ring that the socket is screwed to. */
const SOCKETS = { e27: { ring: 20.5, body: 19.5, bulb: 30 }, e14: { ring: 14.5, body: 13.5, bulb: 21 } }
/* How far the foot keeps the shade above the table. */
const FOOT_HEIGHT = 118

const getParameterDefinitions = () => [
  { name: 'size', type: 'group', caption: 'Size' },
  { name: 'height', caption: 'Height of the shade', type: 'slider', initial: 220, min: 140, max: 360, step: 5, tooltip: 'In mm, without the foot.' },
  { name: 'bottom', caption: 'Diameter at the bottom', type: 'slider', initial: 200, min: 140, max: 320, step: 5, tooltip: 'In mm.' },
  { name: 'top', caption: 'Diameter at the top', type: 'slider', initial: 150, min: 120, max: 320, step: 5, tooltip: 'In mm.' },
  { name: 'shape', caption: 'Silhouette', type: 'choice', values: ['onion', 'straight', 'waist', 'bell'], captions: ['Onion', 'Straight', 'Waist', 'Bell'], initial: 'onion', tooltip: 'How the shade runs from bottom to top.' },
  { name: 'skin', type: 'group', caption: 'Skin' },
  { name: 'style', caption: 'Style', type: 'radio', values: ['lattice', 'ribs', 'folds', 'holes'], captions: ['Lattice', 'Ribs', 'Folds', 'Holes'], initial: 'lattice', tooltip: 'Ribs crossing each other, ribs alone, a folded skin, or a smooth one with holes.' },
  { name: 'twist', caption: 'Twist', type: 'slider', initial: 105, min: -180, max: 180, step: 5, tooltip: 'In degrees from bottom to top; below zero it turns to the other side.' },
  { name: 'count', caption: 'Ribs or folds', type: 'int', initial: 14, min: 8, max: 24, step: 2, even: true, tooltip: 'An even number, counted around the shade.' },
  { name: 'rib', caption: 'Width of ribs', type: 'float', initial: 7, min: 3, max: 9, step: 0.5, tooltip: 'In mm; for folds and holes it sets how deep and how large they are.' },
  { name: 'thickness', caption: 'Thickness', type: 'float', initial: 2.4, min: 1.6, max: 4, step: 0.2, tooltip: 'Of the skin, in mm. Thin ones glow more.' },
  { name: 'light', type: 'group', caption: 'Light' },
  { name: 'socket', caption: 'Socket', type: 'choice', values: ['e27', 'e14'], captions: ['E27', 'E14'], initial: 'e27', tooltip: 'Sets the ring that holds the shade.' },
  { name: 'foot', caption: 'Foot of turned wood', type: 'checkbox', checked: true, tooltip: 'Without it you get the shade alone, for a pendant.' },
  { name: 'look', type: 'group', caption: 'Look' },
  { name: 'color', caption: 'Colour of the shade', type: 'color', initial: '#ece2cf', tooltip: 'Dyed through, not painted.' },
  { name: 'wood', caption: 'Wood', type: 'choice', values: ['oak', 'walnut', 'black'], captions: ['Oak', 'Walnut', 'Black'], initial: 'oak', tooltip: 'What the foot is turned from.' }
]

const WOODS = { oak: '#c29c70', walnut: '#6b4c38', black: '#1d1b1a' }

/* Radius of the shade's middle surface at a height from 0 to 1. */
const radiusOf = (p) => {
  const straight = (s) => (p.bottom + (p.top - p.bottom) * s) / 2
  const bulge = { onion: 0.26, straight: 0, waist: -0.2, bell: 0 }[p.shape]
  return (s) => {
    const at = p.shape === 'bell' ? s ** 0.45 : s
    return straight(at) * (1 + bulge * Math.sin(Math.PI * (p.shape === 'onion' ? s ** 0.8 : s)))
  }
}

/* A closed body from rings of equally many points, one above the other, with flat ends. */
const stack = (rings) => {
  const n = rings[0].length
  const faces = [rings[0].map((_, i) => n - 1 - i)]
  for (let level = 0; level + 1 < rings.length; level++) {
    for (let i = 0; i < n; i++) {
      const [a, b] = [level * n + i, level * n + (i + 1) % n]
      faces.push([a, b, b + n, a + n])
    }
  }
  faces.push(rings[0].map((_, i) => (rings.length - 1) * n + i))
  return primitives.polyhedron({ points: rings.flat(), faces, orientation: 'outward' })
}

/* A skin between an outer and an inner surface, closed by a rim below and above. It turns as a whole: `outer(angle, s)` is the radius
   at an angle that turns along, so that edges of its net run along the folds. */
const skin = (p, around, outer) => {
  const turn = p.twist * TAU / 360
  const points = []
  const faces = []
  const ring = (z, s, inset) => {
    for (let i = 0; i < around; i++) {
      const angle = TAU * i / around
      const r = outer(angle, s) - inset
      points.push([r * Math.cos(angle + turn * s), r * Math.sin(angle + turn * s), z])
    }
  }
  for (let level = 0; level <= LEVELS; level++) ring(p.height * level / LEVELS, level / LEVELS, 0)
  for (let level = LEVELS; level >= 0; level--) ring(p.height * level / LEVELS, level / LEVELS, p.thickness)
  const rings = 2 * (LEVELS + 1)
  for (let k = 0; k < rings; k++) {
    for (let i = 0; i < around; i++) {
      const j = (i + 1) % around
      const next = (k + 1) % rings
      faces.push([k * around + i, k * around + j, next * around + j, next * around + i])
    }
  }
  return primitives.polyhedron({ points, faces, orientation: 'outward' })
}

/* One rib from the bottom to the top, `sign` telling to which side it turns; `shift` moves it outwards. */
const rib = (p, radius, sign, shift) => {
  const turn = sign * p.twist * TAU / 360
  const rings = []
  for (let level = 0; level <= LEVELS; level++) {
    const s = level / LEVELS
    const r = radius(s) + shift
    const angle = turn * s
    /* A slanted rib is cut wider by the horizontal plane than it is. */
    const half = p.rib / 2 * Math.hypot(1, r * turn / p.height)
    const z = 0.5 + (p.height - 1) * s
    rings.push([[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([radial, along]) => {
      const [x, y] = [r + radial * p.thickness / 2, along * half]
      return [x * Math.cos(angle) - y * Math.sin(angle), x * Math.sin(angle) + y * Math.cos(angle), z]
    }))
  }
  return stack(rings)
}

const aroundZ = (count, shape, start = 0) => Array.from({ length: count }, (_, i) => rotateZ(TAU * (i + start) / count, shape))

const foldDepth = (p) => Math.min(p.rib, 6)

/* How far inside the middle surface the band of the spokes lies: ribs are set into it, a skin hides it. */
const bandInset = (p) => ({ folds: foldDepth(p) + p.thickness / 2, holes: p.thickness / 2 }[p.style] ?? 0)

/* A band around the shade that follows its silhouette, so far inside the middle surface. */
const band = (p, radius, low, inset = 0) => {
  const at = (z, offset) => [radius(Math.min(1, Math.max(0, z / p.height))) - inset + offset, z]
  const half = inset > 0 ? p.thickness / 2 : BAND_THICKNESS / 2 + p.thickness / 2
  const points = [at(low, -half), at(low + 1, half), at(low + BAND_HEIGHT - 1, half), at(low + BAND_HEIGHT, -half)]
  return extrusions.extrudeRotate({ segments: 64 }, primitives.polygon({ points: [points[0], [points[1][0] - 1, low], points[1], points[2], [points[2][0] - 1, low + BAND_HEIGHT], points[3]] }))
}

/* A skin with round holes in rows that follow the twist, small ones at the rims and large ones between. */
const perforated = (p, radius) => {
  const shell = skin(p, 60, (angle, s) => radius(s) + p.thickness / 2)
  const rows = Math.max(4, Math.min(9, Math.round(p.height / 30)))
  const columns = Math.min(p.count, 20)
  const holes = []
  for (let row = 0; row < rows; row++) {
    const s = (row + 1) / (rows + 1)
    const r = radius(s)
    const room = Math.min(TAU * r / columns, p.height / (rows + 1)) / 2
    const size = room * (0.45 + 0.4 * Math.sin(Math.PI * s)) * (0.6 + p.rib / 20)
    const turn = p.twist * TAU / 360 * s + (row % 2) * TAU / columns / 2
    /* Along X, through the skin only. */
    const hole = transform([0, 0, 1, 0, 0, 1, 0, 0, -1, 0, 0, 0, r, 0, p.height * s, 1], primitives.cylinder({ radius: size, height: 12 * p.thickness, segments: 14 }))
    holes.push(...aroundZ(columns, rotateZ(turn, hole)))
  }
  return subtract(shell, holes)
}

const surface = (p, radius) => {
  if (p.style === 'holes') return [perforated(p, radius)]
  if (p.style === 'folds') {
    return [skin(p, p.count * 8, (angle, s) => radius(s) + p.thickness / 2 + foldDepth(p) * Math.cos(p.count * angle))]
  }
  if (p.style === 'ribs') return aroundZ(p.count, rib(p, radius, 1, 0))
  const shift = p.thickness * 0.3
  return [...aroundZ(p.count, rib(p, radius, 1, shift)), ...aroundZ(p.count, rib(p, radius, -1, -shift), 0.5)]
}

/* Height of the socket's ring above the lower rim. */
const ringHeight = (p) => Math.min(60, p.height * 0.25)

const holder = (p, radius) => {
  const { ring } = SOCKETS[p.socket]
  const z = ringHeight(p)
  const reach = radius(z / p.height) - bandInset(p)
  const spoke = primitives.cuboid({ size: [reach - ring - 2, 5, 5], center: [(reach + ring + 2) / 2, 0, z] })
  const rim = subtract(
    primitives.cylinder({ radius: ring + 5, height: 6, segments: 48, center: [0, 0, z] }),
    primitives.cylinder({ radius: ring, height: 20, segments: 48, center: [0, 0, z] })
  )
  /* Folds and ribs end in a band, so that the spokes have something to hold on to. */
  return [rim, ...aroundZ(3, spoke), band(p, radius, z - BAND_HEIGHT / 2, bandInset(p))]
}

const shade = (p) => {
  const radius = radiusOf(p)
  return union([
    ...surface(p, radius),
    /* Folds end in their own rim. */
    ...(p.style === 'folds' ? [] : [band(p, radius, 0), band(p, radius, p.height - BAND_HEIGHT)]),
    ...holder(p, radius)
  ])
}

const turned = (points, segments = 48) => extrusions.extrudeRotate({ segments }, primitives.polygon({ points }))

/* The round edge of a disc, from below to above. */
const bull = (radius, low, high) => {
  const half = (high - low) / 2
  return Array.from({ length: 9 }, (_, i) => {
    const angle = -Math.PI / 2 + Math.PI * i / 8
    return [radius - half + half * Math.cos(angle), low + half + half * Math.sin(angle)]
  })
}

const lift = (p) => p.foot ? FOOT_HEIGHT - ringHeight(p) + 20 : 0

const insides = (p) => {
  const { body, bulb } = SOCKETS[p.socket]
  const z = lift(p) + ringHeight(p)
  const socket = subtract(
    primitives.cylinder({ radius: body, height: 38, segments: 40, center: [0, 0, z - 4] }),
    primitives.cylinder({ radius: body - 3, height: 20, segments: 40, center: [0, 0, z + 12] })
  )
  const neck = 14
  const low = z + 4
  const globe = Array.from({ length: 13 }, (_, i) => {
    const angle = -Math.PI / 2 + 0.5 + (Math.PI - 0.5) * i / 12
    return [Math.max(0, bulb * Math.cos(angle)), low + neck + bulb + bulb * Math.sin(angle)]
  })
  globe[12][0] = 0
  const glass = turned([[0, low], [body * 0.62, low], ...globe], 32)
  const shapes = [material({ color: '#2a2724', roughness: 0.5 }, socket), material({ color: '#fff1cf', roughness: 0.18 }, glass)]
  if (!p.foot) return shapes
  const radius = Math.max(55, p.bottom * 0.36)
  const disc = turned([[0, 0], ...bull(radius, 0, 22), [16, 22.5], [11, 26], [0, 26]])
  const stem = turned([[0, 26.2], [7, 26.2], [7, z - 30], [12, z - 24.2], [0, z - 24.2]], 32)
  /* A channel for the cable, from the back to the middle and up through the stem. */
  const hole = union(
    transforms.rotateX(TAU / 4, primitives.cylinder({ radius: 3.5, height: radius + 10, segments: 16, center: [0, 9, -(radius + 10) / 2] })),
    primitives.cylinder({ radius: 3.5, height: 60, segments: 16, center: [0, 0, 35.5] })
  )
  return [...shapes, material({ color: WOODS[p.wood], roughness: 0.55 }, subtract(disc, hole)), material('brass', stem)]
}

const main = (p) => [
  material({ color: p.color, roughness: 0.85 }, translate([0, 0, lift(p)], shade(p))),
  insides(p)
]

const printable = (p, ctx) => translate([0, 0, -lift(p)], ctx.geometry('model')[0])

const facts = (p, ctx) => {
  const [body, rest] = ctx.geometry('model')
  const volume = ctx.volume(body)
  const foot = p.foot ? ctx.volume(rest.slice(2)) * 0.68e-3 + 120 : 0
  return { grams: volume * 1.24e-3 + foot, euros: 24 + volume / 1000 * 0.29 + (p.foot ? 36 : 0) + (p.style === 'lattice' ? 6 : 0) }
}

module.exports = {
  main,
  getParameterDefinitions,
  vitrine: {
    title: 'Twisted lamp shade',
    description: 'A printed shade of twisted ribs, folds or holes, with a ring for the socket.',
    materials: {
      brass: { color: '#c9a45c', metalness: 1, roughness: 0.3 }
    },
    outputs: {
      model: { title: 'Lamp', geometry: main },
      price: { title: 'Price', data: (p, ctx) => ({ label: 'Price', value: Math.round(facts(p, ctx).euros), unit: 'EUR' }) },
      weight: { title: 'Weight', data: (p, ctx) => ({ label: 'Weight', value: Math.round(facts(p, ctx).grams), unit: 'g' }) }
    },
    exports: {
      stl: { title: 'STL of the shade', format: 'stl', geometry: printable },
      threeMf: { title: '3MF of the shade', format: '3mf', geometry: printable },
      glb: { title: 'GLB', format: 'glb' }
    }
  }
}

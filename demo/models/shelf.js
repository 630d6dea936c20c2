// A shelf cut to measure: boards with every hole that its fittings need, so that it arrives ready to be put together.
// X is the width, Y the depth (the front looks towards -Y), Z the height. All lengths are millimetres.

const { primitives, booleans, transforms, extrusions } = require('@jscad/modeling')
const { material } = require('vitrine')

const { translate, rotateX, rotateY, transform } = transforms
const { subtract } = booleans

/* Boards never touch: a tenth of a millimetre for the saw and the lacquer keeps each one a body of its own. */
const GAP = 0.1
const PIN_RADIUS = 2.5
const PIN_LENGTH = 16
const SCREW_RADIUS = 2
const SCREW_HEAD_RADIUS = 4.5
/* Distance of the rows of holes from the front and the back edge, as the furniture trade drills them. */
const ROW_INSET = 37
const HOLE_PITCH = 32
const BACK_THICKNESS = 5
/* The back panel stands this far inside, in a groove that is a little wider and deeper than needed. */
const BACK_INSET = 12
const GROOVE_DEPTH = 6
/* A bay narrower, or a compartment lower than this holds nothing: the shelf then gets fewer of them. */
const BAY_MIN = 120
const COMPARTMENT_MIN = 70
const LEG_HEIGHT = 130
const PLINTH_HEIGHT = 70

const WOODS = {
  oak: { color: [0.76, 0.61, 0.44], roughness: 0.62, density: 0.71e-6, price: 118 },
  walnut: { color: [0.4, 0.28, 0.2], roughness: 0.58, density: 0.64e-6, price: 176 },
  ash: { color: [0.87, 0.79, 0.66], roughness: 0.62, density: 0.68e-6, price: 104 },
  black: { color: [0.06, 0.058, 0.056], roughness: 0.5, density: 0.7e-6, price: 126 }
}

const getParameterDefinitions = () => [
  { name: 'size', type: 'group', caption: 'Size' },
  { name: 'width', caption: 'Width', type: 'slider', initial: 1240, min: 360, max: 1600, step: 10, tooltip: 'Outer width in mm, measured at the top board.' },
  { name: 'height', caption: 'Height', type: 'slider', initial: 900, min: 500, max: 2200, step: 10, tooltip: 'Outer height in mm, legs or plinth included.' },
  { name: 'depth', caption: 'Depth', type: 'slider', initial: 300, min: 180, max: 450, step: 5, tooltip: 'Outer depth in mm. A row of folders needs 320.' },
  { name: 'boards', type: 'group', caption: 'Boards' },
  { name: 'shelves', caption: 'Shelves in each bay', type: 'int', initial: 2, min: 1, max: 8, step: 1, tooltip: 'They rest on pins and can be moved by one hole up or down. Each compartment stays at least 70 mm high.' },
  { name: 'dividers', caption: 'Dividers', type: 'int', initial: 2, min: 0, max: 4, step: 1, tooltip: 'Upright boards between the sides. Each bay stays at least 120 mm wide.' },
  { name: 'stagger', caption: 'Staggered bays', type: 'checkbox', checked: true, tooltip: 'The shelves of every second bay sit a little lower.' },
  { name: 'thickness', caption: 'Thickness', type: 'choice', values: [16, 19, 25], captions: ['16 mm', '19 mm', '25 mm'], initial: 19, tooltip: 'Thickness of all boards. Bays wider than 800 mm want 25 mm.' },
  { name: 'edge', caption: 'Front edges', type: 'radio', values: ['round', 'chamfer', 'straight'], captions: ['Rounded', 'Chamfered', 'Straight'], initial: 'round', tooltip: 'How the front edges are milled.' },
  { name: 'base', caption: 'Base', type: 'choice', values: ['legs', 'plinth', 'floor'], captions: ['Round legs', 'Plinth', 'None'], initial: 'legs', tooltip: 'What the shelf stands on.' },
  { name: 'backGroup', type: 'group', caption: 'Back' },
  { name: 'back', caption: 'Back panel', type: 'checkbox', checked: true, tooltip: 'A lacquered panel in a groove. It makes the shelf stiff.' },
  { name: 'outlets', caption: 'Cable outlets', type: 'checkbox', checked: true, tooltip: 'A round hole for cables in the uppermost compartment of each bay.' },
  { name: 'backColor', caption: 'Colour of the back', type: 'color', initial: '#5f8a84', tooltip: 'Lacquer of the back panel.' },
  { name: 'look', type: 'group', caption: 'Wood' },
  { name: 'wood', caption: 'Wood', type: 'choice', values: ['oak', 'walnut', 'ash', 'black'], captions: ['Oak, oiled', 'Walnut, oiled', 'Ash, soaped', 'Ash, black'], initial: 'oak', tooltip: 'Solid wood from one log for each shelf.' }
]

/* All measures that follow from the parameters, in one place. */
const plan = (p) => {
  const t = Number(p.thickness)
  const foot = p.base === 'legs' ? LEG_HEIGHT : p.base === 'plinth' ? PLINTH_HEIGHT : 0
  const clearHeight = p.height - foot - 2 * t
  const clearWidth = p.width - 2 * t
  const bays = Math.max(1, Math.min(p.dividers + 1, Math.floor((clearWidth + t) / (BAY_MIN + t))))
  const shelves = Math.max(1, Math.min(p.shelves, Math.floor((clearHeight + t) / (COMPARTMENT_MIN + t)) - 1))
  return {
    t,
    foot,
    bays,
    shelves,
    clearHeight,
    bay: (clearWidth - (bays - 1) * t) / bays,
    spacing: clearHeight / (shelves + 1),
    floor: foot + t,
    front: -p.depth / 2,
    rear: p.depth / 2,
    panelFront: p.depth / 2 - BACK_INSET - BACK_THICKNESS
  }
}

/* The left side of a bay, and the height of its shelves' middles. */
const bayLeft = (m, p, bay) => -p.width / 2 + m.t + bay * (m.bay + m.t)
const shelfHeights = (m, p, bay) => {
  const drop = p.stagger && bay % 2 === 1 ? m.spacing / 4 : 0
  return Array.from({ length: m.shelves }, (_, i) => m.floor + (i + 1) * m.spacing - drop)
}

/* The section of a board: x from the front to the back, y across its thickness, with the front edges milled. */
const section = (depth, thickness, edge) => {
  const r = edge === 'round' ? 4 : edge === 'chamfer' ? 3 : 0
  const steps = edge === 'round' ? 6 : 1
  const half = thickness / 2
  const points = [[depth, -half], [depth, half]]
  if (r === 0) return primitives.polygon({ points: [...points, [0, half], [0, -half]] })
  const corner = (sign) => Array.from({ length: steps + 1 }, (_, i) => {
    const angle = Math.PI / 2 * (i / steps)
    return [r - r * Math.sin(angle), sign * (half - r + r * Math.cos(angle))]
  })
  return primitives.polygon({ points: [...points, ...corner(1), ...corner(-1).reverse()] })
}

const lying = (p, length, depth, thickness, x, y, z) => transform(
  [0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, x, y, z, 1],
  extrusions.extrudeLinear({ height: length }, section(depth, thickness, p.edge))
)

const standing = (p, length, depth, thickness, x, y, z) => transform(
  [0, 1, 0, 0, -1, 0, 0, 0, 0, 0, 1, 0, x, y, z, 1],
  extrusions.extrudeLinear({ height: length }, section(depth, thickness, p.edge))
)

/* A block between two corners. */
const block = (a, b) => primitives.cuboid({
  size: [b[0] - a[0], b[1] - a[1], b[2] - a[2]],
  center: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2, (a[2] + b[2]) / 2]
})

const alongX = (radius, length, segments) => rotateY(Math.PI / 2, primitives.cylinder({ radius, height: length, segments }))

/* A countersunk hole from above, or its mirror image on a side, and the screw that fills it. */
const screwHole = () => booleans.union(
  primitives.cylinder({ radius: SCREW_RADIUS + 0.2, height: 80, segments: 12 }),
  primitives.cylinder({ radius: SCREW_HEAD_RADIUS + 0.3, height: 8, segments: 24, center: [0, 0, 1] })
)

const screwHead = () => subtract(
  primitives.cylinder({ radius: SCREW_HEAD_RADIUS, height: 2.4, segments: 24, center: [0, 0, -1.5] }),
  primitives.cylinder({ radius: 1.8, height: 3, segments: 6, center: [0, 0, 0] })
)

const rows = (m) => [m.front + ROW_INSET, m.panelFront - ROW_INSET]

/* Holes for the pins of one bay in the board on its left (`side` -1) or right (`side` 1). */
const pinHoles = (m, p, bay, side, hole) => {
  const x = bayLeft(m, p, bay) + (side > 0 ? m.bay : 0)
  const pitch = Math.min(HOLE_PITCH, m.spacing / 4)
  const holes = []
  for (const z of shelfHeights(m, p, bay)) {
    for (const y of rows(m)) {
      for (const step of [-1, 0, 1]) {
        holes.push(translate([x, y, z - m.t / 2 - PIN_RADIUS + step * pitch], hole))
      }
    }
  }
  return holes
}

const pins = (m, p, pin) => {
  const all = []
  for (let bay = 0; bay < m.bays; bay++) {
    const left = bayLeft(m, p, bay)
    for (const z of shelfHeights(m, p, bay)) {
      for (const y of rows(m)) {
        const low = z - m.t / 2 - PIN_RADIUS - GAP
        all.push(translate([left + PIN_LENGTH / 4, y, low], pin), translate([left + m.bay - PIN_LENGTH / 4, y, low], pin))
      }
    }
  }
  return all
}

/* The groove that the back panel stands in, all around. */
const groove = (m, p) => block(
  [-p.width / 2 + m.t - GROOVE_DEPTH, m.panelFront - 0.3, m.floor - GROOVE_DEPTH],
  [p.width / 2 - m.t + GROOVE_DEPTH, m.panelFront + BACK_THICKNESS + 0.3, p.height - m.t + GROOVE_DEPTH]
)

/* Where the top board is screwed to what stands below it. */
const topScrews = (m, p) => {
  const places = []
  for (let i = 0; i <= m.bays; i++) {
    const x = -p.width / 2 + m.t / 2 + i * (m.bay + m.t)
    for (const y of rows(m)) places.push([x, y, p.height])
  }
  return places
}

const sideScrews = (m, p) => rows(m).map((y) => [y, m.floor - m.t / 2])

const uprights = (m, p) => {
  const hole = alongX(PIN_RADIUS, Math.min(18, m.t - 2), 12)
  const screw = screwHole()
  const boards = []
  for (let i = 0; i <= m.bays; i++) {
    const outer = i === 0 || i === m.bays
    const bottom = outer ? (p.base === 'legs' ? m.foot : 0) : m.floor + GAP
    const x = -p.width / 2 + m.t / 2 + i * (m.bay + m.t)
    const depth = outer ? p.depth : m.panelFront - m.front - 1
    const board = standing(p, p.height - m.t - GAP - bottom, depth, m.t, x, m.front, bottom)
    const cuts = topScrews(m, p).slice(2 * i, 2 * i + 2).map((at) => translate([at[0], at[1], at[2] - 10], primitives.cylinder({ radius: SCREW_RADIUS, height: 90, segments: 12 })))
    if (i > 0) cuts.push(...pinHoles(m, p, i - 1, 1, hole))
    if (i < m.bays) cuts.push(...pinHoles(m, p, i, -1, hole))
    if (outer) {
      const turn = i === 0 ? -Math.PI / 2 : Math.PI / 2
      const face = i === 0 ? -p.width / 2 : p.width / 2
      cuts.push(...sideScrews(m, p).map(([y, z]) => translate([face, y, z], rotateY(turn, screw))))
      if (p.back) cuts.push(groove(m, p))
    }
    boards.push(subtract(board, cuts))
  }
  return boards
}

const topAndBottom = (m, p) => {
  const screw = screwHole()
  const clear = p.width - 2 * m.t - 2 * GAP
  const top = lying(p, p.width, p.depth, m.t, -p.width / 2, m.front, p.height - m.t / 2)
  const bottom = lying(p, clear, p.depth, m.t, -clear / 2, m.front, m.foot + m.t / 2)
  const topCuts = topScrews(m, p).map((at) => translate(at, screw))
  const pilot = alongX(SCREW_RADIUS, 90, 12)
  const bottomCuts = []
  for (const [y, z] of sideScrews(m, p)) {
    bottomCuts.push(translate([-clear / 2, y, z], pilot), translate([clear / 2, y, z], pilot))
  }
  if (p.back) {
    topCuts.push(groove(m, p))
    bottomCuts.push(groove(m, p))
  }
  return [subtract(top, topCuts), subtract(bottom, bottomCuts)]
}

const looseShelves = (m, p) => {
  const depth = m.panelFront - m.front - 4
  const length = m.bay - 2
  /* A notch for each pin keeps a shelf where it is. */
  const notch = primitives.cylinder({ radius: PIN_RADIUS + 0.4, height: 2 * PIN_LENGTH, segments: 12 })
  const turned = rotateY(Math.PI / 2, notch)
  const cuts = []
  for (const y of rows(m)) {
    for (const x of [-length / 2, length / 2]) cuts.push(translate([x, y, -m.t / 2 - PIN_RADIUS + 1.5], turned))
  }
  const shelf = subtract(lying(p, length, depth, m.t, -length / 2, m.front + 2, 0), cuts)
  const boards = []
  for (let bay = 0; bay < m.bays; bay++) {
    const middle = bayLeft(m, p, bay) + m.bay / 2
    for (const z of shelfHeights(m, p, bay)) boards.push(translate([middle, 0, z], shelf))
  }
  return boards
}

const backPanel = (m, p) => {
  if (!p.back) return []
  const reach = GROOVE_DEPTH - 1
  const panel = block(
    [-p.width / 2 + m.t - reach, m.panelFront, m.floor - reach],
    [p.width / 2 - m.t + reach, m.panelFront + BACK_THICKNESS, p.height - m.t + reach]
  )
  if (!p.outlets) return [panel]
  const outlet = rotateX(Math.PI / 2, primitives.cylinder({ radius: 25, height: 40, segments: 40 }))
  const cuts = Array.from({ length: m.bays }, (_, bay) => {
    const low = Math.max(...shelfHeights(m, p, bay)) + m.t / 2
    const room = p.height - m.t - low
    const scale = Math.min(1, room / 70)
    return translate([bayLeft(m, p, bay) + m.bay / 2, m.panelFront, low + room / 2], transforms.scale([scale, 1, scale], outlet))
  })
  return [subtract(panel, cuts)]
}

const underneath = (m, p) => {
  if (p.base === 'floor') return []
  if (p.base === 'plinth') {
    const half = p.width / 2 - m.t - GAP
    return [lying(p, 2 * half, m.t, m.foot - GAP, -half, m.front + 25, (m.foot - GAP) / 2)]
  }
  const leg = translate([0, 0, (LEG_HEIGHT - GAP) / 2], primitives.cylinderElliptic({
    startRadius: [10, 10], endRadius: [17, 17], height: LEG_HEIGHT - GAP, segments: 32
  }))
  const xs = p.width > 1300 ? [-1, 0, 1] : [-1, 1]
  return xs.flatMap((x) => [-1, 1].map((y) => translate([x * (p.width / 2 - m.t - 40), y * (p.depth / 2 - 45), 0], leg)))
}

/* Boards of one log differ a little: each gets a shade of its own. */
const SHADES = [1, 0.93, 1.05, 0.97, 0.9, 1.03, 0.95]

const paintBoards = (p, boards) => {
  const wood = WOODS[p.wood]
  return boards.map((board, i) => {
    const shade = SHADES[i % SHADES.length]
    return material({ color: [...wood.color.map((c) => Math.min(1, c * shade)), 1], roughness: wood.roughness }, board)
  })
}

const main = (p) => {
  const m = plan(p)
  const wood = [...uprights(m, p), ...topAndBottom(m, p), ...looseShelves(m, p), ...underneath(m, p)]
  const back = backPanel(m, p).map((panel) => material({ color: p.backColor, roughness: 0.45 }, panel))
  const head = screwHead()
  const pin = alongX(PIN_RADIUS - 0.15, PIN_LENGTH, 12)
  const screws = topScrews(m, p).map((at) => translate(at, head))
  for (const [y, z] of sideScrews(m, p)) {
    screws.push(translate([-p.width / 2, y, z], rotateY(-Math.PI / 2, head)), translate([p.width / 2, y, z], rotateY(Math.PI / 2, head)))
  }
  const metal = [...screws, ...pins(m, p, pin)].map((part) => material('brass', part))
  return [paintBoards(p, wood), back, metal]
}

const facts = (p, ctx) => {
  const [wood, back, metal] = ctx.geometry('model')
  const woodVolume = ctx.volume(wood)
  const backVolume = back.length > 0 ? ctx.volume(back) : 0
  const kilograms = woodVolume * WOODS[p.wood].density + backVolume * 0.78e-6 + ctx.volume(metal) * 8.4e-6
  const squareMetres = woodVolume / Number(p.thickness) * 1e-6
  const milling = p.edge === 'straight' ? 0 : 2.5 * wood.length
  const euros = 48 + squareMetres * WOODS[p.wood].price * (0.55 + Number(p.thickness) / 42) + backVolume * 1e-6 * 14 + milling + 0.4 * metal.length
  return { kilograms, euros, boards: wood.length + back.length, squareMetres }
}

const cuttingList = (p) => {
  const m = plan(p)
  const row = (name, count, length, width) => ({ name, count, length_mm: Math.round(length * 10) / 10, width_mm: Math.round(width * 10) / 10, thickness_mm: m.t })
  return [
    row('side', 2, p.height - m.t - (p.base === 'legs' ? m.foot : 0), p.depth),
    row('top', 1, p.width, p.depth),
    row('bottom', 1, p.width - 2 * m.t, p.depth),
    row('divider', m.bays - 1, m.clearHeight, m.panelFront - m.front - 1),
    row('shelf', m.bays * m.shelves, m.bay - 2, m.panelFront - m.front - 4)
  ].filter((entry) => entry.count > 0)
}

module.exports = {
  main,
  getParameterDefinitions,
  vitrine: {
    title: 'Shelf cut to measure',
    description: 'A shelf of solid boards with movable shelves, drilled and milled for the corner that it is made for.',
    materials: {
      brass: { color: '#c9a45c', metalness: 1, roughness: 0.32 }
    },
    outputs: {
      model: { title: 'Shelf', geometry: main },
      price: { title: 'Price', data: (p, ctx) => ({ label: 'Price', value: Math.round(facts(p, ctx).euros), unit: 'EUR' }) },
      weight: { title: 'Weight', data: (p, ctx) => ({ label: 'Weight', value: Math.round(facts(p, ctx).kilograms * 10) / 10, unit: 'kg' }) },
      boards: { title: 'Boards', data: (p, ctx) => ({ label: 'Boards', value: facts(p, ctx).boards }) },
      cuttingList: { title: 'Cutting list', data: cuttingList }
    },
    exports: {
      stl: { title: 'STL', format: 'stl' },
      threeMf: { title: '3MF', format: '3mf' },
      glb: { title: 'GLB', format: 'glb' }
    }
  }
}

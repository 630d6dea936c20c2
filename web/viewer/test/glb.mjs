// Makes small GLB files for tests and for working on the viewer without a server.

/** A list of boxes, each {at: [x,y,z] centre, size: [x,y,z], color: [r,g,b,a] 0..1, metal?, rough?}, as one GLB (Y-up). */
export function boxesGlb(boxes) {
  const chunks = [];
  let length = 0;
  const push = (typed) => {
    const bytes = Buffer.from(typed.buffer);
    chunks.push(bytes);
    const view = { buffer: 0, byteOffset: length, byteLength: bytes.length };
    length += bytes.length;
    return view;
  };
  const json = {
    asset: { version: "2.0" },
    scene: 0,
    scenes: [{ nodes: boxes.map((_, i) => i) }],
    nodes: boxes.map((_, i) => ({ mesh: i })),
    meshes: [],
    materials: [],
    accessors: [],
    bufferViews: [],
    buffers: [],
  };
  for (const box of boxes) {
    const { positions, normals, indices } = boxMesh(box.at, box.size);
    const first = json.accessors.length;
    json.bufferViews.push(push(positions), push(normals), push(indices));
    const [min, max] = [0, 1].map((end) => box.at.map((c, i) => Math.fround(c + (end ? 0.5 : -0.5) * box.size[i])));
    json.accessors.push(
      { bufferView: first, componentType: 5126, count: 24, type: "VEC3", min, max },
      { bufferView: first + 1, componentType: 5126, count: 24, type: "VEC3" },
      { bufferView: first + 2, componentType: 5123, count: 36, type: "SCALAR" },
    );
    json.materials.push({
      pbrMetallicRoughness: {
        baseColorFactor: box.color ?? [0.8, 0.8, 0.8, 1],
        metallicFactor: box.metal ?? 0,
        roughnessFactor: box.rough ?? 0.6,
      },
    });
    json.meshes.push({
      primitives: [
        { attributes: { POSITION: first, NORMAL: first + 1 }, indices: first + 2, material: json.materials.length - 1 },
      ],
    });
  }
  json.buffers.push({ byteLength: length });
  return packGlb(json, Buffer.concat(chunks));
}

function boxMesh(at, size) {
  const positions = new Float32Array(72);
  const normals = new Float32Array(72);
  const indices = new Uint16Array(36);
  let vertex = 0;
  for (let axis = 0; axis < 3; axis += 1) {
    for (const side of [-1, 1]) {
      const [u, v] = [(axis + 1) % 3, (axis + 2) % 3];
      const start = vertex;
      for (const [a, b] of [[-1, -1], [1, -1], [1, 1], [-1, 1]]) {
        const corner = [0, 0, 0];
        corner[axis] = side;
        corner[u] = a;
        corner[v] = b;
        for (let i = 0; i < 3; i += 1) positions[vertex * 3 + i] = at[i] + (corner[i] * size[i]) / 2;
        normals[vertex * 3 + axis] = side;
        vertex += 1;
      }
      const turn = side > 0 ? [0, 1, 2, 0, 2, 3] : [0, 2, 1, 0, 3, 2];
      indices.set(turn.map((i) => start + i), (axis * 2 + (side > 0 ? 1 : 0)) * 6);
    }
  }
  return { positions, normals, indices };
}

function packGlb(json, bin) {
  const pad = (buffer, filler) => Buffer.concat([buffer, Buffer.alloc((4 - (buffer.length % 4)) % 4, filler)]);
  const text = pad(Buffer.from(JSON.stringify(json)), 0x20);
  const data = pad(bin, 0);
  const word = (n) => {
    const buffer = Buffer.alloc(4);
    buffer.writeUInt32LE(n);
    return buffer;
  };
  const body = [word(text.length), Buffer.from("JSON"), text, word(data.length), Buffer.from("BIN\0"), data];
  return Buffer.concat([Buffer.from("glTF"), word(2), word(28 + text.length + data.length), ...body]);
}

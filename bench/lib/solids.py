"""Builds trees of booleans over meshes with manifold3d. Reads one JSON list of trees a line, and answers each by one line: milliseconds of
processor time, triangles, and volume. Reading the line is not part of the time; making solids of its meshes is."""

import json
import sys
import time

import manifold3d
import numpy as np

OPERATIONS = {"join": manifold3d.OpType.Add, "cut": manifold3d.OpType.Subtract, "meet": manifold3d.OpType.Intersect}


def prepare(node):
    """The same tree with arrays that the kernel takes as they are."""
    # Column by column, as the script's library keeps it; the kernel wants three rows of four.
    node["at"] = np.array(node["at"], dtype=np.float64).reshape(4, 4).T[:3]
    if "mesh" in node:
        mesh = node["mesh"]
        node["mesh"] = (np.array(mesh["corners"], dtype=np.float64), np.array(mesh["triangles"], dtype=np.uint64))
    for name in OPERATIONS:
        for child in node.get(name, []):
            prepare(child)
    return node


def build(node):
    if "mesh" in node:
        corners, triangles = node["mesh"]
        solid = manifold3d.Manifold(manifold3d.Mesh64(vert_properties=corners, tri_verts=triangles))
        if solid.status() != manifold3d.Error.NoError:
            raise ValueError(f"a leaf is no solid: {solid.status()}")
    else:
        name = next(name for name in OPERATIONS if name in node)
        solid = manifold3d.Manifold.batch_boolean([build(child) for child in node[name]], OPERATIONS[name])
    return solid.transform(node["at"])


for line in sys.stdin:
    trees = [prepare(node) for node in json.loads(line)]
    started = time.process_time()
    solids = [build(tree) for tree in trees]
    meshes = [solid.to_mesh() for solid in solids]
    spent_ms = (time.process_time() - started) * 1000
    triangles = sum(len(mesh.tri_verts) for mesh in meshes)
    print(json.dumps([spent_ms, triangles, sum(solid.volume() for solid in solids)]), flush=True)

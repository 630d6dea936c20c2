"""Holds solids of random trees of booleans against another kernel, and their files against an independent library.

`tools/random-trees` makes the folder that VITRINE_TREES names: for each tree NNNN.json, and NNNN.stl and NNNN.3mf unless
nothing was left of it. The same trees are built here with manifold3d, and trimesh reads the files.
"""

import itertools
import json
import os
import pathlib
import unittest

import manifold3d
import numpy as np
import trimesh

# Of a volume, where both kernels work in double precision from the same numbers.
VOLUME_RELATIVE = 1e-9
# In cubic millimetres: what is left of a volume when sums over thousands of triangles cancel.
VOLUME_ABSOLUTE = 1e-6
# STL has single precision: the volume may be off by its surface times the rounding of a coordinate.
STL_STEP = 2.0**-19
# In millimetres: how far a corner of a 3MF file is moved where bodies touch, at these sizes.
NUDGE = 2e-6
# By the formula, which has no corners and no edges to count then.
GENUS_OF_NOTHING = 1
# Faults of one kind that are shown: more say nothing new.
FAULTS_SHOWN_MAX = 40


def build(node):
    """The solid of a tree; crates/engine/examples/random_trees/tree.rs lists the forms."""
    solid = manifold3d.Manifold
    if "box" in node:
        return solid.cube(node["box"], center=True)
    if "rod" in node:
        radius, height, segments = node["rod"]
        return solid.cylinder(height, radius, radius, segments, center=True)
    if "cone" in node:
        low, high, height, segments = node["cone"]
        return solid.cylinder(height, low, high, segments, center=True)
    if "ball" in node:
        return ball(*node["ball"])
    if "ring" in node:
        return ring(*node["ring"])
    if "plate" in node:
        section = manifold3d.CrossSection([node["plate"]])
        twist = node["twist"]
        between = node["steps"] - 1 if twist else 0
        return solid.extrude(section, node["height"], between, twist)
    if "of" in node:
        return build(node["of"]).scale(node["size"]).rotate(node["turn"]).translate(node["move"])
    if "hull" in node:
        return solid.batch_hull([build(child) for child in node["hull"]])
    for name, operation in (
        ("join", manifold3d.OpType.Add),
        ("cut", manifold3d.OpType.Subtract),
        ("meet", manifold3d.OpType.Intersect),
    ):
        if name in node:
            return solid.batch_boolean([build(child) for child in node[name]], operation)
    raise ValueError(f"no such node: {node}")


def ball(radius, segments):
    """A sphere of circles of latitude: half as many rows as segments, and it is convex."""
    quarter = round(segments / 4)
    points = []
    for row in range(-quarter, quarter + 1):
        pitch = np.pi / 2 * row / quarter
        for step in range(segments):
            angle = 2 * np.pi * step / segments
            across = 0 if abs(row) == quarter else np.cos(pitch)
            points.append((across * np.cos(angle), across * np.sin(angle), np.sin(pitch)))
    return manifold3d.Manifold.hull_points(np.array(points) * radius)


def ring(tube, around, tube_segments, segments):
    angles = 2 * np.pi * np.arange(tube_segments) / tube_segments
    circle = np.stack([around + tube * np.cos(angles), tube * np.sin(angles)], axis=1)
    return manifold3d.Manifold.revolve(manifold3d.CrossSection([circle]), segments)


def genus(mesh):
    """Of a closed mesh of any number of pieces, counted as manifold3d counts: as if they were one."""
    return 1 - (len(mesh.vertices) - len(mesh.faces) // 2) // 2


def unambiguous(solid):
    """What is left when the solid is moved a little in eight ways and only the common part is kept.

    Bodies that touch in an edge or a corner are joined there or not, and both are right; here they are apart. By less than
    the whole steps of the grid, and by another part of a step along each axis, so that no two faces meet again.
    """
    ways = itertools.product((-0.11, 0.11), (-0.13, 0.13), (-0.17, 0.17))
    return manifold3d.Manifold.batch_boolean([solid.translate(way) for way in ways], manifold3d.OpType.Intersect)


def as_solid(mesh):
    """What trimesh has read, for manifold3d."""
    if mesh is None:
        return manifold3d.Manifold()
    return manifold3d.Manifold(manifold3d.Mesh64(mesh.vertices, mesh.faces.astype(np.uint64)))


def volume_tolerance(volume):
    return VOLUME_ABSOLUTE + VOLUME_RELATIVE * abs(volume)


class Tree:
    def __init__(self, path):
        self.path = path
        self.facts = json.loads(path.read_text())
        self.solid = build(self.facts["tree"])

    def __str__(self):
        return f"{self.path.stem} (seed {self.facts['seed']}, {self.facts['style']})"

    def file(self, extension, merged):
        """What trimesh reads; None when there is no such file. Merged: corners in one place are one."""
        path = self.path.with_suffix(f".{extension}")
        if not path.exists():
            return None
        return trimesh.load(path, force="mesh", process=merged)


class RandomTrees(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(os.environ["VITRINE_TREES"])
        cls.trees = [Tree(path) for path in sorted(folder.glob("*.json"))]
        triangles = sum(tree.solid.num_tri() for tree in cls.trees)
        pieces = [tree.solid.genus() for tree in cls.trees]
        print(
            f"{len(cls.trees)} trees, {triangles} triangles by manifold3d, genus {min(pieces)} to {max(pieces)}, "
            f"{sum(tree.solid.is_empty() for tree in cls.trees)} of nothing"
        )

    def each(self, check):
        """Says of all trees which fail, not of the first alone."""
        faults = []
        for tree in self.trees:
            fault = check(tree)
            if fault:
                faults.append(f"{tree}: {fault}")
        print(f"{self._testMethodName}: {len(self.trees) - len(faults)} of {len(self.trees)} trees")
        if faults:
            self.fail("\n".join([f"{len(faults)} trees", *faults[:FAULTS_SHOWN_MAX]]))

    def test_there_are_trees(self):
        self.assertGreater(len(self.trees), 0)

    def test_volumes_agree_with_manifold3d(self):
        def check(tree):
            ours, theirs = tree.facts["volume"], tree.solid.volume()
            if abs(ours - theirs) > volume_tolerance(theirs):
                return f"the volume is {ours}, and {theirs} by manifold3d"

        self.each(check)

    def test_genus_agrees_with_manifold3d(self):
        def check(tree):
            mesh = tree.file("3mf", merged=False)
            ours, theirs = GENUS_OF_NOTHING if mesh is None else genus(mesh), tree.solid.genus()
            if ours == theirs:
                return
            if tree.facts["style"] == "grid":
                touching.append(tree)
                if unambiguous(as_solid(mesh)).genus() == unambiguous(tree.solid).genus():
                    return
            return f"the genus is {ours}, and {theirs} by manifold3d"

        touching = []
        self.each(check)
        print(f"  {len(touching)} of them where bodies touch, joined by one kernel and apart by the other")

    def test_solids_fill_the_same_space_as_those_of_manifold3d(self):
        def check(tree):
            if tree.facts["style"] == "grid":
                # What touches itself is mended by manifold3d when it comes from a file, not always in the same place.
                return
            ours, theirs = as_solid(tree.file("3mf", merged=False)), tree.solid
            if ours.status() != manifold3d.Error.NoError:
                return f"manifold3d does not take the mesh: {ours.status()}"
            # One way is enough: the volumes are equal.
            differ = (ours - theirs).volume()
            # Corners of the file have nine places.
            if differ > VOLUME_ABSOLUTE + theirs.surface_area() * NUDGE:
                return f"{differ} cubic millimetres of the solid are not in that of manifold3d"

        self.each(check)

    def test_every_3mf_is_watertight(self):
        def check(tree):
            for merged in (False, True):
                mesh = tree.file("3mf", merged)
                if mesh is None:
                    return None
                if not (mesh.is_watertight and mesh.is_winding_consistent):
                    return f"the 3MF file is open, with corners {'merged' if merged else 'as they are'}"
                theirs = tree.solid.volume()
                moved = mesh.area * NUDGE if tree.facts["style"] == "grid" else 0
                if abs(mesh.volume - theirs) > moved + volume_tolerance(theirs):
                    return f"the volume of the 3MF file is {mesh.volume}, and {theirs} by manifold3d"

        self.each(check)

    def test_every_stl_is_watertight(self):
        def check(tree):
            mesh = tree.file("stl", merged=True)
            if mesh is None:
                return None
            if not (mesh.is_watertight and mesh.is_winding_consistent):
                return "the STL file is open"
            theirs = tree.solid.volume()
            if abs(mesh.volume - theirs) > mesh.area * STL_STEP + volume_tolerance(theirs):
                return f"the volume of the STL file is {mesh.volume}, and {theirs} by manifold3d"

        self.each(check)

    def test_every_step_is_read_as_closed_bodies_in_millimetres(self):
        def check(tree):
            if not tree.path.with_suffix(".step").exists():
                return
            read.append(tree)
            # Open Cascade, by way of a glTF file, whose unit is the metre.
            mesh = tree.file("step", merged=True)
            mesh.apply_scale(1000)
            # Each flat face has corners of its own there.
            mesh.merge_vertices(merge_norm=True, merge_tex=True)
            if not (mesh.is_watertight and mesh.is_winding_consistent):
                return "the STEP file is open"
            theirs = tree.solid.volume()
            if abs(mesh.volume - theirs) > mesh.area * STL_STEP + volume_tolerance(theirs):
                return f"the volume of the STEP file is {mesh.volume}, and {theirs} by manifold3d"

        read = []
        self.each(check)
        self.assertGreater(len(read), 0)
        print(f"  {len(read)} of them as STEP files")


if __name__ == "__main__":
    unittest.main(verbosity=1)

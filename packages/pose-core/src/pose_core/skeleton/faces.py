"""Face landmarks: contours of meshes, mirror images, and which points of two estimators are the same."""

from __future__ import annotations

# MediaPipe's face mesh: the points of its FACEMESH_CONTOURS (lips, eyes, eyebrows, oval), 128 of 468.
MESH_CONTOURS = frozenset(
    """
    0 7 10 13 14 17 21 33 37 39 40 46 52 53 54 55 58 61 63 65 66 67 70 78 80 81 82 84 87 88 91 93 95 103 105 107 109 127
    132 133 136 144 145 146 148 149 150 152 153 154 155 157 158 159 160 161 162 163 172 173 176 178 181 185 191 234 246
    249 251 263 267 269 270 276 282 283 284 285 288 291 293 295 296 297 300 308 310 311 312 314 317 318 321 323 324 332
    334 336 338 356 361 362 365 373 374 375 377 378 379 380 381 382 384 385 386 387 388 389 390 397 398 400 402 405 409
    415 454 466
    """.split()  # noqa: SIM905 - a list of 128 strings would fill the file
)
MESH_POINTS = 478  # 468 of the mesh, then 5 of each iris

# The mesh point of each iBUG point (68, then OpenPose's two pupils). No point of the mesh stands for two of iBUG's, so
# that a face goes there and back unchanged. Where anatomy leaves a choice (jaw, lids, bridge and lips are lines), it is
# the point next to iBUG's in the mean frontal face of real clips: MediaPipe's mesh against OpenPose and RTMPose,
# aligned by corners of eyes and mouth, middle of the lips, and nose. Sides are the person's; iBUG begins at the right.
IBUG_TO_MESH = (
    *(127, 234, 93, 132, 58, 136, 149, 176),  # 0-7 jaw from the right temple, along the oval
    152,  # 8 chin
    *(400, 378, 365, 288, 361, 323, 454, 356),  # 9-16 jaw to the left temple
    *(70, 63, 105, 66, 107),  # 17-21 right eyebrow from its outer end, upper edge
    *(336, 296, 334, 293, 300),  # 22-26 left eyebrow from its inner end
    *(168, 197, 5, 1),  # 27-30 bridge of the nose from between the eyes to the tip
    *(98, 97, 2, 326, 327),  # 31-35 below the nose, from the right nostril; 33 is where nose and lip meet
    *(33, 160, 158, 133, 153, 144),  # 36-41 right eye: outer corner, upper lid, inner corner, lower lid
    *(362, 385, 387, 263, 373, 380),  # 42-47 left eye: inner corner, upper lid, outer corner, lower lid
    *(61, 39, 37, 0, 267, 269, 291),  # 48-54 outer edge of the upper lip; 50 and 52 are the peaks of its bow
    *(321, 314, 17, 84, 91),  # 55-59 outer edge of the lower lip, from the left
    *(78, 82, 13, 312, 308),  # 60-64 inner edge of the upper lip
    *(317, 14, 87),  # 65-67 inner edge of the lower lip, from the left
    *(468, 473),  # 68 right, 69 left pupil: the irises' centers, which only a mesh of 478 points has
)

# (first, last, opposite of the first): runs of mesh points whose opposites run on as they do. Points in no run lie on
# the middle line. The mesh numbers one side's points first and the other's after, which makes the runs long.
_MESH_RUNS = (
    *((3, 3, 248), (7, 7, 249), (20, 93, 250), (95, 150, 324), (153, 163, 380), (165, 167, 391), (169, 174, 394)),
    *((176, 194, 400), (196, 196, 419), (198, 198, 420), (201, 247, 421)),
    *((468, 468, 473), (469, 469, 476), (470, 470, 475), (471, 471, 474), (472, 472, 477)),  # irises
)


def mesh_mirror() -> tuple[int, ...]:
    """Mirror image of each of MediaPipe's 478 face points."""
    mirror = list(range(MESH_POINTS))
    for first, last, opposite in _MESH_RUNS:
        for i in range(first, last + 1):
            mirror[i], mirror[opposite + i - first] = opposite + i - first, i
    return tuple(mirror)


def ibug_mirror(points: int) -> tuple[int, ...]:
    """Mirror image of each of the 68 points of the iBUG face (70 with the pupils, as OpenPose has it)."""
    # jaw, eyebrows, bridge, nostrils, eyes above, eyes below, mouth outside above, below, inside above, below
    rows = [range(17), range(17, 27), [27], [28], [29], [30], range(31, 36), [36, 37, 38, 39, 42, 43, 44, 45]]
    rows += [[40, 41, 46, 47], range(48, 55), range(55, 60), range(60, 65), range(65, 68), range(68, points)]
    mirror = {a: b for row in rows for a, b in zip(row, reversed(row), strict=True)}
    return tuple(mirror[i] for i in range(points))

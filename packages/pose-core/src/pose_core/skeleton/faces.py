"""Face landmarks: contours of meshes, mirror images, and which points of two estimators are the same."""

from __future__ import annotations

# MediaPipe's face mesh: the lines of its FACEMESH_CONTOURS as chains of points, closed where they come back.
MESH_CHAINS = tuple(
    tuple(map(int, chain.split()))
    for chain in (
        "10 338 297 332 284 251 389 356 454 323 361 288 397 365 379 378 400 377 152 "  # oval, from the forehead
        "148 176 149 150 136 172 58 132 93 234 127 162 21 54 103 67 109 10",
        "61 185 40 39 37 0 267 269 270 409 291 375 321 405 314 17 84 181 91 146 61",  # lips, outer edge
        "78 191 80 81 82 13 312 311 310 415 308 324 318 402 317 14 87 178 88 95 78",  # inner edge
        "33 246 161 160 159 158 157 173 133 155 154 153 145 144 163 7 33",  # right eye
        "263 466 388 387 386 385 384 398 362 382 381 380 374 373 390 249 263",  # left eye
        "70 63 105 66 107",  # right eyebrow, upper edge
        "46 53 52 65 55",  # lower edge
        "300 293 334 296 336",  # left eyebrow
        "276 283 282 295 285",
    )
)
MESH_CONTOURS = frozenset(str(point) for chain in MESH_CHAINS for point in chain)  # their points, 128 of 468
NOSE_CHAINS = ((168, 6, 197, 195, 5, 4, 1), (98, 97, 2, 326, 327))  # bridge, and below; MediaPipe's contours have none
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

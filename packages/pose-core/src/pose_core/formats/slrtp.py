"""The 178 keypoints of the SLRTP sign language production benchmark, and where each stands in `known_skeleton(178)`.

The benchmark (Walsh et al. 2025, "SLRTP2025 Sign Language Production Challenge") lists right shoulder, elbow, wrist,
left shoulder, elbow, wrist, right hip, left hip; the right hand, the left hand, each as MediaPipe has it; and 128 face
points. These are the points of MediaPipe's FACEMESH_CONTOURS in the order in which Python 3.7 goes through that set of
lines: with it all 96 face lines that the benchmark publishes join points that MediaPipe joins (92), or close an
eyebrow's ring (4).
"""

from __future__ import annotations

import numpy as np

from pose_core.skeleton.faces import MESH_CONTOURS

_NAMES = """
82 13 381 382 311 310 70 63 87 14 362 80 81 144 145 390 373 377 152 66 107 466 388 158 157 93 234 293 334 375 291 37 0
163 312 374 270 409 365 379 173 318 324 378 400 308 332 284 162 21 263 386 385 33 7 61 185 161 160 103 67 53 52 321 454
323 361 176 149 155 133 295 285 317 40 39 338 297 17 314 415 384 148 397 172 58 54 132 387 127 178 181 84 283 282 136
105 300 153 159 251 389 296 336 109 65 249 154 46 380 246 276 267 269 146 402 78 191 405 356 398 288 95 91 10 88 55 150
""".split()  # noqa: SIM905 - a list of 128 strings would fill the file
_FACE = [int(name) for name in _NAMES]
_BODY = [3, 0, 4, 1, 5, 2, 7, 6]  # left and right shoulder, elbow, wrist, hip in the benchmark
_RIGHT_HAND, _LEFT_HAND, _FIRST_OF_FACE = range(8, 29), range(29, 50), 50
_CONTOURS = sorted(map(int, MESH_CONTOURS))

ORDER = np.array([*_BODY, *(_FIRST_OF_FACE + _FACE.index(point) for point in _CONTOURS), *_LEFT_HAND, *_RIGHT_HAND])
"""(178,) position in the benchmark's order of each keypoint of `known_skeleton(178)`: `poses[:, ORDER]` converts."""

BODY = 8  # keypoints of the body, the first in either order
WRISTS = {4: 136, 5: 157}  # left and right wrist of the body -> that of the hand, of `known_skeleton(178)`

FACES = {"mediapipe": slice(8, 136), "slrtp": slice(50, 178)}  # where the face is in either order

"""Skeletons: named keypoints, components, limbs. The only place that knows a keypoint's name or a limb."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pose_core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pose_format.pose_header import PoseHeader

Side = Literal["left", "right"]


@dataclass(frozen=True)
class Layout:
    """What a pose estimator calls things. One row of `LAYOUTS`; everything that differs between estimators is in it."""

    name: str
    body: str  # component that holds shoulders, wrists and legs
    hands: dict[Side, str]  # component of each hand; its first point is the wrist
    faces: tuple[str, ...]
    shoulders: dict[Side, str]  # points of the body component
    wrists: dict[Side, str]
    hips: tuple[str, ...]  # whole point names, and
    legs: tuple[str, ...]  # parts of point names: a body point is a leg when its name contains one
    duplicates: tuple[str, ...] = ()  # components that say the same again in other units


LAYOUTS = (
    Layout(
        name="holistic",
        body="POSE_LANDMARKS",
        hands={"left": "LEFT_HAND_LANDMARKS", "right": "RIGHT_HAND_LANDMARKS"},
        faces=("FACE_LANDMARKS",),
        shoulders={"left": "LEFT_SHOULDER", "right": "RIGHT_SHOULDER"},
        wrists={"left": "LEFT_WRIST", "right": "RIGHT_WRIST"},
        hips=("LEFT_HIP", "RIGHT_HIP"),
        legs=("KNEE", "ANKLE", "HEEL", "FOOT_INDEX"),
        duplicates=("POSE_WORLD_LANDMARKS",),
    ),
    Layout(
        name="openpose",
        body="pose_keypoints_2d",
        hands={"left": "hand_left_keypoints_2d", "right": "hand_right_keypoints_2d"},
        faces=("face_keypoints_2d",),
        shoulders={"left": "LShoulder", "right": "RShoulder"},
        wrists={"left": "LWrist", "right": "RWrist"},
        hips=("MidHip", "LHip", "RHip"),
        legs=("Knee", "Ankle", "BigToe", "SmallToe", "Heel"),
    ),
    Layout(
        name="coco_wholebody",
        body="BODY",
        hands={"left": "LEFT_HAND", "right": "RIGHT_HAND"},
        faces=("FACE",),
        shoulders={"left": "left_shoulder", "right": "right_shoulder"},
        wrists={"left": "left_wrist", "right": "right_wrist"},
        hips=("left_hip", "right_hip"),
        legs=("knee", "ankle", "big_toe", "small_toe", "heel"),
    ),
)


@dataclass(frozen=True)
class Component:
    """A named group of keypoints: the body, the face, a hand.

    `limbs` are pairs of point positions inside the component; `colors` are RGB, one a point or fewer, then repeated.
    """

    name: str
    points: tuple[str, ...]
    limbs: tuple[tuple[int, int], ...]
    colors: tuple[tuple[int, int, int], ...]
    point_format: str  # as in `.pose` headers: one letter a coordinate, then C for confidence: "XYC", "XYZC"

    def select(self, keep: list[int]) -> Component:
        """The component with the points at the positions `keep`, and the limbs that lie between them."""
        position = {old: new for new, old in enumerate(keep)}
        limbs = tuple((position[a], position[b]) for a, b in self.limbs if a in position and b in position)
        colors = self.colors
        if len(colors) == len(self.points):  # a color a point goes with its point
            colors = tuple(colors[i] for i in keep)
        return replace(self, points=tuple(self.points[i] for i in keep), limbs=limbs, colors=colors)


@dataclass(frozen=True)
class Skeleton:
    """Keypoints in the order of the arrays that hold them, K in all, D coordinates each."""

    components: tuple[Component, ...]

    def __post_init__(self) -> None:
        if not self.num_keypoints:
            raise UserError("a skeleton without keypoints: the header names no points")
        formats = {component.point_format for component in self.components}
        if len(formats) > 1:
            raise UserError(f"components of one skeleton have different point formats: {', '.join(sorted(formats))}")
        if self.components[0].point_format not in ("XYC", "XYZC"):
            raise UserError(f"point format {self.components[0].point_format!r} is not supported: use XYC or XYZC")
        for component in self.components:
            if any(i >= len(component.points) for limb in component.limbs for i in limb):
                raise UserError(f"component {component.name} has a limb to a point it does not have")

    @classmethod
    def from_header(cls, header: PoseHeader) -> Skeleton:
        """Skeleton of a `pose_format` header: its own components, points and limbs, known layout or not."""
        return cls(
            tuple(
                Component(
                    name=component.name,
                    points=tuple(component.points),
                    limbs=tuple((int(a), int(b)) for a, b in component.limbs),
                    colors=tuple((int(r), int(g), int(b)) for r, g, b in component.colors),
                    point_format=component.format,
                )
                for component in header.components
            )
        )

    def to_header(self, size: tuple[int, int, int], version: float = 0.2) -> PoseHeader:
        """A `pose_format` header. `size`: width, height, depth of the picture in pixels."""
        from pose_format.pose_header import PoseHeader, PoseHeaderComponent, PoseHeaderDimensions

        components = [
            PoseHeaderComponent(c.name, list(c.points), list(c.limbs), list(c.colors), c.point_format)
            for c in self.components
        ]
        return PoseHeader(version, PoseHeaderDimensions(*size), components)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `from_dict` turns back into the same skeleton; what model folders store."""
        return {
            "components": [
                {
                    "name": c.name,
                    "points": list(c.points),
                    "limbs": [list(limb) for limb in c.limbs],
                    "colors": [list(color) for color in c.colors],
                    "point_format": c.point_format,
                }
                for c in self.components
            ]
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Skeleton:
        return cls(
            tuple(
                Component(
                    name=c["name"],
                    points=tuple(c["points"]),
                    limbs=tuple((a, b) for a, b in c["limbs"]),
                    colors=tuple((r, g, b) for r, g, b in c["colors"]),
                    point_format=c["point_format"],
                )
                for c in values["components"]
            )
        )

    @property
    def num_keypoints(self) -> int:
        """K."""
        return sum(len(component.points) for component in self.components)

    @property
    def num_dims(self) -> int:
        """D: coordinates a keypoint, 2 or 3."""
        return len(self.components[0].point_format) - 1

    @cached_property
    def keypoints(self) -> tuple[tuple[str, str], ...]:
        """(component, point) names, K of them, in array order."""
        return tuple((c.name, point) for c in self.components for point in c.points)

    @cached_property
    def limbs(self) -> np.ndarray:
        """(E, 2) array positions of the two ends of every limb."""
        limbs = [
            (start + a, start + b)
            for start, component in zip(self._starts, self.components, strict=True)
            for a, b in component.limbs
        ]
        return np.asarray(limbs, dtype=np.int64).reshape(-1, 2)

    @cached_property
    def layout(self) -> Layout | None:
        """The known layout whose body or hands this skeleton has, or None for a layout of its own."""
        names = {component.name for component in self.components}
        for layout in LAYOUTS:
            # "FACE" or "BODY" alone is anybody's word; a hand or a shoulder name settles it.
            shoulder = (layout.body, layout.shoulders["left"])
            if names & set(layout.hands.values()) or shoulder in self.keypoints:
                return layout
        return None

    def slice_of(self, component: str) -> slice:
        """Array positions of a component.

        Raises:
            UserError: the skeleton has no such component.
        """
        for start, candidate in zip(self._starts, self.components, strict=True):
            if candidate.name == component:
                return slice(start, start + len(candidate.points))
        raise UserError(f"the skeleton has no component {component!r}; it has {self._component_names()}")

    def index(self, component: str, point: str) -> int:
        """Array position of a keypoint.

        Raises:
            UserError: the skeleton has no such keypoint.
        """
        try:
            return self.keypoints.index((component, point))
        except ValueError:
            raise UserError(
                f"the skeleton has no keypoint {component}/{point}; its components are {self._component_names()}"
            ) from None

    def shoulders(self) -> tuple[int, int]:
        """Array positions of the left and the right shoulder.

        Raises:
            UserError: the skeleton has no shoulders (hands only, a layout of its own).
        """
        layout = self.layout
        if layout is not None:
            left, right = ((layout.body, layout.shoulders[side]) for side in ("left", "right"))
            if left in self.keypoints and right in self.keypoints:
                return self.keypoints.index(left), self.keypoints.index(right)
        raise UserError(f"the skeleton has no shoulders to normalize by; its components are {self._component_names()}")

    def hand(self, side: Side) -> slice | None:
        """Array positions of a hand, wrist first, or None where the skeleton has no such hand."""
        layout = self.layout
        if layout is None or layout.hands[side] not in {component.name for component in self.components}:
            return None
        return self.slice_of(layout.hands[side])

    def wrist(self, side: Side) -> int | None:
        """Array position of the body's wrist on that side, or None."""
        layout = self.layout
        name = (layout.body, layout.wrists[side]) if layout else None
        return self.keypoints.index(name) if name in self.keypoints else None

    def face(self) -> list[int]:
        """Array positions of the face components' points."""
        faces = self.layout.faces if self.layout else ()
        return [i for i, (component, _) in enumerate(self.keypoints) if component in faces]

    def legs(self) -> list[int]:
        """Array positions below the hips, in the body and in components that repeat it."""
        if self.layout is None:
            return []
        bodies = (self.layout.body, *self.layout.duplicates)
        return [
            i
            for i, (component, point) in enumerate(self.keypoints)
            if component in bodies and any(word in point for word in self.layout.legs)
        ]

    def hips(self) -> list[int]:
        """Array positions of the hips."""
        if self.layout is None:
            return []
        bodies = (self.layout.body, *self.layout.duplicates)
        return [i for i, (c, point) in enumerate(self.keypoints) if c in bodies and point in self.layout.hips]

    def duplicates(self) -> list[int]:
        """Array positions of components that repeat the body in other units (MediaPipe's world landmarks)."""
        names = self.layout.duplicates if self.layout else ()
        return [i for i, (component, _) in enumerate(self.keypoints) if component in names]

    def select(self, indices: Iterable[int]) -> Skeleton:
        """The skeleton of the keypoints at `indices` (ascending); components left empty are dropped."""
        wanted = set(indices)
        components = []
        for start, component in zip(self._starts, self.components, strict=True):
            keep = [i for i in range(len(component.points)) if start + i in wanted]
            if keep:
                components.append(component.select(keep))
        return Skeleton(tuple(components))

    @cached_property
    def _starts(self) -> list[int]:
        return np.cumsum([0, *(len(c.points) for c in self.components[:-1])]).tolist()

    def _component_names(self) -> str:
        return ", ".join(component.name for component in self.components)

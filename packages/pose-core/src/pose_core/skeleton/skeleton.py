"""`Skeleton`: the keypoints of an array, by name."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from pose_core.errors import UserError
from pose_core.skeleton.faces import MESH_CONTOURS
from pose_core.skeleton.layouts import LAYOUTS, Layout, Part, Role, Side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pose_format.pose_header import PoseHeader

_BRIGHTEST = 0xFFFF  # red, green or blue that a `.pose` file can state


@dataclass(frozen=True)
class Component:
    """A named group of keypoints: the body, the face, a hand.

    `limbs` are pairs of point positions inside the component; `colors` are RGB, one per point or fewer, then repeated.
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
        for component in self.components:
            for name in (component.name, *component.points):
                if not isinstance(name, str):
                    raise UserError(f"a component or point of the skeleton is named {name!r}; names must be strings")
            if component.point_format not in ("XYC", "XYZC"):
                raise UserError(f"point format {component.point_format!r} is not supported: use XYC or XYZC")
            if any(not 0 <= i < len(component.points) for limb in component.limbs for i in limb):
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
        for c in values["components"]:
            if not all(isinstance(number, int) for row in (*c["limbs"], *c["colors"]) for number in row):
                raise UserError(f"limbs and colors of component {c['name']!r} must be whole numbers")
            if not all(0 <= number <= _BRIGHTEST for color in c["colors"] for number in color):
                raise UserError(
                    f"colors of component {c['name']!r} must be from 0 to {_BRIGHTEST:,}; mend the skeleton"
                )
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
        """D: coordinates per keypoint, 2 or 3; where components differ, the larger number."""
        return max(len(component.point_format) for component in self.components) - 1

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
            shoulder = (layout.body.component, layout.shoulders["left"])
            if names & {hand.component for hand in layout.hands.values()} or shoulder in self._positions:
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
            return self._positions[component, point]
        except KeyError:
            raise UserError(
                f"the skeleton has no keypoint {component}/{point}; its components are {self._component_names()}"
            ) from None

    def part(self, name: Role | str) -> list[int]:
        """Array positions of "body", "face", "left_hand", "right_hand", or of the component of that name.

        A hand's wrist comes first. What a known layout has and this skeleton lacks is an empty list.

        Raises:
            UserError: neither a component of the skeleton nor a role that its layout knows.
        """
        layout = self.layout
        if layout is not None and name in get_args(Role):
            parts = {"body": layout.body, "face": layout.face}
            parts |= {f"{side}_hand": part for side, part in layout.hands.items()}
            return self._positions_of(parts[name])
        positions = self.slice_of(name)
        return list(range(positions.start, positions.stop))

    def parts(self) -> list[str]:
        """Names of the parts: the roles that a known layout has, or the names of the components."""
        if self.layout is None:
            return [component.name for component in self.components]
        return [role for role in get_args(Role) if self.part(role)]

    def shoulders(self) -> tuple[int, int]:
        """Array positions of the left and the right shoulder.

        Raises:
            UserError: the skeleton has no shoulders (hands only, a layout of its own).
        """
        layout = self.layout
        if layout is not None:
            left, right = ((layout.body.component, layout.shoulders[side]) for side in get_args(Side))
            if left in self._positions and right in self._positions:
                return self._positions[left], self._positions[right]
        raise UserError(f"the skeleton has no shoulders to normalize by; its components are {self._component_names()}")

    def hand(self, side: Side) -> list[int]:
        """Array positions of a hand, wrist first; empty where the skeleton has no such hand."""
        return self._positions_of(self.layout.hands[side]) if self.layout else []

    def wrist(self, side: Side) -> int | None:
        """Array position of the body's wrist on that side, or None."""
        layout = self.layout
        return self._positions.get((layout.body.component, layout.wrists[side])) if layout else None

    def elbow(self, side: Side) -> int | None:
        """Array position of the elbow on that side, or None."""
        layout = self.layout
        return self._positions.get((layout.body.component, layout.elbow(side))) if layout else None

    def face(self) -> list[int]:
        """Array positions of the face's points."""
        return self._positions_of(self.layout.face) if self.layout else []

    def face_details(self) -> list[int]:
        """Array positions of the face mesh's points beside its contours (lips, eyes, eyebrows, oval)."""
        if self.layout is None or self.layout.name != "holistic":
            return []
        return [i for i in self.face() if self.keypoints[i][1] not in MESH_CONTOURS]

    def body_details(self) -> list[int]:
        """Array positions of body points that face or hand components estimate better: eyes, mouth, fingers."""
        legs = set(self.legs())  # LEFT_FOOT_INDEX is no finger
        details = self._body_points(lambda point, layout: any(word in point for word in layout.details))
        return [i for i in details if i not in legs]

    def head(self) -> dict[str, int]:
        """Array positions of the body's own nose, left_eye, right_eye, left_ear and right_ear, those that it has."""
        layout = self.layout
        if layout is None:
            return {}
        words = {"nose": "nose"}
        for side, shoulder in layout.shoulders.items():  # "LEFT_SHOULDER", "LShoulder": named in the same way
            words |= {f"{side}_{part}": re.sub("shoulder", part, shoulder.lower()) for part in ("eye", "ear")}
        names = {
            point.lower(): position
            for (component, point), position in self._positions.items()
            if component == layout.body.component
        }
        return {name: names[word] for name, word in words.items() if word in names}

    def legs(self) -> list[int]:
        """Array positions below the hips, in the body and in components that repeat it."""
        return self._body_points(lambda point, layout: any(word in point for word in layout.legs))

    def hips(self, *, duplicates: bool = False) -> list[int]:
        """Array positions of the body's hips; with `duplicates` also in components that repeat it in other units."""
        hips = self._body_points(lambda point, layout: point in layout.hips)
        other = set() if duplicates else set(self.duplicates())
        return [i for i in hips if i not in other]

    def duplicates(self) -> list[int]:
        """Array positions of components that repeat the body in other units (MediaPipe's world landmarks)."""
        names = self.layout.duplicates if self.layout else ()
        return [i for i, (component, _) in enumerate(self.keypoints) if component in names]

    def repeated(self) -> list[int]:
        """Array positions of redundant keypoints: `duplicates`, and `body_details` if there are face or hands."""
        hands = bool(self.hand("left") or self.hand("right"))
        face = bool(self.face())
        details = (i for i in self.body_details() if (hands if _of_a_finger(self.keypoints[i][1]) else face))
        return sorted({*self.duplicates(), *details})

    def mirror(self) -> list[int]:
        """(K,) array position of each keypoint's mirror image, by name.

        Raises:
            UserError: the layout is not a known one, or an opposite is not in the skeleton (one hand only).
        """
        layout = self.layout
        if layout is None:
            raise UserError(
                f"left and right of an unknown layout cannot be told apart; its components are "
                f"{self._component_names()}"
            )
        face = layout.face
        opposite = {}
        if face is not None:
            for i, j in enumerate(layout.face_mirror):
                opposite[face.component, face.points[i]] = (face.component, face.points[j])
        missing = []
        mirror = []
        for name in self.keypoints:
            other = opposite.get(name) or (_swap_sides(name[0], layout), _swap_sides(name[1], layout))
            mirror.append(self._positions.get(other, -1))
            if mirror[-1] < 0:
                missing.append("/".join(other))
        if missing:
            raise UserError(f"the skeleton cannot be flipped: it lacks {len(missing)} opposites, {missing[0]} first")
        return mirror

    def select(self, indices: Iterable[int]) -> Skeleton:
        """The skeleton of the keypoints at `indices` (ascending); components left empty are dropped."""
        wanted = frozenset(indices)
        if wanted not in self._selected:  # every clip of a data set asks for the same ones
            self._selected[wanted] = self._with(wanted)
        return self._selected[wanted]

    def _with(self, wanted: frozenset[int]) -> Skeleton:
        components = []
        for start, component in zip(self._starts, self.components, strict=True):
            keep = [i for i in range(len(component.points)) if start + i in wanted]
            if keep:
                components.append(component.select(keep))
        return Skeleton(tuple(components))

    def with_dims(self, dims: int) -> Skeleton:
        """The skeleton with `dims` coordinates per keypoint, 2 or 3."""
        point_format = {2: "XYC", 3: "XYZC"}[dims]
        return Skeleton(tuple(replace(component, point_format=point_format) for component in self.components))

    def __getstate__(self) -> dict[str, Any]:
        return {"components": self.components}  # the rest is found again

    @cached_property
    def _selected(self) -> dict[frozenset[int], Skeleton]:
        return {}

    @cached_property
    def _positions(self) -> dict[tuple[str, str], int]:
        positions: dict[tuple[str, str], int] = {}
        for i, name in enumerate(self.keypoints):
            positions.setdefault(name, i)  # of a name given twice, the first
        return positions

    def _positions_of(self, part: Part | None) -> list[int]:
        """Array positions of a layout's part, of the points that the skeleton has."""
        layout = self.layout
        if layout is None or part is None or part.component not in {component.name for component in self.components}:
            return []
        if part.points and part.component == layout.body.component:  # one component for everything
            return [self._positions[part.component, p] for p in part.points if (part.component, p) in self._positions]
        positions = self.slice_of(part.component)
        return list(range(positions.start, positions.stop))

    def _body_points(self, wanted: Callable[[str, Layout], bool]) -> list[int]:
        """Array positions of points of the body, and of what repeats it, whose names are wanted."""
        layout = self.layout
        if layout is None:
            return []
        body = {*self._positions_of(layout.body), *self.duplicates()}
        return [i for i in sorted(body) if wanted(self.keypoints[i][1], layout)]

    @cached_property
    def _starts(self) -> list[int]:
        return np.cumsum([0, *(len(c.points) for c in self.components[:-1])]).tolist()

    def _component_names(self) -> str:
        return ", ".join(component.name for component in self.components)


def _of_a_finger(body_point: str) -> bool:
    return any(finger in body_point.upper() for finger in ("THUMB", "INDEX", "PINKY"))


def _swap_sides(name: str, layout: Layout) -> str:
    """The name with left and right swapped."""
    left, right = layout.left_right
    if len(left) > 1:
        other = {case(a): case(b) for a, b in ((left, right), (right, left)) for case in (str.lower, str.upper)}
        return re.sub("|".join(other), lambda match: other[match.group()], name)
    # OpenPose: one letter before a capital in point names ("R_PIP" is the ring finger), words in component names.
    other = {left: right, right: left, "left": "right", "right": "left"}
    return re.sub(f"^[{left}{right}](?=[A-Z])|left|right", lambda match: other[match.group()], name)

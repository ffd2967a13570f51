"""`PoseSequence`: one person's keypoints over time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pose_core.errors import UserError
from pose_core.notices import notify
from pose_core.skeleton.correspondence import layout_hint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_core.skeleton import Side, Skeleton

# Shoulder widths, or shares of a picture, that no keypoint of a normalized pose is away; pixels are more.
FARTHEST_NORMALIZED = 10.0


@dataclass(frozen=True)
class PoseSequence:
    """Keypoints of one person, frame by frame. Transforms return a new one and leave their input alone.

    Attributes:
        keypoints: (T, K, D) float32, in pixels as read, or in shoulder widths once normalized; x right, y down.
            Integers and float16 become float32, since fractions of a shoulder width have to fit in.
        confidence: (T, K) float32 in [0, 1]; 0 = missing, and a missing keypoint's coordinates mean nothing. Files
            hold other values, too, and are read as they are: `transforms.clean` mends them. What numpy masks in
            either array has confidence 0.
        fps: frames per second.
        skeleton: names and limbs of the K keypoints.
        size: width, height, depth of the picture in pixels, as a `.pose` header states them; 0 where there is no
            picture, as once normalized.
    """

    keypoints: np.ndarray
    confidence: np.ndarray
    fps: float
    skeleton: Skeleton
    size: tuple[int, int, int] = (0, 0, 0)

    def __post_init__(self) -> None:
        _floating(self)
        expected = (self.skeleton.num_keypoints, self.skeleton.num_dims)
        if self.keypoints.ndim != 3 or self.keypoints.shape[1:] != expected:
            raise UserError(
                f"keypoints are {self.keypoints.shape}, the skeleton wants (T, {expected[0]}, {expected[1]})"
            )
        if self.confidence.shape != self.keypoints.shape[:2]:
            raise UserError(f"confidence is {self.confidence.shape}, keypoints are {self.keypoints.shape}")
        if not (np.isfinite(self.fps) and self.fps > 0):
            raise UserError(f"fps is {self.fps}; it must be a positive number")

    def __len__(self) -> int:
        """T, the number of frames."""
        return len(self.keypoints)

    def __getitem__(self, frames: slice) -> PoseSequence:
        """The frames of a slice, `sequence[10:20]`."""
        return replace(self, keypoints=self.keypoints[frames], confidence=self.confidence[frames])

    def __repr__(self) -> str:
        """One line: `PoseSequence(113 frames, 4.52 s at 25 fps, 50 keypoints, holistic, 44.0 % missing)`."""
        frames, keypoints = self.confidence.shape
        parts = [f"{frames} frame{'s' * (frames != 1)}", f"{self.duration:.2f} s at {self.fps:g} fps"]
        parts.append(f"{keypoints} keypoint{'s' * (keypoints != 1)}")
        parts.append(self.skeleton.layout.name if self.skeleton.layout else "a layout of its own")
        if self.confidence.size:
            parts.append(f"{100 * float(np.mean(~self.visible)):.1f} % missing")
        return f"PoseSequence({', '.join(parts)})"

    def _repr_html_(self) -> str | None:
        """HTML for notebooks, from the entry point `html` of the group `pose_core.views`."""
        from importlib.metadata import entry_points  # takes 20 ms

        for view in entry_points(group="pose_core.views", name="html"):  # the player of `rendering.notebook`
            return view.load()(self)
        return None

    @property
    def visible(self) -> np.ndarray:
        """(T, K) bool, the keypoints that count: confidence above 0 and finite coordinates; NaN is not visible."""
        return (self.confidence > 0) & np.isfinite(self.keypoints).all(axis=-1)

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self) / self.fps

    def hand_share(self, side: Side) -> float:
        """Share of frames, 0 to 1, in which any point of that hand is visible; 0 where the skeleton lacks it."""
        hand = self.skeleton.hand(side)
        return float(self.visible[:, hand].any(axis=1).mean()) if hand and len(self) else 0.0

    def hold_frame(self, frame: int, frames: int) -> PoseSequence:
        """One frame repeated `frames` times: a still."""
        return replace(
            self,
            keypoints=np.repeat(self.keypoints[frame][None], frames, axis=0),
            confidence=np.repeat(self.confidence[frame][None], frames, axis=0),
        )

    def select(self, indices: list[int]) -> PoseSequence:
        """The keypoints at `indices`, array positions; they keep their order, whatever order they are named in."""
        indices = sorted(set(indices))
        return replace(
            self,
            keypoints=self.keypoints[:, indices],
            confidence=self.confidence[:, indices],
            skeleton=self.skeleton.select(indices),
        )

    def on_skeleton(self, skeleton: Skeleton) -> PoseSequence:
        """Maps to another skeleton by keypoint names; keypoints that it lacks are missing (confidence 0).

        Raises:
            UserError: not one keypoint has a name that `skeleton` knows, or the coordinates differ in number.
        """
        if skeleton == self.skeleton:
            return self
        position = {name: i for i, name in enumerate(self.skeleton.keypoints)}
        pairs = [(new, position[name]) for new, name in enumerate(skeleton.keypoints) if name in position]
        if not pairs:
            theirs, ours = ({c for c, _ in s.keypoints} for s in (self.skeleton, skeleton))
            raise UserError(
                f"no keypoint in common: found {', '.join(sorted(theirs))}, expected {', '.join(sorted(ours))}"
                f"{layout_hint(self.skeleton, skeleton)}"
            )
        if skeleton.num_dims > self.skeleton.num_dims:
            raise UserError(
                f"the poses have {self.skeleton.num_dims} coordinates per point, expected {skeleton.num_dims}"
            )
        new, old = (list(column) for column in zip(*pairs, strict=True))
        keypoints = np.zeros((len(self), skeleton.num_keypoints, skeleton.num_dims), np.float32)
        confidence = np.zeros(keypoints.shape[:2], np.float32)
        keypoints[:, new] = self.keypoints[:, old, : skeleton.num_dims]
        confidence[:, new] = self.confidence[:, old]
        return replace(self, keypoints=keypoints, confidence=confidence, skeleton=skeleton)


def _floating(sequence: PoseSequence) -> None:
    """Converts the arrays of a new sequence to plain floating point, if they are not."""
    keypoints, confidence = sequence.keypoints, sequence.confidence
    masks = [np.ma.getmaskarray(values) if np.ma.isMaskedArray(values) else None for values in (keypoints, confidence)]
    keypoints, confidence = (
        _float_array(values, name) for values, name in ((keypoints, "keypoints"), (confidence, "confidence"))
    )
    for mask in masks:
        if mask is not None and mask.any():
            missing = mask.any(axis=-1) if mask.ndim > confidence.ndim else mask
            if missing.shape == confidence.shape:
                confidence = np.where(missing, confidence.dtype.type(0), confidence)
    object.__setattr__(sequence, "keypoints", keypoints)
    object.__setattr__(sequence, "confidence", confidence)


def _float_array(values: np.ndarray, name: str) -> np.ndarray:
    if np.ma.isMaskedArray(values):
        values = np.ma.getdata(values)
    values = np.asarray(values)
    if values.dtype in (np.float32, np.float64):
        return values
    if values.dtype.kind not in "fiub":
        raise UserError(f"{name} are {values.dtype}, not numbers; convert them to float32")
    return values.astype(np.float32)


def concatenate(sequences: Sequence[PoseSequence]) -> PoseSequence:
    """Concatenates sequences, in the picture of the first.

    Sequences from pictures of other sizes are scaled to fit into the first one's, in its middle; a warning says so.

    Raises:
        UserError: nothing to concatenate, skeletons or frame rates differ, or some sequences are in pixels of a picture
            and others in other units.
    """
    if not sequences:
        raise UserError("no sequences to concatenate")
    first = sequences[0]
    for other in sequences[1:]:
        if other.skeleton != first.skeleton:
            raise UserError("sequences on different skeletons cannot be concatenated; use `on_skeleton` first")
        if other.fps != first.fps:
            raise UserError(f"sequences at {first.fps} and {other.fps} fps cannot be concatenated; resample one first")
        if _has_picture(other) != _has_picture(first):
            raise UserError(
                f"a sequence in a picture of {other.size[0]} x {other.size[1]} and one of {first.size[0]} x "
                f"{first.size[1]} are in different units; normalize or denormalize one first"
            )
    placed = [_in_picture(sequence, first.size) for sequence in sequences]
    sizes = list(dict.fromkeys(f"{s.size[0]} x {s.size[1]}" for s in sequences if _has_picture(s)))
    if len(sizes) > 1:
        notify(
            "concatenate",
            f"the pictures are {', '.join(sizes[:4])}; all are scaled to the first",
            kind="joined sequences of different pictures",
        )
    return replace(
        first,
        keypoints=np.concatenate([s.keypoints for s in placed]),
        confidence=np.concatenate([s.confidence for s in placed]),
    )


def _has_picture(sequence: PoseSequence) -> bool:
    return min(sequence.size[:2]) > 1  # normalized files state 0 or 1


def _in_picture(sequence: PoseSequence, size: tuple[int, int, int]) -> PoseSequence:
    """The sequence with its picture scaled to fit into one of `size`, centered."""
    if sequence.size[:2] == size[:2] or not _has_picture(sequence):
        return sequence
    scale = min(size[0] / sequence.size[0], size[1] / sequence.size[1])
    offset = [(new - scale * old) / 2 for new, old in zip(size[:2], sequence.size[:2], strict=True)]
    keypoints = sequence.keypoints * scale
    keypoints[..., 0] += offset[0]
    keypoints[..., 1] += offset[1]
    metric = sequence.skeleton.duplicates()  # world landmarks are in meters, whatever the picture
    keypoints[:, metric] = sequence.keypoints[:, metric]
    missing = ~sequence.visible
    keypoints[missing] = sequence.keypoints[missing]
    return replace(sequence, keypoints=keypoints.astype(sequence.keypoints.dtype), size=size)

"""People of MMPose's and AlphaPose's JSON, and what scripts around RTMPose write: instances with their keypoints.

MMPose: `{frame_id, instances: [{keypoints: [[x, y], ...], keypoint_scores}]}`. AlphaPose:
`{image_id, keypoints: [x, y, score, ...], idx}`, as COCO's results are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pose_core.errors import UserError
from pose_core.formats.detection_store import Detection
from pose_core.formats.json_values import numbers_in, person_name

if TYPE_CHECKING:
    from collections.abc import Sequence

_SCORES = ("keypoint_scores", "scores", "kp_score")
_NAMES = ("track_id", "idx")
# rtmlib's and DWPose's whole bodies in OpenPose's order have 134 points: 18 of the body, 6 of the feet, 68 of the face
# and 21 of each hand, here where they stand among OpenPose's 137.
OPENPOSE_134 = (*range(8), *range(9, 25), *range(25, 93), *range(95, 137))
_NO_NUMBERS = b"0123456789.-+eE \t\r\n"
_ODD = (KeyError, ValueError, TypeError, AttributeError, RuntimeError)  # what simdjson raises of other than numbers
_MOST_SHAPES = 256  # of entries, that are kept


class _Plan(NamedTuple):
    """How one person of an entry is read: D + 1, which key has the scores, and which the person's number."""

    width: int
    scores: str | None
    name: str | None


def person_of(person: dict[str, Any], location: str) -> Detection:
    """The keypoints of an instance: x, y and score, or x, y, z and score.

    Raises:
        UserError: no numbers, or other than these.
    """
    keypoints = _without_batch(numbers_in(person.get("keypoints"), f"{location}, keypoints", deepest=3))
    key = scores_of(person)
    scores = None if key is None else numbers_in(person[key], f"{location}, {key}")
    return Detection(joined(keypoints, scores, location), person_name(_named(person)))


def scores_of(person: dict[str, Any]) -> str | None:
    """The key of a person's, or a frame's, scores of keypoints; None if they stand beside the coordinates."""
    return next((key for key in _SCORES if person.get(key) is not None), None)


def people_of_arrays(entry: dict[str, Any], location: str) -> list[Detection]:
    """The people of a frame whose `keypoints` are (N, K, 2) and scores (N, K), as rtmlib returns them."""
    keypoints = numbers_in(entry["keypoints"], f"{location}, keypoints", deepest=3)
    key = scores_of(entry)
    scores = numbers_in(entry[key], f"{location}, {key}") if key else [None] * len(keypoints)
    if len(scores) != len(keypoints):
        raise UserError(f"{location}: scores of {len(scores)} people for {len(keypoints)}; export it again")
    people = zip(keypoints, scores, strict=True)
    return [Detection(joined(one, score, f"{location}, person {i}")) for i, (one, score) in enumerate(people)]


def joined(keypoints: np.ndarray, scores: np.ndarray | None, location: str) -> np.ndarray:
    """(K, D + 1) of keypoints (K, D) and scores (K,), or of (K, 3) or (3 * K,) numbers x, y, score alone.

    Raises:
        UserError: other shapes.
    """
    if scores is not None and scores.ndim == 2 and 1 in scores.shape:  # (1, K) or (K, 1)
        scores = scores.reshape(-1)
    if keypoints.ndim == 1 and scores is None and keypoints.size % 3 == 0:  # as COCO's annotations have them
        keypoints = keypoints.reshape(-1, 3)
    elif keypoints.ndim == 1 and scores is not None and keypoints.size == 2 * scores.size:
        keypoints = keypoints.reshape(-1, 2)
    if keypoints.ndim != 2 or not len(keypoints) or keypoints.shape[1] not in (2, 3):
        raise UserError(f"{location}: keypoints are {keypoints.shape}; x, y (and z) of each expected")
    if scores is None:
        if keypoints.shape[1] == 2:
            raise UserError(f"{location}: has no keypoint_scores")
        return _in_order(keypoints)
    if scores.shape != keypoints.shape[:1]:
        raise UserError(f"{location}: {scores.size} keypoint_scores for {len(keypoints)} keypoints")
    return _in_order(np.concatenate([keypoints, scores[:, None]], axis=1))


class FastPeople:
    """Reads people of entries without a Python object for each number, if they are built like one seen before.

    Two texts of JSON that differ only in digits have lists of the same lengths, below the same keys: once
    `person_of` has read one of them, numbers of the other can be taken in a row.
    """

    def __init__(self, parser: Any) -> None:
        self._parser = parser
        self._plans: dict[bytes, list[_Plan]] = {}

    def learn(self, raw: bytes, people: Sequence[Any], found: Sequence[Detection], *, flat: bool = False) -> None:
        """Remembers how an entry of these bytes is built, and that these people of it have been `found`.

        Args:
            flat: as of `flat`: however many keypoints there are.
        """
        if len(self._plans) < _MOST_SHAPES:
            plans = [
                _Plan(
                    detection.values.shape[1],
                    scores_of(person),
                    next((key for key in _NAMES if person.get(key) is not None), None),
                )
                for person, detection in zip(people, found, strict=True)
            ]
            self._plans[_shape_of(_without_row(raw) if flat else raw)] = plans

    def read(self, raw: bytes, key: str, people: str | None) -> tuple[Any, list[Detection]] | None:
        """What an entry has under `key`, and its people, listed under `people` or None: itself.

        None of an entry that is built like none before, or holds other than plain numbers.
        """
        plans = self._plans.get(_shape_of(raw))
        if plans is None:
            return None
        try:
            entry = self._parser.parse(raw)
            listed = [entry] if people is None else entry[people]
            return entry[key], [_fast_person(*each) for each in zip(listed, plans, strict=True)]
        except _ODD:
            return None

    def flat(self, raw: bytes) -> tuple[Any, Detection] | None:
        """`image_id` of a person whose `keypoints` are one row of x, y, score, ..., and it; None as of `read`."""
        plan = self._plans.get(_shape_of(_without_row(raw)))
        if plan is None:
            return None
        try:
            person = self._parser.parse(raw)
            row = person["keypoints"]
            numbers = np.frombuffer(row.as_buffer(of_type="d"))
            if not len(numbers) or len(row) != len(numbers):  # lists in lists
                return None
            values = _in_order(numbers.reshape(-1, 3).astype(np.float32))
            name = None if plan[0].name is None else _plain(person[plan[0].name])
            return person["image_id"], Detection(values, person_name(name))
        except _ODD:
            return None

    def listed(self, raw: bytes) -> list[Detection] | None:
        """The people of a list of instances, as MMPose writes it for a picture; None as of `read`."""
        plans = self._plans.get(_shape_of(raw))
        if plans is None:
            return None
        try:
            return [_fast_person(*each) for each in zip(self._parser.parse(raw), plans, strict=True)]
        except _ODD:
            return None


def _fast_person(person: Any, plan: _Plan) -> Detection:
    keypoints = np.frombuffer(person["keypoints"].as_buffer(of_type="d"))
    name = None
    if plan.name is not None:
        name = person_name(_plain(person[plan.name]))
    if plan.scores is None:
        return Detection(_in_order(keypoints.reshape(-1, 3).astype(np.float32)), name)
    scores = np.frombuffer(person[plan.scores].as_buffer(of_type="d"))
    values = np.empty((len(scores), plan.width), np.float32)
    values[:, :-1] = keypoints.reshape(len(scores), plan.width - 1)
    values[:, -1] = scores
    return Detection(_in_order(values), name)


def _shape_of(raw: bytes) -> bytes:
    """A text of JSON without digits and blanks: its brackets, commas and keys."""
    return raw.translate(None, _NO_NUMBERS)


def _without_row(raw: bytes) -> bytes:
    """A text of JSON without the first row of keypoints."""
    begin = raw.find(b'"keypoints"')
    return raw[:begin] + raw[raw.find(b"]", begin) :]


def _plain(value: Any) -> Any:
    """A value of simdjson's as Python has it."""
    return value.as_list() if hasattr(value, "as_list") else value


def _without_batch(keypoints: np.ndarray) -> np.ndarray:
    """(K, D) of (1, K, D) keypoints; others as they are."""
    return keypoints[0] if keypoints.ndim == 3 and len(keypoints) == 1 else keypoints


def _in_order(values: np.ndarray) -> np.ndarray:
    """(K, D + 1) values, those of 134 keypoints as OpenPose's 137."""
    if values.shape != (len(OPENPOSE_134), 3):
        return values
    placed = np.zeros((137, 3), np.float32)
    placed[list(OPENPOSE_134)] = values
    return placed


def _named(person: dict[str, Any]) -> Any:
    return next((value for key in _NAMES if (value := person.get(key)) is not None), None)

"""Figures over time: no jumps, the same at any number of frames per second, and no sign changed by another."""

from __future__ import annotations

import numpy as np
import pytest

from text_to_pose.hamnosys.parser import parse
from text_to_pose.signing.anatomy.body import MEAN_BODY
from text_to_pose.signing.anatomy.figure import Figure, figure
from text_to_pose.signing.movement.choreography import choreograph
from text_to_pose.signing.rotations import to_vector
from text_to_pose.signing.timing import FASTEST, FASTEST_TURN

AT_THE_EAR = "hamfinger2 hamextfingerul hampalmdl hamear hamlrat hamclose hammovedi hamtouch hamrepeatfromstart"
AT_THE_FOREHEAD = (
    "hamfist hamextfingeru hampalmul hamforehead hamlrbeside hamclose hammoveil hamtouch hamrepeatfromstart"
)
AT_THE_NECK = "hamfinger2345 hamextfingerui hampalmd hamneck hamclose hammovei hamtouch hamrepeatfromstart"
AT_THE_ELBOW = "hampinch12 hamdoublebent hamextfingerdl hampalml hamelbow"
HEAD_TO_FRONT = (
    "hamsymmlr hamflathand hamextfingeruo hampalml hamhead hamlrbeside hamparbegin hammovel hamreplace hamextfingero "
    "hamparend"
)
BEFORE_THE_CHEST = "hamsymmlr hamflathand hamextfingerul hampalml hamchest hamclose hammoveo"
SIGNS = [AT_THE_EAR, AT_THE_FOREHEAD, AT_THE_NECK, AT_THE_ELBOW, HEAD_TO_FRONT]


def signed(*texts: str, fps: float = 25.0) -> tuple[Figure, tuple[tuple[int, int], ...]]:
    motion = choreograph([parse(text) for text in texts], MEAN_BODY, fps=fps)
    return figure(motion, MEAN_BODY), motion.spans


def fastest(result: Figure, landmarks: slice) -> float:
    """Shoulder widths per second."""
    steps = np.linalg.norm(np.diff(result.joints[:, landmarks], axis=0), axis=-1)
    return float(steps.max()) * result.fps / MEAN_BODY.shoulder_width


def palms(result: Figure) -> np.ndarray:
    """The rotations of both hands, (T, 2, 3, 3)."""
    to_index, to_little = (result.hands[:, :, point] - result.hands[:, :, 0] for point in (5, 17))
    first = to_index / np.linalg.norm(to_index, axis=-1, keepdims=True)
    normal = np.cross(to_index, to_little)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return np.stack([first, np.cross(normal, first), normal], axis=-1)


@pytest.mark.parametrize("fps", [25.0, 60.0])
@pytest.mark.parametrize("text", SIGNS)
def test_elbows_do_not_jump_and_hands_do_not_spin(text, fps):
    result, _ = signed(text, fps=fps)
    assert fastest(result, slice(13, 15)) <= 1.05 * FASTEST
    assert fastest(result, slice(15, 17)) <= 1.02 * FASTEST
    turned = palms(result)
    turns = to_vector(np.swapaxes(turned[:-1], -1, -2) @ turned[1:])
    assert np.linalg.norm(turns, axis=-1).max() * fps <= 1.1 * FASTEST_TURN


@pytest.mark.parametrize("text", SIGNS)
def test_figures_are_the_same_at_any_rate(text):
    at = {fps: signed(text, fps=float(fps))[0] for fps in (20, 25, 30, 50, 60)}
    for slow, fast in ((20, 60), (25, 50), (30, 60), (20, 50), (25, 30)):
        step = np.gcd(slow, fast)
        first, second = at[slow], at[fast]
        frames = min(len(first.joints[:: slow // step]), len(second.joints[:: fast // step]))
        for name in ("joints", "hands"):
            one, other = (getattr(each, name)[:: fps // step][:frames] for each, fps in ((first, slow), (second, fast)))
            assert np.abs(one - other).max() < 1e-6


@pytest.mark.parametrize("fps", [30.0, 60.0])
def test_bones_keep_their_lengths_between_the_frames_at_which_arms_are_found(fps):
    result, _ = signed(AT_THE_EAR, fps=fps)
    for first, second, length in ((11, 13, MEAN_BODY.upper_arm), (13, 15, MEAN_BODY.forearm)):
        bones = result.joints[:, first : first + 2] - result.joints[:, second : second + 2]
        assert np.allclose(np.linalg.norm(bones, axis=-1), length, atol=1e-9)


@pytest.mark.parametrize("text", SIGNS)
def test_a_sign_looks_the_same_whatever_comes_after_it(text):
    alone, ((_, stop),) = signed(text)
    for other in (BEFORE_THE_CHEST, AT_THE_EAR):
        followed, _ = signed(text, other)
        assert np.abs(followed.joints[:stop] - alone.joints[:stop]).max() < 0.003
        assert np.abs(followed.hands[:stop] - alone.hands[:stop]).max() < 0.003

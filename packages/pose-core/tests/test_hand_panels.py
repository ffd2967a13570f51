"""Hands magnified beside the signer: when, how large, and that they show the hand's own shape."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from pose_core.rendering import write_gif, write_png
from pose_core.rendering.composition import Composition
from pose_core.rendering.hands import FILL, LARGEST, MARGIN, NEARLY_ALL, ONE, TWO
from pose_core.testing import fake_sequence


def extents(panel, hand):
    """(T, 2) width and height of a hand in its panel, in pixels."""
    return np.stack([np.ptp(panel.coordinates(frame)[hand], axis=0) for frame in range(len(panel.centers))])


def test_one_hand_fills_a_panel():
    sequence = fake_sequence()
    composition = Composition(sequence, 480)
    (panel,) = composition.panels
    hand = sequence.skeleton.hand("right")
    assert (panel.width, panel.height) == (ONE * 480, 480)
    assert composition.width == composition.view.width + panel.width
    share = np.percentile(extents(panel, hand), NEARLY_ALL, axis=0) / (panel.width, panel.height)
    assert share.max() == pytest.approx(FILL, rel=0.01)
    in_picture = np.ptp(composition.drawing.coordinates[:, hand], axis=1)
    ratio = extents(panel, hand) / in_picture
    np.testing.assert_allclose(ratio, ratio[0, 0])  # larger, and otherwise the same
    assert ratio[0, 0] > 2


def test_two_panels_are_stacked():
    composition = Composition(fake_sequence(hands=("left", "right")), 480)
    assert [(panel.width, panel.height) for panel in composition.panels] == [(TWO * 480, 240)] * 2
    (picture,) = composition.frames([10])
    assert picture.shape == (480, composition.width, 3)


def test_an_intermittent_hand_stays_in_its_panel():
    sequence = fake_sequence(frames=50)
    confidence = sequence.confidence.copy()
    hand = sequence.skeleton.hand("right")
    confidence[20:30, hand] = 0
    (panel,) = Composition(replace(sequence, confidence=confidence), 480).panels
    assert panel.drawing.visible[:, hand].all(axis=1).sum() == 40
    slow = np.stack([panel.coordinates(frame)[hand] for frame in (18, 19, 30, 31)])
    assert ((slow > 0) & (slow < (panel.width, panel.height))).all()
    assert (panel.at(25)[:, 4:] == 255).all()
    assert not (panel.at(10)[:, 4:] == 255).all()


def test_a_hand_that_moves_fast_or_changes_its_shape_stays_whole():
    sequence = fake_sequence(frames=40)
    hand = sequence.skeleton.hand("right")
    keypoints = sequence.keypoints.copy()
    keypoints[::8, hand, 0] += 60
    keypoints[4::8, hand, 1] = 2 * keypoints[4::8, hand[:1], 1] - keypoints[4::8, hand, 1]  # fingers down
    (panel,) = Composition(replace(sequence, keypoints=keypoints), 480).panels
    coordinates = np.stack([panel.coordinates(frame)[hand] for frame in range(40)])
    edge = MARGIN * np.array([panel.width, panel.height])
    assert (coordinates > edge - 1).all()
    assert (coordinates < (panel.width, panel.height) - edge + 1).all()


def test_rare_or_large_hands_have_no_panel():
    sequence = fake_sequence(frames=50)
    confidence = sequence.confidence.copy()
    confidence[8:, sequence.skeleton.hand("right")] = 0
    assert Composition(replace(sequence, confidence=confidence), 480).panels == []
    assert Composition(sequence.select(sequence.skeleton.hand("right")).hold_frame(10, 5), 480).panels == []
    assert Composition(sequence, 480, hands=False).panels == []
    assert Composition(sequence[:1], 480).panels


def test_magnification_is_limited():
    sequence = fake_sequence()
    hand = sequence.skeleton.hand("right")
    keypoints = sequence.keypoints.copy()
    keypoints[:, hand] = keypoints[:, hand[:1]]
    composition = Composition(replace(sequence, keypoints=keypoints), 480)
    assert [panel.zoom for panel in composition.panels] == [LARGEST]
    assert len(list(composition.frames())) == 20


def test_pictures_include_hand_panels(tmp_path):
    sequence = fake_sequence()
    write_gif(sequence, tmp_path / "a.gif", size=240)
    write_gif(sequence, tmp_path / "b.gif", size=240, hands=False)
    write_png(sequence, tmp_path / "a.png", frames=1, height=240)
    widths = [Image.open(tmp_path / name).width for name in ("a.gif", "b.gif", "a.png")]
    assert widths[0] == widths[2] == widths[1] + ONE * 240

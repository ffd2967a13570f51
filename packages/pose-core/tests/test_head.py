"""The head that pictures get where no face was seen: where it is, how large, and that nothing else gets one."""

from dataclasses import replace

import numpy as np
import pytest

from pose_core.rendering import draw, rasterize
from pose_core.rendering.head import ABOVE_SHOULDERS, COLOR, COMPONENT, CORNERS, HEIGHT, WIDTH, with_head
from pose_core.rendering.view import View
from pose_core.skeleton import Component, Skeleton
from pose_core.testing import fake_sequence

UNIT = 120  # pixels between the shoulders of `fake_sequence`


def outline(sequence):
    """(T, CORNERS, 2), NaN where there is no head."""
    drawn = with_head(sequence)
    part = drawn.skeleton.slice_of(COMPONENT)
    places = np.where(drawn.confidence[:, part, None] > 0, drawn.keypoints[:, part, :2], np.nan)
    return places[:, :CORNERS]


def turned(places, degrees):
    """Places (..., 2) turned about the middle of the picture."""
    angle = np.radians(degrees)
    return (places - 250) @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) + 250


def with_nose(sequence, place):
    nose = Component("POSE_LANDMARKS", ("NOSE",), (), ((255, 0, 0),), "XYZC")
    body, *others = sequence.skeleton.components
    points, limbs = (*body.points, *nose.points), body.limbs
    skeleton = Skeleton((replace(body, points=points, limbs=limbs), *others))
    at = len(body.points)
    added = np.array([[[*place, 0]]] * len(sequence), np.float32)
    return replace(
        sequence,
        keypoints=np.insert(sequence.keypoints, [at], added, axis=1),
        confidence=np.insert(sequence.confidence, [at], 1.0, axis=1),
        skeleton=skeleton,
    )


def test_size_and_position_of_the_head():
    places = outline(fake_sequence())
    np.testing.assert_allclose(np.ptp(places, axis=1), [[WIDTH * UNIT, HEIGHT * UNIT]] * 20, rtol=0.01)
    np.testing.assert_allclose(places.mean(axis=1), [[250, 200 - ABOVE_SHOULDERS * UNIT]] * 20, atol=0.01)
    np.testing.assert_allclose(places[:, 0], places[:, places[0, :, 1].argmax()])  # the chin comes first


@pytest.mark.parametrize("degrees", [10, -30, 90])
def test_tilts_as_the_shoulders_do(degrees):
    upright = fake_sequence()
    keypoints = upright.keypoints.copy()
    keypoints[..., :2] = turned(keypoints[..., :2], degrees)
    expected = turned(outline(upright), degrees)
    np.testing.assert_allclose(outline(replace(upright, keypoints=keypoints)), expected, atol=0.05)


def test_the_head_is_above_the_shoulders_seen_from_behind():
    mirrored = fake_sequence().keypoints * (-1, 1, 1) + (500, 0, 0)
    places = outline(replace(fake_sequence(), keypoints=mirrored.astype(np.float32)))
    assert (places[..., 1] < 200).all()


def test_follows_the_nose():
    places = outline(with_nose(fake_sequence(), (275, 120)))
    np.testing.assert_allclose(places.mean(axis=1), [[275, 120]] * 20, atol=0.01)


def test_world_landmarks_do_not_change_the_size():
    body = fake_sequence()
    aside = replace(body, keypoints=body.keypoints + np.array([1500, 0, 0], np.float32))  # right in a wide picture
    hips = body.skeleton.hips()
    world = Component("POSE_WORLD_LANDMARKS", ("LEFT_HIP", "RIGHT_HIP"), (), ((255, 0, 0),), "XYZC")
    repeated = replace(
        aside,
        keypoints=np.concatenate([aside.keypoints, body.keypoints[:, hips] / 1000], axis=1),  # in metres
        confidence=np.concatenate([aside.confidence, body.confidence[:, hips]], axis=1),
        skeleton=Skeleton((*body.skeleton.components, world)),
    )
    np.testing.assert_allclose(outline(repeated), outline(aside))


def test_side_views_keep_size_and_orientation():
    front = fake_sequence()
    keypoints = front.keypoints.copy()
    shoulders = list(front.skeleton.shoulders())
    keypoints[14:, shoulders, 0] = (248, 252)  # turned away, and the left one further to the left
    places = outline(replace(front, keypoints=keypoints))
    np.testing.assert_allclose(np.ptp(places[15], axis=0), np.ptp(outline(front)[0], axis=0), rtol=0.02)
    assert (places[15, :, 1] < 200).all()
    always = keypoints.copy()
    always[:, shoulders, 0] = (248, 252)
    assert np.ptp(outline(replace(front, keypoints=always))[0, :, 1]) > 0.4 * HEIGHT * UNIT


def test_a_wild_frame_does_not_move_the_picture():
    usual = fake_sequence(frames=40)
    keypoints = usual.keypoints.copy()
    keypoints[7, usual.skeleton.shoulders()[0]] = 1e6
    keypoints[9, usual.skeleton.shoulders()[1]] = np.finfo(np.float32).max
    wild = with_head(replace(usual, keypoints=keypoints))
    assert View.fit(wild, 240).scale == pytest.approx(View.fit(with_head(usual), 240).scale, rel=0.03)
    np.testing.assert_allclose(wild.keypoints[10:, 50:], with_head(usual).keypoints[10:, 50:], atol=0.01)


def test_no_head_is_drawn_where_there_is_a_face(holistic, tiny):
    assert with_head(holistic) is holistic  # its face is seen
    hand = holistic.select(holistic.skeleton.hand("right"))
    for sequence in (hand, tiny, fake_sequence()[:0]):
        assert with_head(sequence) is sequence
    confidence = holistic.confidence.copy()
    confidence[4:, holistic.skeleton.face()] = 0
    confidence[8:, holistic.skeleton.shoulders()[0]] = 0
    there = np.isfinite(outline(replace(holistic, confidence=confidence))).all(axis=(1, 2))
    np.testing.assert_array_equal(there, [False] * 4 + [True] * 4 + [False] * 4)


def test_pictures_draw_the_head_and_rasters_do_not():
    sequence = fake_sequence()
    grey = (draw(sequence, height=240) == COLOR).all(axis=-1)
    assert grey[0, :80].sum() > 50
    assert rasterize(sequence).shape[1] == len(sequence.skeleton.parts()) == 3
    assert sequence.skeleton.num_keypoints == 50  # and nothing is left behind

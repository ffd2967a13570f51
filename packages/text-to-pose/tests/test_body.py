"""The signer's body: its sizes and its surface."""

from __future__ import annotations

import numpy as np

from text_to_pose.signing.anatomy.body import CHIN, FOREHEAD_TOP, LEFT_EYE, MEAN_BODY, NOSE_TIP, RIGHT_EYE, Body
from text_to_pose.signing.anatomy.body_surface import depth, front, head_depth, head_point


def test_mean_body_is_symmetrical_and_faces_out():
    body = MEAN_BODY
    assert np.allclose(body.shoulders[0] * [-1, 1, 1], body.shoulders[1])
    assert np.allclose(body.head[7] * [-1, 1, 1], body.head[8])
    assert body.face[LEFT_EYE, 0] > 0 > body.face[RIGHT_EYE, 0]
    assert body.face[FOREHEAD_TOP, 1] > body.face[NOSE_TIP, 1] > body.face[CHIN, 1] > 0
    assert body.face[NOSE_TIP, 2] > body.face[LEFT_EYE, 2] > body.head[7, 2]
    assert np.allclose(body.head[0], body.face[NOSE_TIP])


def test_drawn_people_differ_as_people_do_and_the_seed_decides():
    people = [Body.drawn(np.random.default_rng(seed)) for seed in range(200)]
    arms = np.array([person.arm for person in people])
    assert abs(arms.mean() / MEAN_BODY.arm - 1) < 0.02
    assert 0.04 < arms.std() / arms.mean() < 0.1
    assert Body.drawn(np.random.default_rng(7)).arm == people[7].arm
    heights = [person.eyes[1] / person.shoulder_width for person in people]
    assert 0.55 < min(heights) < max(heights) < 0.85


def test_scaled_body_keeps_its_shape():
    double = MEAN_BODY.scaled(2.0)
    assert np.isclose(double.arm, 2 * MEAN_BODY.arm)
    assert np.allclose(double.face, 2 * MEAN_BODY.face)
    assert np.allclose(double.hand.lengths, 2 * MEAN_BODY.hand.lengths)


def test_places_on_the_surface_are_neither_inside_nor_off_it():
    body = Body.drawn(np.random.default_rng(3))
    x, y = np.meshgrid(np.linspace(-0.3, 0.3, 13), np.linspace(-0.5, 0.1, 13))
    trunk, out = front(body, x, y)
    assert np.abs(depth(body, trunk)).max() < 1e-9
    assert (out[..., 2] > 0).all()
    assert np.allclose(np.linalg.norm(out, axis=-1), 1)
    directions = np.random.default_rng(0).normal(size=(100, 3))
    head, normals = head_point(body, directions)
    assert np.abs(head_depth(body, head)).max() < 1e-9
    assert ((normals * directions).sum(axis=-1) > 0).all()
    assert np.abs(head_depth(body, body.face)).max() < 0.01


def test_depth_tells_inside_from_outside_and_follows_the_head():
    inside = np.array([[0.0, -0.2, 0.0], [0.0, 0.2, 0.0], [0.0, 0.07, 0.0]])
    outside = np.array([[0.0, -0.2, 0.3], [0.3, 0.2, 0.0], [0.2, 0.15, 0.0]])
    assert (depth(MEAN_BODY, inside) > 0.03).all()
    assert (depth(MEAN_BODY, outside) < -0.05).all()
    turned = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    nose = MEAN_BODY.face[NOSE_TIP]
    beside = turned @ (nose - MEAN_BODY.head_pivot) + MEAN_BODY.head_pivot
    assert head_depth(MEAN_BODY, beside) < -0.03
    assert np.isclose(head_depth(MEAN_BODY, beside, turned), head_depth(MEAN_BODY, nose))


def test_front_stays_at_the_side_beyond_it():
    edge, _ = front(MEAN_BODY, 1.0, -0.2)
    assert 0.1 < edge[0] < 0.17

"""Hands of handshapes: do they look as the notation says?"""

from dataclasses import fields, is_dataclass

import numpy as np
import pytest

from pose_core import UserError
from text_to_pose.hamnosys.handshapes import BaseShape, Bend, Digit, FingerBend, Form, Handshape, JointBend, Thumb
from text_to_pose.hamnosys.parser import parse
from text_to_pose.signing.hands.hand import handshape_angles, handshape_contacts, handshape_points
from text_to_pose.signing.hands.hand_contacts import deepest
from text_to_pose.signing.hands.hand_model import ANGLES, LIMITS, MEAN_HAND, bone_lengths, mirrored

WRIST, THUMB_TIP, INDEX_TIP, MIDDLE_TIP, RING_TIP, PINKY_TIP = 0, 4, 8, 12, 16, 20
TIPS = [INDEX_TIP, MIDDLE_TIP, RING_TIP, PINKY_TIP]


def handshapes_in(tree):
    """All of a sign."""
    if isinstance(tree, Handshape):
        return [tree]
    parts = [getattr(tree, field.name) for field in fields(tree)] if is_dataclass(tree) else tree
    if not isinstance(parts, list | tuple):
        return []
    return [found for part in parts for found in handshapes_in(part)]


def handshape(names):
    """Of symbol names without `ham`."""
    symbols = " ".join(f"ham{name}" for name in names.split())
    return handshapes_in(parse(f"{symbols} hamextfingeru hampalmd"))[0]


def points_of(names):
    return 1000 * handshape_points(handshape(names))


def degrees(names, *angles):
    found = np.degrees(handshape_angles(handshape(names)))
    return found[[ANGLES.index(angle) for angle in angles]]


def misses(shape):
    """In mm, by how much what is to meet does not."""
    angles = handshape_angles(shape)
    return [1000 * float(each.distance(angles)) for each in handshape_contacts(shape) if each.gap == each.below == 0]


def is_sound(shape):
    """Within the limits, bones as they are, nothing in one place with anything else."""
    angles = handshape_angles(shape)
    points = handshape_points(shape)
    return (
        np.isfinite(points).all()
        and (angles >= LIMITS[:, 0] - 1e-9).all()
        and (angles <= LIMITS[:, 1] + 1e-9).all()
        and np.abs(bone_lengths(points) - MEAN_HAND.lengths).max() < 1e-6
        and deepest(angles, contacts=handshape_contacts(shape)) < 0.002
    )


@pytest.mark.parametrize("form", Form)
def test_every_form_with_every_thumb_is_sound(form):
    for thumb in (None, *Thumb):
        assert is_sound(Handshape(BaseShape(form, thumb))), thumb


@pytest.mark.parametrize("bend", Bend)
def test_bends_are_sound(bend):
    for form in (Form.FLAT, Form.FINGER23, Form.PINCH_ALL, Form.CEE12):
        assert is_sound(Handshape(BaseShape(form, Thumb.ACROSS, bend))), form


def test_a_flat_hand_is_flat_and_a_fist_is_a_fist():
    flat = points_of("flathand")
    assert flat[TIPS, 1].min() > flat[[5, 9, 13, 17], 1].min() + 60
    assert np.abs(flat[TIPS, 2] - flat[[5, 9, 13, 17], 2]).max() < 12
    fist = points_of("fist")
    assert np.linalg.norm(fist[TIPS] - fist[[5, 9, 13, 17]], axis=1).max() < 45
    assert fist[TIPS, 2].min() > 5


def test_spread_fingers_are_farther_apart_than_joined_ones():
    def width(names):
        points = points_of(names)
        return np.linalg.norm(points[INDEX_TIP] - points[MIDDLE_TIP])

    assert width("finger23spread") > 1.8 * width("finger23")
    assert width("finger2345") > 1.5 * width("flathand thumbacrossmod")


def test_the_thumb_lies_where_it_is_said():
    out, across, opposed, beside = (
        points_of(f"flathand {thumb}")[THUMB_TIP] for thumb in ("thumboutmod", "thumbacrossmod", "thumbopenmod", "")
    )
    assert out[0] > 70
    assert across[0] < 5
    assert across[2] < 30
    assert opposed[2] > 70
    assert 20 < beside[0] < 55
    assert beside[2] < 35


def test_the_thumb_lies_on_the_folded_fingers():
    for names, digit in (("fist thumbacrossmod", 2), ("finger2 thumbacrossmod", 2), ("finger23 thumbacrossmod", 3)):
        points = points_of(names)
        middle = points[4 * digit + 2 : 4 * digit + 4].mean(axis=0)
        assert np.linalg.norm(points[THUMB_TIP] - middle) < 25, names
        assert points[THUMB_TIP, 2] > middle[2], names


@pytest.mark.parametrize("thumb_and_bend", ["", "fingerstraightmod", "fingerbendmod", "fingerhookmod"])
@pytest.mark.parametrize("form", ["pinch12", "pinch12open", "pinchall"])
def test_pinches_meet(form, thumb_and_bend):
    shape = handshape(f"{form} {thumb_and_bend}")
    assert misses(shape)
    assert max(misses(shape)) < 3
    points = 1000 * handshape_points(shape)
    met = MIDDLE_TIP if form == "pinchall" else INDEX_TIP
    assert np.linalg.norm(points[THUMB_TIP] - points[met]) < 4
    assert is_sound(shape)


def test_pinches_of_other_fingers_meet_them():
    points = points_of("pinch12open middlefinger")
    assert np.linalg.norm(points[THUMB_TIP] - points[MIDDLE_TIP]) < 3
    assert points[INDEX_TIP, 1] > 170
    assert max(misses(handshape("pinch12 indexfinger middlefinger largemod"))) < 3


def test_a_c_opens_by_its_thumb():
    openings = []
    for thumb in ("thumbacrossmod", "", "thumbopenmod"):
        points = points_of(f"cee12 {thumb}")
        openings.append(np.linalg.norm(points[THUMB_TIP] - points[INDEX_TIP]))
    assert openings[0] < openings[1] - 10 < openings[2] - 20


def test_bends_bend_the_selected_joints():
    joints = ("index_mcp", "index_pip", "index_dip")
    straight, knuckle, round_, hooked = (
        degrees(f"finger2 thumbacrossmod {bend}", *joints)
        for bend in ("", "fingerstraightmod", "fingerbendmod", "fingerhookmod")
    )
    assert straight.max() < 10
    assert knuckle[0] > 60 > 15 > knuckle[1:].max()
    assert round_.min() > 25
    assert hooked[0] < 15 < 50 < hooked[1:].min()


def test_other_fingers_take_the_place_of_the_forms_own():
    points = points_of("finger2 thumbacrossmod pinky")
    assert points[PINKY_TIP, 1] > 130 > 110 > points[[INDEX_TIP, MIDDLE_TIP, RING_TIP], 1].max()


def test_a_finger_bends_of_its_own_and_an_exempt_one_does_not():
    assert degrees("finger2345 middlefinger fingerstraightmod", "middle_mcp", "index_mcp") == pytest.approx(
        [80, 1], abs=8
    )
    assert degrees("finger2345 fingerstraightmod pinky", "index_mcp", "pinky_mcp") == pytest.approx([80, 1], abs=8)
    shape = Handshape(BaseShape(Form.FLAT), bends=(FingerBend(Digit.INDEX, JointBend((2.0, 0.0, 0.0))),))
    assert np.degrees(handshape_angles(shape))[5] == pytest.approx(40, abs=3)


def test_between_is_halfway():
    one, other, half = (
        degrees(names, "index_mcp")
        for names in ("finger2", "finger2 fingerstraightmod", "finger2 between finger2 fingerstraightmod")
    )
    assert half == pytest.approx((one + other) / 2, abs=3)


def test_crossed_fingers_touch_nail_to_pad():
    shape = handshape("finger23 thumbacrossmod indexfinger fingernail middlefinger")
    points = 1000 * handshape_points(shape)
    assert max(misses(shape)) < 3
    assert points[INDEX_TIP, 2] > points[MIDDLE_TIP, 2]
    assert points[[INDEX_TIP, MIDDLE_TIP], 1].min() > 150
    assert is_sound(shape)


def test_a_thumb_between_fingers_and_an_enclosed_one():
    shape = handshape("fist indexfinger between middlefinger")
    assert is_sound(shape)
    points = 1000 * handshape_points(shape)
    assert points[10, 0] - 10 < points[THUMB_TIP, 0] < points[6, 0] + 10
    assert is_sound(Handshape(BaseShape(Form.FIST), thumb_enclosed=True))


def test_any_handshape_is_a_relaxed_hand():
    shape = Handshape(None)
    assert is_sound(shape)
    assert handshape_contacts(shape) == ()


def test_the_left_hand_is_the_mirror_image():
    shape = handshape("pinch12")
    np.testing.assert_array_equal(handshape_points(shape, left=True), mirrored(handshape_points(shape)))


def test_the_tips_of_another_persons_hand_meet_too():
    person = MEAN_HAND.with_lengths(MEAN_HAND.lengths * np.random.default_rng(0).uniform(0.85, 1.1, 20))
    points = 1000 * handshape_points(handshape("pinch12"), person)
    assert np.linalg.norm(points[THUMB_TIP] - points[INDEX_TIP]) < 3
    np.testing.assert_allclose(bone_lengths(points), 1000 * person.lengths)


def test_what_is_given_out_is_ones_own():
    shape = handshape("fist")
    handshape_angles(shape)[:] = 0
    assert handshape_angles(shape).any()


@pytest.mark.slow
def test_every_handshape_of_real_signs_is_sound(signs):
    found = set()
    for row in signs:
        try:
            found.update(handshapes_in(parse(row["hamnosys"])))
        except UserError:
            continue
    assert len(found) > 400
    assert [shape for shape in found if not is_sound(shape)] == []
    pinches = [shape for shape in found if shape.base is not None and shape.base.form.is_pinch and not shape.contacts]
    assert max(max(misses(shape), default=0.0) for shape in pinches) < 3

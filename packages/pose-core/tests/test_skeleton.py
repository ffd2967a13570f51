"""Names, limbs and parts, and what a selection keeps of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pose_core import Skeleton, UserError, read
from pose_core.skeleton import Component, known_skeleton, landmark_skeleton, named_skeleton


def test_header_round_trip(skeleton):
    assert Skeleton.from_header(skeleton.to_header((640, 480, 0))) == skeleton


def test_dict_round_trip(skeleton, openpose):
    for each in (skeleton, openpose.skeleton):
        assert Skeleton.from_dict(each.to_dict()) == each


def test_parts_of_holistic(skeleton):
    assert (skeleton.num_keypoints, skeleton.num_dims) == (54, 3)
    assert skeleton.layout.name == "holistic"
    assert skeleton.shoulders() == (0, 1)
    assert (skeleton.wrist("left"), skeleton.wrist("right")) == (4, 5)
    assert (skeleton.hand("left"), skeleton.hand("right")) == (list(range(12, 33)), list(range(33, 54)))
    assert skeleton.face() == [8, 9, 10, 11]
    assert (skeleton.hips(), skeleton.legs(), skeleton.duplicates()) == ([6, 7], [], [])
    assert skeleton.index("RIGHT_HAND_LANDMARKS", "WRIST") == 33


def test_parts_of_openpose(openpose):
    skeleton = openpose.skeleton
    assert (skeleton.num_keypoints, skeleton.num_dims, skeleton.layout.name) == (137, 2, "openpose")
    left, right = skeleton.shoulders()
    assert skeleton.keypoints[left][1] == "LShoulder"
    assert skeleton.keypoints[right][1] == "RShoulder"
    assert len(skeleton.face()) == 70
    assert len(skeleton.hips()) == 3
    assert len(skeleton.legs()) == 10


def test_limbs_stay_inside_their_component(skeleton, openpose):
    for each in (skeleton, openpose.skeleton):
        components = np.array([component for component, _ in each.keypoints])
        assert (components[each.limbs[:, 0]] == components[each.limbs[:, 1]]).all()


def test_world_landmarks_are_duplicates_and_have_legs(skeleton):
    world = Component("POSE_WORLD_LANDMARKS", ("LEFT_SHOULDER", "LEFT_KNEE", "LEFT_HIP"), (), (), "XYZC")
    larger = Skeleton((*skeleton.components, world))
    assert larger.duplicates() == [54, 55, 56]
    assert larger.legs() == [55]
    assert (larger.hips(), larger.hips(duplicates=True)) == ([6, 7], [6, 7, 56])
    assert larger.shoulders() == (0, 1)


@given(data=st.data())
def test_select_keeps_names_limbs_and_colors(skeleton, data):
    keep = sorted(data.draw(st.sets(st.integers(0, 53), min_size=1)))
    selected = skeleton.select(keep)
    assert selected.keypoints == tuple(skeleton.keypoints[i] for i in keep)
    expected = {(skeleton.keypoints[a], skeleton.keypoints[b]) for a, b in skeleton.limbs if a in keep and b in keep}
    assert {(selected.keypoints[a], selected.keypoints[b]) for a, b in selected.limbs} == expected
    for component in selected.components:
        old = next(c for c in skeleton.components if c.name == component.name)
        if len(old.colors) > 1:
            assert component.colors == tuple(old.colors[old.points.index(point)] for point in component.points)


def test_hands_only_and_unknown_layouts(skeleton, tiny):
    hand = skeleton.select(range(33, 54))
    assert hand.layout.name == "holistic"
    assert hand.hand("right") == list(range(21))
    assert hand.hand("left") == []
    assert hand.parts() == ["right_hand"]
    assert hand.wrist("right") is None
    assert tiny.skeleton.layout is None
    assert tiny.skeleton.hand("left") == []
    assert tiny.skeleton.parts() == ["TINY"]
    assert tiny.skeleton.part("TINY") == [0, 1, 2]
    assert not tiny.skeleton.face()
    for each in (hand, tiny.skeleton):
        with pytest.raises(UserError, match="no shoulders"):
            each.shoulders()


def test_components_of_different_dimension():
    mixed = Skeleton((Component("A", ("a",), (), (), "XYC"), Component("B", ("b",), (), (), "XYZC")))
    assert mixed.num_dims == 3


@pytest.mark.parametrize("points", [42, 75, 133, 135, 137, 178, 543, 576, 586])
def test_a_mirror_of_a_mirror_is_the_same(points):
    skeleton = known_skeleton(points, 3)
    mirror = skeleton.mirror()
    assert [mirror[i] for i in mirror] == list(range(points))
    left, right = skeleton.hand("left"), skeleton.hand("right")
    assert len(left) == 21
    assert [mirror[i] for i in left] == right


def test_a_mirror_needs_both_sides(skeleton, tiny):
    with pytest.raises(UserError, match="lacks 21 opposites, LEFT_HAND_LANDMARKS/WRIST"):
        skeleton.select(range(33, 54)).mirror()
    with pytest.raises(UserError, match="unknown layout"):
        tiny.skeleton.mirror()


def test_openpose_135_has_its_parts_in_one_component():
    skeleton = known_skeleton(135, 2)
    assert skeleton.parts() == ["body", "face", "left_hand", "right_hand"]
    assert len(skeleton.part("body")) == 25
    assert len(skeleton.face()) == 70
    assert skeleton.hand("right")[0] == skeleton.wrist("right")
    assert len(skeleton.legs()) == 10


def test_known_holistic_skeletons_equal_headers(data_dir):
    real = read(data_dir / "formats" / "holistic_full_0.pose").skeleton
    known = known_skeleton(576, 3)
    assert known.keypoints == real.keypoints
    faceless = [i for i in range(576) if i not in real.face()]
    edges = [{frozenset(limb) for limb in s.select(faceless).limbs.tolist()} for s in (known, real)]
    assert edges[0] == edges[1]
    mirror = real.mirror()
    mesh = {frozenset(limb) for limb in real.limbs.tolist()}
    assert len(mesh - {frozenset((mirror[a], mirror[b])) for a, b in real.limbs.tolist()}) < 0.01 * len(mesh)


def test_what_is_refused(skeleton):
    with pytest.raises(UserError, match="without keypoints"):
        Skeleton(())
    with pytest.raises(UserError, match="not supported"):
        Skeleton((Component("A", ("a",), (), (), "XC"),))
    with pytest.raises(UserError, match="limb"):
        Skeleton((Component("A", ("a",), ((0, 1),), (), "XYC"),))
    with pytest.raises(UserError, match="no component 'TAIL'.*POSE_LANDMARKS"):
        skeleton.slice_of("TAIL")
    with pytest.raises(UserError, match="FACE_LANDMARKS/NOSE"):
        skeleton.index("FACE_LANDMARKS", "NOSE")


@pytest.mark.parametrize("layout", ["holistic_50", "holistic_178", "holistic_543"])
def test_fingers_and_hands_of_made_layouts_are_told_apart_by_color(layout):
    skeleton = named_skeleton(layout, 3)
    hands = [component for component in skeleton.components if component.name.endswith("HAND_LANDMARKS")]
    for hand in hands:
        assert len(hand.colors) == len(hand.points) == 21
        tips = [hand.colors[4 * finger] for finger in range(1, 6)]
        assert len({hand.colors[0], *tips}) == 6
        for finger in range(5):
            assert len({*hand.colors[4 * finger + 2 : 4 * finger + 5]}) == 1
            assert hand.colors[4 * finger + 1] == hand.colors[0], "the palm is of one color"
    left, right = hands
    assert left.colors[0] != right.colors[0]


def test_listed_hand_landmarks_have_the_colors_of_the_whole_hand():
    listed = landmark_skeleton(["LEFT_HAND_LANDMARKS/WRIST", "LEFT_HAND_LANDMARKS/INDEX_FINGER_TIP"], 2)
    whole = named_skeleton("holistic_50", 2).components[1]
    assert listed.components[0].colors == (whole.colors[0], whole.colors[8])

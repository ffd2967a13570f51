"""Poses from one layout to another: points matched by anatomy."""

import itertools
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pose_core import PoseSequence, UserError, read, write
from pose_core.data import collate
from pose_core.formats import read_blocks
from pose_core.rendering.drawing import Drawing
from pose_core.rendering.view import View
from pose_core.skeleton import LAYOUT_NAMES, Skeleton, known_skeleton, named_skeleton
from pose_core.skeleton.correspondence import landmarks, matches
from pose_core.skeleton.faces import IBUG_TO_MESH, MESH_CONTOURS, ibug_mirror, mesh_mirror
from pose_core.testing import fake_sequence
from pose_core.transforms import to_layout

PAIRS = [*itertools.product(LAYOUT_NAMES, LAYOUT_NAMES)]
ONE_WRIST = "openpose_135"  # has one wrist for arm and hand


def poses(layout, dims=2, frames=3, seed=0):
    """Numbered coordinates, all different; some points missing."""
    random = np.random.default_rng(seed)
    skeleton = named_skeleton(layout, dims)
    shape = frames, skeleton.num_keypoints
    confidence = random.uniform(0.1, 1, shape).astype(np.float32) * (random.random(shape) > 0.2)
    return PoseSequence(
        random.uniform(1, 1000, (*shape, dims)).astype(np.float32), confidence, 25.0, skeleton, (640, 480, 0)
    )


def point(sequence, component, name):
    i = sequence.skeleton.index(component, name)
    return sequence.keypoints[:, i], sequence.confidence[:, i]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_there_and_back_gives_shared_points_exactly_and_no_others(first, second):
    check_round_trip(first, second, dims=3, seed=1)


@given(st.sampled_from(PAIRS), st.sampled_from([2, 3]), st.integers(0, 2**32 - 1))
def test_round_trips_of_any_poses(pair, dims, seed):
    check_round_trip(*pair, dims, seed)


def check_round_trip(first, second, dims, seed):
    original = poses(first, dims, seed=seed)
    there = to_layout(original, second)
    back = to_layout(there, first)
    shared = set(landmarks(original.skeleton)) & set(landmarks(there.skeleton))
    if ONE_WRIST in (first, second) and first != second:
        shared -= {("left_hand", 0), ("right_hand", 0)}
        roots = [i for side in ("left", "right") if first != ONE_WRIST for i in back.skeleton.hand(side)[:1]]
    else:
        roots = []
    here = [i for i, landmark in enumerate(landmarks(original.skeleton)) if landmark in shared]
    assert back.skeleton == original.skeleton
    assert (back.fps, back.size, back.keypoints.dtype) == (original.fps, original.size, original.keypoints.dtype)
    assert np.array_equal(back.keypoints[:, here], original.keypoints[:, here])
    assert np.array_equal(back.confidence[:, here], original.confidence[:, here])
    others = np.setdiff1d(np.arange(original.skeleton.num_keypoints), [*here, *roots])
    assert not back.confidence[:, others].any()
    assert not back.keypoints[:, others].any()


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_left_stays_left(first, second):
    a, b = named_skeleton(first, 2), named_skeleton(second, 2)
    new, old = matches(a, b)
    opposite = dict(zip(new.tolist(), old.tolist(), strict=True))
    ours, theirs = a.mirror(), b.mirror()
    mirrored = [(theirs[i], ours[j]) for i, j in opposite.items()]
    assert all(opposite[i] == j for i, j in mirrored)


@pytest.mark.parametrize("name", LAYOUT_NAMES)
def test_named_layouts_have_the_parts_that_a_signer_needs(name):
    skeleton = named_skeleton(name, 3)
    assert skeleton == known_skeleton(LAYOUT_NAMES[name], 3)
    assert (skeleton.num_keypoints, skeleton.num_dims) == (LAYOUT_NAMES[name], 3)
    assert len(skeleton.shoulders()) == 2


def test_body_hands_and_face_by_name():
    openpose = poses("openpose_137")
    coco, holistic = to_layout(openpose, "coco_wholebody_133"), to_layout(openpose, "holistic_553")
    same = [
        (("pose_keypoints_2d", "LShoulder"), ("BODY", "left_shoulder"), ("POSE_LANDMARKS", "LEFT_SHOULDER")),
        (("pose_keypoints_2d", "RWrist"), ("BODY", "right_wrist"), ("POSE_LANDMARKS", "RIGHT_WRIST")),
        (("pose_keypoints_2d", "LEye"), ("BODY", "left_eye"), ("POSE_LANDMARKS", "LEFT_EYE")),
        (("pose_keypoints_2d", "RHeel"), ("BODY", "right_heel"), ("POSE_LANDMARKS", "RIGHT_HEEL")),
        (("pose_keypoints_2d", "LBigToe"), ("BODY", "left_big_toe"), ("POSE_LANDMARKS", "LEFT_FOOT_INDEX")),
        (("hand_left_keypoints_2d", "BASE"), ("LEFT_HAND", "hand_0"), ("LEFT_HAND_LANDMARKS", "WRIST")),
        (("hand_right_keypoints_2d", "T_IP"), ("RIGHT_HAND", "hand_4"), ("RIGHT_HAND_LANDMARKS", "THUMB_TIP")),
        (("hand_right_keypoints_2d", "R_CMC"), ("RIGHT_HAND", "hand_13"), ("RIGHT_HAND_LANDMARKS", "RING_FINGER_MCP")),
        (("face_keypoints_2d", "FB_8"), ("FACE", "face-8"), ("FACE_LANDMARKS", "152")),
        (("face_keypoints_2d", "FE_45"), ("FACE", "face-45"), ("FACE_LANDMARKS", "263")),
    ]
    for there, in_coco, in_holistic in same:
        for other, name in ((coco, in_coco), (holistic, in_holistic)):
            for ours, theirs in zip(point(openpose, *there), point(other, *name), strict=True):
                assert np.array_equal(ours, theirs), (there, name)
    assert np.array_equal(point(openpose, "face_keypoints_2d", "FP_68")[0], point(holistic, "FACE_LANDMARKS", "468")[0])
    coco_135 = to_layout(coco, "openpose_135")
    assert np.array_equal(point(coco, "RIGHT_HAND", "hand_8")[0], point(coco_135, "BODY_135", "RIndex4FingerTip")[0])


def test_what_has_no_counterpart_is_missing_not_computed():
    openpose = to_layout(poses("holistic_543"), "openpose_137")
    for name in ("Neck", "MidHip", "LSmallToe", "RSmallToe"):
        assert not point(openpose, "pose_keypoints_2d", name)[1].any()
    for name in ("FP_68", "FP_69"):  # pupils need the irises of 478 points
        assert not point(openpose, "face_keypoints_2d", name)[1].any()


def test_the_one_wrist_of_135_points_is_that_of_arm_and_hand():
    flat = poses("openpose_135")
    holistic = to_layout(flat, "holistic_178")
    wrist = point(flat, "BODY_135", "LWrist")[0]
    assert np.array_equal(point(holistic, "POSE_LANDMARKS", "LEFT_WRIST")[0], wrist)
    assert np.array_equal(point(holistic, "LEFT_HAND_LANDMARKS", "WRIST")[0], wrist)
    assert np.array_equal(
        point(to_layout(holistic, "openpose_135"), "BODY_135", "LWrist")[0],
        point(holistic, "POSE_LANDMARKS", "LEFT_WRIST")[0],
    )


def test_table_of_the_face_is_one_to_one_and_symmetric():
    assert len(set(IBUG_TO_MESH)) == len(IBUG_TO_MESH) == 70
    mirror = mesh_mirror()
    assert [mirror[i] for i in IBUG_TO_MESH] == [IBUG_TO_MESH[i] for i in ibug_mirror(70)]
    lacking = [i for i, number in enumerate(IBUG_TO_MESH) if str(number) not in MESH_CONTOURS]
    assert lacking == [*range(27, 36), 68, 69]  # the nose is no contour


def test_coordinates_are_as_many_as_the_poses_have():
    assert to_layout(poses("holistic_178", 3), "openpose_137").skeleton.num_dims == 3
    assert to_layout(poses("openpose_137", 2), "holistic_178").skeleton.num_dims == 2
    flat = to_layout(poses("openpose_137", 2), known_skeleton(178, 3))
    assert flat.skeleton == known_skeleton(178, 2)
    assert to_layout(poses("holistic_178", 3), known_skeleton(50, 2)).keypoints.shape == (3, 50, 2)


def test_parts_of_a_layout_and_layouts_of_ones_own():
    whole = poses("holistic_543", 3)
    part = whole.select([11, 12, *range(522, 543), 33])
    openpose = to_layout(part, "openpose_137")
    assert np.array_equal(openpose.keypoints[:, openpose.skeleton.hand("right")], whole.keypoints[:, 522:543])
    fingers = to_layout(whole.select([11, 12, 526, 530]), "coco_wholebody_133")  # names, not positions, count
    assert np.array_equal(point(fingers, "RIGHT_HAND", "hand_8")[0], whole.keypoints[:, 530])
    with pytest.raises(UserError, match="no keypoint of KEYPOINTS, whose layout is not known, is one of"):
        to_layout(PoseSequence(np.zeros((1, 7, 2)), np.ones((1, 7)), 25.0, known_skeleton(7, 2)), "holistic_178")
    with pytest.raises(UserError, match=re.escape("unknown layout 'openpose'; known: holistic_543, ")):
        to_layout(whole, "openpose")


def test_same_layout_is_left_alone_and_limbs_become_those_of_the_layout():
    sequence = poses("holistic_178", 3)
    assert to_layout(sequence, "holistic_178") is sequence
    bare = Skeleton.from_dict(
        {"components": [{**each, "limbs": []} for each in sequence.skeleton.to_dict()["components"]]}
    )
    stripped = PoseSequence(sequence.keypoints, sequence.confidence, 25.0, bare)
    mapped = to_layout(stripped, "holistic_178")
    assert mapped.skeleton == sequence.skeleton
    assert np.array_equal(mapped.keypoints, sequence.keypoints)


def test_batches_and_missing_values():
    sequence = poses("openpose_137")
    sequence.keypoints[0, 5] = np.nan
    mapped = to_layout(sequence, "coco_wholebody_133")
    batch = to_layout(collate([sequence, sequence[:2]]), "coco_wholebody_133")
    visible = mapped.confidence > 0
    assert torch.equal(batch.confidence[0], torch.from_numpy(mapped.confidence))
    assert np.array_equal(batch.keypoints[0].numpy()[visible], mapped.keypoints[visible], equal_nan=True)
    assert batch.skeleton == mapped.skeleton


def test_read_maps_and_names_the_file(tmp_path):
    path = tmp_path / "clip.pose"
    sequence = poses("openpose_137")
    write(sequence, path)
    mapped = read(path, layout="holistic_178")
    pieces = [*read_blocks(path, frames=2, layout="holistic_178")]
    assert [len(piece) for piece in pieces] == [2, 1]
    assert np.array_equal(np.concatenate([piece.keypoints for piece in pieces]), mapped.keypoints)
    assert mapped.skeleton == named_skeleton("holistic_178", 2)
    assert np.array_equal(mapped.keypoints, to_layout(sequence, "holistic_178").keypoints)
    with pytest.raises(UserError, match=re.escape(f"{path}: unknown layout 'x'")):
        read(path, layout="x")


def test_errors_about_another_layout_name_the_option():
    flat = poses("openpose_137", 2)
    with pytest.raises(
        UserError, match="POSE_LANDMARKS, RIGHT_HAND_LANDMARKS; --layout holistic_50, here or of pose-core convert"
    ):
        flat.on_skeleton(known_skeleton(50, 2).select([0, 1, *range(8, 50)]))
    with pytest.raises(UserError, match="expected LEFT_HAND_LANDMARKS, POSE_LANDMARKS, RIGHT_HAND_LANDMARKS$"):
        flat.on_skeleton(known_skeleton(50, 3))  # which it cannot be mapped to
    with pytest.raises(UserError, match="expected KEYPOINTS$"):
        flat.on_skeleton(known_skeleton(7, 2))


def test_numbers_of_shared_keypoints_are_those_of_the_documentation():
    holistic, others = ("holistic_543", "holistic_586", "holistic_178"), ("openpose_137", "openpose_135")
    columns = (*holistic, *others, "coco_wholebody_133", "alphapose_136", "coco_17", "halpe_26")
    points = {column: set(landmarks(named_skeleton(column, 2))) for column in columns}
    for row, shared in {
        "holistic_178": [178, 178, 178, 109, 107, 109, 109, 8, 8],
        "openpose_137": [131, 133, 109, 137, 133, 133, 135, 17, 25],
        "coco_17": [17, 17, 8, *[17] * 6],
    }.items():
        assert [len(points[row] & points[column]) for column in columns] == shared


@pytest.mark.parametrize(("name", "lines"), [("openpose_137", 2), ("halpe_26", 2), ("coco_17", 0), ("holistic_178", 0)])
def test_shoulders_and_hips_are_joined_in_pictures_without_a_neck(name, lines):
    sequence = to_layout(fake_sequence(), name)
    drawing = Drawing.of(sequence, View.fit(sequence, 200))
    drawn = {tuple(sorted(limb)) for layer in drawing.layers for limb in layer.limbs.tolist()}
    assert len(drawn - {tuple(sorted(limb)) for limb in sequence.skeleton.limbs.tolist()}) == lines
    left, right = sorted(sequence.skeleton.shoulders())
    assert (left, right) in drawn


@pytest.mark.parametrize(("points", "lines"), [(468, 128 - 4 + 10), (128, 128 - 4), (59, 56)])
def test_faces_without_limbs_are_drawn_as_contours(points, lines):
    layout = {468: "holistic_543"}.get(points, "holistic_178")
    sequence = poses(layout, frames=20)
    sequence = to_layout(to_layout(sequence, "coco_wholebody_133"), layout) if points == 59 else sequence
    drawing = Drawing.of(sequence, View.fit(sequence, 200))
    face = set(sequence.skeleton.face())
    (layer,) = (each for each in drawing.layers if set(each.limbs.ravel().tolist()) & face)
    assert len(layer.limbs) == lines
    assert not sequence.visible[:, layer.points].any()  # no point of the mesh besides


def test_forearms_are_drawn_to_a_wrist_that_is_the_hands():
    sequence = to_layout(fake_sequence(), "openpose_135")
    drawing = Drawing.of(sequence, View.fit(sequence, 200))
    drawn = {tuple(limb) for layer in drawing.layers for limb in layer.limbs.tolist()}
    assert {(sequence.skeleton.elbow(side), sequence.skeleton.wrist(side)) for side in ("left", "right")} <= drawn

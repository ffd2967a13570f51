"""What columns, parts, clips and landmarks of a table may be called, and the row that is wrong."""

import numpy as np
import pytest

from pose_core import UserError, read
from pose_core.formats import clips_of
from pose_core.notices import InputWarning
from pose_core.testing_tables import LONG_HEADER, check_landmarks, fake_landmarks, long_rows

pytestmark = pytest.mark.filterwarnings("ignore::pose_core.notices.InputWarning")


def test_names_of_columns_and_parts(write_table):
    rows = [
        [1, "Pose", 0, 0.5, 0.25, 0.75],
        [2, "LEFT_HAND_LANDMARKS", 20, 0.5, 0.25, 0.5],
        [2, "Right-Hand", 0, 0.125, 0.5, 1],
    ]
    sequence = read(write_table(["Frame_Number", "Landmark Type", "landmark", "X", "Y", "Visibility"], rows))
    assert sequence.keypoints.shape == (2, 75, 2)  # the face is in no row
    assert np.argwhere(sequence.confidence).tolist() == [[0, 0], [1, 53], [1, 54]]
    assert sequence.confidence[0, 0] == 0.75
    for header, complaint in (
        (
            ["frame_id", "frame_number", "type", "landmark", "x", "y"],
            "frame_id and frame_number may both be",
        ),
        (
            ["frame", "type", "landmark_index", "x", "z", "v"],
            r"lacks the column\(s\) y; it needs frame, type,",
        ),
        (
            ["a", "b", "c", "d", "e", "f"],
            r"lacks the column\(s\) frame#, landmark_name, x, y; .*, or frame",
        ),
        (["x_pose_0", "y_pose_0", "x_pose_1", "a", "b", "c"], "has no column y_pose_1 beside x_pose_1"),
        (["x_pose_0", "y_pose_0", "X_pose_0", "a", "b", "c"], "has the column X_pose_0 twice"),
        (["x_pose_33", "y_pose_33", "X_pose_0", "a", "b", "c"], "pose has no landmark 33"),
    ):
        with pytest.raises(UserError, match=complaint) as error:
            read(write_table(header, rows, "wrong"))
        assert "wrong." in str(error.value)


def test_parts_whose_names_differ_in_blanks(write_table):
    values = fake_landmarks(3)
    rows = [
        [frame, name, f" {part} " if i % 2 else part, *rest]
        for i, (frame, name, part, *rest) in enumerate(long_rows(values))
    ]
    check_landmarks(read(write_table(LONG_HEADER, rows)), values)


def test_clips_whose_names_differ_in_blanks_are_one(write_table):
    values = fake_landmarks(10)
    for blank in ("a ", " a", "a"):
        rows = [["a", *row] for row in long_rows(values[:5])] + [[blank, *row] for row in long_rows(values[5:], 25)]
        path = write_table(["sequence_id", *LONG_HEADER], rows, f"table-{blank}")
        assert clips_of(path) == ["a"]
        check_landmarks(read(path), values)


def test_irises_and_repeated_rows(write_table):
    header = ["frame", "type", "landmark_index", "x", "y", "z"]
    rows = [[5, "face", 477, 0.5, 0.25, 0.125], [7, "pose", 0, 0.5, 0.5, ""], [5, "face", 477, 0.75, 0.25, 0]]
    sequence = read(write_table(header, rows))
    assert sequence.keypoints.shape == (3, 553, 3)
    np.testing.assert_array_equal(sequence.keypoints[0, 33 + 477], [0.75, 0.25, 0])
    np.testing.assert_array_equal(sequence.keypoints[2, 0], [0.5, 0.5, 0])  # z is no number, and counts as 0
    assert sequence.confidence.sum() == 2


def test_visibility_that_says_nothing(write_table):
    rows = [
        [0, "pose", 0, 0.5, 0.5, 0.25],
        [0, "pose", 1, 0.5, 0.75, 0],
        [0, "face", 0, 0.5, 0.5, 0],
        [0, "left_hand", 0, "", "", 0],
    ]
    path = write_table(["frame", "type", "landmark_index", "x", "y", "visibility"], rows)
    with pytest.warns(InputWarning, match="no visibility is above 0 in FACE_LANDMARKS, LEFT_HAND_LANDMARKS: every"):
        sequence = read(path)
    assert sequence.confidence[0, [0, 1, 33, 501]].tolist() == [0.25, 0, 1, 0]


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ([1.5, "pose", 0, 0, 0], "frame 1.5 is no whole number"),
        (["", "pose", 0, 0, 0], "frame nan is no whole number"),
        ([1, "pose", 0.5, 0, 0], "landmark_index 0.5 is no whole number"),
        ([1, "foot", 0, 0, 0], "type 'foot' is not known; known: pose, face, left_hand, right_hand"),
        ([1, "", 0, 0, 0], "type '' is not known"),
        ([1, "left_hand", 21, 0, 0], "left_hand has no landmark 21"),
        ([1, "pose", -1, 0, 0], "pose has no landmark -1"),
    ],
)
def test_wrong_rows_are_named(write_table, in_small_chunks, row, complaint):
    rows = [[frame, "pose", index, 0.5, 0.5] for frame in range(100) for index in range(33)]
    path = write_table(["frame", "type", "landmark_index", "x", "y"], [*rows, row, rows[-1]])
    with pytest.raises(UserError, match=rf"a\.(csv, line 3302|parquet, row 3300): {complaint}.*; mend or drop the row"):
        read(path)

"""Files with several people: who is taken, who is followed, and what is said about it."""

import io
import struct
from dataclasses import replace

import numpy as np
import pytest

from pose_core import UserError, read
from pose_core.formats.people import find_people
from pose_core.notices import InputWarning


def write_people(path, people, version=0.2, fps=None):
    """A file of several sequences of one skeleton, each a person."""
    first = people[0]
    fps = first.fps if fps is None else fps
    buffer = io.BytesIO()
    first.skeleton.to_header(first.size).write(buffer)
    content = struct.pack("<f", version) + buffer.getvalue()[4:]
    if version == 0.0:
        content += struct.pack("<HH", round(fps), len(first))
        for frame in range(len(first)):
            content += struct.pack("<H", len(people))
            for number, person in enumerate(people):
                values = np.concatenate([person.keypoints[frame], person.confidence[frame, :, None]], axis=-1)
                content += struct.pack("<h", number) + values.astype("<f4").tobytes()
    else:
        content += struct.pack("<fIH", fps, len(first), len(people))
        content += np.stack([p.keypoints for p in people], axis=1).astype("<f4").tobytes()
        content += np.stack([p.confidence for p in people], axis=1).astype("<f4").tobytes()
    path.write_bytes(content)


def moved(sequence, x, scale=1.0):
    return replace(sequence, keypoints=(sequence.keypoints * scale + [x, 0, 0]).astype(np.float32))


def unseen(sequence):
    return replace(sequence, confidence=np.zeros_like(sequence.confidence))


def exchanged(one, two, frame):
    """The two from `frame` on in each other's place."""
    return tuple(
        replace(
            a,
            keypoints=np.concatenate([a.keypoints[:frame], b.keypoints[frame:]]),
            confidence=np.concatenate([a.confidence[:frame], b.confidence[frame:]]),
        )
        for a, b in ((one, two), (two, one))
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.pose"


@pytest.mark.parametrize("version", [0.0, 0.2])
def test_the_visible_person_is_chosen_with_a_warning(holistic, path, version):
    write_people(path, [unseen(holistic), holistic], version)
    with pytest.warns(InputWarning, match=r"a\.pose: 2 people; taking person 1 \(seen in 100% of frames\); --person"):
        sequence = read(path)
    np.testing.assert_array_equal(sequence.confidence, holistic.confidence)
    assert not read(path, person=0).confidence.any()


def test_the_larger_or_first_person_is_chosen(holistic, path):
    write_people(path, [moved(holistic, 400, 0.5), holistic])
    with pytest.warns(InputWarning, match="taking person 1"):
        read(path)
    write_people(path, [moved(holistic, 400), holistic])
    with pytest.warns(InputWarning, match="taking person 0"):
        read(path)


@pytest.mark.filterwarnings("error")
def test_no_warning_without_assumption(holistic, path):
    write_people(path, [holistic])
    read(path)
    write_people(path, [holistic, moved(holistic, 300)])
    read(path, person=1)
    read(path, person=1, start=3, end=5)


@pytest.mark.parametrize("version", [0.0, 0.2])
def test_people_are_followed_across_swapped_slots(holistic, path, version):
    signer, other = holistic, moved(holistic, 300)
    write_people(path, exchanged(signer, other, 5), version)
    seen = holistic.confidence > 0
    for person, wanted in enumerate((signer, other)):
        with pytest.warns(InputWarning, match=f"change places in the file, first in frame 5; person {person} is fol"):
            sequence = read(path, person=person)
        np.testing.assert_array_equal(sequence.keypoints[seen], wanted.keypoints[seen])
        with pytest.warns(InputWarning):
            part = read(path, person=person, start=4, end=8)
        np.testing.assert_array_equal(part.keypoints, sequence.keypoints[4:8])


def test_people_are_found_the_same_block_by_block(holistic):
    one, two = exchanged(holistic, moved(holistic, 300), 5)
    one, two = exchanged(one, two, 9)
    keypoints = np.stack([one.keypoints, two.keypoints], axis=1)
    confidence = np.stack([one.confidence, two.confidence], axis=1)
    whole = find_people([(keypoints, confidence)])
    assert whole.changes == (5, 9)
    assert whole.slots[:, 0].tolist() == [0] * 5 + [1] * 4 + [0] * 3
    for length in (1, 2, 5):
        blocks = [(keypoints[i : i + length], confidence[i : i + length]) for i in range(0, 12, length)]
        parts = find_people(blocks)
        np.testing.assert_array_equal(parts.slots, whole.slots)
        np.testing.assert_allclose(parts.size, whole.size)


def test_people_passing_near_each_other_keep_their_slots(holistic):
    way = np.linspace(-40, 40, 12)[:, None]
    one, two = (holistic.keypoints.copy() for _ in range(2))
    one[..., 0] += way
    two[..., 0] -= way
    keypoints = np.stack([one, two], axis=1)
    people = find_people([(keypoints, np.stack([holistic.confidence] * 2, axis=1))])
    assert people.changes == ()


def test_a_score_below_the_threshold_is_missing(holistic, path):
    confidence = np.where(holistic.confidence > 0, 5.0, 0.0).astype(np.float32)
    hand = holistic.skeleton.hand("right")
    confidence[:, hand] = 0.2
    write_people(path, [replace(holistic, confidence=confidence)])
    with pytest.warns(InputWarning, match="scores run to 5; .*--min-confidence sets a threshold"):
        assert read(path).hand_share("right") == 1
    sequence = read(path, min_confidence=0.3)
    assert sequence.hand_share("right") == 0
    assert (sequence.confidence[:, :8] == 5).all()
    with pytest.warns(InputWarning, match="no keypoint scores 9 or more"):
        assert not read(path, min_confidence=9).confidence.any()


@pytest.mark.parametrize("stated", [0.0, float("nan"), 1000.0])
def test_fps_overrides_the_file(holistic, path, stated):
    write_people(path, [holistic], fps=stated)
    sequence = read(path, fps=24.0)
    assert (len(sequence), sequence.fps) == (12, 24.0)
    np.testing.assert_array_equal(sequence.keypoints, holistic.keypoints)
    assert len(read(path, fps=24.0, start=0.25)) == 6  # seconds by the rate that was said
    if stated == 1000.0:
        with pytest.warns(InputWarning, match="states 1000 frames per second, which is unlikely; --fps"):
            assert read(path).fps == 1000
    else:
        with pytest.raises(UserError, match=r"a\.pose: .*--fps"):
            read(path)


@pytest.mark.parametrize("version", [0.0, 0.2])
def test_a_fourth_coordinate_is_dropped_with_a_warning(holistic, path, version):
    buffer = io.BytesIO()
    header = holistic.skeleton.to_header(holistic.size)
    for component in header.components:
        component.format = "XYZWC"
    header.write(buffer)
    content = struct.pack("<f", version) + buffer.getvalue()[4:]
    deep = np.concatenate([holistic.keypoints, np.full((12, 54, 1), 7, np.float32)], axis=-1)
    if version == 0.0:
        content += struct.pack("<HH", 25, 12)
        for points, confidence in zip(deep, holistic.confidence, strict=True):
            content += struct.pack("<Hh", 1, 0) + np.concatenate([points, confidence[:, None]], axis=-1).tobytes()
    else:
        content += struct.pack("<fIH", 25, 12, 1) + deep.tobytes() + holistic.confidence.tobytes()
    path.write_bytes(content)
    with pytest.warns(InputWarning, match="4 coordinates; the first three are read as x, y, z"):
        sequence = read(path)
    np.testing.assert_array_equal(sequence.keypoints, holistic.keypoints)
    np.testing.assert_array_equal(sequence.confidence, holistic.confidence)
    assert sequence.skeleton == holistic.skeleton

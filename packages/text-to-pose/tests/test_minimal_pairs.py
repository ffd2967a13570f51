"""Signs that differ in one symbol differ where that symbol says, and nowhere else; letters look like people's."""

import numpy as np
import pytest

from pose_core import read
from pose_core.data import read_clips
from pose_core.metrics import dtw, frame_distances
from text_to_pose.hamnosys.parser import parse
from text_to_pose.signing.anatomy.body import MEAN_BODY
from text_to_pose.signing.anatomy.figure import figure
from text_to_pose.signing.movement.choreography import choreograph
from text_to_pose.signing.signer import sign

LEFT, RIGHT = 0, 1
KNUCKLES = [5, 9, 13, 17]


def tree(names):
    """Of symbol names without `ham`."""
    return parse(" ".join(f"ham{name}" for name in names.split()))


def stroke(names):
    """Hands (T, 2, 21, 3) in millimetres, from the frame before the stroke to its end."""
    motion = choreograph([tree(names)], MEAN_BODY)
    first, last = motion.spans[0]
    return 1000 * figure(motion, MEAN_BODY).hands[first - 1 : last]


def gaps(first, second):
    """Greatest distances of wrists and knuckles, and of finger tips from their wrists, of each hand."""
    frames = min(len(first), len(second))
    difference = first[:frames] - second[:frames]
    palms = np.linalg.norm(difference[:, :, [0, *KNUCKLES]], axis=-1).max(axis=(0, 2))
    tips = np.linalg.norm((difference - difference[:, :, :1])[:, :, 4::4], axis=-1).max(axis=(0, 2))
    return palms, tips


@pytest.mark.parametrize(
    "shapes",
    [("fist", "flathand"), ("finger23", "finger23spread"), ("fist thumboutmod", "fist thumbacrossmod")],
    ids=["form", "spread", "thumb"],
)
def test_a_handshape_moves_the_fingers_alone(shapes):
    palms, tips = gaps(*(stroke(f"{shape} extfingeruo palml shoulders lrat") for shape in shapes))
    assert palms.max() < 1
    assert tips[RIGHT] > 8
    assert tips[LEFT] < 0.1


def test_the_weak_hands_shape_is_that_of_the_weak_hand():
    template = (
        "parbegin fist plus {} parend parbegin extfingero palml plus extfingero palmr parend parbegin chest lrat "
    )
    signs = [stroke(template.format(shape) + "plus lrat chest parend") for shape in ("fist", "flathand")]
    palms, tips = gaps(*signs)
    assert palms.max() < 1
    assert tips[LEFT] > 50
    assert tips[RIGHT] < 0.1


def test_palms_turn_hands_and_bend_no_finger():
    down, left = (stroke(f"flathand extfingeruo palm{palm} chest") for palm in "dl")
    shapes = [np.linalg.norm(hands[0, RIGHT, 4::4] - hands[0, RIGHT, 9], axis=-1) for hands in (down, left)]
    np.testing.assert_allclose(shapes[0], shapes[1], atol=0.01)
    across = [hands[0, RIGHT, 5] - hands[0, RIGHT, 17] for hands in (down, left)]
    cosine = across[0] @ across[1] / np.linalg.norm(across[0]) / np.linalg.norm(across[1])
    assert cosine < 0.5


@pytest.mark.parametrize(("there", "back", "axis"), [("u", "d", 1), ("r", "l", 0), ("o", "i", 2)])
def test_opposite_movements_begin_alike_and_lead_apart(there, back, axis):
    first, second = (stroke(f"finger2 thumbacrossmod extfingerol palmd chest move{way}") for way in (there, back))
    assert gaps(first[:1], second[:1])[0].max() < 2
    apart = (first[-1] - second[-1])[RIGHT, 0]
    assert abs(apart[axis]) > 150
    assert np.abs(np.delete(apart, axis)).max() < 40
    assert gaps(first, second)[0][LEFT] < 1


def test_a_change_of_handshape_comes_with_the_movement_and_not_before():
    first, second = (stroke(f"flathand extfingeruo palml chest replace {shape}") for shape in ("fist", "finger2"))
    assert gaps(first[:1], second[:1])[1].max() < 1
    palms, tips = gaps(first, second)
    assert tips[RIGHT] > 50
    assert palms.max() < 1


def in_picture(sequence):
    """The right hand of a sequence about its middle, in units of its size, (T, 21, 2)."""
    hand = sequence.skeleton.hand("right")
    points = sequence.keypoints[sequence.visible[:, hand].all(axis=1)][:, hand, :2].astype(np.float64)
    points = points - points.mean(axis=1, keepdims=True)
    return points / np.median(np.sqrt((points**2).sum(axis=-1).mean(axis=-1)))


def test_signed_letters_are_nearest_to_the_letters_of_people(data_file):
    letters = {
        "A": "fist extfingeru palmd",
        "B": "flathand thumbacrossmod extfingeru palmd",
        "L": "finger2 thumboutmod extfingeru palmd",
        "O": "pinchall extfingeru palml",
        "V": "finger23spread thumbacrossmod extfingeru palmd",
        "Y": "finger2 thumboutmod pinky extfingeru palmd",
    }
    real = {}
    for clip in read_clips(data_file("fingerspelling/index.csv")):
        if clip.signed_language == "ase" and clip.text in letters:
            points = in_picture(read(clip.path))
            real[clip.text] = points[len(points) // 3 : 2 * len(points) // 3]
    for letter, names in letters.items():
        signed = sign([tree(f"{names} shouldertop lrbeside")])
        points = in_picture(signed.sequence[slice(*signed.spans[0])])
        distances = {
            other: dtw(frame_distances(points, np.ones(points.shape[:2]), clip, np.ones(clip.shape[:2])))
            for other, clip in real.items()
        }
        assert min(distances, key=distances.__getitem__) == letter

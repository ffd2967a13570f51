"""One clip of MediaPipe's 576 points beside itself with one thing changed: the line of that part changes, no other."""

from dataclasses import replace

import numpy as np
import pytest

from pose_core import PoseSequence, write
from pose_core.commands.comparison import compare_files, compare_folders, lines, mean_parts
from pose_core.metrics.parts import METRICS, PARTS
from pose_core.skeleton import known_skeleton
from pose_core.transforms import flip, resample

FRAMES = 12
WIDTH = 120.0  # of the shoulders, in pixels
SKELETON = known_skeleton(576, 3)
HANDS = SKELETON.hand("left") + SKELETON.hand("right")


@pytest.fixture(scope="module")
def person() -> PoseSequence:
    """Everything in sight moves, around the middle of a picture 640 wide."""
    random = np.random.default_rng(0)
    shape = random.uniform(-1, 1, (SKELETON.num_keypoints, 3)) * [150, 200, 20] + [320, 240, 0]
    shape[[*range(11), *SKELETON.face()], 1] = random.uniform(80, 150, 11 + 468)  # the head, above the shoulders
    sway = np.sin(np.linspace(0, 5, FRAMES))[:, None, None] * random.uniform(-20, 20, shape.shape)
    keypoints = shape + sway
    for side, sign in (("left", 1), ("right", -1)):
        shoulder = SKELETON.shoulders()[0 if side == "left" else 1]
        keypoints[:, shoulder] = [320 + sign * WIDTH / 2, 200, 0]
    world = SKELETON.duplicates()
    keypoints[:, world] = (keypoints[:, :33] - [320, 240, 0]) / 1000
    confidence = np.ones(keypoints.shape[:2], np.float32)
    return PoseSequence(keypoints.astype(np.float32), confidence, 25.0, SKELETON, (640, 480, 0))


@pytest.fixture
def compare(person, tmp_path):
    """Scores of an altered person beside the person."""

    def call(altered: PoseSequence, **options):
        for name, clip in (("person", person), ("altered", altered)):
            write(clip, tmp_path / f"{name}.pose", overwrite=True)
        return compare_files(tmp_path / "person.pose", tmp_path / "altered.pose", **options)

    return call


def shifted(person: PoseSequence, keypoints: list[int], by=0.14) -> PoseSequence:
    """Keypoints moved to the right by so many shoulder widths."""
    moved = person.keypoints.copy()
    moved[:, keypoints, 0] += by * WIDTH
    return replace(person, keypoints=moved)


def changed(comparison) -> set[str]:
    """Parts whose scores are not those of a perfect prediction."""
    perfect = dict.fromkeys(METRICS, 0.0) | dict.fromkeys((m for m in METRICS if m.startswith(("pck", "acc"))), 1.0)
    return {
        name
        for name, part in comparison.parts.items()
        if part.scores != pytest.approx(perfect, abs=1e-3) or part.compared != 1
    }


def test_a_clip_against_itself(person, compare):
    same = compare(person)
    assert changed(same) == set()
    assert tuple(same.parts) == PARTS
    assert [part.keypoints for part in same.parts.values()] == [186, 42, 40, 16, 128]
    assert (same.keypoints, same.compared, same.lacking) == (186, 1, 0)


def test_a_clip_with_missing_frames_against_itself(person, tmp_path):
    confidence = person.confidence.copy()
    confidence[:5, HANDS] = 0
    confidence[2] = 0
    write(replace(person, confidence=confidence), tmp_path / "person.pose")
    assert changed(compare_files(tmp_path / "person.pose", tmp_path / "person.pose")) == set()


def test_translation_and_scale_are_normalized_away(person, compare):
    """Normalization takes both away, and says so."""
    moved = compare(shifted(person, [*range(576)], 0.5))
    assert changed(moved) == set()
    assert (moved.shift.moved, moved.shift.scaled) == pytest.approx((0.5, 1), abs=1e-4)
    scaled = compare(replace(person, keypoints=person.keypoints * 1.25, size=(800, 600, 0)))
    assert changed(scaled) == set()
    assert scaled.shift.scaled == pytest.approx(1.25)


def test_moved_hands_raise_the_error_of_hands(person, compare):
    comparison = compare(shifted(person, HANDS))
    assert changed(comparison) == {"all", "hands"}  # a hand's shape is as it was
    assert comparison.parts["hands"].scores["dtw_mje"] == pytest.approx(0.14, abs=1e-4)
    assert comparison.parts["hands"].scores["mae"] == pytest.approx(0.14 / 3, abs=1e-4)


def test_a_moved_face_raises_the_error_of_the_face(person, compare):
    assert changed(compare(shifted(person, SKELETON.face()))) == {"all", "face"}
    assert changed(compare(shifted(person, SKELETON.face()), face="none")) == set()
    inner = SKELETON.face_details()
    assert changed(compare(shifted(person, inner))) == set()
    assert changed(compare(shifted(person, inner), face="full")) == {"all", "face"}


def test_duplicate_keypoints_do_not_count(person, compare):
    assert changed(compare(shifted(person, SKELETON.duplicates()))) == set()
    assert changed(compare(shifted(person, SKELETON.body_details()))) == set()


def test_a_mirrored_clip(person, compare):
    for mirrored in (flip(person), replace(person, keypoints=person.keypoints * [-1, 1, 1] + [640, 0, 0])):
        mirrored = replace(mirrored, keypoints=mirrored.keypoints.astype(np.float32))
        comparison = compare(mirrored)
        assert changed(comparison) == set(PARTS)
        assert {part.compared for part in comparison.parts.values()} == {1}
        assert comparison.shift.scaled == pytest.approx(1)


def test_an_arm_moved(person, compare):
    assert changed(compare(shifted(person, [SKELETON.elbow("left")]))) == {"all", "body"}


def test_one_finger_bent(person, compare):
    comparison = compare(shifted(person, SKELETON.hand("right")[6:9]))
    assert changed(comparison) == {"all", "hands", "hands_from_wrists"}
    assert comparison.parts["hands"].scores["dtw_mje"] == pytest.approx(0.14 * 3 / 42, abs=1e-4)
    assert comparison.parts["hands_from_wrists"].scores["dtw_mje"] == pytest.approx(0.14 * 3 / 40, abs=1e-4)


def test_a_hand_lost(person, compare):
    confidence = person.confidence.copy()
    confidence[3:, SKELETON.hand("left")] = 0
    comparison = compare(replace(person, confidence=confidence))
    assert changed(comparison) == {"all", "hands", "hands_from_wrists"}
    hands = comparison.parts["hands"]
    assert hands.scores["mse"] == pytest.approx(0, abs=1e-9)  # of what is left nothing is wrong
    assert hands.compared == pytest.approx(1 - 0.5 * 9 / 12)
    assert hands.scores["pck@0.1"] == pytest.approx(hands.compared)
    confidence[:, HANDS] = 0
    comparison = compare(replace(person, confidence=confidence))
    hands = comparison.parts["hands"]
    assert (hands.compared, hands.scores["pck@0.5"]) == (0, 0)
    assert np.isnan(hands.scores["mse"])
    assert hands.reasons["dtw_mje"] == "not visible in the prediction"
    assert "mse" not in comparison.parts["body"].reasons
    assert comparison.compared == pytest.approx(1 - 42 / 186)
    assert lines([comparison])[-1] == (
        "  in both: share of what the reference shows that the prediction shows, too; distances are of that alone, "
        "but pck and ndtw_mje count what is missing as errors"
    )
    assert " 77.4% " in lines([comparison])[2]


def test_a_skeleton_without_hands(person, compare):
    without = person.select([i for i in range(576) if i not in HANDS])
    comparison = compare(without)
    assert "hands" not in comparison.parts
    assert (comparison.keypoints, comparison.lacking) == (144, 42)
    assert comparison.compared == pytest.approx(144 / 186)
    assert lines([comparison])[-1] == (
        "  left out: 42 keypoints that the prediction's skeleton lacks; it has 77.4% of all that the reference shows"
    )
    assert " 100.0% " in lines([comparison])[2]


def test_a_hand_the_reference_does_not_show(person, compare, tmp_path):
    compare(person)
    unseen = replace(person, confidence=np.where(np.isin(np.arange(576), HANDS), 0, person.confidence))
    write(unseen, tmp_path / "person.pose", overwrite=True)
    hands = compare_files(tmp_path / "person.pose", tmp_path / "altered.pose").parts["hands"]
    assert np.isnan([*hands.scores.values(), hands.compared]).all()
    assert {*hands.reasons.values()} == {"not visible in the reference, in the prediction it is"}


def test_a_part_that_neither_file_shows_is_left_out_of_the_table(person, compare, tmp_path):
    compare(person)
    unseen = replace(person, confidence=np.where(np.isin(np.arange(576), SKELETON.face()), 0, person.confidence))
    for name in ("a", "b"):
        write(unseen, tmp_path / f"{name}.pose")
    neither = compare_files(tmp_path / "a.pose", tmp_path / "b.pose")
    face = neither.parts["face"]
    assert np.isnan([*face.scores.values(), face.compared]).all()
    assert {*face.reasons.values()} == {"visible in neither"}
    table = lines([neither])
    assert [line.split("  ")[1] for line in table[2:6]] == ["all", "hands", "hands from wrists", "body"]
    assert table[6] == "  left out, visible in neither file: face"
    lost = compare_files(tmp_path / "person.pose", tmp_path / "a.pose")
    both = "\n".join(lines([neither, lost]))  # the mean of the pair that has one
    assert "left out" not in both
    assert "none: mse, mae, rmse, dtw_mje, acceleration_ratio of face: not visible in the prediction" in both


def test_missing_scores_have_a_reason(person, compare):
    comparison = compare(person[:-1])
    assert comparison.parts["hands"].reasons["mse"] == "the lengths differ: 11 frames, the reference has 12"
    assert comparison.parts["hands"].compared == 1
    text = "\n".join(lines([comparison]))
    assert "none: mse, mae, rmse, pck@0.1, pck@0.2, pck@0.5: the lengths differ: 11 frames, the reference has" in text
    assert not np.isnan(comparison.scores["dtw_mje"])
    still = compare(replace(person, keypoints=np.repeat(person.keypoints[:1], FRAMES, axis=0)))
    assert still.scores["acceleration_ratio"] == pytest.approx(0)
    assert compare(resample(person, 50.0)[:2]).parts["body"].reasons["acceleration_ratio"].startswith("too few frames")


def test_predictions_are_paired_whatever_stands_before_their_suffix(person, tmp_path, capsys):
    for name in ("a/1.pose", "a/2.pose", "b/1.reconstructed.pose", "b/2.reconstructed.pose"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(person, tmp_path / name)
    comparisons, failures = compare_folders(tmp_path / "a", tmp_path / "b", print)
    assert failures == []
    assert [each.prediction.name for each in comparisons] == ["1.reconstructed.pose", "2.reconstructed.pose"]
    assert capsys.readouterr().err == "comparing 1 (1 of 2)\ncomparing 2 (2 of 2)\n"


def test_folders_are_averaged_by_part(person, tmp_path):
    for folder, clips in (("a", (person, person)), ("b", (person, shifted(person, HANDS)))):
        (tmp_path / folder).mkdir()
        for number, clip in enumerate(clips):
            write(clip, tmp_path / folder / f"{number}.pose")
    comparisons, failures = compare_folders(tmp_path / "a", tmp_path / "b", print)
    assert failures == []
    means = mean_parts(comparisons)
    assert means["hands"].scores["dtw_mje"] == pytest.approx(0.07, abs=1e-4)
    assert means["body"].scores["dtw_mje"] == pytest.approx(0, abs=1e-4)
    table = lines(comparisons)
    assert table[0] == "2 pairs, in shoulder widths"
    assert [line.split("  ")[1] for line in table[2:7]] == ["all", "hands", "hands from wrists", "body", "face"]


def test_a_reference_that_hardly_moves_does_not_decide_the_acceleration_of_folders(person, tmp_path):
    middle = person.keypoints.mean(axis=0, keepdims=True)
    nearly_still = replace(person, keypoints=middle + 0.01 * (person.keypoints - middle))
    for folder, clips in (("a", (person, nearly_still)), ("b", (person, person))):
        (tmp_path / folder).mkdir()
        for number, clip in enumerate(clips):
            write(clip, tmp_path / folder / f"{number}.pose")
    comparisons, _ = compare_folders(tmp_path / "a", tmp_path / "b", print)
    assert [each.scores["acceleration_ratio"] for each in comparisons] == pytest.approx([1, 100], rel=0.1)
    assert mean_parts(comparisons)["hands"].scores["acceleration_ratio"] == pytest.approx(2 / 1.01, rel=0.02)
    assert "  acceleration_ratio: mean acceleration of all predictions" in "\n".join(lines(comparisons))

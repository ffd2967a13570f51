"""Signs as motion: who moves where, when, and how often."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from pose_core import UserError
from text_to_pose.hamnosys.parser import parse
from text_to_pose.signing import timing
from text_to_pose.signing.anatomy.body import MEAN_BODY
from text_to_pose.signing.motion import HandMotion, Motion
from text_to_pose.signing.movement.choreography import choreograph

FIST = "hamfist hamextfingero hampalmd hamchest"
FLAT = "hamflathand hamextfingero hampalmd hamchest"
BOTH = f"hamsymmlr {FLAT} hamlrat"


@cache
def signed(text: str, fps: float = 100.0, speed: float = 1.0) -> Motion:
    return choreograph([parse(text)], MEAN_BODY, fps, speed)


def stroke(text: str, side: str = "right") -> HandMotion:
    """A hand while the sign lasts."""
    motion = signed(text)
    begin, stop = motion.spans[0]
    hand: HandMotion = getattr(motion, side)
    return HandMotion(hand.wrist[begin:stop], hand.rotation[begin:stop], hand.angles[begin:stop])


def moved(text: str, side: str = "right") -> np.ndarray:
    """From where a hand is when the sign begins to where it is when it ends."""
    wrist = stroke(text, side).wrist
    return wrist[-1] - wrist[0]


def seconds(text: str) -> float:
    begin, stop = signed(text).spans[0]
    return (stop - begin) / signed(text).fps


def turning_points(values: np.ndarray) -> int:
    """How often a coordinate turns back by more than 2 cm."""
    extremes, last, direction = 0, values[0], 0
    for value in values:
        if direction * (value - last) >= 0 or direction == 0:
            if abs(value - last) > 0.02 or direction:
                direction = direction or int(np.sign(value - last))
                last = value
        elif abs(value - last) > 0.02:
            extremes, direction, last = extremes + 1, -direction, value
    return extremes


def test_a_hand_goes_where_the_movement_says_and_the_other_hangs() -> None:
    np.testing.assert_allclose(moved(f"{FLAT} hammover"), [-0.12, 0, 0], atol=2e-3)
    assert np.ptp(signed(f"{FLAT} hammover").left.wrist, axis=0).max() < 1e-9


def test_a_sign_begins_and_ends_at_rest() -> None:
    motion = signed(f"{BOTH} hammoveo")
    for hand in (motion.right, motion.left):
        np.testing.assert_allclose(hand.wrist[0], hand.wrist[-1], atol=1e-9)
        assert hand.wrist[0, 1] < -0.4
    begin, stop = motion.spans[0]
    assert 0 < begin < stop < len(motion)


@pytest.mark.parametrize(
    ("symmetry", "dominant", "nondominant"),
    [
        ("hamsymmlr", "hammover", [0.12, 0, 0]),
        ("hamsymmpar", "hammover", [-0.12, 0, 0]),
        ("hamsymmlr", "hammoveu", [0, 0.12, 0]),
        ("hamsymmlr hamlargemod", "hammoveu", [0, -0.12, 0]),
        ("hamsymmpar hamfingerstraightmod", "hammoveo", [0, 0, -0.12]),
        ("hamsymmlr hamnonipsi", "hammover", [-0.12, 0, 0]),
    ],
)
def test_symmetry_says_where_the_weak_hand_goes(symmetry: str, dominant: str, nondominant: list[float]) -> None:
    text = f"{symmetry} {FLAT} hamlrat {dominant}"
    np.testing.assert_allclose(moved(text, "left"), nondominant, atol=2e-3)


def test_each_hand_does_its_own_between_brackets() -> None:
    text = f"{BOTH} hamparbegin hammoveu hamplus hamnomotion hamparend"
    np.testing.assert_allclose(moved(text), [0, 0.12, 0], atol=2e-3)
    np.testing.assert_allclose(moved(text, "left"), 0, atol=1e-9)


def test_repetition_from_the_start_goes_the_same_way_again() -> None:
    once, twice, often = (
        f"{FLAT} hammoveu{often}" for often in ("", " hamrepeatfromstart", " hamrepeatfromstartseveral")
    )
    for text, turns in ((once, 0), (twice, 2), (often, 4)):
        np.testing.assert_allclose(moved(text), [0, 0.12, 0], atol=2e-3)
        assert turning_points(stroke(text).wrist[:, 1]) == turns
    assert seconds(once) < seconds(twice) < seconds(often)


def test_continued_it_goes_further_and_reversed_it_comes_back() -> None:
    np.testing.assert_allclose(moved(f"{FLAT} hammoveu hamrepeatcontinue"), [0, 0.24, 0], atol=2e-3)
    np.testing.assert_allclose(moved(f"{FLAT} hammoveu hamrepeatreverse"), 0, atol=2e-3)


def test_repetitions_shift() -> None:
    text = f"{FLAT} hammoveu hamseqbegin hamrepeatfromstart hammover hamseqend"
    np.testing.assert_allclose(moved(text), [-0.12, 0.12, 0], atol=2e-3)


def test_repetitions_shrink() -> None:
    text = f"{FLAT} hammoveu hamrepeatfromstart hamdecreasing"
    np.testing.assert_allclose(moved(text), [0, 0.12 / 1.35, 0], atol=2e-3)


def test_hands_in_turn_are_half_a_cycle_apart() -> None:
    text = f"hamsymmlr hamalternatingmotion {FLAT} hamlrat hammoveu hamrepeatfromstartseveral"
    right, left = stroke(text).wrist[:, 1], stroke(text, "left").wrist[:, 1]
    assert np.corrcoef(right, left)[0, 1] < -0.2
    assert np.ptp(left) == pytest.approx(np.ptp(right), abs=2e-3)


def test_circles_in_turn_are_across_from_each_other() -> None:
    text = f"hamsymmlr hamalternatingmotion {FLAT} hamlrat hamcirclel hamrepeatfromstart"
    right, left = stroke(text).wrist, stroke(text, "left").wrist
    for axis in (1, 2):
        assert np.corrcoef(right[:, axis], left[:, axis])[0, 1] < -0.9


def test_a_repeated_circle_goes_on_without_a_stop() -> None:
    wrist = stroke(f"{FLAT} hamcircleo hamrepeatfromstart").wrist
    speed = np.linalg.norm(np.diff(wrist, axis=0), axis=1)
    middle = speed[len(speed) // 5 : -len(speed) // 5]
    assert middle.min() > 0.5 * middle.max()


def test_movements_melt_into_one_path_only_between_their_brackets() -> None:
    apart, fused = (f"{FLAT} ham{kind}begin hammoveu hammover ham{kind}end" for kind in ("seq", "fusion"))
    for text, stops in ((apart, True), (fused, False)):
        np.testing.assert_allclose(moved(text), [-0.12, 0.12, 0], atol=2e-3)
        speed = np.linalg.norm(np.diff(stroke(text).wrist, axis=0), axis=1)
        inner = speed[len(speed) // 4 : -len(speed) // 4]
        assert (inner.min() < 0.1 * inner.max()) == stops


def test_a_change_of_handshape_takes_the_time_of_the_path_and_is_smooth() -> None:
    hand = stroke(f"{FIST} hamparbegin hammoveo hamreplace hamfinger2345 hamparend")
    knuckle = hand.angles[:, 9]
    assert knuckle[0] - knuckle[-1] > 1.0
    assert np.abs(np.diff(knuckle)).max() < 0.1
    halfway = len(knuckle) // 2
    assert knuckle[halfway] == pytest.approx((knuckle[0] + knuckle[-1]) / 2, abs=0.25)
    assert hand.wrist[-1, 2] - hand.wrist[0, 2] == pytest.approx(0.12, abs=5e-3)


def test_fingers_change_one_by_one_from_thumb_to_pinky_or_back() -> None:
    for growth, order in (("hamincreasing", 1), ("hamdecreasing", -1)):
        angles = stroke(f"{FIST} hamreplace {growth} hamfinger2345").angles[:, 5::4]
        share = (angles - angles[0]) / (angles[-1] - angles[0])
        halfway = (share > 0.5).argmax(axis=0)
        assert (np.diff(halfway) * order > 2).all()


def test_a_change_of_posture_alone_leaves_the_hand_where_a_path_brought_it() -> None:
    wrist = stroke(f"{FLAT} hammoveo hamreplace hamextfingeruo hampalml").wrist
    np.testing.assert_allclose(wrist[-1] - wrist[0], [0, 0, 0.12], atol=2e-3)


def test_a_palm_turns_over_with_the_thumb_up_as_forearms_do() -> None:
    hand = stroke("hamflathand hamextfingero hampalmu hamchest hamreplace hampalmd")
    assert hand.rotation[len(hand) // 2, 1, 0] > 0.7


def test_close_behind_a_movement_that_leads_away_is_said_of_the_hands() -> None:
    near = "hamsymmlr hamflathand hamextfingeru hampalmu hamchest hamlrat hamtouch hammoveo hamlargemod {}"
    free, together = (stroke(near.format(end)).wrist for end in ("", "hamclose"))
    assert together[-1, 2] - together[0, 2] > 0.1
    assert abs(together[-1, 0]) < abs(free[-1, 0]) - 0.01


def test_a_movement_ends_at_its_target_with_its_own_shape() -> None:
    goal = stroke("hamflathand hamextfingerul hampalml hamchin hamtouch").wrist[0]
    far = "hamflathand hamextfingerul hampalml hamchest hammoveu{} hamchin hamtouch"
    straight, bowed = (stroke(far.format(arc)).wrist for arc in ("", " hamarcr"))
    np.testing.assert_allclose(straight[-1], goal, atol=5e-3)
    np.testing.assert_allclose(bowed[-1], goal, atol=5e-3)
    assert straight[:, 0].min() - bowed[:, 0].min() > 0.03


def test_a_movement_whose_start_is_not_said_comes_from_where_its_direction_says() -> None:
    wrist = stroke("hamflathand hamextfingerul hampalml hammovei hamchin hamtouch").wrist
    np.testing.assert_allclose(wrist[-1] - wrist[0], [0, 0, -0.12], atol=5e-3)


def test_a_movement_brushes_a_place_on_its_way() -> None:
    touch = stroke("hamflathand hamextfingerul hampalml hamchest hamtouch").wrist[0]
    text = "hamflathand hamextfingerul hampalml hamchest hammoved hamseqbegin hambrushing hamchest hamtouch hamseqend"
    distance = np.linalg.norm(stroke(text).wrist - touch, axis=1)
    assert distance.min() < 0.01
    assert distance[[0, -1]].min() > 0.03


def test_a_brush_close_to_a_place_begins_before_it_and_one_that_touches_begins_there() -> None:
    brush = (
        "hamflathand hamextfingerul hampalml hamchest {} hammoved hamseqbegin hambrushing hamchest hamtouch hamseqend"
    )
    touch = stroke("hamflathand hamextfingerul hampalml hamchest hamtouch").wrist[0]
    near, touching = (stroke(brush.format(contact)).wrist for contact in ("hamclose", "hamtouch"))
    np.testing.assert_allclose(near[[0, -1], 1] - touch[1], [0.06, -0.06], atol=5e-3)
    np.testing.assert_allclose(touching[[0, -1], 1] - touch[1], [0, -0.12], atol=5e-3)
    assert np.ptp(touching[:, 2]) < 5e-3


def test_wrists_nod_and_fingers_play_while_the_hand_moves() -> None:
    nod = stroke(f"{FLAT} hamparbegin hammover hamnodding hamparend")
    assert nod.wrist[-1, 0] - nod.wrist[0, 0] == pytest.approx(-0.12, abs=5e-3)
    assert np.ptp(nod.rotation[:, 1, 1]) > 0.5
    play = stroke(f"{FLAT} hamparbegin hammover hamfingerplay hamparend")
    assert (np.ptp(play.angles[:, 5::4], axis=0) > 0.3).all()


def test_mirrored_hands_nod_alike_and_parallel_hands_swing_to_the_same_side() -> None:
    swing = "hamflathand hamextfingero hampalmd hamchest hamlrat hamswinging"
    for symmetry, sense in (("hamsymmlr", 1), ("hamsymmpar", -1)):
        right, left = stroke(f"{symmetry} {swing}"), stroke(f"{symmetry} {swing}", "left")
        together = np.diff(right.rotation[:, 0, 1]) @ -np.diff(left.rotation[:, 0, 1])
        assert np.sign(together) == sense


def test_a_hand_turns_with_its_path_where_that_is_said() -> None:
    fingers = stroke("hamflathand hamextfingeru hamorirelative hampalmd hamchest hamcircleo").rotation[:, :, 1]
    assert fingers[:, 1].min() < -0.5


def test_manners_change_the_time() -> None:
    plain, fast, slow, rest = (f"{FLAT} hammoveu{manner}" for manner in ("", " hamfast", " hamslow", " hamrest"))
    assert seconds(fast) < 0.75 * seconds(plain)
    assert seconds(slow) > 1.6 * seconds(plain)
    assert seconds(rest) > seconds(plain) + 0.2
    speed = np.linalg.norm(np.diff(stroke(f"{FLAT} hammoveu hamhalt").wrist, axis=0), axis=1)
    moving = speed[speed > 1e-5]
    assert moving.argmax() > 0.6 * len(moving)


def test_heads_and_shoulders_move() -> None:
    nodding = signed(f"{FLAT} hamseqbegin hamhead hammoved hamseqend")
    assert nodding.head[:, 0].max() > 0.3
    shrug = signed(f"{FLAT} hamseqbegin hamshoulders hammoveu hamseqend")
    assert shrug.shoulders[:, 1, 1].max() > 0.03
    assert np.ptp(shrug.right.wrist[slice(*shrug.spans[0])], axis=0).max() < 1e-9


def test_parts_and_signs_follow_each_other() -> None:
    text = f"{FLAT} hammoveu hamplus hamfist hamextfingeru hampalml hamchin hammoveo"
    wrist = stroke(text).wrist
    assert wrist[-1, 1] > wrist[0, 1] + 0.1
    first, second = parse(f"{FLAT} hammoveu"), parse(f"{FIST} hammoveo")
    motion = choreograph([first, second], MEAN_BODY)
    (begin, stop), (again, end) = motion.spans
    assert begin < stop < again < end < len(motion)
    assert motion.right.wrist[stop:again, 1].min() > -0.4  # not down to rest between them


def test_a_hand_waits_for_its_next_part() -> None:
    alone = "hamfist hamextfingeru hampalml hamchin hammoveo"
    left = stroke(f"{BOTH} hammoveu hamplus {alone} hamplus {BOTH} hammoveu", "left").wrist
    assert left[:, 1].min() > -0.3
    lowered = stroke(f"{BOTH} hammoveu hamplus {alone}", "left").wrist
    assert lowered[-1, 1] < -0.4


@pytest.mark.parametrize("fps", [20.0, 25.0, 60.0])
def test_any_rate_shows_the_same_motion(fps: float) -> None:
    text = f"{BOTH} hamcircleo hamparbegin hammoveo hamreplace hamfist hamparend"
    fine, coarse = signed(text, 300.0), signed(text, fps)
    every = np.round(np.arange(len(coarse)) * 300 / fps).astype(int)
    np.testing.assert_allclose(coarse.right.wrist, fine.right.wrist[every], atol=1e-9)
    np.testing.assert_allclose(coarse.left.angles, fine.left.angles[every], atol=1e-9)


@pytest.mark.parametrize("speed", [0.5, 1.0, 4.0])
def test_no_hand_is_faster_than_real_ones(speed: float) -> None:
    motion = signed(f"{BOTH} hammoveu hamlargemod hamfast hamrepeatfromstartseveral", 100.0, speed)
    for hand in (motion.right, motion.left):
        steps = np.linalg.norm(np.diff(hand.wrist, axis=0), axis=1) * motion.fps
        assert steps.max() <= timing.FASTEST * MEAN_BODY.shoulder_width * 1.02
        assert np.abs(np.diff(hand.angles, axis=0)).max() * motion.fps <= timing.FASTEST_BEND * 1.02


def test_speed_shortens() -> None:
    text = f"{FLAT} hammoveu"
    assert len(signed(text, 100.0, 0.5)) > 1.8 * len(signed(text))


def test_the_same_sign_is_the_same_motion() -> None:
    text = parse(f"{BOTH} hamcircleo")
    first, second = (choreograph([text], MEAN_BODY) for _ in range(2))
    assert (first.right.wrist == second.right.wrist).all()
    assert (first.left.rotation == second.left.rotation).all()


@pytest.mark.parametrize(
    ("movements", "message"),
    [
        ("hammoveu" + 12 * " hamrepeatfromstartseveral", "it lasts .* seconds, and a sign lasts at most 300"),
        (
            20 * "hamseqbegin hammoveu " + "hammoveu" + 20 * " hamseqend hamrepeatfromstartseveral",
            "nested 41 deep, and those of a sign are at most 30",
        ),
    ],
)
def test_repetitions_of_repetitions_have_an_end(movements: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        choreograph([parse(f"{FLAT} {movements}")], MEAN_BODY)


def test_a_movement_in_ends_at_the_trunk() -> None:
    wrist = stroke("hamfist hamextfingero hampalmd hamchest hammovei hamlargemod").wrist
    assert 0.05 < wrist[0, 2] - wrist[-1, 2] <= 0.2
    assert wrist[-1, 2] > 0.03


def test_what_touches_is_passed_on_for_as_long_as_it_does():
    motion = signed(f"{FIST} hamtouch hammoveo hamrepeatfromstart")
    (contact,) = motion.contacts
    begin, stop = motion.spans[0]
    assert contact.touch.hand == "right"
    assert contact.share[begin] > 0.9
    away = contact.share[begin:stop] == 0
    assert away.any()
    assert contact.share[begin:stop][away.argmax() :].any()  # back again
    assert contact.share[:2].max() == 0

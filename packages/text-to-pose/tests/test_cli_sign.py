"""`text-to-pose sign` of HamNoSys: what is written, what options do, and what is refused in one line."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from pose_core import read, write
from pose_core.notices import InputWarning
from pose_core.skeleton import LAYOUT_NAMES
from pose_core.testing import fake_sequence
from text_to_pose.text.hamnosys import hamnosys_text

FLAT = "hamflathand hamextfingeru hampalml hammovei"
FIST = "hamfist hamextfingerol hampalmd hammoved"


@pytest.mark.parametrize("text", [[FLAT], FLAT.split(), [hamnosys_text(FLAT.split())]])
def test_a_sign_is_written_in_every_format(cli, tmp_path, text):
    outputs = [tmp_path / f"sign.{suffix}" for suffix in ("pose", "npz", "png")]
    options = [option for path in outputs for option in ("--output", path)]
    status, out, err = cli("sign", *text, *options)
    assert (status, err) == (0, "")
    sequence = read(outputs[0])
    assert sequence.fps == 25
    assert sequence.skeleton.num_keypoints == 50
    assert np.isfinite(sequence.keypoints).all()
    assert sequence.hand_share("right") > 0.5
    named = ", ".join(map(str, outputs))
    seconds = f"{len(sequence)} frames, {sequence.duration:.1f} s of signing"
    assert out == f"{named}: 1 sign, {seconds}\n"
    assert outputs[2].read_bytes()[1:4] == b"PNG"


def test_a_sign_that_no_arm_can_make_as_written_says_so(cli, tmp_path):
    text = "hamfinger2 hamextfingeri hampalmd hamchest hamtouch"
    said = "could not be signed as written: the dominant hand is turned"
    with pytest.warns(InputWarning, match=f"me.pose: {said}"):
        assert cli("sign", text, "--output", tmp_path / "me.pose")[0] == 0
    with pytest.warns(InputWarning, match=f"both.pose: sign 2 {said}"):
        assert cli("sign", FLAT, text, "--output", tmp_path / "both.pose")[0] == 0


def test_several_signs_in_a_row_are_one_clip(cli, tmp_path):
    def sign(name, *texts):
        status, out, _ = cli("sign", *texts, "--output", tmp_path / name, "--json")
        assert status == 0
        return json.loads(out)[0]

    one, other, both = sign("a.pose", FLAT), sign("b.pose", FIST), sign("c.pose", FLAT, FIST)
    assert (one["model"], both["signs"]) == ("rules", [None, None])
    assert max(one["frames"], other["frames"]) < both["frames"] < one["frames"] + other["frames"]


def test_options_reach_the_signer(cli, tmp_path):
    def sign(name, *options):
        assert cli("sign", FLAT, "--output", tmp_path / name, *options)[0] == 0
        return read(tmp_path / name)

    plain, fast, fine = sign("plain.pose"), sign("fast.pose", "--speed", 2), sign("fine.pose", "--fps", 50)
    assert fast.duration < 0.75 * plain.duration
    assert fine.fps == 50
    assert fine.duration == pytest.approx(plain.duration, abs=0.1)
    left = sign("left.pose", "--dominant-hand", "left")
    assert left.hand_share("left") == plain.hand_share("right") > left.hand_share("right")
    assert sign("whole.pose", "--layout", "holistic_543").skeleton.num_keypoints == 543
    write(fake_sequence(hands=("left",)), tmp_path / "person.pose")
    status, _, err = cli("sign", FLAT, "--output", tmp_path / "own.pose", "--person", tmp_path / "person.pose")
    assert status == 0
    assert "person.pose: a left-handed person, whose dominant hand signs; --dominant-hand right changes that" in err
    own = read(tmp_path / "own.pose")
    assert own.hand_share("left") > own.hand_share("right")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("مرحبا", "'م' (U+0645) at character 1 is no HamNoSys symbol"),
        ("hamflathand hamparbegin hammovei", "the string ends after symbol 3 (hammovei): expected hamparend"),
        ("hamflathand hamextfingeru hampalml hamparend", "symbol 4 (hamparend) at character 36: expected a location"),
        ("hamflathand hamwiggle", "symbol 2, 'hamwiggle' at character 13, is no name of a HamNoSys symbol"),
        (
            "hamflathnd",
            "symbol 1, 'hamflathnd' at character 1, is no name of a HamNoSys symbol; did you mean hamflathand",
        ),
        ("\ue0ff", "(U+E0FF) at character 1 is no HamNoSys symbol"),
        ("\ue002" * 1_000_000, "1,000,000 characters are no sign"),
        ("", "there is no HamNoSys: the text is empty"),
        ("nothing.sigml", "nothing.sigml: no such file"),
    ],
)
def test_a_bad_text_is_refused_with_symbol_and_place(cli, tmp_path, one_line, text, message):
    status, out, err = cli("sign", text, "--output", tmp_path / "a.pose")
    assert (status, out) == (2, "")
    assert message in one_line(err)
    assert not (tmp_path / "a.pose").exists()


def test_a_clip_of_hours_is_refused(cli, tmp_path, one_line, monkeypatch):
    monkeypatch.setattr("text_to_pose.signing.signer.MOST_FRAMES", 60)
    status, _, err = cli("sign", FLAT, FIST, FLAT, "--output", tmp_path / "a.pose")
    assert status == 2
    assert "3 signs in a row are " in one_line(err)
    assert "a clip has at most 60; sign fewer, or a clip per sign with --file" in err


def test_a_sign_without_end_is_named(cli, tmp_path, one_line):
    endless = FIST + 12 * " hamrepeatfromstartseveral"
    status, _, err = cli("sign", endless, "--output", tmp_path / "a.pose")
    assert status == 2
    assert one_line(err).startswith(f"Error: {tmp_path / 'a.pose'}: it lasts ")
    status, _, err = cli("sign", FLAT, endless, "--output", tmp_path / "a.pose")
    assert status == 2
    assert one_line(err).startswith("Error: sign 2 of 2: it lasts ")


def test_the_bad_one_of_several_texts_is_numbered(cli, tmp_path, one_line):
    status, _, err = cli("sign", FLAT, "hamfist ham", "--output", tmp_path / "a.pose")
    assert status == 2
    assert one_line(err).startswith("Error: sign 2 of 2: symbol 2, 'ham' at character 9")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give either signs or --file"),
        ([FLAT, "--file", "signs.csv"], "give either signs or --file"),
        ([FLAT, "--column", "hamnosys"], "--column names a column of a table, and no table is given"),
        ([FLAT, "--speed", "0"], "Invalid value for '--speed': at least 0.1; see"),
        ([FLAT, "--fps", "1001"], "Invalid value for '--fps': at most 1000; see"),
        ([FLAT, "--fps", "nan"], "--fps"),
        ([FLAT, "--layout", "kinect"], "unknown layout 'kinect'; known: holistic_543"),
        ([FLAT, "--person", "nobody.pose"], "nobody.pose: "),
        ([FLAT, "--output", "sign.txt"], "sign.txt: cannot write .txt"),
    ],
)
def test_wrong_options_are_refused_in_one_line(cli, tmp_path, one_line, arguments, message):
    status, _, err = cli("sign", "--output", tmp_path / "a.pose", *arguments)
    assert status == 2
    assert message in one_line(err)


def test_a_person_of_whom_little_is_seen_is_told_about(cli, tmp_path):
    clip = fake_sequence()
    noise = np.random.default_rng(0).uniform(0, 500, clip.keypoints.shape).astype(np.float32)
    write(replace(clip, keypoints=noise), tmp_path / "noise.pose")
    status, _, err = cli("sign", FLAT, "--output", tmp_path / "a.pose", "--person", tmp_path / "noise.pose")
    assert status == 0
    assert "noise.pose: its points do not move as a person's do; the mean adult signs" in err


def test_a_clip_of_nobody_is_no_person(cli, tmp_path, one_line):
    sequence = fake_sequence()
    write(replace(sequence, confidence=np.zeros_like(sequence.confidence)), tmp_path / "none.pose")
    status, _, err = cli("sign", FLAT, "--output", tmp_path / "a.pose", "--person", tmp_path / "none.pose")
    assert status == 2
    assert one_line(err).startswith(f"Error: {tmp_path / 'none.pose'}: ")


def test_texts_into_a_folder_are_a_clip_each(cli, tmp_path):
    status, out, _ = cli("sign", FLAT, FIST, "--output", tmp_path / "out")
    assert (status, out.count(": 1 sign, ")) == (0, 2)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["001.pose", "002.pose"]
    status, _, err = cli("sign", FLAT, "hamfist ham", "--output", tmp_path / "more")
    assert status == 3
    assert "sign 2 of 2: symbol 2, 'ham' at character 9" in err


def test_a_strip_is_of_the_strokes_with_and_without_a_name(cli, tmp_path):
    path = tmp_path / "signs.csv"
    path.write_text(f"gloss,hamnosys\nHOUSE,{FLAT}\n")
    sizes = []
    for name, sign in (("named", path), ("nameless", FLAT)):
        assert cli("sign", sign, "--output", tmp_path / f"{name}.png")[0] == 0
        with Image.open(tmp_path / f"{name}.png") as picture:
            sizes.append(picture.size)
            shown = np.asarray(picture.convert("L"), float)
    assert sizes[0][0] == sizes[1][0] > 3 * sizes[1][1] / 2  # two rows of four frames
    halves = np.array_split(shown, 4, axis=1)
    assert min(half.std() for half in halves) > 0.5 * max(half.std() for half in halves)


def test_help_names_all_layouts(cli):
    _, out, _ = cli("sign", "--help")
    listed = "".join(out.split())
    assert all(name in listed.replace("│", "") for name in LAYOUT_NAMES)

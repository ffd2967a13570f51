"""`pose-core cut`: clips and manifests from annotations."""

import csv
import unicodedata
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pose_core import UserError, read, write
from pose_core.commands.cutting import CutOptions, cut_files
from pose_core.data import read_clip, read_clips
from pose_core.formats.options import ReadOptions
from pose_core.jobs import JobOptions
from pose_core.testing import eaf_text, fake_sequence, numbered_sequence

JOBS, READING = JobOptions(), ReadOptions()


def write_session(path, frames=100):
    path.parent.mkdir(parents=True, exist_ok=True)
    write(numbered_sequence(frames), path)


def cut(
    poses=("session.pose",),
    segments=("session.eaf",),
    output="clips",
    jobs=JOBS,
    reading=READING,
    **options,
):
    """What the command does, and the lines it warns of."""
    options = {"tiers": ("GLOSS",), "signed_language": "gsg"} | options
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        batch = cut_files(poses, segments, Path(output), CutOptions(**options), reading, jobs)
    return batch, [str(each.message) for each in caught]


def rows(output="clips"):
    with Path(output, "index.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def frames(path):
    """First and last frame of the session that a clip holds, and how many it has."""
    x = read(path).keypoints[:, 0, 0]
    return int(x[0]), int(x[-1]), len(x)


def test_clips_and_their_manifest(session):
    batch, said = cut()
    (done,) = batch.done
    assert (done.clips, done.seconds, done.left_out, done.shortened) == (3, 4.0, {"without text": 1}, 0)
    assert said == ["session.pose: 1 of 4 segments left out: 1 without text"]
    assert rows() == [
        {
            "path": f"session_{start:06}-{end:06}.pose",
            "text": text,
            "signed_language": "gsg",
            "split": "train",
            "person": "Ana",
            "tier": "GLOSS",
            "source": "session.pose",
            "from_seconds": f"{start / 25:g}",
            "to_seconds": f"{end / 25:g}",
        }
        for start, end, text in ((0, 25, "HOUSE"), (25, 58, 'say "a, b"\nand c'), (58, 100, "TREE"))
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clips = read_clips("clips")
    assert [clip.text for clip in clips] == ["HOUSE", 'say "a, b"\nand c', "TREE"]
    assert [frames(clip.path) for clip in clips] == [(0, 24, 25), (25, 57, 33), (58, 99, 42)]
    assert [len(read_clip(clip)) for clip in clips] == [25, 33, 42]


def test_a_manifest_alone(session):
    cut()
    cut(output="parts", manifest_only=True, split="dev")
    assert [(row["path"], row["start_frame"], row["end_frame"], row["split"]) for row in rows("parts")] == [
        ("session.pose", "0", "25", "dev"),
        ("session.pose", "25", "58", "dev"),
        ("session.pose", "58", "100", "dev"),
    ]
    assert Path("parts/session.pose").is_symlink()
    for clip, part in zip(read_clips("clips"), read_clips("parts"), strict=True):
        assert clip.text == part.text
        np.testing.assert_array_equal(read_clip(clip).keypoints, read_clip(part).keypoints)
    cut(output="parts", manifest_only=True, jobs=JobOptions(overwrite=True))  # the link is its own
    cut(output=".", manifest_only=True)  # no link is needed within the folder
    assert rows(".")[0]["path"] == "session.pose"
    assert not Path("session.pose").is_symlink()
    cut(output="rate", manifest_only=True, reading=ReadOptions(fps=50.0))
    assert [(row["start_frame"], row["fps"]) for row in rows("rate")] == [("0", "50"), ("50", "50")]
    for reading, tiers in (
        (ReadOptions(person=1), ()),
        (ReadOptions(min_confidence=0.5), ()),
        (ReadOptions(), ("G=1",)),
    ):
        with pytest.raises(
            UserError, match="a manifest of parts cannot hold --person, --min-confidence, --layout, --clip, --axes"
        ):
            cut(output="x", manifest_only=True, reading=reading, tiers=tiers)
    Path("taken").mkdir()
    Path("taken/session.pose").write_text("something else")
    with pytest.raises(UserError, match="taken/session.pose: exists"):
        cut(output="taken", manifest_only=True)


def test_options_of_time(session):
    cut(padding=0.2, min_seconds=1.1)
    assert [row["path"][8:-5] for row in rows()] == ["000020-000063", "000053-000100"]
    batch, said = cut(output="later", offset=1.5)
    assert [row["path"][8:-5] for row in rows("later")] == ["000038-000063", "000063-000096", "000096-000100"]
    assert batch.done[0].shortened == 1
    assert said == [
        "session.pose: 1 of 4 segments left out: 1 without text; 1 segment ends after it and is cut there; "
        "it lasts 4.00 s at 25 fps"
    ]
    batch, _ = cut(output="earlier", offset=-2.0)
    assert batch.done[0].left_out == {"before the file begins": 1, "without text": 1}
    batch, _ = cut(output="slow", reading=ReadOptions(fps=12.5))
    assert [row["path"][8:-5] for row in rows("slow")] == ["000000-000013", "000013-000029", "000029-000050"]
    assert read("slow/session_000000-000013.pose").fps == 12.5


def test_segments_that_cannot_be_cut(session):
    Path("session.eaf").write_text(
        eaf_text(
            {"GLOSS": [(1000, 1000, "a"), (2000, 1000, "b"), (5000, 6000, "c"), (1000, 1010, "d"), (3990, 9000, "e")]}
        )
    )
    batch, said = cut()
    assert batch.done[0].left_out == {"without duration": 2, "after the file ends": 1}
    assert [frames(Path("clips", row["path"])) for row in rows()] == [(25, 25, 1), (99, 99, 1)]
    assert said[0].startswith(
        "session.pose: 3 of 5 segments left out: 2 without duration, 1 after the file ends; 1 segment"
    )
    with pytest.raises(
        UserError, match=r"no segment of session.eaf can be cut from it: 2 without duration, 3 after.*lasts 4.00 s"
    ):
        cut(output="none", offset=1e5)
    assert not Path("none").exists()


def test_elans_time_origin(session):
    tiers = {"GLOSS": [(0, 1000, "HOUSE"), (1000, 2333, "TREE")]}
    Path("session.eaf").write_text(eaf_text(tiers, media={"session.mp4": 400, "talk.wav": 0}))
    _, said = cut()
    assert rows()[0]["path"] == "session_000010-000035.pose"
    assert said[0] == (
        "session.eaf: its time 0 is taken to lie at 0.4 s of session.pose, as of session.mp4 (TIME_ORIGIN); "
        "--offset says another"
    )
    cut(output="zero", offset=0.0)
    assert rows("zero")[0]["path"] == "session_000000-000025.pose"
    Path("session.eaf").write_text(eaf_text(tiers, media={"front.mp4": 0, "session.mp4": 400}))
    cut(output="named")
    assert rows("named")[0]["path"] == "session_000010-000035.pose"
    Path("session.eaf").write_text(eaf_text(tiers, media={"front.mp4": 0, "side.mp4": 400}))
    with pytest.raises(UserError, match=r"different times \(front.mp4 at 0 s, side.mp4 at 0.4 s\).*--offset"):
        cut(output="unknown")


def test_a_session_of_two_signers(session):
    tiers = {"GLOSS_A": [(0, 1000, "x")], "GLOSS_B": [(0, 1000, "y")], "a=b": [(0, 2000, "z")]}
    Path("session.eaf").write_text(eaf_text(tiers, people={"GLOSS_A": "Ana", "GLOSS_B": "Bo"}))
    write_session(Path("session_A.pose"))
    write_session(Path("session_B.pose"))
    _, said = cut(["session_A.pose", "session_B.pose"], tiers=("GLOSS_A=A", "GLOSS_B=session_B.pose", "a=b"))
    assert not said
    _, said = cut(["session_A.pose", "session_B.pose"], tiers=("GLOSS_A",), output="both")
    assert said == [
        "session.eaf: its segments are cut from session_A.pose and from session_B.pose; --tier NAME=FILE gives a tier "
        "to one of them"
    ]
    assert [(row["path"], row["text"], row["person"]) for row in rows()] == [
        ("session_A_000000-000025.pose", "x", "Ana"),
        ("session_A_000000-000050.pose", "z", ""),
        ("session_B_000000-000025.pose", "y", "Bo"),
        ("session_B_000000-000050.pose", "z", ""),
    ]
    with pytest.raises(UserError, match=r"--tier GLOSS_A=C: no pose file is called 'C' or \*_C"):
        cut(["session_A.pose"], output="c", tiers=("GLOSS_A=C",))
    batch, _ = cut(["session_A.pose", "session_B.pose"], output="d", tiers=("GLOSS_A=A",))
    assert [failure.error for failure in batch.failed] == [
        "session_B.pose: none of the tiers is said to be of it: GLOSS_A=A"
    ]


def two_people(path, frames=60):
    """Two people, the second 1000 pixels further right, in one file."""
    one = fake_sequence(frames=frames)
    write(one, path, overwrite=True)
    content, body = path.read_bytes(), one.keypoints.nbytes + one.confidence.nbytes
    head = content[: len(content) - body - 2]
    other = one.keypoints + np.float32([1000, 0, 0])
    keypoints = np.stack([one.keypoints, other], axis=1)
    confidence = np.stack([one.confidence, one.confidence], axis=1)
    path.write_bytes(head + (2).to_bytes(2, "little") + keypoints.tobytes() + confidence.tobytes())


def test_people_of_one_file(session):
    two_people(Path("session.pose"))
    Path("session.eaf").write_text(eaf_text({"A": [(0, 1000, "x")], "B": [(0, 1000, "y")]}))
    cut(tiers=("A=0", "B=1"))
    assert [row["path"] for row in rows()] == [
        "session_person0_000000-000025.pose",
        "session_person1_000000-000025.pose",
    ]
    x = [read(Path("clips", row["path"])).keypoints[:, 0, 0].mean() for row in rows()]
    assert x[1] - x[0] == pytest.approx(1000)
    cut(tiers=("A",), reading=ReadOptions(person=1), output="one")
    assert [row["path"] for row in rows("one")] == ["session_person1_000000-000025.pose"]
    with pytest.raises(UserError, match=r"session.pose: has 2 persons, counted from 0; there is no person 2"):
        cut(tiers=("A=2",), output="two")


def test_people_are_followed_once(session, monkeypatch):
    from pose_core.formats import pose

    two_people(Path("session.pose"))
    calls = []
    monkeypatch.setattr(
        pose, "find_people", lambda *args, find=pose.find_people, **kw: calls.append(1) or find(*args, **kw)
    )
    _, said = cut()
    assert len(calls) == 1
    assert sum("session.pose: 2 people; taking person 0" in line for line in said) == 1


def test_a_corpus(session):
    for name in ("one/a", "one/b_front", "two/a", "two/c"):
        write_session(Path("poses", f"{name}.pose"))
    Path("anno/one").mkdir(parents=True)
    Path("anno/two").mkdir()
    for name, text in (("one/a.eaf", "1"), ("b.eaf", "2"), ("two/a.eaf", "3"), ("unused.eaf", "4")):
        Path("anno", name).write_text(eaf_text({"GLOSS": [(0, 1000, text)]}))
    batch, said = cut(["poses"], ["anno"])
    assert [(row["path"], row["text"], row["source"]) for row in rows()] == [
        ("one/a_000000-000025.pose", "1", "one/a.pose"),
        ("one/b_front_000000-000025.pose", "2", "one/b_front.pose"),
        ("two/a_000000-000025.pose", "3", "two/a.pose"),
    ]
    assert [failure.error for failure in batch.failed] == [
        "poses/two/c.pose: no segments for it in anno: there is no c.eaf, .srt or .vtt"
    ]
    assert said == ["anno/unused.eaf: belongs to no pose file given, and is not used"]
    Path("anno/two/c.eaf").write_text(eaf_text({"GLOSS": [(0, 1000, "5")]}))
    batch, _ = cut(["poses"], ["anno"], jobs=JobOptions(skip_existing=True))
    assert [(done.clips, done.kept) for done in batch.done] == [(1, 1), (1, 1), (1, 1), (1, 0)]
    assert len(rows()) == 4
    Path("anno/c.srt").write_text("00:00:01,000 --> 00:00:02,000\nx")
    Path("anno/two/c.eaf").rename("anno/c.eaf")
    with pytest.raises(
        UserError, match=r"anno/c.eaf and anno/c.srt may both be its segments; name one with --segments"
    ):
        cut(["poses/two/c.pose"], ["anno"], output="d")
    with pytest.raises(UserError, match="poses/one/a.pose and poses/two/a.pose would be called alike; cut them apart"):
        cut(["poses/one/a.pose", "poses/two/a.pose"], ["anno"], output="d")


def test_names_are_matched_in_either_form_of_unicode(session):
    write_session(Path(unicodedata.normalize("NFD", "größe_ä.pose")))
    Path("anno").mkdir()
    Path("anno", unicodedata.normalize("NFC", "größe.eaf")).write_text(eaf_text({"GLÖSSE": [(0, 1000, "x")]}))
    name = unicodedata.normalize("NFD", "GLÖSSE")
    cut(["*.pose"], ["anno"], tiers=(f"{name}=ä",), jobs=JobOptions(keep_going=True))
    assert [row["tier"] for row in rows()] == ["GLÖSSE"]


def test_any_text_goes_through_the_manifest(session):
    texts = ['"', ",;\t|", "a\rb\nc", "sep=;", "#", "=1+1", "-1", "x\u2028y", "'"]
    tiers = {"GLOSS": [(100 * i, 100 * i + 100, text) for i, text in enumerate(texts)]}
    Path("session.eaf").write_text(eaf_text(tiers), encoding="utf-8", newline="")
    cut()
    assert [clip.text for clip in read_clips("clips")] == [text.replace("\r", "\n") for text in texts]  # as XML has it
    Path("session.srt").write_text("00:00:00,000 --> 00:00:01,000\na\x00b\x1bc\n")
    cut(segments=["session.srt"], tiers=(), output="srt")
    assert [clip.text for clip in read_clips("srt")] == ["a\x00b\x1bc"]


def test_clips_among_the_pose_files_are_not_cut_again(session):
    for jobs in (JOBS, JobOptions(skip_existing=True), JobOptions(overwrite=True)):
        batch, _ = cut(["."], jobs=jobs)
        assert [done.file for done in batch.done] == ["session.pose"]
    with pytest.raises(UserError, match=r"\.: holds the pose files themselves; name another folder"):
        cut(["."], output=".")
    Path("session.pose").unlink()
    with pytest.raises(UserError, match="clips: holds all of the pose files"):
        cut(["."])


def test_columns_of_a_manifest_that_grows_are_kept(session):
    cut()
    lines = Path("clips/index.csv").read_text().splitlines()
    Path("clips/index.csv").write_text("\n".join([f"{lines[0]},note", f"{lines[1]},good"]))
    write_session(Path("other.pose"))
    cut(["other.pose"], jobs=JobOptions(skip_existing=True))
    assert [(row["source"], row["note"]) for row in rows()] == [("session.pose", "good"), *[("other.pose", "")] * 3]


def test_outputs_are_kept_or_replaced(session):
    cut()
    with pytest.raises(UserError, match="clips/index.csv: exists; use --overwrite"):
        cut()
    before = Path("clips/session_000000-000025.pose").stat().st_mtime_ns
    Path("session.eaf").write_text(eaf_text({"GLOSS": [(0, 1000, "HUT"), (2000, 3000, "new")]}))
    batch, _ = cut(jobs=JobOptions(skip_existing=True))
    assert batch.done[0].line() == "session.pose: 2 clips, 1 of them there already, 2.00 s"
    assert [row["text"] for row in rows()] == ["HUT", "new"]
    assert Path("clips/session_000000-000025.pose").stat().st_mtime_ns == before
    write_session(Path("other.pose"))
    cut(["other.pose"], jobs=JobOptions(skip_existing=True))  # another session of the corpus joins it
    assert [row["source"] for row in rows()] == ["session.pose", "session.pose", "other.pose", "other.pose"]
    Path("clips/index.csv").unlink()
    with pytest.raises(UserError, match="clips/session_000000-000025.pose: exists; use --overwrite"):
        cut()
    cut(jobs=JobOptions(overwrite=True))
    assert Path("clips/session_000000-000025.pose").stat().st_mtime_ns != before
    assert len(rows()) == 2


def test_nothing_is_left_of_a_session_that_cannot_be_read(session):
    Path("session.pose").write_bytes(Path("session.pose").read_bytes()[:-7])
    with pytest.raises(UserError, match=r"session.pose: states 100 frames and holds 99 and a part of one: it is"):
        cut()
    with pytest.raises(UserError, match="gone.pose: no such file"):
        cut(["gone.pose"])
    batch, _ = cut(["session.pose", "gone.pose"])
    assert len(batch.failed) == 2
    assert not Path("clips").exists()


def test_other_formats(session):
    sequence = read("session.pose")
    write(sequence, "session.npz")
    cut(["session.npz"], format="npz")
    assert rows()[0]["path"] == "session_000000-000025.npz"
    assert [frames(Path("clips", row["path"])) for row in rows()] == [(0, 24, 25), (25, 57, 33), (58, 99, 42)]
    assert not [path for path in Path("clips").iterdir() if path.name.startswith(".")]
    Path("session.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nsaid\n")
    cut(segments=["session.srt"], tiers=(), output="srt")
    assert [(row["text"], row["tier"], row["path"]) for row in rows("srt")] == [
        ("said", "", "session_000025-000050.pose")
    ]
    Path("session.csv").write_text("start,end,text\n10,20,a\n")
    _, said = cut(segments=["session.csv"], tiers=(), output="csv")
    assert rows("csv")[0]["path"] == "session_000010-000020.pose"
    assert said == [
        "session.csv: start and end: read as frames; if they are seconds, call them start_seconds, end_seconds"
    ]
    with pytest.raises(UserError, match=r"\.gif: unknown format; use .pose, .npz, .csv"):
        cut(output="gif", format="gif")


def test_what_is_assumed_is_said_once(session):
    sequence = read("session.pose")
    write(
        replace(sequence, confidence=2 + np.arange(100, dtype=np.float32)[:, None].repeat(50, 1)),
        "session.pose",
        overwrite=True,
    )
    _, said = cut()
    assert len([line for line in said if "scores run to" in line]) == 1
    _, said = cut(reading=ReadOptions(min_confidence=10), output="high")  # the first frame's is lower
    assert not [line for line in said if "all are missing" in line]


def test_clips_that_show_nobody_are_named(session):
    sequence = read("session.pose")
    confidence = sequence.confidence.copy()
    confidence[:30] = 0
    write(replace(sequence, confidence=confidence), "session.pose", overwrite=True)
    batch, said = cut()
    assert batch.done[0].unseen == 1
    assert "session.pose: 1 of its clips show nobody" in said


def test_wrong_options(session):
    for wrong, message in (
        ({"output": "clips.zip"}, "clips.zip: clips go into a folder"),
        ({"signed_language": " "}, "the signed language is empty"),
        ({"split": ""}, "the split is empty"),
        ({"tiers": ()}, "session.eaf: which tier"),
        ({"segments": ["nowhere.eaf"]}, "nowhere.eaf: no such file"),
    ):
        with pytest.raises(UserError, match=message):
            cut(**wrong)
        assert not Path("clips").exists()

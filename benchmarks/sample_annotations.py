"""Annotation files, made up, and what people read them with: for `sample_files.py`; a "frame" is an annotation here."""

from collections.abc import Iterable
from pathlib import Path

from pose_core import PoseSequence
from pose_core.annotations import read_annotations
from pose_core.annotations.placing import Placing
from pose_core.testing import eaf_text

WORDS = ("HOUSE", "größer", "say: 12:30", "A & B <1>", '"x, y"')
FRAMES = 100  # of the pose file that is cut


def clock(milliseconds: int, point: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{rest:03}"


def segments(count: int) -> list[tuple[int, int, str]]:
    return [(400 * i, 400 * i + 300, f"{WORDS[i % len(WORDS)]} {i}") for i in range(count)]


def make_eaf(folder: Path, count: int) -> Path:
    """Two tiers, one of which has time slots without a time, and a third that refers to the first."""
    unset = [(start if i % 3 else None, end, text) for i, (start, end, text) in enumerate(segments(count))]
    text = eaf_text({"GLOSS": segments(count), "other tier": unset}, people={"GLOSS": "Ana"}, media={"sample.mp4": 40})
    references = "\n".join(
        f'<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="r{i}" ANNOTATION_REF="a{i}"><ANNOTATION_VALUE>{i}'
        "</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>"
        for i in range(1, count + 1)
    )
    tier = f'<TIER LINGUISTIC_TYPE_REF="default" TIER_ID="translation" PARENT_REF="GLOSS">{references}</TIER>'
    (folder / "sample.eaf").write_text(text.replace("<LINGUISTIC_TYPE ", f"{tier}\n<LINGUISTIC_TYPE "))
    return folder / "sample.eaf"


def obvious_eaf(path: Path) -> object:
    from pympi.Elan import Eaf

    elan = Eaf(str(path))
    return {tier: elan.get_annotation_data_for_tier(tier) for tier in ("GLOSS", "translation")}


def make_srt(folder: Path, count: int) -> Path:
    blocks = [
        f"{number}\n{clock(start, ',')} --> {clock(end, ',')}\n<i>{text}</i>\nsecond line\n"
        for number, (start, end, text) in enumerate(segments(count), 1)
    ]
    (folder / "sample.srt").write_text("\n".join(blocks))
    return folder / "sample.srt"


def make_vtt(folder: Path, count: int) -> Path:
    blocks = [
        f"{number}\n{clock(start, '.')} --> {clock(end, '.')} align:start\n<v Ana>{number} &amp; more</v>\n"
        for number, (start, end, _) in enumerate(segments(count), 1)
    ]
    (folder / "sample.vtt").write_text(
        "\n".join(["WEBVTT\n", "STYLE\n::cue { color: red }\n", "NOTE\nno cue\n", *blocks])
    )
    return folder / "sample.vtt"


def obvious_subtitles(path: Path) -> object:
    import pysubs2

    return pysubs2.load(str(path))


def make_tsv(folder: Path, count: int) -> Path:
    rows = [
        f"{clock(start, '.')}\t{clock(end, '.')}\tGLOSS\tAna\t{i}" for i, (start, end, _) in enumerate(segments(count))
    ]
    head = "Begin Time - hh:mm:ss.ms\tEnd Time - hh:mm:ss.ms\tTier\tParticipant\tAnnotation"
    (folder / "sample.tsv").write_text("\n".join([head, *rows]))
    return folder / "sample.tsv"


def obvious_tsv(path: Path) -> object:
    import pandas

    table = pandas.read_csv(path, sep="\t")
    return [pandas.to_timedelta(table[name]).dt.total_seconds() for name in table.columns[:2]]


def read_annotated(path: Path) -> Iterable[PoseSequence]:
    """Reads the annotations and finds what would be cut, of which every part has frames; yields no poses."""
    for tier in read_annotations(path).tiers:
        for part in Placing(padding=0.1).parts([(tier, None)], fps=25.0, frames=FRAMES).found:
            if not 0 <= part.frames.start < part.frames.stop <= FRAMES or not part.text:
                raise ValueError(f"{part} is no part of {FRAMES} frames")
    return []

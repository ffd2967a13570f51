"""For tests: synthetic poses of a person who raises an arm and holds a handshape; and checks of all commands."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import typer

from pose_core.command_line import new_app
from pose_core.data.clip import Clip
from pose_core.formats import write
from pose_core.sequence import PoseSequence
from pose_core.skeleton import Component, Skeleton
from pose_core.training.options import RENAMED_OPTIONS, TrainingOptions, add_config_command, training_options

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from fractions import Fraction

    from pose_core.command_line import App
    from pose_core.data.shards import ShardSample
    from pose_core.estimation.video import Video
    from pose_core.skeleton import Side

_FINGERS = ("THUMB", "INDEX_FINGER", "MIDDLE_FINGER", "RING_FINGER", "PINKY")
_SIZE = (500, 500, 0)


def fake_skeleton(*, face_points: int = 0) -> Skeleton:
    """MediaPipe's names: 8 body points, `face_points` of the face, two hands of 21; D = 3."""
    sides = ("LEFT", "RIGHT")
    body = tuple(f"{side}_{joint}" for joint in ("SHOULDER", "ELBOW", "WRIST", "HIP") for side in sides)
    body_limbs = ((0, 1), (0, 2), (2, 4), (1, 3), (3, 5), (0, 6), (1, 7), (6, 7))
    joints = [("CMC", "MCP", "IP", "TIP"), *[("MCP", "PIP", "DIP", "TIP")] * 4]
    points = ("WRIST", *(f"{finger}_{j}" for finger, names in zip(_FINGERS, joints, strict=True) for j in names))
    limbs = tuple((0 if j == 0 else 4 * f + j, 4 * f + j + 1) for f in range(5) for j in range(4))
    components = [Component("POSE_LANDMARKS", body, body_limbs, ((255, 0, 0),), "XYZC")]
    if face_points:
        ring = tuple((i, (i + 1) % face_points) for i in range(face_points))
        names = tuple(str(i) for i in range(face_points))
        components.append(Component("FACE_LANDMARKS", names, ring, ((128, 0, 0),), "XYZC"))
    for side, color in zip(sides, ((0, 150, 0), (0, 0, 200)), strict=True):
        components.append(Component(f"{side}_HAND_LANDMARKS", points, limbs, (color,), "XYZC"))
    return Skeleton(tuple(components))


def fake_sequence(
    *, frames: int = 20, fps: float = 25.0, shape: int = 0, hands: Iterable[Side] = ("right",), face_points: int = 0
) -> PoseSequence:
    """A letter-like clip: (T, K, 3) in pixels of a 500 x 500 picture.

    Args:
        shape: seed of the hand shape; the same number is the same shape.
        hands: which hands are visible; the others are missing.
        face_points: points of a face above the shoulders.
    """
    skeleton = fake_skeleton(face_points=face_points)
    rise = np.sin(np.linspace(0, np.pi, frames)).clip(max=0.8) / 0.8  # arm down, up, down
    keypoints = np.zeros((frames, skeleton.num_keypoints, 3), np.float32)
    confidence = np.ones((frames, skeleton.num_keypoints), np.float32)
    fixed = {"SHOULDER": (60, 200), "ELBOW": (80, 290), "HIP": (45, 380)}
    lengths = np.random.default_rng(shape).uniform(0.2, 1.0, 5)  # how far each finger is stretched
    for side, sign in (("left", 1), ("right", -1)):
        for joint, (x, y) in fixed.items():
            keypoints[:, skeleton.index("POSE_LANDMARKS", f"{side.upper()}_{joint}"), :2] = 250 + sign * x, y
        wrist = np.stack([250 + sign * (80 + 20 * rise), 370 - 160 * rise], axis=1)
        keypoints[:, skeleton.wrist(side), :2] = wrist
        hand = skeleton.slice_of(f"{side.upper()}_HAND_LANDMARKS")
        keypoints[:, hand.start, :2] = wrist
        for finger in range(5):
            for joint in range(4):
                reach = 12 + 9 * joint * lengths[finger]
                offset = (sign * (finger - 2) * 6.0, -reach)
                keypoints[:, hand.start + 1 + 4 * finger + joint, :2] = wrist + offset
        if side not in hands:
            confidence[:, hand] = 0.0
            keypoints[:, hand] = 0.0
    turn = np.linspace(0, 2 * np.pi, face_points, endpoint=False)
    keypoints[:, skeleton.face(), :2] = np.stack([250 + 25 * np.cos(turn), 140 + 35 * np.sin(turn)], axis=1)
    return PoseSequence(keypoints, confidence, fps, skeleton, _SIZE)


def fake_video(
    path: Path,
    *,
    frames: int = 12,
    size: tuple[int, int] = (64, 48),
    fps: int = 25,
    times: Sequence[int] | None = None,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
    matrix: Sequence[int] | None = None,
    pixel_aspect: Fraction | None = None,
    container: str | None = None,
) -> None:
    """Writes a video whose frame i is gray, 16 (i mod 16) bright, and red in the upper left quarter.

    Args:
        times: when each frame is shown, in milliseconds; one by one at `fps` by default.
        matrix: nine numbers of the display matrix, by which players turn the picture.
        pixel_aspect: width of a pixel by its height.
        container: name of a format as FFmpeg has it; by the path's suffix by default.
    """
    from fractions import Fraction

    import av

    clock = Fraction(1, 1000) if times is not None else Fraction(1, fps)
    with av.open(str(path), "w", format=container) as file:
        stream: Any = file.add_stream(codec, rate=fps, options=options or {})
        stream.width, stream.height, stream.pix_fmt = (*size, pixel_format)
        stream.codec_context.time_base = clock
        if pixel_aspect is not None:
            stream.codec_context.sample_aspect_ratio = pixel_aspect
        if matrix is not None:
            stream.set_display_matrix(matrix)
        for number in range(frames):
            picture = np.full((size[1], size[0], 3), 16 * (number % 16), np.uint8)
            picture[: size[1] // 2, : size[0] // 2] = (255, 0, 0)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pixel_format)
            frame.pts, frame.time_base = times[number] if times is not None else number, clock
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def shown_frames(path: Path) -> tuple[list[int | None], Video, list[str]]:
    """Reads a video of `fake_video`, asserting what holds of every one.

    Returns:
        Which frame of the first 16 each frame is, None where it is missing; the video; what it warns of.
    """
    from pose_core.estimation.video import open_video

    shown: list[int | None] = []
    with open_video(path) as video:
        for frame in video:
            assert frame.slot == len(shown)
            assert frame.count > 0
            number = None
            if frame.image is not None:
                assert frame.image.dtype == np.uint8
                assert frame.image.shape == (*video.image_size[::-1], 3)
                assert frame.image.flags.c_contiguous
                number = round(float(np.median(frame.image[-8:, -8:])) / 16)
            shown += [number] * frame.count
    assert len(shown) == video.length
    warnings = [message for message, _ in video.warnings()]
    assert all("\n" not in message and len(message) < 300 for message in warnings)
    return shown, video, warnings


def fake_manifest(folder: Path, *, letters: str = "ABCD", languages: Iterable[str] = ("ase", "gsg")) -> Path:
    """Writes one clip per letter and language into `folder`, the last of each for validation; returns index.csv."""
    rows = []
    for number, language in enumerate(languages):
        for letter in letters:
            name = f"{language}-{letter}.pose"
            sequence = fake_sequence(frames=16 + 2 * number, shape=ord(letter), face_points=4)
            write(sequence, folder / name, overwrite=True)
            split = "validation" if letter == letters[-1] and number else "train"
            rows.append((name, letter, language, split))
    index = folder / "index.csv"
    with index.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "text", "signed_language", "split"))
        writer.writerows(rows)
    return index


def eaf_text(
    tiers: Mapping[str, Sequence[tuple[int | None, int | None, str]]],
    *,
    people: Mapping[str, str] | None = None,
    media: Mapping[str, int] | None = None,
    version: str = "3.0",
) -> str:
    """An ELAN file.

    Args:
        tiers: start and end in milliseconds (None: a time slot without a time) and text of annotations, by tier.
        people: participants of tiers.
        media: names of recordings, and their TIME_ORIGIN in milliseconds.
    """
    slots, body = [], []
    for tier, segments in tiers.items():
        participant = f" PARTICIPANT={quoteattr(people[tier])}" if people and tier in people else ""
        body.append(f'<TIER LINGUISTIC_TYPE_REF="default" TIER_ID={quoteattr(tier)}{participant}>')
        for start, end, text in segments:
            for time in (start, end):
                value = "" if time is None else f' TIME_VALUE="{time}"'
                slots.append(f'<TIME_SLOT TIME_SLOT_ID="ts{len(slots) + 1}"{value}/>')
            body.append(
                f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{len(slots) // 2}" TIME_SLOT_REF1="ts'
                f'{len(slots) - 1}" TIME_SLOT_REF2="ts{len(slots)}"><ANNOTATION_VALUE>{escape(text)}'
                "</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>"
            )
        body.append("</TIER>")
    recordings = [
        f'<MEDIA_DESCRIPTOR MEDIA_URL={quoteattr(f"file:///C:/recordings/{name}")} TIME_ORIGIN="{origin}"/>'
        for name, origin in (media or {}).items()
    ]
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<ANNOTATION_DOCUMENT AUTHOR="" DATE="2026-01-01T12:00:00+01:00" FORMAT="{version}" VERSION="{version}" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv{version}.xsd">',
        '<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">',
        *recordings,
        "</HEADER>",
        "<TIME_ORDER>",
        *slots,
        "</TIME_ORDER>",
        *body,
        '<LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="default" TIME_ALIGNABLE="true"/>',
        "</ANNOTATION_DOCUMENT>",
    ]
    return "\n".join(lines)


def numbered_sequence(frames: int) -> PoseSequence:
    """A clip at 25 fps in which every x is the number of the frame, so that a part tells where it is from."""
    fake = fake_sequence(frames=frames)
    keypoints = fake.keypoints.copy()
    keypoints[..., 0] = np.arange(frames)[:, None]
    return replace(fake, keypoints=keypoints, confidence=np.ones_like(fake.confidence))


def fake_clips(count: int, split: str = "train") -> Iterator[tuple[Clip, PoseSequence]]:
    """Clips as `pose_core.data.pack` takes them, no two alike: the first has 5 frames at 20 fps, the next 6 at 21."""
    for number in range(count):
        sequence = fake_sequence(frames=5 + number, fps=20.0 + number, shape=number)
        clip = Clip(Path(f"{number}.pose"), f"letter {number}", "ase", split, "en")
        yield clip, replace(sequence, size=(640, 480, 0))


def clip_names(samples: Iterable[ShardSample]) -> list[str]:
    """The names of the files of clips that are read from shards."""
    return [sample.clip.path.name for sample in samples]


def damage_clip(shard: Path, number: int) -> str:
    """Overwrites the beginning of a clip's poses in a shard; returns the clip's name in it."""
    with tarfile.open(shard) as archive:
        member = archive.getmembers()[2 * number + 1]
    content = bytearray(shard.read_bytes())
    content[member.offset_data : member.offset_data + 20] = b"\x00" * 20
    shard.write_bytes(content)
    return member.name.removesuffix(".npy")


def write_tar(path: Path, members: Mapping[str, bytes]) -> Path:
    """Writes a tar of files, in their order."""
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def npy_bytes(array: np.ndarray) -> bytes:
    """The content of a `.npy` file; objects are pickled in it."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def error_line(stderr: str) -> str:
    """The error line of a command, asserting that there is one and no traceback."""
    lines = [line for line in stderr.splitlines() if line.startswith("Error:")]
    assert lines == stderr.splitlines()[-1:], stderr
    assert "Traceback" not in stderr
    return lines[0]


def files_below(folder: Path) -> list[str]:
    """The files below a folder, relative to it, sorted."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def check_training_options(app: App) -> None:
    """Asserts that an app's `train` and `config` have the options that all packages' have, with the same help."""
    reference = new_app("A package.")

    @reference.command(renamed=RENAMED_OPTIONS)
    @training_options("a-package")
    def train(options: TrainingOptions) -> None: ...

    add_config_command(reference, "a-package")
    for name in ("train", "config"):
        ours, theirs = (typer.main.get_command(each).commands[name] for each in (app, reference))  # ty: ignore[missing-attribute]
        options = {option.name: option for option in ours.params}
        for option in theirs.params:
            for fact in ("opts", "help", "default", "required", "multiple"):
                assert getattr(options[option.name], fact, None) == getattr(option, fact, None), (option.name, fact)
        assert getattr(ours, "renamed", {}).items() >= getattr(theirs, "renamed", {}).items()


def run_without_training(module: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs a package's command where what its extra `train` installs cannot be imported."""
    code = (
        "import sys\n"
        "for name in ('lightning', 'tensorboard', 'wandb'):\n    sys.modules[name] = None\n"
        f"from {module}.cli import main\nmain()"
    )
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)

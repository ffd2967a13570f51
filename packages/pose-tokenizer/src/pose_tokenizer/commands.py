"""Files to files, as the commands work: check everything, encode or decode, then write."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, cast

import numpy as np

from pose_core import PoseSequence, UserError, write
from pose_core.formats import READERS, WRITERS
from pose_core.formats.options import ReadOptions
from pose_core.formats.units import shoulders_and_head
from pose_core.inputs import PIPE, pose_suffix
from pose_core.jobs import Job, JobOptions, JobRunner, planned
from pose_core.metrics import anatomy
from pose_core.metrics.body_measures import SIDES, measure_body
from pose_core.metrics.finite import finite_median
from pose_core.metrics.plausibility import TURNED
from pose_core.notices import notify
from pose_core.rates import DEFAULT_FPS
from pose_tokenizer.codec import decode, encode_pieces, encode_within
from pose_tokenizer.files.formats import check_suffix, read_format, sniff_suffix, write_format
from pose_tokenizer.files.suffixes import SUFFIXES, TokenFormat
from pose_tokenizer.live import Interruption, live_frames
from pose_tokenizer.model_selection import Models

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pose_core.skeleton import Side
    from pose_tokenizer.backends import Backend
    from pose_tokenizer.files.token_file import PoseTokens
    from pose_tokenizer.network import Network

PIECE_FRAMES = 4096  # frames of a file that are read at once
LONGEST_FOREARM = 2.5  # shoulder widths; people's are about one


@dataclass(frozen=True)
class EncodeOptions:
    """How files are read and encoded; see `pose-tokenizer encode --help`."""

    checkpoint: str | None = None
    lmbda: float | None = None
    bits_per_frame: float | None = None
    num_quantizers: int | None = None
    format: TokenFormat = "tokens"
    device: str = "auto"
    backend: Backend = "auto"
    reading: ReadOptions = field(default_factory=ReadOptions)


@dataclass(frozen=True)
class EncodedFile:
    """A file that was encoded.

    Attributes:
        bits_per_frame: of the codes in a token file, whatever format they are written in, header not counted.
        codes: how many there are.
        bytes_before, bytes_after: sizes of the input file, where it is one, and of the output.
        interrupted: it was a live stream, and Ctrl-C ended it.
    """

    file: str
    output: Path
    frames: int
    seconds: float
    codes: int
    bits_per_frame: float
    bytes_before: int | None
    bytes_after: int
    interrupted: bool = False


@dataclass(frozen=True)
class DecodedFile:
    """A token file that was decoded; `anatomy` says what is wrong with the body, if anything is."""

    file: str
    output: Path
    frames: int
    seconds: float
    anatomy: str | None


def encode_files(
    inputs: Sequence[str], output: Path | None, encoding: EncodeOptions, options: JobOptions | None = None
) -> JobRunner[EncodedFile]:
    """Encodes pose files, folders of them, globs, or standard input: a pose file, or frames as lines of JSON.

    Args:
        inputs: see `find_inputs`.
        output: a file for one input, a folder for several, `-` for standard output; beside each input by default.
        encoding: see `EncodeOptions`.
        options: see `JobOptions`.

    Raises:
        UserError: an input, model or output that cannot be used, unless the batch keeps going.
    """
    check_suffix(output, encoding.format)
    options = options or JobOptions()
    live = list(inputs) == [PIPE] and _is_live()
    with planned(
        inputs,
        output,
        options,
        verb="encoding",
        suffixes=tuple(READERS),
        suffix=SUFFIXES[encoding.format],
        spool=not live,
    ) as batch:
        if batch.jobs:
            models = Models(encoding.checkpoint, encoding.device, encoding.num_quantizers, encoding.backend)
            batch.run(partial(_encode_live if live else _encode_file, models, encoding, options.overwrite))
    return batch


def decode_files(
    inputs: Sequence[str],
    output: Path | None,
    options: JobOptions | None = None,
    *,
    checkpoint: str | None = None,
    num_quantizers: int | None = None,
    fps: float | None = None,
    frames: int | None = None,
    device: str = "auto",
    backend: Backend = "auto",
) -> JobRunner[DecodedFile]:
    """Decodes token files of any format, folders, globs, or standard input, to `.pose` or what `output` ends in.

    Args:
        inputs, output, options: as `encode_files`.
        checkpoint: None: the bundled one that made the tokens.
        device, backend: see `load_network`.
        num_quantizers: see `decode`.
        fps, frames: see `read_format`.

    Raises:
        UserError: as `encode_files`; or tokens of another model.
    """
    options = options or JobOptions()
    with planned(
        inputs,
        output,
        options,
        verb="decoding",
        suffixes=tuple(SUFFIXES.values()),
        suffix=".pose",
        writable=WRITERS,
        sniff=sniff_suffix,
    ) as batch:
        if batch.jobs:
            models = Models(checkpoint, device, num_quantizers, backend)
            batch.run(partial(_decode_file, models, num_quantizers, fps, frames, options.overwrite))
    return batch


def read_pieces(path: Path, reading: ReadOptions | None = None) -> Iterator[PoseSequence]:
    """A file in pieces: an hour of a `.pose` file need not be in memory. Other formats are read as a whole.

    Raises:
        UserError: as `read`.
    """
    reading = reading or ReadOptions()
    if path.suffix.lower() != ".pose":
        yield reading.read(path)
        return
    yield from reading.blocks(path, PIECE_FRAMES)


def _encode_file(models: Models, encoding: EncodeOptions, overwrite: bool, job: Job) -> EncodedFile:
    if encoding.bits_per_frame is not None:
        sequence = encoding.reading.read(job.source)
        shown = _Shown(models.of(sequence.skeleton))
        shown.look(sequence)
        asked = encoding.bits_per_frame
        tokens, spare = encode_within(shown.model, sequence, asked, num_quantizers=encoding.num_quantizers)
        _report_bits(job.source, tokens, asked, spare=spare)
    else:
        rest = read_pieces(job.source, encoding.reading)
        first = next(rest, None)
        if first is None:
            raise UserError("there are no frames to encode")
        shown = _Shown(models.of(first.skeleton))

        def pieces() -> Iterator[PoseSequence]:
            for piece in chain([first], rest):
                shown.look(piece)
                yield piece

        tokens = encode_pieces(shown.model, pieces(), lmbda=encoding.lmbda, num_quantizers=encoding.num_quantizers)
    shown.report(job.source, tokens)
    write_format(tokens, job.output, encoding.format, overwrite=overwrite)
    size = None if job.source.is_dir() else job.source.stat().st_size
    return _encoded_file(tokens, job, size)


def _report_bits(path: Path, tokens: PoseTokens, asked: float, *, spare: bool) -> None:
    """Notes that a number of bits per frame was asked for that no lambda comes near to."""
    taken, least = tokens.bits / tokens.header.frames, 0.05  # bits per frame that are worth a line
    if -least < asked - taken < least or not (taken > asked or spare):
        return
    limit = "the fewest" if taken > asked else "about the most"
    text = f"{asked:g} bits per frame asked for, {taken:.2f} taken, {limit} that --bits-per-frame can reach"
    notify(path, text, kind=f"files with {limit} bits that can be reached")


class _Shown:
    """What a file shows, piece by piece, that its tokens cannot say as well."""

    def __init__(self, model: Network) -> None:
        self.model = model
        self._seen: set[tuple[str, str]] = set()  # keypoints that any frame shows
        self._slopes: list[np.ndarray] = []  # degrees between the line of the shoulders and the horizontal
        self._head = 0.0  # how far the head is to the right of the shoulders' middle, summed over frames
        self._forearms: dict[Side, list[np.ndarray]] = {"left": [], "right": []}  # lengths in shoulder widths

    def look(self, sequence: PoseSequence) -> None:
        """Takes the next piece (T, K, D)."""
        self._seen.update(sequence.skeleton.keypoints[i] for i in np.flatnonzero(sequence.visible.any(axis=0)))
        shoulders, head = shoulders_and_head(sequence.skeleton)
        if not shoulders:  # of a layout of its own
            return
        left, right = shoulders
        both = sequence.visible[:, [left, right]].all(axis=1)
        body = measure_body(sequence)
        self._slopes.append(body.shoulder_slope)
        for side in SIDES:
            self._forearms[side].append(body.bone_length.get(f"{side}_forearm", np.empty(0)))
        x = np.where(sequence.visible[:, head], sequence.keypoints[:, head, 0], np.nan)[both]  # (t, points)
        self._head += float(np.nansum(x - sequence.keypoints[both][:, [left, right], 0].mean(axis=1, keepdims=True)))

    def report(self, path: Path, tokens: PoseTokens) -> None:
        """Notes what decoded poses will not have, or have otherwise."""
        face, body = self._filled_in(tokens)
        if face:
            text = "the face is missing in all frames; decoding fills it with the model's"
            notify(path, text, kind="files without a face")
        if body:
            text = f"missing in all frames: {', '.join(body)}; decoding fills in the model's"
            notify(path, text, kind="files without a body's points")
        if self._slopes and finite_median(np.concatenate(self._slopes)) > TURNED:
            degrees = "90 (or 270)" if self._head == 0 else 90 if self._head < 0 else 270
            text = (
                "the shoulders stand upright in the picture: was the video turned? Decoded poses will be far off; "
                f"`pose-core convert --rotate {degrees} IN OUT` turns it"
            )
            notify(path, text, kind="turned pictures")
        for side in SIDES:
            length = finite_median(np.concatenate(self._forearms[side] or [np.empty(0)]))
            if length > LONGEST_FOREARM:
                text = (
                    f"the {side} forearm is {length:.1f} shoulder widths long: is its wrist a placeholder for a "
                    "missing keypoint? Set its confidence to 0, or decoding may lose the whole body"
                )
                notify(path, text, kind="files with implausibly long forearms")

    def _filled_in(self, tokens: PoseTokens) -> tuple[bool, list[str]]:
        """Whether decoding shows a face that no frame of the file does, and names of such points of the body.

        Unlike hands: a model that was trained on clips with faces alone knows of none without.
        """
        skeleton = self.model.skeleton
        unseen = {i for i, name in enumerate(skeleton.keypoints) if name not in self._seen}
        face = skeleton.face() if unseen.issuperset(skeleton.face()) else []
        hands = {*skeleton.hand("left"), *skeleton.hand("right")}
        body = [i for i in (skeleton.part("body") if skeleton.layout else []) if i in unseen - hands]
        if not face and not body:
            return False, []
        decoded = {*np.flatnonzero(decode(self.model, tokens).visible.any(axis=0)).tolist()}
        return not decoded.isdisjoint(face), [skeleton.keypoints[i][1] for i in body if i in decoded]


def _encode_live(models: Models, encoding: EncodeOptions, overwrite: bool, job: Job) -> EncodedFile:
    model = models.default()
    with Interruption() as interruption:
        lines = interruption.lines(cast("io.BufferedReader", sys.stdin.buffer))
        pieces = live_frames(lines, model, encoding.reading.fps or DEFAULT_FPS)
        try:
            tokens = encode_pieces(model, pieces, lmbda=encoding.lmbda, num_quantizers=encoding.num_quantizers)
        except UserError:
            if interruption.happened:  # before anything could be encoded
                raise KeyboardInterrupt from None
            raise
        write_format(tokens, job.output, encoding.format, overwrite=overwrite)
        return _encoded_file(tokens, job, None, interrupted=interruption.happened)


def _encoded_file(tokens: PoseTokens, job: Job, size: int | None, *, interrupted: bool = False) -> EncodedFile:
    return EncodedFile(
        file=job.name,
        output=job.output,
        frames=tokens.header.frames,
        seconds=tokens.header.seconds,
        codes=int((tokens.codes >= 0).sum()),
        bits_per_frame=tokens.bits / tokens.header.frames,
        bytes_before=size,
        bytes_after=job.output.stat().st_size,
        interrupted=interrupted,
    )


def _decode_file(
    models: Models, num_quantizers: int | None, fps: float | None, frames: int | None, overwrite: bool, job: Job
) -> DecodedFile:
    text_model = models.default() if job.source.suffix == SUFFIXES["text"] else None  # other formats name theirs
    entropy_model = None if models.named is None else models.named.entropy_model
    tokens = read_format(job.source, text_model, fps=fps, frames=frames, name=job.name, entropy_model=entropy_model)
    sequence = decode(models.of_tokens(tokens.header), tokens, num_quantizers=num_quantizers)
    write(sequence, job.output, overwrite=overwrite)
    return DecodedFile(job.name, job.output, len(sequence), sequence.duration, anatomy(sequence).summary())


def _is_live() -> bool:
    """Whether standard input is lines of JSON rather than a pose file."""
    start = sys.stdin.buffer.peek(16) if isinstance(sys.stdin.buffer, io.BufferedReader) else b""
    keyed = start.lstrip().startswith((b"{", b"[{"))  # an estimator's JSON
    return pose_suffix(start) in (".csv", ".json") and not keyed and not start.startswith(b"frame#")

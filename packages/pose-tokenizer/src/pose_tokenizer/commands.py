"""What the commands do with files: check everything, work, then write."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from pose_core import PoseSequence, UserError, write
from pose_core.atomic_files import atomic_write
from pose_core.formats import DEFAULT_FPS, FORMATS
from pose_core.formats.options import ReadOptions
from pose_core.inputs import PIPE, pose_suffix
from pose_core.jobs import Job, JobOptions, JobRunner, planned
from pose_core.metrics import anatomy
from pose_core.notices import notify
from pose_tokenizer.codec import decode, encode, encode_pieces
from pose_tokenizer.files.serialization import TEXT_FPS, from_json, from_text, to_json, to_text
from pose_tokenizer.files.token_file import MAGIC, PoseTokens, read_tokens, write_tokens
from pose_tokenizer.live import Interruption, live_frames
from pose_tokenizer.model import load_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pose_tokenizer.model import PoseTokenizer

TokenFormat = Literal["tokens", "json", "text"]
SUFFIXES: dict[str, str] = {"tokens": ".tokens", "json": ".json", "text": ".txt"}
_NO_RATE = "token files that state no frame rate"
SPAN = 4096  # frames of a file that are read at once


@dataclass(frozen=True)
class Encoding:
    """How files are read and encoded; see `pose-tokenizer encode --help`."""

    checkpoint: str
    rate: float | None = None
    bits_per_frame: float | None = None
    num_quantizers: int | None = None
    format: TokenFormat = "tokens"
    device: str = "auto"
    reading: ReadOptions = field(default_factory=ReadOptions)


@dataclass(frozen=True)
class EncodedFile:
    """What one file became.

    Attributes:
        bits_per_frame: of the packed codes, whatever format they are written in; the file's header is not in it.
        codes: how many there are.
        interrupted: it arrived on standard input, and Ctrl-C ended it.
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


def encode_files(
    inputs: Sequence[str], output: Path | None, encoding: Encoding, options: JobOptions | None = None
) -> JobRunner[EncodedFile]:
    """Encodes pose files, folders of them, globs, or standard input: a pose file, or frames as lines of JSON.

    Args:
        output: a file for one input, a folder for several, `-` for standard output; beside each input by default.

    Raises:
        UserError: an input, model or output that cannot be used, unless the batch keeps going.
    """
    _check_suffix(output, encoding.format)
    options = options or JobOptions()
    live = list(inputs) == [PIPE] and _is_live()
    with planned(
        inputs,
        output,
        options,
        verb="encoding",
        suffixes=tuple(FORMATS),
        suffix=SUFFIXES[encoding.format],
        spool=not live,
    ) as batch:
        if batch.jobs:
            model = _checked(load_model(encoding.checkpoint, encoding.device), encoding.num_quantizers)
            batch.run(lambda job: (_encode_live if live else _encode_file)(model, job, encoding, options.overwrite))
    return batch


@dataclass(frozen=True)
class DecodedFile:
    """What one token file became; `anatomy` says what is wrong with the body, if anything is."""

    file: str
    output: Path
    frames: int
    seconds: float
    anatomy: str | None


def decode_files(
    inputs: Sequence[str],
    output: Path | None,
    options: JobOptions | None = None,
    *,
    checkpoint: str,
    num_quantizers: int | None = None,
    fps: float | None = None,
    device: str = "auto",
) -> JobRunner[DecodedFile]:
    """Decodes token files of any format, folders, globs, or standard input, to `.pose` or what `output` ends in.

    Args:
        fps: frames per second of lines of integers, which state none (None: 25, with an `InputWarning`). The other
            formats state theirs.

    Raises:
        UserError: as `encode_files`; or tokens of another model.
    """
    options = options or JobOptions()
    suffixes = tuple(SUFFIXES.values())
    with planned(
        inputs,
        output,
        options,
        verb="decoding",
        suffixes=suffixes,
        suffix=".pose",
        writable=FORMATS,
        sniff=_token_suffix,
    ) as batch:
        if batch.jobs:
            model = _checked(load_model(checkpoint, device), num_quantizers)
            batch.run(lambda job: _decode_file(model, job, num_quantizers, fps, options.overwrite))
    return batch


def _decode_file(
    model: PoseTokenizer, job: Job, num_quantizers: int | None, fps: float | None, overwrite: bool
) -> DecodedFile:
    sequence = decode(model, tokens_of(job.source, model, fps=fps, name=job.name), num_quantizers=num_quantizers)
    write(sequence, job.output, overwrite=overwrite)
    return DecodedFile(job.name, job.output, len(sequence), sequence.duration, anatomy(sequence).summary())


def _is_live() -> bool:
    """Whether standard input is lines of JSON rather than a pose file."""
    start = sys.stdin.buffer.peek(16) if isinstance(sys.stdin.buffer, io.BufferedReader) else b""
    keyed = start.lstrip().startswith((b"{", b"[{"))  # an estimator's JSON
    return pose_suffix(start) in (".csv", ".json") and not keyed and not start.startswith(b"frame#")


def _token_suffix(start: bytes) -> str:
    """The suffix of a token file by its first bytes."""
    if start.startswith(MAGIC):
        return SUFFIXES["tokens"]
    return SUFFIXES["json"] if start.lstrip().startswith(b"{") else SUFFIXES["text"]


def tokens_of(
    path: Path, model: PoseTokenizer | None = None, *, fps: float | None = None, name: str | None = None
) -> PoseTokens:
    """The tokens of a file of any of the formats.

    Args:
        model: whose tokens a line of integers is; the other formats say so themselves.
        fps: frames per second of a line of integers; None: 25, with an `InputWarning`.
        name: what the warning calls the file; its path by default.

    Raises:
        UserError: a file that is none of them, a line of integers of no model, or `fps` for a format that states one.
    """
    if fps is not None and path.suffix != SUFFIXES["text"]:
        raise UserError(f"{path}: states its frame rate itself; --fps is for tokens as text (.txt)")
    if path.suffix not in (SUFFIXES["json"], SUFFIXES["text"]):
        return read_tokens(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as text ({error})") from error
    if path.suffix == SUFFIXES["json"]:
        return from_json(text)
    if model is None:
        raise UserError(
            f"{path}: a line of integers says nothing but its codes; decode it, or encode with --format json"
        )
    if fps is None:
        fps = TEXT_FPS
        notify(
            name or path, f"states no frame rate; {fps:g} frames per second assumed; --fps says another", kind=_NO_RATE
        )
    return from_text(text, model, fps=fps)


def describe(path: str, device: str = "cpu") -> dict[str, Any]:
    """What a token file or a model is."""
    file = Path(path)
    if file.is_file():
        tokens = _named(file, lambda: tokens_of(file))
        header = tokens.header
        return {
            "file": file,
            "model": header.model,
            "model_hash": header.model_hash,
            "frames": header.frames,
            "fps": header.fps,
            "seconds": header.seconds,
            "blocks": header.blocks,
            "codes": int((tokens.codes >= 0).sum()),
            "bits_per_frame": tokens.bits / max(1, header.frames),
            "bytes": file.stat().st_size,
        }
    model = load_model(path, device)
    return {
        "model": model.name,
        "model_hash": model.hash,
        "parameters": sum(p.numel() for p in model.parameters()),
        "keypoints": model.skeleton.num_keypoints,
        "components": {component.name: len(component.points) for component in model.skeleton.components},
        **{name: value for name, value in model.config.model_dump().items() if name != "skeleton"},
    }


def _check_suffix(output: Path | None, format: TokenFormat) -> None:
    """Refuses a file whose name says it is something else: it would be read as that.

    Raises:
        UserError: naming the format that belongs to the suffix, or none does.
    """
    if output is None or output.is_dir() or output.suffix in ("", SUFFIXES[format]):
        return
    for other, suffix in SUFFIXES.items():
        if output.suffix == suffix:
            raise UserError(f"{output}: --format {format} is written; add --format {other}, or name another file")
    if output.suffix in FORMATS:
        raise UserError(f"{output}: tokens are written, no poses; name a file that ends in {SUFFIXES[format]}")


def _encode_file(model: PoseTokenizer, job: Job, encoding: Encoding, overwrite: bool) -> EncodedFile:
    tokens = _encoded(model, job.source, encoding)
    size = None if job.source.is_dir() else job.source.stat().st_size
    return _written(tokens, job, encoding, size, overwrite=overwrite)


def _encode_live(model: PoseTokenizer, job: Job, encoding: Encoding, overwrite: bool) -> EncodedFile:
    rate = model.config.rate if encoding.rate is None else encoding.rate
    with Interruption() as interruption:
        pieces = live_frames(
            interruption.lines(cast("io.BufferedReader", sys.stdin.buffer)), model, encoding.reading.fps or DEFAULT_FPS
        )
        try:
            tokens = encode_pieces(model, pieces, rate=rate, num_quantizers=encoding.num_quantizers)
        except UserError:
            if interruption.happened:  # before anything could be encoded
                raise KeyboardInterrupt from None
            raise
        return _written(tokens, job, encoding, None, overwrite=overwrite, interrupted=interruption.happened)


def _encoded(model: PoseTokenizer, path: Path, encoding: Encoding) -> PoseTokens:
    if encoding.bits_per_frame is not None:
        sequence = encoding.reading.read(path)
        return encode(model, sequence, bits_per_frame=encoding.bits_per_frame, num_quantizers=encoding.num_quantizers)
    rate = model.config.rate if encoding.rate is None else encoding.rate
    return encode_pieces(model, spans(path, encoding.reading), rate=rate, num_quantizers=encoding.num_quantizers)


def spans(path: Path, reading: ReadOptions | None = None) -> Iterator[PoseSequence]:
    """A file in pieces: an hour of a `.pose` file need not be in memory. Other formats are read as a whole.

    Raises:
        UserError: as `read`.
    """
    reading = reading or ReadOptions()
    if path.suffix.lower() != ".pose":
        yield reading.read(path)
        return
    start, more = 0, True
    while more:
        piece = reading.read(path, start=start, end=start + SPAN + 1)  # one frame more tells whether there are more
        start, more = start + SPAN, len(piece) > SPAN
        yield piece[:SPAN]


def _checked(model: PoseTokenizer, num_quantizers: int | None) -> PoseTokenizer:
    """The model, if it has so many quantizers.

    Raises:
        UserError: it has fewer.
    """
    most = model.config.num_quantizers
    if num_quantizers is not None and num_quantizers > most:
        raise UserError(f"--quantizers is {num_quantizers}; the model {model.name} has {most}")
    return model


def _written(
    tokens: PoseTokens,
    job: Job,
    encoding: Encoding,
    before: int | None,
    *,
    overwrite: bool,
    interrupted: bool = False,
) -> EncodedFile:
    if encoding.format == "tokens":
        write_tokens(tokens, job.output, overwrite=overwrite)
    else:
        text = to_json(tokens) if encoding.format == "json" else to_text(tokens)
        with atomic_write(job.output, overwrite=overwrite) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return EncodedFile(
        file=job.name,
        output=job.output,
        frames=tokens.header.frames,
        seconds=tokens.header.seconds,
        codes=int((tokens.codes >= 0).sum()),
        bits_per_frame=tokens.bits / tokens.header.frames,
        bytes_before=before,
        bytes_after=job.output.stat().st_size,
        interrupted=interrupted,
    )


def _named(path: Path | str, work: Callable[[], Any]) -> Any:
    """What `work` gives; its complaint begins with the path."""
    try:
        return work()
    except UserError as error:
        message = str(error)
        raise UserError(message if message.startswith(str(path)) else f"{path}: {message}") from error

"""What the commands do with files: check everything, work, then write."""

from __future__ import annotations

import glob
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pose_core import PoseSequence, UserError, read, write
from pose_core.files import check_output, check_output_folder, removed_if_empty, written_whole
from pose_core.formats import FORMATS
from pose_tokenizer.checkpoint import load_model
from pose_tokenizer.codec import decode, encode, encode_pieces
from pose_tokenizer.tokens import PoseTokens, read_tokens, write_tokens
from pose_tokenizer.writing import from_json, from_text, to_json, to_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pose_tokenizer.model import PoseTokenizer

TokenFormat = Literal["tokens", "json", "text"]
SUFFIXES: dict[str, str] = {"tokens": ".tokens", "json": ".json", "text": ".txt"}
STDIN = "-"
LINES = 64  # of standard input that are encoded at once
SPAN = 4096  # frames of a file that are read at once


@dataclass(frozen=True)
class Encoding:
    """How files are encoded; see `pose-tokenizer encode --help`."""

    checkpoint: str
    rate: float | None
    bits_per_frame: float | None
    num_quantizers: int | None
    format: TokenFormat
    device: str
    overwrite: bool


@dataclass(frozen=True)
class EncodedFile:
    """What one file became.

    Attributes:
        bits_per_frame: of the packed codes, whatever format they are written in; the file's header is not in it.
        codes: how many there are.
    """

    file: str
    output: Path
    frames: int
    seconds: float
    codes: int
    bits_per_frame: float
    bytes_before: int | None
    bytes_after: int


def encode_files(
    inputs: Sequence[str],
    output: Path | None,
    encoding: Encoding,
    *,
    fps: float = 25.0,
    progress: Callable[[str], None] = lambda message: None,
) -> list[EncodedFile]:
    """Encodes pose files, folders of them, globs, or standard input.

    Args:
        output: a file for one input, a folder for several; beside each input by default.
        fps: of standard input.

    Raises:
        UserError: an input, model or output that cannot be used; files before it are written, those after are not.
    """
    _check_suffix(output, encoding.format)
    if list(inputs) == [STDIN]:
        if output is None:
            raise UserError("standard input has no name: say where its tokens go with --output")
        check_output(output, overwrite=encoding.overwrite)
        model = _checked(load_model(encoding.checkpoint, encoding.device), encoding.num_quantizers)
        rate = model.config.rate if encoding.rate is None else encoding.rate
        pieces = _standard_input(model, fps)
        tokens = _named(
            "standard input", lambda: encode_pieces(model, pieces, rate=rate, num_quantizers=encoding.num_quantizers)
        )
        return [_written(tokens, "standard input", output, encoding, None)]
    with removed_if_empty(output):
        jobs = _jobs(inputs, output, SUFFIXES[encoding.format])
        for _, target in jobs:
            check_output(target, overwrite=encoding.overwrite)
        model = _checked(load_model(encoding.checkpoint, encoding.device), encoding.num_quantizers)
        done = []
        for path, target in jobs:
            progress(f"encoding {path}")
            tokens = _named(path, lambda path=path: _encoded(model, path, encoding))
            done.append(_written(tokens, str(path), target, encoding, path.stat().st_size))
    return done


@dataclass(frozen=True)
class DecodedFile:
    """What one token file became."""

    file: Path
    output: Path
    frames: int
    seconds: float


def decode_files(
    inputs: Sequence[str],
    output: Path | None,
    *,
    checkpoint: str,
    num_quantizers: int | None = None,
    device: str = "auto",
    overwrite: bool = False,
    progress: Callable[[str], None] = lambda message: None,
) -> list[DecodedFile]:
    """Decodes token files of any format, folders of them or globs, to `.pose` or what `output` ends in.

    Raises:
        UserError: as `encode_files`; or tokens of another model.
    """
    with removed_if_empty(output):
        jobs = _jobs(inputs, output, ".pose", suffixes=tuple(SUFFIXES.values()))
        for _, target in jobs:
            check_output(target, overwrite=overwrite)
        model = _checked(load_model(checkpoint, device), num_quantizers)
        done = []
        for path, target in jobs:
            progress(f"decoding {path}")
            sequence = _named(
                path, lambda path=path: decode(model, tokens_of(path, model), num_quantizers=num_quantizers)
            )
            write(sequence, target, overwrite=overwrite)
            done.append(DecodedFile(path, target, len(sequence), sequence.duration))
    return done


def tokens_of(path: Path, model: PoseTokenizer | None = None) -> PoseTokens:
    """The tokens of a file of any of the formats.

    Args:
        model: whose tokens a line of integers is; the other formats say so themselves.

    Raises:
        UserError: a file that is none of them, or a line of integers of no model.
    """
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
    return from_text(text, model)


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


def _encoded(model: PoseTokenizer, path: Path, encoding: Encoding) -> PoseTokens:
    if encoding.bits_per_frame is not None:
        return encode(model, read(path), bits_per_frame=encoding.bits_per_frame, num_quantizers=encoding.num_quantizers)
    rate = model.config.rate if encoding.rate is None else encoding.rate
    return encode_pieces(model, spans(path), rate=rate, num_quantizers=encoding.num_quantizers)


def spans(path: Path) -> Iterator[PoseSequence]:
    """A file in pieces: an hour of a `.pose` file need not be in memory. Other formats are read as a whole.

    Raises:
        UserError: as `read`.
    """
    if path.suffix.lower() != ".pose":
        yield read(path)
        return
    start, more = 0, True
    while more:
        piece = read(path, start=start, end=start + SPAN + 1)  # one frame more tells whether there are more
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


def _written(tokens: PoseTokens, name: str, target: Path, encoding: Encoding, before: int | None) -> EncodedFile:
    if encoding.format == "tokens":
        write_tokens(tokens, target, overwrite=encoding.overwrite)
    else:
        text = to_json(tokens) if encoding.format == "json" else to_text(tokens)
        with written_whole(target, overwrite=encoding.overwrite) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return EncodedFile(
        file=name,
        output=target,
        frames=tokens.header.frames,
        seconds=tokens.header.seconds,
        codes=int((tokens.codes >= 0).sum()),
        bits_per_frame=tokens.bits / tokens.header.frames,
        bytes_before=before,
        bytes_after=target.stat().st_size,
    )


def _jobs(
    inputs: Sequence[str], output: Path | None, suffix: str, *, suffixes: Sequence[str] = tuple(FORMATS)
) -> list[tuple[Path, Path]]:
    """Each input file and where its result goes.

    Raises:
        UserError: nothing there, or two results that would be one file.
    """
    files: list[tuple[Path, Path]] = []  # and what it is below
    for given in inputs:
        path = Path(given)
        if path.is_dir():
            below = sorted(p for p in path.rglob("*") if p.suffix in suffixes and p.is_file())
            if not below:
                raise UserError(f"{path}: holds no file that ends in {', '.join(suffixes)}")
            files += [(p, p.relative_to(path)) for p in below]
        elif path.exists() or not glob.has_magic(given):
            files.append((path, Path(path.name)))
        else:
            found = sorted(glob.glob(given, recursive=True))  # noqa: PTH207 - absolute patterns, too
            if not found:
                raise UserError(f"{given}: no file matches")
            files += [(Path(p), Path(Path(p).name)) for p in found]
    for path, _ in files:
        if not path.is_file():
            raise UserError(f"{path}: no such file")
    if output is None:
        jobs = [(path, path.with_suffix(suffix)) for path, _ in files]
    elif len(files) == 1 and output.suffix and not output.is_dir():
        jobs = [(files[0][0], output)]
    else:
        check_output_folder(output)
        jobs = [(path, (output / name).with_suffix(suffix)) for path, name in files]
        for _, target in jobs:
            check_output_folder(target.parent)
    seen: dict[Path, Path] = {}
    for path, target in jobs:
        if target in seen:
            raise UserError(f"{path} and {seen[target]} would both become {target}; encode them into different folders")
        seen[target] = path
    return jobs


def _named(path: Path | str, work: Callable[[], Any]) -> Any:
    """What `work` gives; its complaint begins with the path."""
    try:
        return work()
    except UserError as error:
        message = str(error)
        raise UserError(message if message.startswith(str(path)) else f"{path}: {message}") from error


def _standard_input(model: PoseTokenizer, fps: float) -> Iterator[PoseSequence]:
    """Frames from standard input, a JSON list of [x, y, confidence] of each keypoint a line, on the model's skeleton.

    Raises:
        UserError: a line that is something else; the message counts it.
    """
    K = model.skeleton.num_keypoints
    frames: list[np.ndarray] = []
    for number, line in enumerate(sys.stdin.buffer, start=1):
        if not line.strip():
            continue
        try:
            frame = np.asarray(json.loads(line), np.float32).reshape(K, 3)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise UserError(f"line {number}: not a JSON list of {K} keypoints [x, y, confidence]") from error
        frames.append(frame)
        if len(frames) == LINES:
            yield _sequence(np.stack(frames), model, fps)
            frames = []
    if frames:
        yield _sequence(np.stack(frames), model, fps)


def _sequence(frames: np.ndarray, model: PoseTokenizer, fps: float) -> PoseSequence:
    return PoseSequence(frames[..., :2], frames[..., 2], fps, model.skeleton)

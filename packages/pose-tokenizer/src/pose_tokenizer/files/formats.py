"""Token files in any of the three formats: packed, JSON, or one line of integers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pose_core import UserError
from pose_core.atomic_files import atomic_write
from pose_core.formats import WRITERS
from pose_core.notices import notify
from pose_core.rates import DEFAULT_FPS
from pose_tokenizer.files.serialization import from_json, from_text, to_json, to_text
from pose_tokenizer.files.suffixes import SUFFIXES, TokenFormat
from pose_tokenizer.files.token_file import MAGIC, PoseTokens, read_tokens, write_tokens

if TYPE_CHECKING:
    from pathlib import Path

    from pose_tokenizer.entropy.entropy_model import EntropyModel
    from pose_tokenizer.model import PoseTokenizer
    from pose_tokenizer.network import Network

_NO_RATE = "token files that state no frame rate"


def write_format(tokens: PoseTokens, path: Path, format: TokenFormat, *, overwrite: bool = False) -> None:
    """Writes tokens as `tokens`, `json` or `text`.

    Raises:
        UserError: as `write_tokens`.
    """
    if format == "tokens":
        write_tokens(tokens, path, overwrite=overwrite)
        return
    text = to_json(tokens) if format == "json" else to_text(tokens)
    with atomic_write(path, overwrite=overwrite) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_format(
    path: Path,
    model: PoseTokenizer | Network | None = None,
    *,
    fps: float | None = None,
    frames: int | None = None,
    name: str | None = None,
    entropy_model: EntropyModel | None = None,
) -> PoseTokens:
    """Reads tokens; the suffix says in which format.

    Args:
        path: the file.
        model: whose tokens a line of integers is; the other formats say so themselves.
        fps: frames per second of a line of integers; None: 25, with an `InputWarning`.
        frames: how many a line of integers has; None: those of whole blocks.
        name: of the file in the warning; its path by default.
        entropy_model: see `read_tokens`.

    Raises:
        UserError: a file that is none of them, a line of integers of no model or of other numbers of frames, or `fps`
            or `frames` for a format that states them.
    """
    for option, given, what in (("fps", fps, "frame rate"), ("frames", frames, "number of frames")):
        if given is not None and path.suffix != SUFFIXES["text"]:
            raise UserError(f"{path}: states its {what} itself; --{option} is for tokens as text (.txt)")
    if path.suffix not in (SUFFIXES["json"], SUFFIXES["text"]):
        return read_tokens(path, entropy_model)
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
        fps = DEFAULT_FPS
        notify(
            name or path, f"states no frame rate; {fps:g} frames per second assumed; --fps says another", kind=_NO_RATE
        )
    return from_text(text, model, fps=fps, frames=frames)


def sniff_suffix(start: bytes) -> str:
    """The suffix of a token file by its first bytes."""
    if start.startswith(MAGIC):
        return SUFFIXES["tokens"]
    return SUFFIXES["json"] if start.lstrip().startswith(b"{") else SUFFIXES["text"]


def check_suffix(output: Path | None, format: TokenFormat) -> None:
    """Refuses an output whose name says it has another format: it would be read as that.

    Raises:
        UserError: naming the format of the suffix, or that there is none.
    """
    if output is None or output.is_dir() or output.suffix in ("", SUFFIXES[format]):
        return
    for other, suffix in SUFFIXES.items():
        if output.suffix == suffix:
            raise UserError(f"{output}: --format {format} is written; add --format {other}, or name another file")
    if output.suffix in WRITERS:
        raise UserError(f"{output}: tokens are written, no poses; name a file that ends in {SUFFIXES[format]}")

"""Poses to tokens and back, where pose-tokenizer is installed beside this package."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from pose_core import UserError
from text_to_pose.app.files import JSON, POSES, TEXT, Answer, check_frames, poses_answer, stored
from text_to_pose.app.neighbours import is_installed, model_and_poses, neighbours

if TYPE_CHECKING:
    from text_to_pose.app.requests import DecodeRequest, EncodeRequest

NEIGHBOUR = "pose_tokenizer"


def has_tokenizer() -> bool:
    """Whether pose-tokenizer is installed."""
    return is_installed(NEIGHBOUR)


@cache
def _tokenizer() -> SimpleNamespace:
    """What is used of pose-tokenizer."""
    modules = ("codec", "files.formats", "files.serialization", "files.token_file", "model_selection")
    codec, formats, serialization, token_file, selection = neighbours(NEIGHBOUR, modules, "tokens need pose-tokenizer")
    return SimpleNamespace(
        encode=codec.encode,
        decode=codec.decode,
        sniff_suffix=formats.sniff_suffix,
        read_format=formats.read_format,
        to_json=serialization.to_json,
        to_text=serialization.to_text,
        file_content=token_file.file_content,
        models=selection.Models(None),
    )


def encode(request: EncodeRequest, data: bytes) -> Answer:
    """The tokens of a `.pose` file; `about` has sizes.

    Raises:
        NotInstalledError: without pose-tokenizer.
        UserError: poses that cannot be encoded, or no bundled model of that name.
    """
    tokenizer = _tokenizer()
    model, sequence = model_and_poses(tokenizer.models, request, data)
    tokens = tokenizer.encode(model, sequence, bits_per_frame=request.bits_per_frame)
    packed = tokenizer.file_content(tokens)
    sizes = {
        "frames": tokens.header.frames,
        "seconds": round(tokens.header.seconds, 3),
        "codes": int((tokens.codes >= 0).sum()),
        "bits_per_frame": round(tokens.bits / tokens.header.frames, 3),
        "bytes_before": len(data),
        "bytes_after": len(packed),
    }
    about = {"Model": model.name, "Sizes": json.dumps(sizes)}
    if request.format == "tokens":
        return Answer(packed, POSES, "poses.tokens", about)
    if request.format == "text":
        return Answer(tokenizer.to_text(tokens).encode(), TEXT, "poses.txt", about)
    return Answer(tokenizer.to_json(tokens).encode(), JSON, "poses.json", about)


def decode(request: DecodeRequest, data: bytes) -> Answer:
    """The poses of tokens, packed or as JSON.

    Raises:
        NotInstalledError: without pose-tokenizer.
        UserError: no tokens, those of an unknown model, or too many.
    """
    tokenizer = _tokenizer()
    with stored(data, f"tokens{tokenizer.sniff_suffix(data)}") as path:
        if Path(path).suffix == ".txt":
            raise UserError("neither a .tokens file nor tokens as JSON; a line of integers does not name its model")
        tokens = tokenizer.read_format(path)
    check_frames(tokens.header.frames, "tokens")
    check_frames(tokens.header.empty_frames, "tokens")
    model = tokenizer.models.of_tokens(tokens.header)
    if not model.hash.startswith(tokens.header.model_hash):
        known = ", ".join(tokenizer.models.bundled)
        raise UserError(f"these tokens were made by the model {tokens.header.model}, which is none of {known}")
    sequence = tokenizer.decode(model, tokens)
    return poses_answer(sequence, request.format, "poses", [], model.name)

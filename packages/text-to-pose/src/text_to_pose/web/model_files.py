"""A model as the page loads it: its graphs, its weights, packed, and a description in JSON."""

from __future__ import annotations

import gzip
import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core import Skeleton, UserError
from pose_core.pretrained import WEIGHTS
from pose_core.shared_weights import KEY, check_layout, model_layout
from text_to_pose.fingerspelling.transitions import PICTURE_WIDTHS
from text_to_pose.generation import PAUSE
from text_to_pose.lengths import MAX_SIGN_SECONDS, MIN_SIGN_FRAMES
from text_to_pose.motion.anchoring import MAX_ANCHOR_SPEED
from text_to_pose.motion.hand_layout import HandLayout
from text_to_pose.onnx_model import COMMAND, GRAPHS, read_model
from text_to_pose.text.languages import language_name
from text_to_pose.text.letters import TURKIC, letter_order
from text_to_pose.text.tokenizer import NONE, NOTHING, TextTokenizer

if TYPE_CHECKING:
    from pathlib import Path

    from text_to_pose.config import TextToPoseConfig

FORMAT = 1  # of `model.json`; raised when an older page could not use it
DESCRIPTION, PACKED_WEIGHTS = "model.json", "weights.bin"
NAMES = (DESCRIPTION, PACKED_WEIGHTS, *GRAPHS)


def write_model(model: Path, folder: Path) -> None:
    """Writes the files `NAMES`.

    Args:
        model: its folder, with graphs.
        folder: exists.

    Raises:
        UserError: the model's folder has no graphs or those of another model, its texts are no letters, or it signs in
            depth, for which the page has no code.
    """
    config, start_keypoints, start_confidence = read_model(model)
    tokenizer = TextTokenizer(config.text)
    if config.text.kind != "letters" or not tokenizer.letters:
        raise UserError(f"{model}: the page fingerspells, and this model's texts are no letters; give another")
    if config.signs_in_depth:
        raise UserError(f"{model}: the page has no code for models that sign in depth; give another")
    for graph in GRAPHS:
        _check_graph(model, graph)
        shutil.copyfile(model / graph, folder / graph)
    (folder / PACKED_WEIGHTS).write_bytes(packed((model / WEIGHTS).read_bytes()))
    description = _description(config, tokenizer, start_keypoints, start_confidence)
    text = json.dumps(description, ensure_ascii=False, separators=(",", ":"))
    (folder / DESCRIPTION).write_text(text, encoding="utf-8")


def _check_graph(model: Path, graph: str) -> None:
    """Refuses a graph of another model; without onnx, as a graph's metadata are plain text in it."""
    layout = model_layout(model)
    fits = layout.encode() in (model / graph).read_bytes()
    check_layout(model, {KEY: layout if fits else ""}, command=COMMAND)


def packed(weights: bytes) -> bytes:
    """All even bytes and then all odd ones, which are an eighth smaller when compressed: weights are halves.

    Without a time, so that the same model is the same file.
    """
    values = np.frombuffer(weights + b"\0" * (len(weights) % 2), np.uint8)
    return gzip.compress(values.reshape(-1, 2).T.tobytes(), 9, mtime=0)


def _description(
    config: TextToPoseConfig, tokenizer: TextTokenizer, start_keypoints: np.ndarray, start_confidence: np.ndarray
) -> dict[str, Any]:
    """What the page knows of the model; `StoredModel` in `web/src/model/description.ts` names the same."""
    skeleton = Skeleton.from_dict(config.skeleton)
    layout = HandLayout.of(skeleton, config.network)
    sides = ("left", "right")
    return {
        "format": FORMAT,
        "fps": config.fps,
        "numSteps": config.num_steps,
        "guidance": config.guidance,
        "group": config.network.frames_per_token,
        "shortest": MIN_SIGN_FRAMES,
        "longest": MAX_SIGN_SECONDS,
        "pause": PAUSE,
        "anchorSpeed": MAX_ANCHOR_SPEED,
        "handDepth": PICTURE_WIDTHS,
        "nothing": NOTHING,
        "none": NONE,
        "turkic": sorted(TURKIC),
        "languages": [
            {
                "code": code,
                "name": language_name(code),
                "letters": sorted(tokenizer.alphabets[code], key=letter_order),
                "dominantHand": config.dominant_hands.get(code),
                "maxStep": config.max_step.get(code),
            }
            for code in tokenizer.languages
        ],
        "letters": tokenizer.letters,
        "tokens": _tokens(tokenizer),
        "skeleton": skeleton.to_dict(),
        "body": {
            "shoulders": skeleton.shoulders(),
            "hips": skeleton.hips(),
            "elbows": {side: skeleton.elbow(side) for side in sides},
            "wrists": {side: skeleton.wrist(side) for side in sides},
            "hands": {side: skeleton.hand(side) for side in sides},
            "wristPairs": layout.wrists,
            "mirror": skeleton.mirror(),
        },
        "handRoots": layout.root.tolist(),
        "handScales": layout.scales.ravel().tolist(),
        "startKeypoints": [_short(frame.ravel()) for frame in start_keypoints],
        "startConfidence": [_short(frame) for frame in start_confidence],
    }


def _tokens(tokenizer: TextTokenizer) -> dict[str, dict[str, dict[str, Any]]]:
    """Tokens of each letter in each language, of those borrowed from others, too."""
    letters = sorted({letter for alphabet in tokenizer.alphabets.values() for letter in alphabet})
    return {
        code: {
            letter: {"ids": tokens.ids, "letter": tokens.letter}
            for letter in letters
            for tokens in [tokenizer.tokenize(letter, code)]
        }
        for code in tokenizer.languages
    }


def _short(values: np.ndarray) -> list[float]:
    """Floats of 32 bits in as many digits as they have."""
    return [float(f"{value:.8g}") for value in values.tolist()]

"""Frames to codes and back, piece by piece; whole files go the same way, so that both give the same tokens.

The networks run over windows of a fixed number of blocks, with the blocks they see before and after a window as
context. So the codes do not depend on how many frames arrive at once, and memory does not grow with the length.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from pose_core import UserError
from pose_core.transforms.normalization import MAX_DISTANCE, Placement
from pose_tokenizer.nn.quantizer import num_codes
from pose_tokenizer.placement import rounded

if TYPE_CHECKING:
    from torch import Tensor

    from pose_tokenizer.model import EncoderState, PoseTokenizer

BEAM = 8  # hypotheses of the beam search
WINDOW = 16  # blocks that the networks run over at once
PLACEMENT_FRAMES = 16  # frames with both shoulders that place a person
MAX_WAIT = 160  # frames that are waited for them


class StreamEncoder:
    """Frames to codes.

    Args:
        model: the tokenizer.
        lmbda, num_quantizers, beam: see `PredictiveQuantizer.quantize`.

    Attributes:
        placement: where the person stands in the picture, once that is known.
        frames, empty_frames: frames so far, and those of them before both shoulders were first visible.
    """

    def __init__(
        self, model: PoseTokenizer, *, lmbda: float, num_quantizers: int | None = None, beam: int = BEAM
    ) -> None:
        self.model = model
        self.placement: Placement | None = None
        self.frames = self.empty_frames = 0
        options = {
            "lmbda": lmbda,
            "num_quantizers": num_quantizers,
            "beam": beam,
            "squared_norms": model.quantizer.squared_norms(),
        }
        self._encode_window = partial(model.encode, **options)
        self._shoulders = model.skeleton.shoulders()
        self._unplaced: list[tuple[np.ndarray, np.ndarray]] = []  # keypoints and visible, until the placement is known
        self._shoulder_frames = 0  # of these, how many show both shoulders
        K, D = model.features.mean.shape
        self._keypoints, self._visible = np.zeros((0, K, D), np.float32), np.zeros((0, K), bool)  # to be encoded
        self._state: EncoderState | None = None

    def push(self, keypoints: np.ndarray, confidence: np.ndarray) -> np.ndarray:
        """Takes frames.

        Args:
            keypoints: (t, K, D) in pixels, on the model's skeleton.
            confidence: (t, K), 0 = missing.

        Returns:
            Codes (n, Q) of the blocks that are complete by now, n often 0.
        """
        keypoints = np.asarray(keypoints, np.float64)
        visible = (np.asarray(confidence) > 0) & np.isfinite(keypoints).all(axis=-1)
        self.frames += len(keypoints)
        if self.placement is not None:
            self._append(keypoints, visible)
            return self._encode()
        left, right = self._shoulders
        both = visible[:, left] & visible[:, right]  # (t,)
        if not self._unplaced:
            empty = int(both.argmax()) if both.any() else len(both)
            self.empty_frames += empty
            keypoints, visible, both = keypoints[empty:], visible[empty:], both[empty:]
        if len(keypoints):
            self._unplaced.append((keypoints, visible))
            self._shoulder_frames += int(both.sum())
        if self._shoulder_frames >= PLACEMENT_FRAMES or sum(len(x) for x, _ in self._unplaced) >= MAX_WAIT:
            self._place()
        return self._encode()

    def finish(self) -> np.ndarray:
        """Codes (n, Q) of the remaining frames; the last block is filled up by its last frame."""
        if self._unplaced:
            self._place()
        return self._encode(flush=True)

    def _place(self) -> None:
        """Finds the placement by the frames that waited for it."""
        keypoints, visible = (np.concatenate(x) for x in zip(*self._unplaced, strict=True))
        self._unplaced = []
        self.placement = causal_placement(keypoints[:MAX_WAIT], visible[:MAX_WAIT], self._shoulders)
        self._append(keypoints, visible)

    def _append(self, keypoints: np.ndarray, visible: np.ndarray) -> None:
        """Adds frames, normalized, to those that are to be encoded."""
        assert self.placement is not None
        keypoints, visible = apply_placement(keypoints, visible, self.placement)
        self._keypoints = np.concatenate([self._keypoints, keypoints])
        self._visible = np.concatenate([self._visible, visible])

    @torch.inference_mode()
    def _encode(self, *, flush: bool = False) -> np.ndarray:
        """Codes (n, Q) of the windows that are full; of all frames there are, if `flush`."""
        model, size = self.model, WINDOW * self.model.block_frames
        codes = [np.zeros((0, model.config.num_quantizers), np.int32)]
        while len(self._keypoints) >= size or (flush and len(self._keypoints)):
            window = [
                torch.from_numpy(filled_block(x[:size], model.block_frames))[None].to(model.device)
                for x in (self._keypoints, self._visible)
            ]
            encoded = self._encode_window(*window, state=self._state)
            codes.append(encoded.codes[0].cpu().numpy().astype(np.int32))
            self._state = encoded.state
            self._keypoints, self._visible = self._keypoints[size:], self._visible[size:]
        return np.concatenate(codes)


class StreamDecoder:
    """Codes to frames, a few blocks behind: the decoder looks ahead.

    Args:
        model: the tokenizer that made the codes.
        placement: where the person stands in the picture.
    """

    def __init__(self, model: PoseTokenizer, placement: Placement) -> None:
        self.model = model
        self.placement = placement
        dim = model.config.latent_dim
        self._prediction: Tensor | None = None
        self._past = torch.zeros(1, 0, dim, device=model.device)  # decoded blocks that later ones look back at
        self._latents = torch.zeros(1, 0, dim, device=model.device)  # blocks to be decoded
        self._depth = torch.zeros(1, 0, dtype=torch.long, device=model.device)  # number of codes of all of them

    @torch.inference_mode()
    def push(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Takes codes (n, Q).

        Returns:
            The frames that no later code changes: keypoints (t, K, D) in pixels, confidence (t, K), 0 or 1.
        """
        if len(codes):
            quantizer = self.model.quantizer
            tensor = torch.from_numpy(np.asarray(codes, np.int64))[None].to(self.model.device)
            latents = quantizer.dequantize(tensor, self._prediction)
            self._prediction = quantizer.predict(latents[:, -1])
            self._latents = torch.cat([self._latents, latents], dim=1)
            self._depth = torch.cat([self._depth, num_codes(tensor)], dim=1)
        return self._decode()

    @torch.inference_mode()
    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """The remaining frames."""
        return self._decode(flush=True)

    def _decode(self, *, flush: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """The frames of the windows that are full, with the blocks after them; of all there are, if `flush`."""
        ahead = self.model.decoder.after
        K, D = self.model.features.mean.shape
        keypoints, confidence = [np.zeros((0, K, D), np.float32)], [np.zeros((0, K), np.float32)]
        while self._latents.shape[1] >= WINDOW + ahead or (flush and self._latents.shape[1]):
            window = self._decode_window(min(WINDOW, self._latents.shape[1]), ahead)
            keypoints.append(window[0])
            confidence.append(window[1])
        return np.concatenate(keypoints), np.concatenate(confidence)

    def _decode_window(self, count: int, ahead: int) -> tuple[np.ndarray, np.ndarray]:
        model, past = self.model, self._past.shape[1]
        latents = torch.cat([self._past, self._latents[:, : count + ahead]], dim=1)
        keypoints, logits = model.frames(latents, self._depth[:, : latents.shape[1]])
        window = slice(past * model.block_frames, (past + count) * model.block_frames)
        back = model.decoder.before
        self._past = latents[:, : past + count][:, -back:] if back else self._past
        self._latents = self._latents[:, count:]
        self._depth = self._depth[:, past + count - self._past.shape[1] :]
        confidence = (logits[0, window] > 0).float().cpu().numpy()
        pixels = keypoints[0, window].double().cpu().numpy() * self.placement.scale + np.asarray(self.placement.center)
        return (pixels * confidence[..., None]).astype(np.float32), confidence


def causal_placement(keypoints: np.ndarray, visible: np.ndarray, shoulders: tuple[int, int]) -> Placement:
    """Where a person stands: center and width of the shoulders, means over the first 16 frames that show both.

    `pose_core.transforms.normalize` averages over the whole clip, which a stream has not seen yet. Files are placed in
    the same way, so that they get the tokens that they would get as a stream. The width is that in the picture:
    estimated depth is too noisy to measure by, and is only moved to where the shoulders' is 0.

    Args:
        keypoints: (t, K, D) in pixels; visible: (t, K).
        shoulders: array positions of both.

    Returns:
        The placement on the grid of token files, without the picture's size.

    Raises:
        UserError: the shoulders lie on one point.
    """
    left, right = shoulders
    both = np.flatnonzero(visible[:, left] & visible[:, right])[:PLACEMENT_FRAMES]
    a, b = keypoints[both, left], keypoints[both, right]
    width = float(np.linalg.norm((a - b)[:, :2], axis=-1).mean()) if len(both) else 0.0
    center = tuple(((a + b) / 2).mean(axis=0).tolist()) if len(both) else (0.0,) * keypoints.shape[-1]
    extent = max(np.abs(a[:, :2]).max(initial=0.0), np.abs(b[:, :2]).max(initial=0.0))
    if not width > 1e-6 * extent:
        raise UserError("the shoulders lie on one point: the pose cannot be placed")
    return rounded(Placement(center=center, scale=width))


def apply_placement(keypoints: np.ndarray, visible: np.ndarray, placement: Placement) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints (T, K, D) from pixels to shoulder widths, 0 where not visible, and which are visible (T, K).

    Unlike `pose_core.transforms.normalize`, it takes the placement as given, and a keypoint farther off than
    `MAX_DISTANCE` is not visible: a failed detection.
    """
    keypoints = (keypoints - np.asarray(placement.center)) / placement.scale
    visible = visible & (np.abs(keypoints) < MAX_DISTANCE).all(axis=-1)
    return np.where(visible[..., None], keypoints, 0.0).astype(np.float32), visible


def filled_block(frames: np.ndarray, block_frames: int) -> np.ndarray:
    """Frames (T, ...) with the last one repeated until their number is a multiple of `block_frames`."""
    missing = -len(frames) % block_frames
    return np.concatenate([frames, np.repeat(frames[-1:], missing, axis=0)]) if missing else frames

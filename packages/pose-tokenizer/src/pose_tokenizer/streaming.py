"""Frames to codes and back, piece by piece; whole files go the same way, so that both give the same tokens.

The networks run over windows of a fixed number of blocks, with the blocks they see before and after a window as
context. So the codes do not depend on how many frames arrive at once, and memory does not grow with the length.
Needs no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pose_core import UserError
from pose_core.transforms.normalization import MAX_DISTANCE, Placement
from pose_core.transforms.temporal import hold
from pose_tokenizer.backends import as_network
from pose_tokenizer.numpy_quantizer import num_codes
from pose_tokenizer.placement import rounded

if TYPE_CHECKING:
    from pose_tokenizer.model import PoseTokenizer
    from pose_tokenizer.network import Network

BEAM = 8  # hypotheses of the beam search
WINDOW = 16  # blocks that the networks run over at once
PLACEMENT_FRAMES = 16  # frames with both shoulders that place a person
MAX_WAIT = 160  # frames that are waited for them


class StreamEncoder:
    """Frames to codes.

    Args:
        model: the tokenizer, as a `PoseTokenizer` or a `Network`.
        lmbda, num_quantizers, beam: see `PredictiveQuantizer.quantize`.

    Attributes:
        placement: where the person stands in the picture, once that is known.
        frames, empty_frames: frames so far, and those of them before both shoulders were first visible.
    """

    def __init__(
        self, model: PoseTokenizer | Network, *, lmbda: float, num_quantizers: int | None = None, beam: int = BEAM
    ) -> None:
        self.network = as_network(model)
        self.placement: Placement | None = None
        self.frames = self.empty_frames = 0
        self._lmbda, self._num_quantizers, self._beam = lmbda, num_quantizers, beam
        self._shoulders = self.network.skeleton.shoulders()
        self._unplaced: list[tuple[np.ndarray, np.ndarray]] = []  # keypoints and visible, until the placement is known
        self._shoulder_frames = 0  # of these, how many show both shoulders
        K, D = self.network.mean.shape
        self._keypoints, self._visible = np.zeros((0, K, D), np.float32), np.zeros((0, K), bool)  # to be encoded
        # Frames that the encoder looks back at, filled, and which of their keypoints were visible.
        self._past = self._keypoints, self._visible
        self._last_visible = self.network.mean  # (K, D); before a keypoint is visible, that of the mean pose
        self._quantized: np.ndarray | None = None  # latents (C,) of the last block

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

    def _encode(self, *, flush: bool = False) -> np.ndarray:
        """Codes (n, Q) of the windows that are full; of all frames there are, if `flush`."""
        network, size = self.network, WINDOW * self.network.block_frames
        codes = [np.zeros((0, network.config.num_quantizers), np.int32)]
        while len(self._keypoints) >= size or (flush and len(self._keypoints)):
            codes.append(
                self._encode_window(
                    *(filled_block(x[:size], network.block_frames) for x in (self._keypoints, self._visible))
                )
            )
            self._keypoints, self._visible = self._keypoints[size:], self._visible[size:]
        return np.concatenate(codes)

    def _encode_window(self, keypoints: np.ndarray, visible: np.ndarray) -> np.ndarray:
        """Codes (n, Q) of whole blocks that follow on those so far."""
        network = self.network
        filled = hold(keypoints, visible, self._last_visible)
        self._last_visible = filled[-1]
        past = len(self._past[0]) // network.block_frames
        together = [np.concatenate(each) for each in zip(self._past, (filled, visible), strict=True)]
        back = network.looks_back * network.block_frames
        self._past = tuple(x[len(x) - min(back, len(x)) :] for x in together)
        codes, quantized = network.quantize(
            network.latents(*together)[past:],
            self._quantized,
            lmbda=self._lmbda,
            num_quantizers=self._num_quantizers,
            beam=self._beam,
        )
        self._quantized = quantized[-1]
        return codes


class StreamDecoder:
    """Codes to frames, a few blocks behind: the decoder looks ahead.

    Args:
        model: the tokenizer that made the codes, as a `PoseTokenizer` or a `Network`.
        placement: where the person stands in the picture.
    """

    def __init__(self, model: PoseTokenizer | Network, placement: Placement) -> None:
        self.network = as_network(model)
        self.placement = placement
        dim = self.network.config.latent_dim
        self._quantized: np.ndarray | None = None  # latents (C,) of the last block
        self._past = np.zeros((0, dim), np.float32)  # decoded blocks that later ones look back at
        self._latents = np.zeros((0, dim), np.float32)  # blocks to be decoded
        self._depth = np.zeros(0, np.int64)  # number of codes of all of them

    def push(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Takes codes (n, Q).

        Returns:
            The frames that no later code changes: keypoints (t, K, D) in pixels, confidence (t, K), 0 or 1.
        """
        if len(codes):
            latents = self.network.dequantize(np.asarray(codes), self._quantized)
            self._quantized = latents[-1]
            self._latents = np.concatenate([self._latents, latents])
            self._depth = np.concatenate([self._depth, num_codes(np.asarray(codes))])
        return self._decode()

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """The remaining frames."""
        return self._decode(flush=True)

    def _decode(self, *, flush: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """The frames of the windows that are full, with the blocks after them; of all there are, if `flush`."""
        ahead, (K, D) = self.network.decoder_ahead, self.network.mean.shape
        keypoints, confidence = [np.zeros((0, K, D), np.float32)], [np.zeros((0, K), np.float32)]
        while len(self._latents) >= WINDOW + ahead or (flush and len(self._latents)):
            window = self._decode_window(min(WINDOW, len(self._latents)), ahead)
            keypoints.append(window[0])
            confidence.append(window[1])
        return np.concatenate(keypoints), np.concatenate(confidence)

    def _decode_window(self, count: int, ahead: int) -> tuple[np.ndarray, np.ndarray]:
        network, past = self.network, len(self._past)
        latents = np.concatenate([self._past, self._latents[: count + ahead]])
        keypoints, logits = network.frames(latents, self._depth[: len(latents)])
        window = slice(past * network.block_frames, (past + count) * network.block_frames)
        back = min(network.decoder_back, past + count)
        self._past = latents[past + count - back : past + count]
        self._latents = self._latents[count:]
        self._depth = self._depth[past + count - back :]
        confidence = (logits[window] > 0).astype(np.float32)
        pixels = keypoints[window].astype(np.float64) * self.placement.scale + np.asarray(self.placement.center)
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

"""Frames to codes and back, piece by piece; whole files go the same way, so that both give the same tokens.

The networks run over windows of a fixed number of blocks, with what they see before and behind a window as context.
Which frames arrive at once changes nothing; memory does not grow with the length.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from pose_core import UserError
from pose_core.transforms import Placement
from pose_tokenizer.nn.features import DIMS, hold_missing
from pose_tokenizer.nn.quantizer import used

if TYPE_CHECKING:
    from torch import Tensor

    from pose_tokenizer.model import PoseTokenizer

BEAM = 8  # choices of codes that are followed at once
WINDOW = 16  # blocks that the networks run over at once
PLACING = 16  # frames with both shoulders that say where a person stands
PATIENCE = 160  # frames that are waited for them
FARTHEST = 8.0  # shoulder widths from the middle; what is farther is no part of a person


class StreamEncoder:
    """Frames to codes.

    Args:
        model: the tokenizer.
        rate, num_quantizers, beam: see `PredictiveQuantizer.quantize`.

    Attributes:
        placement: where the person stands, once that is known.
        frames, empty_frames: frames so far, and those before both shoulders were seen for the first time.
    """

    def __init__(
        self, model: PoseTokenizer, *, rate: float, num_quantizers: int | None = None, beam: int = BEAM
    ) -> None:
        self.model = model
        options = {"rate": rate, "num_quantizers": num_quantizers, "beam": beam, "norms": model.quantizer.norms()}
        self._quantize = partial(model.quantizer.quantize, **options)
        self.placement: Placement | None = None
        self.frames = self.empty_frames = 0
        self._shoulders = model.skeleton.shoulders()
        self._waiting: list[tuple[np.ndarray, np.ndarray]] = []  # frames whose placement is not known yet
        self._placed = 0  # of those, how many show both shoulders
        K = model.skeleton.num_keypoints
        self._held = model.features.mean[None].clone()  # (1, K, 2) where each keypoint was seen last
        self._keypoints, self._seen = np.zeros((0, K, DIMS), np.float32), np.zeros((0, K), bool)
        self._context: list[tuple[Tensor, Tensor]] = []  # blocks that later ones look back at
        self._before: Tensor | None = None

    def push(self, keypoints: np.ndarray, confidence: np.ndarray) -> np.ndarray:
        """Takes frames.

        Args:
            keypoints: (t, K, 2) in pixels, on the model's skeleton.
            confidence: (t, K), 0 = missing.

        Returns:
            Codes (n, Q) of the blocks that are complete by now, n often 0.
        """
        keypoints = np.asarray(keypoints, np.float64)
        seen = (np.asarray(confidence) > 0) & np.isfinite(keypoints).all(axis=-1)
        self.frames += len(keypoints)
        if self.placement is not None:
            self._take(keypoints, seen)
            return self._encode(whole=False)
        left, right = self._shoulders
        both = seen[:, left] & seen[:, right]  # (t,)
        if not self._waiting:
            empty = int(both.argmax()) if both.any() else len(both)
            self.empty_frames += empty
            keypoints, seen, both = keypoints[empty:], seen[empty:], both[empty:]
        if len(keypoints):
            self._waiting.append((keypoints, seen))
            self._placed += int(both.sum())
        if self._placed < PLACING and sum(len(x) for x, _ in self._waiting) < PATIENCE:
            return self._none()
        return self._begin()

    def finish(self) -> np.ndarray:
        """Codes (n, Q) of what is left; the last block is filled up by holding the last frame."""
        begun = self._begin() if self.placement is None and self._waiting else self._none()
        return np.concatenate([begun, self._encode(whole=True)])

    def _begin(self) -> np.ndarray:
        keypoints, seen = (np.concatenate(x) for x in zip(*self._waiting, strict=True))
        self._waiting = []
        self.placement = placement(keypoints[:PATIENCE], seen[:PATIENCE], self._shoulders)
        self._take(keypoints, seen)
        return self._encode(whole=False)

    def _take(self, keypoints: np.ndarray, seen: np.ndarray) -> None:
        """Normalizes frames and puts them behind those that wait to be encoded."""
        assert self.placement is not None
        places = (keypoints - np.asarray(self.placement.center)) / self.placement.scale
        seen = seen & (np.abs(places) < FARTHEST).all(axis=-1)
        places = np.where(seen[..., None], places, 0.0).astype(np.float32)
        self._keypoints = np.concatenate([self._keypoints, places])
        self._seen = np.concatenate([self._seen, seen])

    @torch.inference_mode()
    def _encode(self, *, whole: bool) -> np.ndarray:
        """Codes of the windows that are full; of all frames there are, if `whole`."""
        size = self.model.block_frames
        codes = []
        while len(self._keypoints) >= WINDOW * size or (whole and len(self._keypoints)):
            count = min(WINDOW, -(-len(self._keypoints) // size))
            codes.append(self._window(self._keypoints[: count * size], self._seen[: count * size], count))
            self._keypoints, self._seen = self._keypoints[count * size :], self._seen[count * size :]
        return np.concatenate(codes) if codes else self._none()

    def _window(self, keypoints: np.ndarray, seen: np.ndarray, count: int) -> np.ndarray:
        model, device = self.model, self.model.device
        short = count * model.block_frames - len(keypoints)
        if short:
            keypoints = np.concatenate([keypoints, np.repeat(keypoints[-1:], short, axis=0)])
            seen = np.concatenate([seen, np.repeat(seen[-1:], short, axis=0)])
        there = torch.from_numpy(seen)[None].to(device)
        filled = hold_missing(torch.from_numpy(keypoints)[None].to(device), there, self._held)
        self._held = filled[:, -1]
        blocks = model.blocks(filled, there)  # (1, n, F)
        shown = there.unflatten(1, (-1, model.block_frames))
        back = model.encoder.before
        context = sum(b.shape[1] for b, _ in self._context)
        all_blocks = torch.cat([*(b for b, _ in self._context), blocks], dim=1)
        all_shown = torch.cat([*(s for _, s in self._context), shown], dim=1)
        mask = all_blocks.new_ones(all_blocks.shape[:2], dtype=torch.bool)
        latents = model.latents(all_blocks, all_shown, mask)[:, context:]
        self._context = [(all_blocks[:, -back:], all_shown[:, -back:])] if back else []
        codes, quantized = self._quantize(latents, before=self._before)
        self._before = quantized[:, -1]
        return codes[0].cpu().numpy().astype(np.int32)

    def _none(self) -> np.ndarray:
        return np.zeros((0, self.model.config.num_quantizers), np.int32)


class StreamDecoder:
    """Codes to frames, a few blocks behind: the decoder looks ahead.

    Args:
        model: the tokenizer that made the codes.
        placement: where the person stands.
    """

    def __init__(self, model: PoseTokenizer, placement: Placement) -> None:
        self.model = model
        self.placement = placement
        self._before: Tensor | None = None
        dim = model.config.latent_dim
        self._past = torch.zeros(1, 0, dim, device=model.device)  # decoded blocks that later ones look back at
        self._latents = torch.zeros(1, 0, dim, device=model.device)  # blocks to be decoded
        self._depth = torch.zeros(1, 0, dtype=torch.long, device=model.device)  # how many codes all of them have

    @torch.inference_mode()
    def push(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Takes codes (n, Q); gives the frames that are sure by now: (t, K, 2) in pixels, confidence (t, K) 0 or 1."""
        if len(codes):
            tensor = torch.from_numpy(np.asarray(codes, np.int64))[None].to(self.model.device)
            latents = self.model.quantizer.dequantize(tensor, self._before)
            self._before = latents[:, -1]
            self._latents = torch.cat([self._latents, latents], dim=1)
            self._depth = torch.cat([self._depth, used(tensor)], dim=1)
        return self._decode(whole=False)

    @torch.inference_mode()
    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """The frames that are left."""
        return self._decode(whole=True)

    def _decode(self, *, whole: bool) -> tuple[np.ndarray, np.ndarray]:
        ahead = self.model.decoder.after
        K = self.model.skeleton.num_keypoints
        keypoints, confidence = [np.zeros((0, K, DIMS), np.float32)], [np.zeros((0, K), np.float32)]
        while self._latents.shape[1] >= WINDOW + ahead or (whole and self._latents.shape[1]):
            made, there = self._window(min(WINDOW, self._latents.shape[1]), ahead)
            keypoints.append(made)
            confidence.append(there)
        return np.concatenate(keypoints), np.concatenate(confidence)

    def _window(self, count: int, ahead: int) -> tuple[np.ndarray, np.ndarray]:
        model, past = self.model, self._past.shape[1]
        latents = torch.cat([self._past, self._latents[:, : count + ahead]], dim=1)
        mask = latents.new_ones(latents.shape[:2], dtype=torch.bool)
        keypoints, logits = model.frames(latents, self._depth[:, : latents.shape[1]], mask)
        own = slice(past * model.block_frames, (past + count) * model.block_frames)
        back = model.decoder.before
        self._past = latents[:, : past + count][:, -back:] if back else self._past
        self._latents = self._latents[:, count:]
        self._depth = self._depth[:, past + count - self._past.shape[1] :]
        there = (logits[0, own] > 0).float().cpu().numpy()
        placed = keypoints[0, own].double().cpu().numpy() * self.placement.scale + np.asarray(self.placement.center)
        return (placed * there[..., None]).astype(np.float32), there


def placement(keypoints: np.ndarray, seen: np.ndarray, shoulders: tuple[int, int]) -> Placement:
    """Where a person stands: center and width of the shoulders, means over the first frames that show both.

    Args:
        keypoints: (t, K, 2) in pixels; seen: (t, K).
        shoulders: array positions of both.

    Raises:
        UserError: the shoulders lie on one point.
    """
    left, right = shoulders
    both = np.flatnonzero(seen[:, left] & seen[:, right])[:PLACING]
    a, b = keypoints[both, left], keypoints[both, right]
    width = float(np.linalg.norm(a - b, axis=-1).mean()) if len(both) else 0.0
    center = tuple(((a + b) / 2).mean(axis=0).tolist()) if len(both) else (0.0, 0.0)
    extent = max(np.abs(a).max(initial=0.0), np.abs(b).max(initial=0.0))
    if not width > 1e-6 * extent:
        raise UserError("the shoulders lie on one point: the pose cannot be placed")
    return Placement(center=center, scale=width)

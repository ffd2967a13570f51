"""`fit-entropy-model`: a trained tokenizer and clips to the entropy model of its codes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from safetensors.numpy import save_file

from pose_core.atomic_files import apply_umask, atomic_write, check_output
from pose_core.command_line import say
from pose_core.pretrained import find_model, read_weights
from pose_tokenizer import streaming
from pose_tokenizer.config import BUNDLED, RunConfig
from pose_tokenizer.data.augmentation import Augmentation
from pose_tokenizer.data.dataset import ClipDataset, collate
from pose_tokenizer.data.loading import read_data
from pose_tokenizer.entropy.context import IntegerQuantizer
from pose_tokenizer.entropy.entropy_model import TOKENIZER_WEIGHTS, EntropyModel
from pose_tokenizer.entropy.finding import FILE, MODEL_HASH
from pose_tokenizer.entropy.training import quantized, train_entropy_network
from pose_tokenizer.files.token_file import packed_bits
from pose_tokenizer.model import PoseTokenizer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pose_core import PoseSequence
    from pose_core.training.data import Data

LMBDA_RANGE = (0.25, 5.0)  # each clip is encoded with several from between these: from 10 to 30 bits per frame
LMBDAS = 3  # of a clip
BEAM = 3  # hypotheses: fewer than files are encoded with, and much faster
BATCH = 32  # clips that are encoded at once
CLIPS = 256  # that are drawn at once, so that those of a length are encoded together
REPORTED = 50_000  # blocks between two lines


@dataclass(frozen=True)
class FittedEntropyModel:
    """What `fit_entropy_model` wrote.

    Attributes:
        output: the file, in the model's folder.
        blocks: that it was trained on.
        clips: of the validation split.
        packed_bits_per_frame, bits_per_frame: of these clips' codes by the model's lambda, packed and entropy-coded;
            None without that split.
    """

    output: Path
    blocks: int
    clips: int
    packed_bits_per_frame: float | None
    bits_per_frame: float | None


def fit_entropy_model(
    checkpoint: str | Path,
    data: Data,
    *,
    blocks: int = 400_000,
    steps: int = 3000,
    seed: int = 0,
    overwrite: bool = False,
) -> FittedEntropyModel:
    """Fits an entropy model to a tokenizer's codes of augmented clips, and writes it into the tokenizer's folder.

    Args:
        checkpoint: the tokenizer, as `load_model` takes it.
        data: manifests or folders with the clips that it was trained on, as `read_clips` takes them.
        blocks: that are encoded, at random rates.
        steps: of training.
        seed: of augmentation and training.
        overwrite: replace the entropy model that the folder has; files that it coded cannot be read any more.

    Raises:
        UserError: data or a model that cannot be used; or a folder that cannot be written to, or that has one.
    """
    folder = find_model(checkpoint, BUNDLED)
    check_output(folder / FILE, overwrite=overwrite)
    model = PoseTokenizer.load(checkpoint, "cpu")
    coordinates: Literal[2, 3] = 3 if model.skeleton.num_dims == 3 else 2
    clips = read_data(data, RunConfig(coordinates=coordinates), skeleton=model.skeleton)
    say(f"encoding {blocks:,} blocks of {len(clips.train):,} clips, augmented")
    sequences = [*random_codes(model, [sample.sequence for sample in clips.train], blocks, seed)]
    tokenizer = read_weights(folder, *TOKENIZER_WEIGHTS)
    quantizer = IntegerQuantizer(tokenizer)
    network = train_entropy_network(quantizer, sequences, steps=steps, seed=seed)
    weights = quantized(network, quantizer, sequences)
    with atomic_write(folder / FILE, overwrite=overwrite) as temporary:
        save_file(weights, temporary, metadata={MODEL_HASH: model.hash})
        apply_umask(temporary)
    fitted = EntropyModel(weights, tokenizer, model.hash)
    held_out = [sample.sequence for sample in clips.validation]
    frames = sum(map(len, held_out))
    found = [*encoded(model, [*ClipDataset(held_out)], [model.config.lmbda], beam=streaming.BEAM)]
    packed = sum(packed_bits(codes, model.config.codebook_size) for codes in found)
    return FittedEntropyModel(
        output=folder / FILE,
        blocks=sum(map(len, sequences)),
        clips=len(held_out),
        packed_bits_per_frame=packed / frames if frames else None,
        bits_per_frame=sum(map(fitted.bits, found)) / frames if frames else None,
    )


def random_codes(model: PoseTokenizer, clips: Sequence[PoseSequence], blocks: int, seed: int) -> Iterator[np.ndarray]:
    """Codes (N, Q) of augmented clips, prepared as training prepares them, at random rates; at least so many blocks."""
    random = np.random.default_rng(seed)
    low, high = map(math.log, LMBDA_RANGE)
    reported = done = 0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        dataset = ClipDataset(clips, augmentation=Augmentation())
        while done < blocks:
            items = [dataset[int(i)] for i in random.integers(len(clips), size=CLIPS)]
            # One lambda in each third of the range: whatever the draw, some codes are coarse and some fine.
            thirds = (np.arange(LMBDAS) + random.random()) / LMBDAS
            for codes in encoded(model, items, np.exp(low + (high - low) * thirds), beam=BEAM):
                done += len(codes)
                yield codes
            if done // REPORTED > reported:
                reported = done // REPORTED
                say(f"{done:,} of {blocks:,} blocks")


@torch.inference_mode()
def encoded(
    model: PoseTokenizer, items: Sequence[tuple[np.ndarray, np.ndarray]], lmbdas: Iterable[float], *, beam: int
) -> Iterator[np.ndarray]:
    """The codes (N, Q) of items of a `ClipDataset`, with each lambda."""
    norms = model.quantizer.squared_norms()
    items = sorted(items, key=lambda item: len(item[0]))  # those side by side are padded little
    for batch in (collate(items[i : i + BATCH], model.block_frames) for i in range(0, len(items), BATCH)):
        latents, state = model.encode_latents(batch.keypoints, batch.visible, batch.block_mask)
        for lmbda in lmbdas:
            codes, _ = model.quantizer.quantize(
                latents, lmbda=float(lmbda), prediction=state.prediction, beam=beam, squared_norms=norms
            )
            yield from (row[mask].numpy().astype(np.int32) for row, mask in zip(codes, batch.block_mask, strict=True))

"""`fit-entropy-model`: a trained tokenizer and clips to the entropy model of its codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from safetensors.numpy import save_file

from pose_core.atomic_files import apply_umask, atomic_write, check_output
from pose_core.command_line import say
from pose_core.pretrained import find_model, read_weights
from pose_tokenizer import streaming
from pose_tokenizer.config import BUNDLED, RunConfig
from pose_tokenizer.data.augmentation import Augmentation
from pose_tokenizer.data.coded_examples import coded_examples, random_coded_examples
from pose_tokenizer.data.dataset import ClipDataset
from pose_tokenizer.data.loading import read_data
from pose_tokenizer.entropy.context import IntegerQuantizer
from pose_tokenizer.entropy.entropy_model import TOKENIZER_WEIGHTS, EntropyModel
from pose_tokenizer.entropy.finding import FILE, MODEL_HASH
from pose_tokenizer.entropy.training import quantized, train_entropy_network
from pose_tokenizer.files.token_file import packed_bits
from pose_tokenizer.model import PoseTokenizer

if TYPE_CHECKING:
    from pathlib import Path

    from pose_core.training.data import Data

LMBDA_RANGE = (0.25, 5.0)  # each clip is encoded with several from between these: from 10 to 30 bits per frame


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
    train = [sample.sequence for sample in clips.train]
    coded = random_coded_examples(model, train, blocks, lmbda_range=LMBDA_RANGE, augmentation=Augmentation(), seed=seed)
    sequences = [each.codes for each in coded]
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
    beam, lmbdas = streaming.BEAM, [model.config.lmbda]
    found = [each.codes for each in coded_examples(model, [*ClipDataset(held_out)], lmbdas, beam=beam)]
    packed = sum(packed_bits(codes, model.config.codebook_size) for codes in found)
    return FittedEntropyModel(
        output=folder / FILE,
        blocks=sum(map(len, sequences)),
        clips=len(held_out),
        packed_bits_per_frame=packed / frames if frames else None,
        bits_per_frame=sum(map(fitted.bits, found)) / frames if frames else None,
    )

"""What entropy coding saves of a tokenizer's files, and how long it takes.

uv run python benchmarks/entropy_coding.py [--checkpoints signing] [--lambdas 0.3 1.2 2.2] [--data ../shared/data]

Clips of people and cameras that no tokenizer was trained on, in the groups of `codec_models.py`, each encoded with each
lambda. Prints JSON, by model, group and lambda: bits per frame of the codes, packed at a fixed width and
entropy-coded, and their ratio with its 95 % bootstrap interval over clips; the bytes of whole files both ways; and
what a second of signing takes to be coded, and to be decoded again, in milliseconds on one thread. `--every` takes
fewer clips.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from codec import rounded
from codec_data import FOLDER, TEST_PERSONS, real_clips, usable
from codec_models import draws, groups, interval, read

from pose_core import PoseSequence
from pose_core.data.loading import on_layout_of
from pose_tokenizer import encode, load_model
from pose_tokenizer.files.token_file import file_content, packed_bits

LMBDAS = [0.3, 0.6, 1.2, 2.2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoints", nargs="+", default=["signing"])
    parser.add_argument("--data", type=Path, default=FOLDER)
    parser.add_argument("--test-persons", nargs="*", default=TEST_PERSONS)
    parser.add_argument("--lambdas", type=float, nargs="+", default=LMBDAS)
    parser.add_argument("--every", type=int, default=1, help="clip of a group that is taken")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    clips = groups(real_clips(arguments.data, arguments.test_persons))
    loaded = {group: [read(clip) for clip in chosen[:: arguments.every]] for group, chosen in clips.items()}
    result: dict = {}
    for name in arguments.checkpoints:
        model = load_model(name, "cpu")
        result[name] = {}
        for group, sequences in loaded.items():
            fitting = [on_layout_of(each, model.skeleton) for each in sequences if usable(each, depth=False)]
            of_group = [each for each in fitting if each.skeleton.num_dims >= model.skeleton.num_dims]
            result[name][group] = {"clips": len(of_group)} | {
                f"lambda {lmbda:g}": measured(model, of_group, lmbda) for lmbda in arguments.lambdas
            }
    print(json.dumps(rounded(result), indent=2))


def measured(model, sequences: Sequence[PoseSequence], lmbda: float) -> dict:
    """Sizes and times of the clips' tokens."""
    tokens = [encode(model, each, lmbda=lmbda) for each in sequences]
    entropy_model = tokens[0].entropy_model
    if entropy_model is None:
        sys.exit(f"{model.name} has no entropy model; pose-tokenizer fit-entropy-model makes one")
    seconds = sum(each.header.seconds for each in tokens)
    frames = np.array([each.header.frames for each in tokens], float)
    packed = np.array([packed_bits(each.codes, each.header.codebook_size) for each in tokens], float)
    coded = np.array([each.bits for each in tokens], float)
    weights = draws(len(tokens))
    start = time.perf_counter()
    data = [entropy_model.encode(each.codes) for each in tokens]
    middle = time.perf_counter()
    again = [entropy_model.decode(content, each.header.blocks) for each, content in zip(tokens, data, strict=True)]
    end = time.perf_counter()
    if any((codes != each.codes).any() for codes, each in zip(again, tokens, strict=True)):
        sys.exit("decoding gave other codes")
    return {
        "bits per frame": coded.sum() / frames.sum(),
        "packed": packed.sum() / frames.sum(),
        "ratio": interval((weights @ coded) / (weights @ packed)),
        "bytes of a file": np.mean([len(file_content(each)) for each in tokens]),
        "bytes of a packed file": np.mean([len(file_content(replace(each, entropy_model=None))) for each in tokens]),
        "ms per second of signing, to code": 1000 * (middle - start) / seconds,
        "ms per second of signing, to decode": 1000 * (end - middle) / seconds,
    }


if __name__ == "__main__":
    main()

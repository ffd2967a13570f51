"""Rate and distortion of `pose_tokenizer` by quantizers and downsampling, compared with an FSQ autoencoder.

uv run python benchmarks/rates.py [--checkpoint signing] [--output folder] [--seconds 1800] [--data index.csv ...]

For each downsampling one tokenizer with eight quantizers is trained on the train rows. "fixed" rows use the first 1, 2,
4 or 8 codes of every block, "adaptive" rows as many as pay, at the lambda with about as many bits per frame over all
clips. The peer (`fsq_peer.py`) is trained on the same rows for as long as the tokenizer that took longest,
fitting of codebooks counted, or for `--seconds`. All seconds are those of the process on its threads, so other load on
the machine adds none. The model of `--checkpoint` was trained for as long as its card says.

Errors are per coordinate over visible keypoints, in shoulder widths; in `pck@0.1` a keypoint that is predicted to be
missing is a miss. Bits are those of the codes and, of the tokenizer, of their number per block; headers do not count.
Use of each codebook is counted on the train clips and augmented copies of them, with all codes of every block.

`--output` keeps the trained models, and existing ones are not trained again. Prints JSON.
"""

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from codec import DATA, ERRORS, errors, rounded
from fsq_peer import BITS, CODEBOOKS, LEVELS, FSQPeer, PeerSettings, train_peer
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.utils.data import DataLoader

from pose_core import PoseSequence
from pose_core.data import collate as side_by_side
from pose_core.data import read_clips, read_prepared, select_split
from pose_core.training import load_preset
from pose_tokenizer import load_model
from pose_tokenizer.config import RunConfig
from pose_tokenizer.data.augmentation import Augmentation
from pose_tokenizer.data.dataset import ClipDataset, TrainingBatch, collate
from pose_tokenizer.data.loading import prepare_clip
from pose_tokenizer.evaluation.metrics import KeypointErrors, QuantizerUse, squared_errors
from pose_tokenizer.files.token_file import packed_bits
from pose_tokenizer.model import PoseTokenizer
from pose_tokenizer.nn.quantizer import num_codes
from pose_tokenizer.streaming import BEAM
from pose_tokenizer.training import PRESETS, train

BUDGETS = [10.0, 20.0, 40.0]
MOST_QUANTIZERS = 8  # of the tokenizers that are trained
GOAL = 10.0  # bits per frame of ours that the goal is stated for
LMBDA_RANGE = 1e-3, 1e3  # that a number of bits is looked for between
HALVINGS = 16

CLIPS = 16  # at once
TRAINED = "trained.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", default=DATA)
    parser.add_argument("--split", default="validation")
    parser.add_argument("--checkpoint", help="a model whose adaptive rows are wanted, too")
    parser.add_argument("--config", default="default", help="of the tokenizers: preset or YAML file")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="other keys of the config")
    parser.add_argument("--downsampling", type=int, nargs="+", default=[4, 2, 1])
    parser.add_argument("--epochs", type=int, nargs="+", default=[36, 24, 14], help="of each downsampling")
    parser.add_argument("--quantizers", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--seconds", type=float, help="that the peer is trained; as long as the slowest tokenizer")
    parser.add_argument("--copies", type=int, default=8, help="varied copies of the train clips for codebook use")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="folder to keep what is trained in")
    arguments = parser.parse_args()
    if len(arguments.epochs) < len(arguments.downsampling):
        parser.error("--epochs: as many numbers as --downsampling has")
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as temporary:
        result = measured(arguments, arguments.output or Path(temporary))
    print(json.dumps(rounded(result), indent=2))


def measured(arguments: argparse.Namespace, output: Path) -> dict:
    """Trains what is not there yet, and all figures."""
    overrides = dict(pair.split("=", 1) for pair in arguments.set)
    base = load_preset(RunConfig, arguments.config, PRESETS, overrides)
    fixed = {"num_quantizers": MOST_QUANTIZERS, "seed": arguments.seed, "device": "cpu", "tensorboard": False}
    configs = {
        f"downsampling {downsampling}": base.model_copy(
            update={**fixed, "downsampling": downsampling, "epochs": epochs, "validate_every": epochs}
        )
        for downsampling, epochs in zip(arguments.downsampling, arguments.epochs, strict=False)
    }
    clips = [clip for path in arguments.data for clip in read_clips(path)]
    train_clips = read_prepared(select_split(clips, "train"), partial(prepare_clip, keypoints=base.keypoints))
    held_out = read_prepared(
        select_split(clips, arguments.split), partial(prepare_clip, keypoints=None), train_clips[0].skeleton
    )
    trained, models = {}, {}
    for name, config in configs.items():
        models[name], trained[name] = tokenizer(output / name.replace(" ", "_"), arguments.data, config)
    if arguments.checkpoint:
        models["checkpoint"] = load_model(arguments.checkpoint, "cpu")
    seconds = arguments.seconds or max((each["seconds"] for each in trained.values()), default=60.0)
    peer, trained["peer"] = fsq_peer(output / "fsq_peer", train_clips, seconds, arguments.seed)

    rows, use = [], {}
    for name, model in models.items():
        say(f"{name}: errors and codebook use")
        coded = Coded(model, held_out)
        if name != "checkpoint":
            rows += [{"model": name, **coded.fixed(count)} for count in arguments.quantizers]
        rows += [{"model": name, **row} for row in map(coded.adaptive, BUDGETS) if row is not None]
        use[name] = codebook_use(model, train_clips, arguments.copies, arguments.seed)
    rows.append({"model": "peer", "kind": "fixed", "bits_per_frame": BITS, **peer_errors(peer, held_out)})
    use["peer"] = peer_codebook_use(peer, train_clips, arguments.copies, arguments.seed)
    settings = {
        "data": [f"{path.parent.name}/{path.name}" for path in arguments.data],
        "split": arguments.split,
        "clips": len(held_out),
        "frames": sum(map(len, held_out)),
        "train clips": len(train_clips),
        "train frames": sum(map(len, train_clips)),
        "checkpoint": arguments.checkpoint and Path(arguments.checkpoint).name,
        "quantizers trained": MOST_QUANTIZERS,
        "copies for codebook use": arguments.copies,
        "threads": arguments.threads,
        "seed": arguments.seed,
    }
    return {"settings": settings, "trained": trained, "rates": rows, "goal": goal(rows), "codebook use": use}


def tokenizer(folder: Path, data: list[Path], config: RunConfig) -> tuple[PoseTokenizer, dict]:
    """The tokenizer in the folder, trained if it is not there, and how that went."""
    settings = config.model_dump(mode="json")
    if (figures := kept(folder, settings)) is not None:
        return load_model(folder, "cpu"), figures
    started, wall_started = time.process_time(), time.perf_counter()
    model, _ = train(data, folder, config, overwrite=True)
    figures = {
        "downsampling": config.downsampling,
        "num_quantizers": config.num_quantizers,
        "codebook_size": config.codebook_size,
        "latent_dim": config.latent_dim,
        "hidden_dim": config.hidden_dim,
        "num_layers": config.num_layers,
        "parameters": sum(p.numel() for p in model.parameters()),
        "numbers in basis and codebooks": model.basis.numel() + model.quantizer.codebooks.numel(),
        "fitting_blocks": config.fitting_blocks,
        "epochs": config.epochs,
        "seconds": time.process_time() - started,
        "wall_seconds": time.perf_counter() - wall_started,
    }
    keep(folder, settings, figures)
    return model.eval(), figures


def fsq_peer(folder: Path, clips: list[PoseSequence], seconds: float, seed: int) -> tuple[FSQPeer, dict]:
    """The peer in the folder, trained if it is not there, and how that went."""
    settings = {**asdict(PeerSettings()), "train clips": len(clips), "seed": seed, "budget": seconds}
    weights = folder / "model.safetensors"
    if (figures := kept(folder, settings)) is not None:
        peer = FSQPeer(clips[0].skeleton, PeerSettings()).eval()
        peer.load_state_dict(load_file(weights))
        return peer, figures
    say(f"training the peer for {seconds:.0f} seconds")
    peer, figures = train_peer(clips, seconds, PeerSettings(), seed)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(peer.state_dict(), weights)
    keep(folder, settings, figures)
    return peer, figures


def kept(folder: Path, settings: dict) -> dict | None:
    """Figures of what was trained there before, with the same settings; None where nothing was."""
    path = folder / TRAINED
    if not path.is_file():
        return None
    there = json.loads(path.read_text(encoding="utf-8"))
    if there["settings"] != settings:
        sys.exit(f"{folder}: was trained with other settings; name another --output, or remove the folder")
    return there["figures"]


def keep(folder: Path, settings: dict, figures: dict) -> None:
    text = json.dumps({"settings": settings, "figures": figures}, indent=2)
    (folder / TRAINED).write_text(text, encoding="utf-8")


class Coded:
    """Clips as a tokenizer codes them, several side by side.

    Args:
        originals: see `prepare`.
    """

    def __init__(self, model: PoseTokenizer, originals: list[PoseSequence]) -> None:
        self.model = model
        self.originals = originals
        self.frames = sum(map(len, originals))
        self.batches = list(batches(ClipDataset(originals), model.block_frames))
        self.latents = [latents_of(model, batch) for batch in self.batches]

    def fixed(self, num_quantizers: int) -> dict:
        """Size and errors where every block takes so many codes."""
        return {"kind": "fixed", "quantizers": num_quantizers, **self._row(lmbda=0.0, num_quantizers=num_quantizers)}

    def adaptive(self, budget: float) -> dict | None:
        """Size and errors at the lambda that makes at most so many bits per frame; None where none makes so many."""
        if self._bits(self._quantized(lmbda=0.0)) < budget:
            return None
        low, high = (math.log(lmbda) for lmbda in LMBDA_RANGE)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            if self._bits(self._quantized(lmbda=math.exp(middle))) > budget:
                low = middle
            else:
                high = middle
        return {"kind": "adaptive", "lmbda": math.exp(high), **self._row(lmbda=math.exp(high))}

    @torch.inference_mode()
    def _quantized(self, *, lmbda: float, num_quantizers: int | None = None) -> list[tuple[Tensor, Tensor]]:
        """Codes (B, N, Q) and quantized latents (B, N, C) of each batch."""
        quantize = self.model.quantizer.quantize
        return [quantize(latents, lmbda=lmbda, num_quantizers=num_quantizers, beam=BEAM) for latents in self.latents]

    def _bits(self, quantized: list[tuple[Tensor, Tensor]]) -> float:
        """A frame."""
        size = self.model.config.codebook_size
        pairs = zip(self.batches, quantized, strict=True)
        return sum(packed_bits(codes[batch.block_mask].numpy(), size) for batch, (codes, _) in pairs) / self.frames

    @torch.inference_mode()
    def _row(self, *, lmbda: float, num_quantizers: int | None = None) -> dict:
        quantized = self._quantized(lmbda=lmbda, num_quantizers=num_quantizers)
        pairs = zip(self.batches, quantized, strict=True)
        made = [self.model.frames(latents, num_codes(codes), batch.block_mask) for batch, (codes, latents) in pairs]
        return {"bits_per_frame": self._bits(quantized), **scores(self.originals, made)}


def batches(clips: ClipDataset, block_frames: int) -> DataLoader:
    return DataLoader(clips, CLIPS, collate_fn=partial(collate, block_frames=block_frames))


@torch.inference_mode()
def latents_of(model: PoseTokenizer, batch: TrainingBatch) -> Tensor:
    """(B, N, C) of what a batch shows."""
    return model.encode_latents(batch.keypoints, batch.visible, batch.block_mask)[0]


@torch.inference_mode()
def peer_errors(peer: FSQPeer, originals: list[PoseSequence]) -> dict:
    return scores(originals, [peer(batch)[:2] for batch in batches(ClipDataset(originals), 1)])


def scores(originals: list[PoseSequence], made: list[tuple[Tensor, Tensor]]) -> dict[str, float]:
    """Errors of keypoints (B, T, K, 2) and logits (B, T, K) of being seen, batch by batch."""
    rows = [pair for keypoints, logits in made for pair in zip(keypoints.numpy(), logits.numpy(), strict=True)]
    placed, decoded = [], []
    for original, (keypoints, logits) in zip(originals, rows, strict=True):
        places, there = keypoints[: len(original)], (logits[: len(original)] > 0).astype(np.float32)
        placed.append(replace(original, keypoints=places, confidence=np.ones_like(there)))
        decoded.append(replace(original, keypoints=places, confidence=there))
    everything = KeypointErrors()
    everything.update(*(side_by_side(sequences) for sequences in (placed, decoded, originals)))
    return {**errors(placed, decoded, originals), "pck@0.1": everything.compute().pck}


def varied(clips: list[PoseSequence], copies: int, block_frames: int, seed: int) -> Iterator[TrainingBatch]:
    """The clips as they are, then so many variations of all of them."""
    torch.manual_seed(seed)
    for copy in range(copies + 1):
        yield from batches(ClipDataset(clips, augmentation=Augmentation() if copy else None), block_frames)


@torch.inference_mode()
def codebook_use(model: PoseTokenizer, clips: list[PoseSequence], copies: int, seed: int) -> dict:
    """How the codes are used where blocks take all, and at the model's own lambda."""
    books = model.quantizer.codebooks
    counts = {lmbda: QuantizerUse(*books.shape[:2]) for lmbda in (0.0, model.config.lmbda)}
    for batch in varied(clips, copies, model.block_frames, seed):
        latents = latents_of(model, batch)
        for lmbda, count in counts.items():
            codes, quantized = model.quantizer.quantize(latents, lmbda=lmbda, beam=BEAM)
            left = model.quantizer.residuals(latents, quantized)[batch.block_mask]
            count.update(codes[batch.block_mask], squared_errors(left, codes[batch.block_mask], books))
    everything, own = (use_figures(count) for count in counts.values())
    return {"all codes": everything, f"lmbda {model.config.lmbda:g}": own}


@torch.inference_mode()
def peer_codebook_use(peer: FSQPeer, clips: list[PoseSequence], copies: int, seed: int) -> dict:
    count = QuantizerUse(CODEBOOKS, math.prod(LEVELS))
    for batch in varied(clips, copies, 1, seed):
        codes = peer(batch)[2][batch.frame_mask]
        count.update(codes, codes.new_zeros(len(codes), CODEBOOKS + 1))
    return {"all codes": use_figures(count)}


def use_figures(count: QuantizerUse) -> dict:
    """A number for each quantizer; no perplexity where none of its codes was taken."""
    counted = {name: values.tolist() for name, values in count.compute().items()}
    return {
        "blocks": int(count.blocks),
        "least utilization": min(counted["utilization"]),
        "uses": counted["uses"],
        "utilization": counted["utilization"],
        "perplexity": [None if math.isnan(value) else value for value in counted["perplexity"]],
    }


def goal(rows: list[dict]) -> dict:
    """Errors of each tokenizer at `GOAL` bits per frame by those of the peer, which has many more."""
    *ours, peer = rows
    near = [row for row in ours if row["kind"] == "adaptive" and abs(row["bits_per_frame"] - GOAL) < 0.1 * GOAL]
    return {
        row["model"]: {
            "bits_per_frame": [row["bits_per_frame"], peer["bits_per_frame"]],
            **{name: {"ours": row[name], "peer": peer[name], "ratio": row[name] / peer[name]} for name in ERRORS},
        }
        for row in near
    }


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

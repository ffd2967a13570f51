"""Benefit of the global level of `ht_vae`: reconstruction and samples, compared with VAEs of the same latent size.

uv run python benchmarks/long_vae.py [--seconds 240] [--set latent_dim=16 ...] [--data sentences csvs] [--variants ...]

- "hierarchical": `HierarchicalTransformerVAE`.
- "full attention": the same, but every frame attends to every frame, and there are no layers over chunks.
- "no global level": no layers over chunks, no latent vector of the whole sequence; its numbers go to the chunks
  instead, as many per chunk as makes the latents of the held-out sequences equally many.
- "chunk-wise": the same, and every chunk by itself: no overlap, no lapped basis.

Each is trained on the same windows with the same losses for `--seconds` of processor time, the fitting of its linear
basis counted, by AdamW with a warm-up and a cosine over that time. "sentences" are the train splits of fingerspelling
and of sentences, errors those of the validation sentences; of "csvs", long landmark sequences, one is held out. Errors
are mean distances of visible keypoints, in shoulder widths; the held-out CSV is judged from several first frames
on, so that every one of its poses is met at a chunk's border and elsewhere. Samples are as long as three chunks, from
the prior that was fitted to the latents (of a chunk-wise model, each chunk by itself), and compared with as many real
windows by `frechet_distance` of `window_features`, half a chunk off the chunks' borders; "floor" is that of as many
other real windows. Prints JSON.
"""

import argparse
import json
import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from codec import rounded

from ht_vae.codec import decoded_sequence
from ht_vae.config import ModelConfig, ModelSizes, RunConfig
from ht_vae.data.augmentation import Augmentation
from ht_vae.data.dataset import PoseSequenceDataset
from ht_vae.data.loader import PoseDataLoader
from ht_vae.data.preprocessing import PoseDataProcessor, common_skeleton
from ht_vae.evaluation.errors import ClipErrors, clip_errors
from ht_vae.evaluation.frechet_features import window_features
from ht_vae.losses import LossManager, VAELoss, total
from ht_vae.model import HierarchicalTransformerVAE
from ht_vae.nn.attention import SelfAttention, num_chunks
from ht_vae.nn.latent import Gaussian, Latents, Posterior
from ht_vae.training import draw_windows, posteriors
from pose_core import PoseSequence
from pose_core.data import Clip, read_clips
from pose_core.metrics import frechet_distance
from pose_core.training import load_preset

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
HELD_OUT = "sequence_4"
VARIANTS = ("hierarchical", "full attention", "no global level", "chunk-wise")
SAMPLES = 400
SAMPLE_CHUNKS = 3
LONG = 500  # frames
STARTS = 8  # of a long sequence, evenly over a chunk
WARMUP = 0.05  # of the time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=240, help="of processor time that each model is trained for")
    parser.add_argument("--data", nargs="+", choices=("sentences", "csvs"), default=("sentences", "csvs"))
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=VARIANTS)
    parser.add_argument("--set", nargs="*", default=[], help="of the default preset")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    presets = {"default": Path(__file__).resolve().parents[1] / "packages/ht-vae/src/ht_vae/presets/default.yaml"}
    settings = dict(setting.split("=", 1) for setting in arguments.set)
    run = load_preset(RunConfig, "default", presets, settings | {"kl_steps": 100, "seed": arguments.seed})
    result = {
        "settings": {
            "seconds": arguments.seconds,
            "threads": arguments.threads,
            "seed": arguments.seed,
            "torch": torch.__version__,
            **run.model_dump(include={*ModelSizes.model_fields}),
        }
    }
    for name in arguments.data:
        train_set, held_out, judged = sets(name, run)
        rows = {
            variant: figures(variant, train_set, held_out, judged, run, arguments) for variant in arguments.variants
        }
        result[name] = rows
        floor = apart(real(train_set, run, 1), real(train_set, run), run)
        for row in rows.values():
            first = rows[arguments.variants[0]]
            row |= {f"{key}, ratio to the first": row[key] / first[key] for key in ("mpjpe", "frechet")}
        result[name] |= {"frechet, floor": floor}
    print(json.dumps(rounded(result), indent=2))


def sets(name: str, run: RunConfig) -> tuple[PoseSequenceDataset, PoseSequenceDataset, list[int]]:
    """What is trained on, what is held out, and which items of that are judged."""
    if name == "sentences":
        clips = [
            clip for part in ("fingerspelling", "dgs_sentences") for clip in read_clips(SHARED / part / "index.csv")
        ]
    else:
        clips = [held(clip) for clip in read_clips(SHARED / "pose_csvs")]
    processor = PoseDataProcessor(run.keypoints)
    common = {"processor": processor, "max_frames": run.max_frames}
    augmentation = Augmentation() if run.augment else None
    train_set = PoseSequenceDataset(
        [clip for clip in clips if clip.split == "train"],
        training=True,
        augmentation=augmentation,
        stitching=run.stitching,
        **common,
    )
    held_out = PoseSequenceDataset([clip for clip in clips if clip.split == "validation"], **common)
    skeleton = common_skeleton([*train_set.skeletons(), *held_out.skeletons()])
    train_set.skeleton = held_out.skeleton = skeleton
    judged = [
        i for i, (clip, *_) in enumerate(held_out.windows) if name == "csvs" or "dgs" in str(held_out.clips[clip].path)
    ]
    return train_set, held_out, judged


def held(clip: Clip) -> Clip:
    return replace(clip, split="validation" if clip.path.stem == HELD_OUT else "train")


def build(variant: str, skeleton: dict, run: RunConfig, chunks: float) -> HierarchicalTransformerVAE:
    """A model; `chunks` is how many a sequence has that is judged."""
    sizes = run.model_dump(include={*ModelSizes.model_fields})
    if variant in ("no global level", "chunk-wise"):
        more = round((run.latent_dim - 1) / chunks)
        sizes |= {"global_layers": 0, "latent_dim": 1, "chunk_latent_dim": run.chunk_latent_dim + more}
    if variant == "chunk-wise":
        sizes |= {"overlap": 0}
    if variant == "full attention":
        sizes |= {"global_layers": 0}
    torch.manual_seed(run.seed)
    model = HierarchicalTransformerVAE(ModelConfig(**sizes, skeleton=skeleton))
    if variant == "full attention":
        for layer in (*model.encoder.frame_layers, *model.decoder.frame_layers):
            layer.attention = SelfAttention(run.width, run.num_heads)
    if variant == "chunk-wise":
        model.basis.lapped.reach = 0
    return model


def figures(
    variant: str,
    train_set: PoseSequenceDataset,
    held_out: PoseSequenceDataset,
    judged: list[int],
    run: RunConfig,
    arguments: argparse.Namespace,
) -> dict:
    """Trains and judges one model."""
    lengths = [len(held_out[i].sequence) for i in judged]
    chunks = float(np.mean([num_chunks(T, run.chunk_size) for T in lengths]))
    model = build(variant, train_set.skeleton.to_dict(), run, chunks)
    steps = trained(model, train_set, run, arguments.seconds)
    alone = variant == "chunk-wise"
    found = list(posteriors(model, train_set, run))
    model.latent_space.fit_prior([chunk_by_chunk(each) for each in found] if alone else found)
    errors = ClipErrors()
    for i in judged:
        whole_sequence = held_out[i].sequence
        starts = range(0, run.chunk_size, run.chunk_size // STARTS) if len(whole_sequence) > LONG else [0]
        for start in starts:
            sequence = whole_sequence[start:]
            errors.add(clip_errors(sequence, reconstructed(model, sequence), run.chunk_size))
    whole, hands = errors.total(), errors.total("hands") if "hands" in errors.parts else None
    size = model.config.latent_dim + chunks * model.config.chunk_latent_dim
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "numbers in the latents of a sequence": size,
        "steps": steps,
        "mpjpe": whole.mpjpe,
        "rmse": whole.rmse,
        "hands mpjpe": hands and hands.mpjpe,
        "velocity error": whole.velocity,
        "seam ratio": errors.seam().ratio,
        "seam ratio of steps": errors.seam().step_ratio,
        "frechet": realism(model, train_set, run, alone=alone),
    }


def trained(model: HierarchicalTransformerVAE, train_set: PoseSequenceDataset, run: RunConfig, seconds: float) -> int:
    """Trains a model for so many seconds; returns how many steps it took."""
    started = time.process_time()
    torch.manual_seed(run.seed)
    model.initialize(*train_set.mean_pose(), [window.tensors for window in draw_windows(train_set, run)])
    loss = VAELoss(train_set.skeleton, LossManager(run))
    optimizer = torch.optim.AdamW(model.parameters(), lr=run.learning_rate, weight_decay=run.weight_decay)
    loader = PoseDataLoader(
        train_set,
        batch_size=run.batch_size,
        batch_frames=run.batch_frames,
        min_frames=run.min_frames,
        steps=run.steps_per_epoch,
    )
    model.train()
    step, share = 0, 0.0
    while share < 1:
        for batch in loader:
            share = (time.process_time() - started) / seconds
            if share >= 1:
                break
            rise = min(1.0, share / WARMUP)
            optimizer.param_groups[0]["lr"] = run.learning_rate * rise * 0.5 * (1 + math.cos(math.pi * share))
            poses = batch.poses
            made = model(poses.keypoints, poses.confidence, poses.mask)
            optimizer.zero_grad()
            total(loss(made, poses.keypoints, poses.confidence, poses.mask, step)).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), run.gradient_clip)
            optimizer.step()
            step += 1
    model.eval()
    return step


@torch.inference_mode()
def reconstructed(model: HierarchicalTransformerVAE, sequence):
    posterior = encode_of(model, sequence)
    poses = model.decode(model.latent_space.mean(posterior), len(sequence))
    return decoded_sequence(model, poses, 0, len(sequence), sequence.fps)


def encode_of(model: HierarchicalTransformerVAE, sequence):
    keypoints = torch.from_numpy(sequence.keypoints)[None]
    confidence = torch.from_numpy(sequence.confidence)[None]
    return model.encode(keypoints, confidence, torch.ones(confidence.shape[:2], dtype=torch.bool))


def chunk_by_chunk(posterior: Posterior) -> Posterior:
    """Each chunk of a sequence (B = 1) as a sequence of its own."""
    whole, chunks = posterior.whole, posterior.chunks
    N = posterior.chunk_mask.shape[1]
    return Posterior(
        Gaussian(whole.mean.expand(N, -1), whole.log_variance.expand(N, -1)),
        Gaussian(chunks.mean.transpose(0, 1), chunks.log_variance.transpose(0, 1)),
        posterior.chunk_mask.T,
    )


@torch.inference_mode()
def realism(model: HierarchicalTransformerVAE, train_set: PoseSequenceDataset, run: RunConfig, *, alone: bool) -> float:
    """Frechet distance of samples to real windows of the same length; `alone`: each chunk is drawn by itself."""
    frames, space = SAMPLE_CHUNKS * run.chunk_size, model.latent_space
    generator = torch.Generator().manual_seed(run.seed)
    if alone:
        drawn = space.prior(SAMPLES * SAMPLE_CHUNKS, run.chunk_size, generator)
        latents = Latents(drawn.whole[:SAMPLES], drawn.chunks.reshape(SAMPLES, SAMPLE_CHUNKS, -1))
    else:
        latents = space.prior(SAMPLES, frames, generator)
    poses = model.decode(latents, frames)
    samples = [decoded_sequence(model, poses, i, frames, model.config.fps).dense for i in range(SAMPLES)]
    return apart(samples, real(train_set, run), run)


def real(train_set: PoseSequenceDataset, run: RunConfig, seed: int = 0) -> list[PoseSequence]:
    """Real windows as long as samples, which are not varied."""
    frames = SAMPLE_CHUNKS * run.chunk_size
    plain = PoseSequenceDataset(
        train_set.clips, processor=train_set.transform, max_frames=frames, training=True, stitching=1.0
    )
    plain.skeleton = train_set.skeleton
    torch.manual_seed(seed)
    drawn = torch.multinomial(torch.tensor(plain.lengths, dtype=torch.float64), SAMPLES, replacement=True)
    return [plain[i, frames].sequence for i in drawn.tolist()]


def apart(samples: Sequence[PoseSequence], others: Sequence[PoseSequence], run: RunConfig) -> float:
    half = run.chunk_size // 2
    rows = [np.concatenate([window_features(each[half:]) for each in several]) for several in (samples, others)]
    return frechet_distance(*rows)


if __name__ == "__main__":
    main()

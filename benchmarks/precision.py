"""Loss of bf16 autocast compared with fp32: every model trained 200 steps in each, from one seed on the same clips.

uv run python benchmarks/precision.py [--models ht-vae ...] [--steps 200] [--device cpu]

The loss is the mean of the last 50 steps; the goal is a relative difference within 2 %.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import mean
from unittest.mock import patch

import numpy as np
import torch

import ht_vae.config
import ht_vae.training
import pose_encoders.training
import pose_tokenizer.config
import pose_tokenizer.training
import text_to_pose.training
from ht_vae.lightning_module import HTVAEModule
from pose_core import read, write
from pose_core.testing import fake_manifest
from pose_core.training import load_preset
from pose_encoders.lightning_module import ClassificationModule
from pose_tokenizer.lightning_module import TokenizerModule
from text_to_pose.lightning_module import TextToPoseModule

LETTERS = "ABCDEFGHIJKLMNOP"
BATCHES = 4  # an epoch
LAST = 50
GOAL = 0.02
PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed"}
# The module, the config of a run, what trains it, a preset, and what is changed of that.
MODELS = {
    "text-to-pose": (TextToPoseModule, text_to_pose.training.RunConfig, text_to_pose.training, "small", {}),
    "pose-encoders": (
        ClassificationModule,
        pose_encoders.training.RunConfig,
        pose_encoders.training,
        "default",
        {"encoder.hidden_dim": 96, "training.learning_rate": 1e-4},
    ),
    "pose-tokenizer": (
        TokenizerModule,
        pose_tokenizer.config.RunConfig,
        pose_tokenizer.training,
        "small",
        {"fitting_blocks": 2000},
    ),
    "ht-vae": (
        HTVAEModule,
        ht_vae.config.RunConfig,
        ht_vae.training,
        "small",
        {"max_frames": 256, "batch_frames": 1024, "fitting_frames": 4000},
    ),
}


def settings(model: str, precision: str, steps: int, device: str) -> dict:
    """The same of every model, by each package's own names."""
    common = {"device": device, "tensorboard": False, "validate_every": steps, "batch_size": 8, "warmup_steps": 20}
    if model in ("text-to-pose", "pose-encoders"):
        common |= {"epochs": steps // BATCHES, "precision": PRECISIONS[precision]}
        return {f"training.{name}": value for name, value in common.items()}
    common |= {"epochs": steps // BATCHES}
    if model == "ht-vae":
        return common | {"steps_per_epoch": BATCHES, "precision": PRECISIONS[precision]}
    return common | {"use_amp": precision == "bf16"}


def losses_of(model: str, precision: str, data: Path, steps: int, device: str) -> list[float]:
    """Of every step; a run's own log has each tenth."""
    module, run, package, preset, changes = MODELS[model]
    config = load_preset(run, preset, package.PRESETS, changes | settings(model, precision, steps, device))
    step, losses = module.training_step, []

    def training_step(self, batch):
        loss = step(self, batch)
        losses.append(loss.item())
        return loss

    with patch.object(module, "training_step", training_step), tempfile.TemporaryDirectory() as output:
        several = model in ("pose-tokenizer", "ht-vae")
        package.train([data] if several else data, Path(output), config)
    return losses


def varied_clips(folder: Path) -> Path:
    """31 clips to train on: every letter of another build, and no two frames alike."""
    manifest = fake_manifest(folder, letters=LETTERS)
    for seed, path in enumerate(sorted(folder.glob("*.pose"))):
        clip = read(path)
        build = np.random.default_rng(ord(path.stem[-1])).normal(scale=20.0, size=clip.keypoints.shape[1:])
        noise = np.random.default_rng(seed).normal(scale=1.0, size=clip.keypoints.shape)
        keypoints = clip.keypoints + (build + noise) * (clip.confidence > 0)[..., None]
        write(replace(clip, keypoints=keypoints.astype(np.float32)), path, overwrite=True)
    return manifest


def compare(model: str, data: Path, steps: int, device: str) -> dict:
    result = {}
    for precision in PRECISIONS:
        started = time.process_time()
        losses = losses_of(model, precision, data, steps, device)
        if len(losses) != steps:
            sys.exit(f"{model}: {len(losses)} steps, not {steps}")
        result[precision] = {
            "first_loss": round(losses[0], 4),
            "loss": round(mean(losses[-LAST:]), 4),
            "cpu_seconds": round(time.process_time() - started),
        }
    fp32, bf16 = (result[precision]["loss"] for precision in PRECISIONS)
    result["difference"] = round(bf16 / fp32 - 1, 4)
    result["within_goal"] = abs(result["difference"]) <= GOAL
    return result


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    table = {}
    with tempfile.TemporaryDirectory() as name:
        one = partial(compare, data=varied_clips(Path(name)), steps=arguments.steps, device=arguments.device)
        for model in arguments.models:
            table[model] = one(model)
            print(model, json.dumps(table[model]), file=sys.stderr)
    settings = {"steps": arguments.steps, "averaged": LAST, "device": arguments.device, "goal": GOAL}
    print(json.dumps({"settings": settings, "models": table}, indent=2))


if __name__ == "__main__":
    main()

"""Frames per second of training, by precision and number of threads, on this CPU and on one without bf16.

uv run python benchmarks/training_speed.py [--models ht-vae ...] [--preset default] [--data index.csv] [--threads 1 2]
    [--precisions bf16-mixed auto] [--cpus native avx2] [--steps 20]

Every case is a process of its own. The AVX2 CPU is this one with torch and oneDNN limited to AVX2. Frames are those of
the batches, padding left out; seconds are of wall clock and, as the machine may be busy, of processor time. Each case's
ratio is its frames per second of processor time to those of the first case of the same CPU and number of threads.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pose_core.testing import fake_manifest

WARM_UP = 3  # steps that are not counted
AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
MODELS = {
    "text-to-pose": ("text_to_pose", "TextToPoseModule", "training.", {}),
    "pose-encoders": ("pose_encoders", "ClassificationModule", "training.", {}),
    "pose-tokenizer": ("pose_tokenizer", "TokenizerModule", "", {"fitting_blocks": 2000}),
    "ht-vae": ("ht_vae", "HTVAEModule", "", {"fitting_frames": 4000}),
}


class EnoughError(Exception):
    """All steps have been timed."""


def timed(model: str, preset: str, precision: str, data: str, steps: int) -> dict[str, float]:
    """Trains here and now; frames per second of wall clock and of processor time."""
    from importlib import import_module

    import torch

    from pose_core.training import load_preset

    package, class_name, prefix, changes = MODELS[model]
    training = import_module(f"{package}.training")
    module = getattr(import_module(f"{package}.lightning_module"), class_name)
    common = {"precision": precision, "device": "cpu", "tensorboard": False, "num_workers": 0}
    overrides: dict[str, Any] = changes | {f"{prefix}{name}": value for name, value in common.items()}
    run_config = import_module(f"{package}.config").RunConfig
    config = load_preset(run_config, preset, training.PRESETS, overrides)
    clocks, frames, seen = [], [], []

    def on_train_batch_end(self, outputs, batch, batch_idx):
        clocks.append((time.perf_counter(), time.process_time()))
        frames.append(int(batch.num_frames))
        seen.append(self.trainer.precision)
        if len(clocks) == WARM_UP + steps:
            raise EnoughError

    with patch.object(module, "on_train_batch_end", on_train_batch_end), tempfile.TemporaryDirectory() as output:
        several = model in ("pose-tokenizer", "ht-vae")
        with suppress(EnoughError):
            training.train([data] if several else data, Path(output), config)
    counted = sum(frames[WARM_UP:])
    wall, processor = (end - begin for begin, end in zip(clocks[WARM_UP - 1], clocks[-1], strict=True))
    return {
        "precision": seen[0],
        "threads": torch.get_num_threads(),
        "frames_per_second": round(counted / wall, 1),
        "frames_per_processor_second": round(counted / processor, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--preset", default="default")
    parser.add_argument("--precisions", nargs="+", default=["bf16-mixed", "auto"])
    parser.add_argument("--cpus", nargs="+", default=["native", "avx2"], choices=["native", "avx2"])
    parser.add_argument("--threads", nargs="+", default=["1"], help="numbers, or auto: as the commands choose")
    parser.add_argument("--data", help="manifest; made-up clips by default")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        found = timed(arguments.models[0], arguments.preset, arguments.precisions[0], arguments.data, arguments.steps)
        print(json.dumps(found))
        return
    with tempfile.TemporaryDirectory() as name:
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        data = arguments.data or str(fake_manifest(Path(name), letters=letters))
        for model in arguments.models:
            for cpu in arguments.cpus:
                for threads in arguments.threads:
                    first = None
                    for precision in arguments.precisions:
                        found = run_one(arguments, model, cpu, threads, precision, data)
                        rate = found["frames_per_processor_second"]
                        first = first or rate
                        found = {"model": model, "preset": arguments.preset, "cpu": cpu, "asked": precision, **found}
                        print(json.dumps(found | {"ratio": round(rate / first, 2)}), flush=True)


def run_one(
    arguments: argparse.Namespace, model: str, cpu: str, threads: str, precision: str, data: str
) -> dict[str, Any]:
    environment = os.environ | (AVX2 if cpu == "avx2" else {})
    environment.pop("OMP_NUM_THREADS", None)
    if threads != "auto":
        environment["OMP_NUM_THREADS"] = threads
    options = ["--models", model, "--preset", arguments.preset, "--precisions", precision, "--data", data]
    done = subprocess.run(
        [sys.executable, __file__, "--one", *options, "--steps", str(arguments.steps)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()

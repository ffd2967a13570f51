"""Training speed, waiting time for data, and the gain of a second process.

uv run python benchmarks/scaling.py [--data ../shared/data/fingerspelling/index.csv] [--config default] [--epochs 2]
    [--workers 0 2] [--device cpu]

Runs `text-to-pose train` by torchrun in one and in two processes of one thread each, and reads what the run
logged of its last epoch: frames per second of all processes together, and the share of the steps' time in which there
was no batch yet. Prints JSON; the ratio is that of frames per second to those of one process without workers.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from codec import rounded

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED / "fingerspelling" / "index.csv")
    parser.add_argument("--config", default="default")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 2])
    arguments = parser.parse_args()
    rows = []
    for processes in (1, 2):
        for workers in arguments.workers:
            with tempfile.TemporaryDirectory() as folder:
                rows.append(measured(Path(folder) / "run", processes, workers, arguments))
            first = rows[0]["frames per second"]
            rows[-1]["ratio to the first"] = rows[-1]["frames per second"] / first
    settings = {
        "torch": torch.__version__,
        "cores": os.cpu_count(),
        "device": arguments.device,
        "config": arguments.config,
        "threads": 1,
    }
    print(json.dumps(rounded({"settings": settings, "rows": rows}), indent=2))


def measured(output: Path, processes: int, workers: int, arguments: argparse.Namespace) -> dict:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    command = ["-m", "text_to_pose", "train", "--data", str(arguments.data), "--output", str(output)]
    settings = [f"num_workers={workers}", "tensorboard=false", f"validate_every={arguments.epochs + 1}"]
    options = ["--config", arguments.config, "--epochs", str(arguments.epochs), "--device", arguments.device]
    options += [part for setting in settings for part in ("--set", f"training.{setting}")]
    subprocess.run(
        [*launcher, *command, *options],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    with (output / "logs" / "metrics.csv").open(encoding="utf-8") as file:
        last = [row for row in csv.DictReader(file) if row.get("train/frames_per_second")][-1]
    return {
        "processes": processes,
        "workers": workers,
        "frames per second": float(last["train/frames_per_second"]),
        "waiting for data": float(last["train/waiting_for_data"]),
    }


if __name__ == "__main__":
    main()

"""The three pose encoders compared: accuracy on letters after equal training time on one core, speed and memory.

uv run python benchmarks/encoders.py [--data index.csv] [--seconds 240] [--encoders transformer graph:gatv2 ...]

Trained on four fifths of the manifest's train rows with a text of one Latin letter; scored on the fifth left out (by a
fixed seed) and on the validation rows, which are few. Every encoder runs in a process of its own, on one thread, and
its seconds are processor time: other load on the machine adds none.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader

from pose_core import read
from pose_core.data import FrameBudgetSampler, collate, read_clips, read_prepared
from pose_encoders.config import ModelConfig
from pose_encoders.dataset import LabelledDataset
from pose_encoders.model import PoseEncoderModel
from pose_encoders.preprocessing import prepare

DATA = Path(__file__).resolve().parents[2] / "shared/data/fingerspelling/index.csv"
ENCODERS = ("transformer", "graph:relational", "graph:gatv2", "graph:transformer", "graph:gcn", "visual:frame")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LENGTHS = (64, 512, 4096)
MAX_FRAMES = 512
COMMON = {"hidden_dim": 192, "num_layers": 2, "num_heads": 4, "dropout": 0.1}


def configuration(name: str) -> dict:
    kind, _, variant = name.partition(":")
    return {**COMMON, "kind": kind, **({"graph": {"conv": variant}, "visual": {"fit": variant}}.get(kind, {}))}


def letters(data: Path) -> dict[str, tuple[list, list[int]]]:
    """Prepared sequences and labels of the parts: train, held_out, validation."""
    clips = [clip for clip in read_clips(data) if clip.text.upper() in LETTERS]
    train = [clip for clip in clips if clip.split == "train"]
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(0)).tolist()
    fifth = len(order) // 5
    parts = {
        "train": [train[i] for i in order[fifth:]],
        "held_out": [train[i] for i in order[:fifth]],
        "validation": [clip for clip in clips if clip.split == "validation"],
    }
    skeleton, result = None, {}
    for part, members in parts.items():
        sequences = read_prepared(members, partial(prepare, fps=25.0, face=False), skeleton)
        skeleton = sequences[0].skeleton
        result[part] = (sequences, [LETTERS.index(clip.text.upper()) for clip in members])
    return result


def accuracy(model: PoseEncoderModel, sequences: list, labels: list[int]) -> float:
    with torch.inference_mode():
        logits = torch.cat([model.logits(collate(sequences[i : i + 16])) for i in range(0, len(sequences), 16)])
    return (logits.argmax(dim=1) == torch.tensor(labels)).float().mean().item()


def train(model: PoseEncoderModel, sequences: list, labels: list[int], seconds: float) -> tuple[int, int]:
    """Steps and frames in that time of a core; the learning rate rises for a twentieth of it and falls on a cosine."""
    dataset = LabelledDataset(sequences, labels, augment=True)
    sampler = FrameBudgetSampler([len(sequence) for sequence in sequences], MAX_FRAMES)
    loader = DataLoader(dataset, batch_sampler=sampler, collate_fn=dataset.collate)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.05)
    steps = frames = 0
    started = time.process_time()
    while True:
        for batch in loader:
            passed = (time.process_time() - started) / seconds
            if passed >= 1:
                return steps, frames
            rate = min(1.0, passed / 0.05) * 0.5 * (1 + torch.cos(torch.tensor(torch.pi * passed)).item())
            for group in optimizer.param_groups:
                group["lr"] = 1e-3 * rate + 1e-6
            loss = F.cross_entropy(model.logits(batch.pose), batch.labels, label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            steps, frames = steps + 1, frames + int(batch.pose.mask.sum())


def one(name: str, data: Path, seconds: float) -> dict:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    parts = letters(data)
    skeleton = parts["train"][0][0].skeleton
    config = ModelConfig(encoder=configuration(name), skeleton=skeleton.to_dict(), labels=list(LETTERS))
    model = PoseEncoderModel(config)
    steps, frames = train(model.train(), *parts["train"], seconds)
    model.eval()
    batch = collate([parts["train"][0][0].hold_frame(0, 64)] * 8)
    started, passes = time.process_time(), 0
    with torch.inference_mode():
        while time.process_time() - started < 3:
            model(batch)
            passes += 1
    forward = passes * 8 * 64 / (time.process_time() - started)
    return {
        "parameters": sum(p.numel() for p in model.encoder.parameters()),
        "steps": steps,
        "training_frames_per_second": round(frames / seconds),
        "forward_frames_per_second": round(forward),
        "held_out_accuracy": round(accuracy(model, *parts["held_out"]), 3),
        "validation_accuracy": round(accuracy(model, *parts["validation"]), 3),
    }


def memory(name: str, data: Path, length: int) -> dict:
    """Peak memory in MB that one forward pass of one clip adds to the process, without gradients."""
    torch.set_num_threads(1)
    clip = next(clip for clip in read_clips(data) if clip.text.upper() in LETTERS)
    sequence = prepare(read(clip.path), 25.0, face=False)
    config = ModelConfig(encoder=configuration(name), skeleton=sequence.skeleton.to_dict(), labels=list(LETTERS))
    model = PoseEncoderModel(config).eval()
    with torch.inference_mode():
        model(collate([sequence.hold_frame(0, 8)]))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        model(collate([sequence.hold_frame(0, length)]))
    return {"megabytes": round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)}


def in_its_own_process(*arguments: str) -> dict:
    ended = subprocess.run([sys.executable, __file__, *arguments], capture_output=True, text=True, check=False)
    if ended.returncode:
        sys.exit(ended.stderr)
    return json.loads(ended.stdout)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--encoders", nargs="+", default=ENCODERS)
    parser.add_argument("--one")
    parser.add_argument("--memory", type=int)
    arguments = parser.parse_args()
    if arguments.one:
        if arguments.memory:
            result = memory(arguments.one, arguments.data, arguments.memory)
        else:
            result = one(arguments.one, arguments.data, arguments.seconds)
        print(json.dumps(result))
        return
    table = {}
    for name in arguments.encoders:
        common = ("--one", name, "--data", str(arguments.data))
        table[name] = in_its_own_process(*common, "--seconds", str(arguments.seconds))
        table[name]["peak_megabytes"] = {
            length: in_its_own_process(*common, "--memory", str(length))["megabytes"] for length in LENGTHS
        }
        print(name, json.dumps(table[name]), file=sys.stderr)
    settings = {"cpu_seconds": arguments.seconds, "threads": 1, "batch_frames": MAX_FRAMES, **COMMON}
    print(json.dumps({"settings": settings, "encoders": table}, indent=2))


if __name__ == "__main__":
    main()

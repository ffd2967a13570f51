"""Time and memory of training and inference by length: hierarchical attention compared with full attention.

uv run python benchmarks/long_sequences.py [--lengths 500 1000 2000 4000 16000] [--threads 1] [--repetitions 3]

Three stacks of the same width and depth: the hierarchical one, full attention through
`scaled_dot_product_attention`, and `nn.TransformerEncoderLayer` in training mode (with its default dropout, up to 4,000
frames). Times are processor seconds of all threads, the minimum of a few repetitions in turn; above 4,000 frames of
one. Memory is the peak that one step adds to a process of its own, as reported by Linux. The default model also
takes a step with its loss and its optimizer on 4,200 frames.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from ht_vae.config import LossConfig, ModelConfig
from ht_vae.losses import LossManager, VAELoss, total
from ht_vae.model import HierarchicalTransformerVAE
from ht_vae.nn.attention import HierarchicalAttention, Layer
from pose_core.testing import fake_skeleton

LENGTHS = (500, 1000, 2000, 4000, 16_000)
WIDTH, HEADS, LAYERS = 256, 4, 6
CHUNK_SIZE, OVERLAP = 64, 16
LONGEST_DEFAULT = 4000  # frames for which torch's layer in training mode is asked: its memory grows with the square
MODES = ("training", "inference")
DEFAULT_MODEL_FRAMES = 4200


class FullAttention(nn.Module):
    """Every frame attends to every frame."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        return self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class Stack(nn.Module):
    def __init__(self, attention) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(attention(), WIDTH, 4 * WIDTH) for _ in range(LAYERS))

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x, mask)
        return x


class TorchDefault(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layers = [nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, batch_first=True) for _ in range(LAYERS)]
        self.layers = nn.ModuleList(layers)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


STACKS = {
    "hierarchical": lambda: Stack(lambda: HierarchicalAttention(WIDTH, HEADS, CHUNK_SIZE, OVERLAP)),
    "full_fused": lambda: Stack(FullAttention),
    "full_torch_default": TorchDefault,
}


def once(stack: nn.Module, mode: str, length: int) -> None:
    x = torch.randn(1, length, WIDTH, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(1, length, dtype=torch.bool)
    if mode == "inference":
        with torch.inference_mode():
            stack.eval()(x, mask)
        return
    stack.train()(x, mask).square().mean().backward()
    stack.zero_grad()


def seconds(stack: nn.Module, mode: str, length: int) -> float:
    started = time.process_time()
    once(stack, mode, length)
    return time.process_time() - started


def names(length: int) -> list[str]:
    return [name for name in STACKS if name != "full_torch_default" or length <= LONGEST_DEFAULT]


def times(lengths: list[int], repetitions: int) -> dict:
    """Processor seconds, mode -> stack -> length; the stacks take turns, and so do the lengths."""
    torch.manual_seed(0)
    stacks = {name: make() for name, make in STACKS.items()}
    for stack in stacks.values():
        once(stack, "training", 64)
    least: dict = {mode: {name: {} for name in STACKS} for mode in MODES}
    for repetition in range(repetitions):
        for length in lengths:
            if repetition and length > LONGEST_DEFAULT:
                continue
            for mode in MODES:
                for name in names(length):
                    took = seconds(stacks[name], mode, length)
                    least[mode][name][length] = min(took, least[mode][name].get(length, took))
                    print(f"{mode}, {name}, {length} frames: {took:.2f} s", file=sys.stderr)
    return least


def status(field: str) -> int:
    """Kilobytes, as Linux counts them for this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1])


def peak_of(step) -> float:
    """Megabytes that a step adds to what this process holds, at its peak."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is that of the imports, or of the parent process
    before = status("VmRSS")
    step()
    return (status("VmHWM") - before) / 1024


def memory(name: str, mode: str, length: int) -> float:
    torch.manual_seed(0)
    stack = STACKS[name]()
    once(stack, mode, 64)
    return peak_of(lambda: once(stack, mode, length))


def default_model() -> dict:
    """One step of the default model on a long clip: its memory, that of the process, its time."""
    torch.manual_seed(0)
    skeleton = fake_skeleton().with_dims(2)
    model = HierarchicalTransformerVAE(ModelConfig(skeleton=skeleton.to_dict())).train()
    criterion = VAELoss(skeleton, LossManager(LossConfig()))
    optimizer = torch.optim.AdamW(model.parameters())

    def step(frames: int) -> None:
        keypoints = torch.randn(1, frames, skeleton.num_keypoints, 2)
        confidence, mask = torch.ones(keypoints.shape[:3]), torch.ones(1, frames, dtype=torch.bool)
        total(criterion(model(keypoints, confidence, mask), keypoints, confidence, mask, 0)).backward()
        optimizer.step()
        optimizer.zero_grad()

    started = time.process_time()
    megabytes = peak_of(lambda: step(DEFAULT_MODEL_FRAMES))
    return {
        "frames": DEFAULT_MODEL_FRAMES,
        "parameters": sum(p.numel() for p in model.parameters()),
        "cpu_seconds": round(time.process_time() - started, 2),
        "megabytes": round(megabytes),
        "process_megabytes": round(status("VmHWM") / 1024),
    }


def in_its_own_process(threads: int, *arguments: str) -> object:
    command = [sys.executable, __file__, "--threads", str(threads), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        sys.exit(ended.stderr)
    return json.loads(ended.stdout)


def ratios(took: dict, megabytes: dict, lengths: list[int]) -> dict:
    """How much longer the others take, and how much more four times the frames cost."""
    result: dict = {}
    for mode in MODES:
        own = took[mode]["hierarchical"]
        result[mode] = {
            "times_as_fast": {
                name: {length: round(took[mode][name][length] / own[length], 2) for length in took[mode][name]}
                for name in STACKS
                if name != "hierarchical"
            },
        }
        if {1000, 4000} <= set(lengths):
            own_memory = megabytes[mode]["hierarchical"]
            result[mode]["seconds_4000_over_1000"] = round(own[4000] / own[1000], 2)
            result[mode]["megabytes_4000_over_1000"] = round(own_memory[4000] / own_memory[1000], 2)
    return result


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--memory", nargs=3, metavar=("STACK", "MODE", "LENGTH"), help="of one step, alone")
    parser.add_argument("--default-model", action="store_true", help="its step, alone")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.memory:
        name, mode, length = arguments.memory
        print(json.dumps(memory(name, mode, int(length))))
        return
    if arguments.default_model:
        print(json.dumps(default_model()))
        return
    lengths, threads = sorted(arguments.lengths), arguments.threads
    took = times(lengths, arguments.repetitions)
    megabytes: dict = {mode: {name: {} for name in STACKS} for mode in MODES}
    for mode in MODES:
        for length in lengths:
            for name in names(length):
                peak = in_its_own_process(threads, "--memory", name, mode, str(length))
                megabytes[mode][name][length] = round(peak, 1)
                print(f"{mode}, {name}, {length} frames: {peak:.0f} MB", file=sys.stderr)
    default = in_its_own_process(threads, "--default-model")
    settings = {
        "threads": threads,
        "torch": torch.__version__,
        "batch": 1,
        "layers": LAYERS,
        "width": WIDTH,
        "heads": HEADS,
        "feed_forward": 4 * WIDTH,
        "chunk_size": CHUNK_SIZE,
        "overlap": OVERLAP,
        "repetitions": arguments.repetitions,
    }
    rounded = {
        mode: {name: {length: round(value, 3) for length, value in of.items()} for name, of in stacks.items()}
        for mode, stacks in took.items()
    }
    result = {
        "settings": settings,
        "cpu_seconds": rounded,
        "megabytes": megabytes,
        "hierarchical": ratios(took, megabytes, lengths),
        "default_model_step": default,
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()

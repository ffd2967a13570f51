"""Time of ten refinements of a batch: our network compared with the original iterative one, on random sequences.

uv run python benchmarks/refinement.py [--device cpu] [--threads 1] [--compile]

32 sequences of 77 frames of 75 keypoints in three dimensions, without guidance; each figure holds encoding the text
(once) and all ten refinements, and is the median of repeats that take turns. On one thread of a CPU it is that thread's
time, so other load on the machine adds little. The weights are random: they do not change the time.

The peer is `peer.py`'s network, as published (width 128, two heads) and as its authors widened it later (512, eight
heads). Ours has the default preset's size.

Networks are compiled on an accelerator, also with CUDA graphs, or with --compile.
"""

import argparse
import copy
import json
import statistics
import sys
import time
from collections.abc import Callable

import torch
from peer import NO_TEXT, STEPS, Peer
from torch import Tensor, nn

from pose_core.skeleton import known_skeleton
from pose_core.training import load_preset
from text_to_pose.config import PRESETS, RunConfig, TextConfig, TextToPoseConfig
from text_to_pose.model import TextToPose
from text_to_pose.sampling import Sampling
from text_to_pose.text.tokenizer import TextBatch

BATCH, FRAMES, KEYPOINTS, DIMS, TOKENS = 32, 77, 75, 3, 8
VOCABULARY = tuple("abcdefghijklmnopqrstuvwxyz")
PEERS = {"peer_128": {"dim": 128, "num_heads": 2}, "peer_512": {"dim": 512, "num_heads": 8}}
MODES = {"compiled": "default", "graphs": "reduce-overhead"}  # of torch.compile; the second are CUDA graphs

Work = Callable[[Tensor, Tensor], Tensor]  # start frames (B, K, D) and token ids (B, L) to sequences


def our_model() -> TextToPose:
    config = TextToPoseConfig(
        network=load_preset(RunConfig, "default", PRESETS).network(),
        text=TextConfig(kind="characters", alphabets={"ase": []}, vocabulary=list(VOCABULARY)),
        skeleton=known_skeleton(KEYPOINTS, DIMS).to_dict(),
        dominant_hands={"ase": "right"},
    )
    return TextToPose(config)


def ours(model: TextToPose) -> Work:
    """All there is of our model's interface here."""

    def work(start: Tensor, tokens: Tensor) -> Tensor:
        none = torch.full_like(tokens[:, 0], -1)
        condition, _ = model.encode(TextBatch(tokens, none, none), start, torch.ones_like(start[..., 0]))
        for refined in Sampling(num_steps=STEPS).steps(model, condition, whole(start)):
            sequence = refined.features
        return sequence

    return work


def peers(model: Peer) -> Work:
    return lambda start, tokens: model.refine(start, whole(start), tokens)


def whole(start: Tensor) -> Tensor:
    return torch.ones(len(start), FRAMES, dtype=torch.bool, device=start.device)


def one_by_one(work: Work) -> Work:
    def each(start: Tensor, tokens: Tensor) -> Tensor:
        return torch.cat([work(start[i : i + 1], tokens[i : i + 1]) for i in range(len(start))])

    return each


def in_bfloat16(work: Work) -> Work:
    def cast(start: Tensor, tokens: Tensor) -> Tensor:
        with torch.autocast(start.device.type, torch.bfloat16):
            return work(start, tokens)

    return cast


def compiled(model: nn.Module, mode: str) -> nn.Module:
    """A copy whose network is compiled: what runs ten times, not the loop around it."""
    model = copy.deepcopy(model)
    network = model.denoiser if isinstance(model, TextToPose) else model
    network.compile(mode=mode)
    return model


def ways(model: nn.Module, modes: dict[str, str]) -> dict[str, Work]:
    """What to time of a network, by name."""
    interface = ours if isinstance(model, TextToPose) else peers
    work = interface(model)
    found = {"float32": work, "bfloat16": in_bfloat16(work), "one_by_one": one_by_one(work)}
    for name, mode in modes.items():
        found[f"{name}_float32"] = interface(compiled(model, mode))
        found[f"{name}_bfloat16"] = in_bfloat16(interface(compiled(model, mode)))
    return found


def milliseconds(work: Work, start: Tensor, tokens: Tensor) -> float:
    clock = time.process_time if start.device.type == "cpu" and torch.get_num_threads() == 1 else time.perf_counter
    wait(start.device)
    started = clock()
    work(start, tokens)
    wait(start.device)
    return (clock() - started) * 1000


def wait(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--compile", action="store_true", help="on the CPU, too")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    device = torch.device(arguments.device)
    accelerated = device.type != "cpu"
    wanted = [*["compiled"] * (arguments.compile or accelerated), *["graphs"] * accelerated]
    modes = {name: MODES[name] for name in wanted}

    networks = {
        **{name: Peer(NO_TEXT + 1 + len(VOCABULARY), KEYPOINTS, DIMS, **size) for name, size in PEERS.items()},
        "ours": our_model(),
    }
    start = torch.randn(BATCH, KEYPOINTS, DIMS, device=device)
    tokens = torch.randint(NO_TEXT + 1, NO_TEXT + 1 + len(VOCABULARY), (BATCH, TOKENS), device=device)
    times: dict[tuple[str, str], list[float]] = {}
    works = {}
    with torch.inference_mode():
        for name, network in networks.items():
            for way, work in ways(network.to(device).eval(), modes).items():
                started = time.perf_counter()
                try:
                    work(start, tokens)
                    work(start, tokens)
                except Exception as error:
                    if not way.startswith(tuple(MODES)):
                        raise
                    print(f"{name} {way}: left out, {type(error).__name__}: {error}", file=sys.stderr)
                    continue
                print(f"{name} {way}: warm after {time.perf_counter() - started:.1f} s", file=sys.stderr)
                works[name, way] = work
                times[name, way] = []
        for _ in range(arguments.repeats):
            for key, work in works.items():
                times[key].append(milliseconds(work, start, tokens))

    table: dict[str, dict[str, float]] = {name: {} for name in networks}
    for (name, way), each in times.items():
        table[name][way] = round(statistics.median(each), 1)
    result = {
        "settings": {
            "batch": BATCH,
            "frames": FRAMES,
            "keypoints": KEYPOINTS,
            "dims": DIMS,
            "tokens": TOKENS,
            "refinements": STEPS,
            "device": device.type,
            "threads": arguments.threads,
            "repeats": arguments.repeats,
            "torch": torch.__version__,
        },
        "parameters": {name: sum(p.numel() for p in network.parameters()) for name, network in networks.items()},
        "milliseconds": table,
        "ours_to_peer_512": {
            way: round(table["ours"][way] / table["peer_512"][way], 2)
            for way in table["ours"]
            if way in table["peer_512"]
        },
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()

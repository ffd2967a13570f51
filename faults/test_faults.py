"""Training runs that are killed, stopped, damaged, out of room or cut off, and what they end as.

A run's life is a row of faults, each followed by the same command, a process of a package's own command line every
time. Whatever happens to it, it has to end with the very weights of the run that nothing happened to.
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from subprocess import Popen, TimeoutExpired
from typing import TYPE_CHECKING

import pytest
from safetensors.numpy import load_file

from pose_core.commands.preprocessing import pack_data
from pose_core.testing import fake_manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

AT_ONCE = 2  # runs
PATIENCE = 600  # seconds, for anything
MOST_STEPS = 12  # of a process before its fault; all the faults of a life have to find their place in 120
ROOM = 50_000  # bytes a file may have where the disk is full: a log has less, a checkpoint more

COMMON = {"batch_size": 2, "warmup_steps": 10, "ema_decay": 0.9, "validate_every": 3, "tensorboard": False}
TRAINING = {"checkpoint_minutes": 1e-4, **COMMON}  # a checkpoint every step
CONFIGS = {
    "text-to-pose": {
        "encoder": {"hidden_dim": 32, "num_layers": 0, "num_heads": 2, "sees_missing": False},
        "decoder_layers": 1, "num_heads": 2, "dropout": 0.1, "epochs": 15, **TRAINING,
    },
    "pose-encoders": {
        "encoder": {"hidden_dim": 32, "num_layers": 1, "num_heads": 2}, "epochs": 15, **TRAINING,
    },
    "pose-tokenizer": {
        "keypoints": "hands_and_body", "num_quantizers": 3, "codebook_size": 16, "latent_dim": 16, "hidden_dim": 8,
        "num_layers": 1, "fitting_blocks": 150, "epochs": 15, **TRAINING,
    },
    "ht-vae": {
        "width": 16, "num_heads": 2, "local_layers": 1, "global_layers": 1, "feed_forward": 32, "chunk_size": 16,
        "overlap": 4, "latent_dim": 6, "chunk_latent_dim": 5, "min_frames": 16, "max_frames": 64, "batch_frames": 128,
        "steps_per_epoch": 8, "fitting_frames": 500, "epochs": 15, **TRAINING,
    },
}  # fmt: skip
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2")
NO_SERVER = {"WANDB_BASE_URL": "http://127.0.0.1:9", "WANDB_API_KEY": "0" * 40, "WANDB_MODE": "online"}


class FailureError(Exception):
    """A process did something else than it should."""


class Run:
    """A command, and the folder that it trains into.

    Args:
        package: whose command.
        kind: what its life is called.
        root: folder of all runs, with `clips/` and `shards/` of these.

    Attributes:
        whole: the folder of the run that nothing happens to.
    """

    def __init__(self, package: str, kind: str, root: Path) -> None:
        self.package, self.folder = package, root / f"{package}-{kind}"
        self.whole = root / f"{package}-{undisturbed(kind)}"
        self.checkpoint = self.folder / "checkpoints" / "last.ckpt"
        config = root / f"{package}.yaml"
        config.write_text(json.dumps(CONFIGS[package]))
        launcher = TORCHRUN if kind.startswith("two") else ()
        self.command = [sys.executable, *launcher, "-m", package.replace("-", "_"), "train", "--device", "cpu"]
        data = root / ("shards" if kind.startswith("shards") else "clips/index.csv")
        self.command += ["--data", f"{data}", "--output", f"{self.folder}", "--config", f"{config}"]
        # Compiled once for all: half of a start is that, where Python is told to keep nothing.
        compiled = {"PYTHONPYCACHEPREFIX": f"{root}/compiled", "PYTHONDONTWRITEBYTECODE": ""}
        self.environment = os.environ | {"OMP_NUM_THREADS": "1"} | compiled
        if kind == "offline":
            self.command += ["--wandb-project", "poses"]
            self.environment |= NO_SERVER
        self.starts = 0

    def start(self) -> None:
        """Gives the command, once more; each process has a log of its own."""
        self.starts += 1
        self.log = self.folder.with_name(f"{self.folder.name}-{self.starts}.log")
        with self.log.open("w") as log:
            self.process = Popen(self.command, stdout=log, stderr=log, env=self.environment)

    def said(self, pattern: str) -> bool:
        """Whether the process has printed that."""
        return re.search(pattern, self.log.read_text(), re.DOTALL) is not None

    def until(self, condition: Callable[[], object], what: str) -> None:
        """DataWaitProfiler for that.

        Raises:
            FailureError: it does not come.
        """
        begun = time.monotonic()
        while not condition():
            if self.process.poll() is not None and not condition():
                raise FailureError(f"ended with {self.process.returncode} before {what}")
            if time.monotonic() - begun > PATIENCE:
                raise FailureError(f"no {what} in {PATIENCE} seconds")
            time.sleep(0.001)

    def until_it_ends(self, status: int, says: str = "") -> None:
        """DataWaitProfiler for the end of the process, and for that end.

        Raises:
            FailureError: it is another one, or something is half-written that the process had time to clear away.
        """
        self.until(lambda: self.process.poll() is not None, "end")
        traceback = self.said("Traceback") and TORCHRUN[1] not in self.command
        if self.process.returncode != status or not self.said(says) or traceback:
            raise FailureError(f"ended with {self.process.returncode}, not with {status} and {says!r}")
        if status >= 0 and (left := [path.name for path in self.folder.rglob(".*")]):
            raise FailureError(f"left {', '.join(left)}")

    def until_some_steps(self, random: Random) -> None:
        """DataWaitProfiler for a random moment of the training."""
        seen = set()

        def steps() -> int:
            with suppress(FileNotFoundError):  # for a moment between two
                seen.add(self.checkpoint.stat().st_mtime_ns)
            return len(seen)

        wanted = random.randint(3, MOST_STEPS)
        self.until(lambda: steps() >= wanted, f"step {wanted}")
        time.sleep(random.uniform(0, 0.1))

    def kill_while(self, condition: Callable[[], bool], what: str) -> None:
        """Kills the process while something is so that soon is not: it is halted first, and looked at again."""
        while True:
            self.until(condition, what)
            self.process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            if condition():
                return self.process.kill()
            self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """Leaves no process behind, torchrun's own among them."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except TimeoutExpired:
                self.process.kill()
                self.process.wait()


@dataclass(frozen=True)
class Fault:
    """Something that ends a process of a run.

    Attributes:
        strike: waits for its moment, and does it.
        status: how the process ends then.
        says: the last that it prints, a pattern.
        damage: done to the newest checkpoint afterwards.
        then: what the same command says next.
    """

    name: str
    strike: Callable[[Run, Random], None]
    status: int
    says: str = ""
    damage: Callable[[Path], None] = lambda checkpoint: None
    then: str = "going on from checkpoints/(before-)?last.ckpt"


@dataclass
class Outcome:
    """A fault that was injected, and what went wrong then; seconds until the same command went on."""

    fault: str
    package: str
    problem: str = "the run did not go on"
    seconds: float = 0.0


def send(number: int, run: Run, random: Random) -> None:
    """A signal amid the training."""
    run.until_some_steps(random)
    run.process.send_signal(number)


def kill_just_begun(run: Run, random: Random) -> None:
    """About when the first step is done."""
    run.until((run.folder / "run.json").exists, "begin")
    time.sleep(random.uniform(0, 0.5))
    run.process.kill()


def kill_writing(run: Run, random: Random) -> None:
    """Amid a checkpoint."""
    run.until_some_steps(random)
    run.kill_while(run.checkpoint.with_name(".last.ckpt.part").exists, "checkpoint")


def kill_at_the_end(run: Run, random: Random) -> None:
    """All is trained, and the model perhaps half-written."""
    card, notes = run.folder / "README.md", run.folder / "run.json"
    run.kill_while(lambda: card.exists() and "finished" not in notes.read_text(), "model")


def kill_rank(run: Run, random: Random) -> None:
    """One of the processes that torchrun has started."""
    run.until_some_steps(random)
    ranks = Path(f"/proc/{run.process.pid}/task/{run.process.pid}/children").read_text().split()
    os.kill(int(random.choice(ranks)), signal.SIGKILL)


def fill_disk(run: Run, random: Random) -> None:
    """The size of files is limited amid the training."""
    run.until_some_steps(random)
    resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE, (ROOM, ROOM))


def fill_disk_at_the_end(run: Run, random: Random) -> None:
    """The same when all is trained."""
    run.until(partial(run.said, "fitting the prior"), "model")
    resource.prlimit(run.process.pid, resource.RLIMIT_FSIZE, (ROOM, ROOM))


def flip_byte(checkpoint: Path) -> None:
    """One in the middle."""
    content = bytearray(checkpoint.read_bytes())
    content[len(content) // 2] ^= 1
    checkpoint.write_bytes(content)


def truncate(checkpoint: Path) -> None:
    """To a third."""
    os.truncate(checkpoint, checkpoint.stat().st_size // 3)


ASKED = r"stopping after this step; the same command goes on from there[^\n]*\n.*\nError: interrupted\n$"
NO_ROOM = r"\nError: [^\n]*free some space[^\n]*\n$"
NO_ANSWER = r"127.0.0.1:9 cannot be reached [^\n]*logging to [^\n]*/wandb instead"
BEGUN = "its run was interrupted; going on from"
LEFT_OUT = r"last.ckpt: is damaged, and skipped\n.*going on from checkpoints/before-last.ckpt"
TERM, INT, KILL = (partial(send, number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL))
KILLED = [
    Fault("SIGKILL, just begun", kill_just_begun, -9, then=BEGUN),
    Fault("SIGKILL", KILL, -9),
    Fault("SIGKILL, checkpoint half-written", kill_writing, -9),
    Fault("SIGKILL, newest checkpoint altered", KILL, -9, "", flip_byte, LEFT_OUT),
    Fault("SIGKILL, newest checkpoint cut", KILL, -9, "", truncate, LEFT_OUT),
]
STOPPED = [
    Fault("SIGTERM", TERM, 130, ASKED),
    Fault("SIGINT", INT, 130, ASKED),
    Fault("disk full", fill_disk, 2, NO_ROOM),
]
ENDING = Fault("SIGKILL, model being written", kill_at_the_end, -9)
NO_MODEL = Fault("disk full, model being written", fill_disk_at_the_end, 2, NO_ROOM)
ALONE = Fault("SIGKILL, no W&B server", KILL, -9, NO_ANSWER)
STREAMED = [
    Fault("SIGKILL, training on shards", KILL, -9),
    Fault("SIGKILL, training on shards", KILL, -9),
]
RANK = Fault("SIGKILL, one process of two", kill_rank, 1)
LIVES = {
    **{(package, "whole"): [] for package in CONFIGS},
    ("ht-vae", "two-whole"): [],
    **{(package, "shards-whole"): [] for package in ("text-to-pose", "pose-tokenizer")},
    **{(package, "killed"): KILLED for package in CONFIGS},
    **{(package, "stopped"): STOPPED for package in CONFIGS},
    **{(package, "ending"): [ENDING] for package in CONFIGS},
    ("ht-vae", "ending"): [NO_MODEL, ENDING],
    **{(package, "shards-killed"): STREAMED for package in ("text-to-pose", "pose-tokenizer")},
    ("text-to-pose", "offline"): [ALONE],
    ("ht-vae", "two-killed"): [RANK],
}


def undisturbed(kind: str) -> str:
    """The life that one of that kind has to end like."""
    first, _, rest = kind.partition("-")
    return f"{first}-whole" if rest else "whole"


def live(run: Run, faults: Sequence[Fault], whole: Future | None) -> list[Outcome]:
    """Every fault of a life, and after each the same command, until that ends as the whole run has.

    Raises:
        FailureError: it fails without a fault.
    """
    random = Random(run.folder.name)
    outcomes: list[Outcome] = []
    try:
        for fault in [*faults, None]:
            begun = time.monotonic()
            run.start()
            try:
                if outcomes:
                    then = faults[len(outcomes) - 1].then
                    run.until(partial(run.said, then), repr(then))
                    outcomes[-1].problem, outcomes[-1].seconds = "", time.monotonic() - begun
                if fault is None:
                    run.until_it_ends(0)
                else:
                    outcomes.append(Outcome(fault.name, run.package))
                    fault.strike(run, random)
                    run.until_it_ends(fault.status, fault.says)
                    fault.damage(run.checkpoint)
            finally:
                run.end()
    except FailureError as failure:
        problem = f"process {run.starts} {failure}; it had said:\n{run.log.read_text()[-2000:]}"
        if not outcomes:
            raise FailureError(problem) from None
        outcomes[-1].problem = problem
        return outcomes
    if whole is not None:
        whole.result()
        for outcome in [] if same_model(run.folder, run.whole) else outcomes:  # it is not known which of them
            outcome.problem = "the run ended with another model"
    return outcomes


def same_model(*folders: Path) -> bool:
    """Whether folders have the same configuration and, bit by bit, the same weights."""
    weights = [load_file(folder / "model.safetensors") for folder in folders]
    bits = [{name: (each.dtype, each.shape, each.tobytes()) for name, each in found.items()} for found in weights]
    configs = [(folder / "config.json").read_bytes() for folder in folders]
    return all(found == bits[0] for found in bits) and all(found == configs[0] for found in configs)


@pytest.fixture(scope="session")
def lives(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[dict]:
    """The lives that are tested, and those they are compared with, some at a time: their outcomes, once they end."""
    root = tmp_path_factory.mktemp("faults")
    (root / "clips").mkdir()
    manifest = fake_manifest(root / "clips", letters="ABCDEFGH")
    pack_data(manifest, folder=root / "shards", say=print)
    tested = {item.callspec.params["life"] for item in request.session.items if hasattr(item, "callspec")}
    tested |= {(package, undisturbed(kind)) for package, kind in tested}
    futures: dict[tuple[str, str], Future] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for package, kind in [life for life in LIVES if life in tested]:
            whole = futures.get((package, undisturbed(kind)))
            futures[package, kind] = pool.submit(live, Run(package, kind, root), LIVES[package, kind], whole)
        yield futures
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("life", LIVES, ids="-".join)
def test_a_run_ends_as_if_nothing_had_happened(lives: dict, outcomes: list[Outcome], life: tuple[str, str]) -> None:
    """Every fault of a life is recovered from."""
    found = lives[life].result()
    outcomes.extend(found)
    problems = [f"{outcome.fault}: {outcome.problem}" for outcome in found if outcome.problem]
    assert not problems, "\n".join(problems)

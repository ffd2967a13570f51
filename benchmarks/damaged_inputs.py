"""Damaged copies of files of every format: each is read right, or refused in one line, soon and in little memory.

uv run python benchmarks/damaged_inputs.py [--copies 1000] [--formats openpose mmpose] [--keep FOLDER]

A copy is damaged by `pose_core.damage`: cut, flipped, lost, doubled, wrong numbers, nesting, another encoding. It is
read and cleaned in a process of its own, with a limit of memory and of time. Failed are: an exception that is no
`UserError` (too much memory ends in one), a message of several lines or without the file's name, a process that
ends or takes too long, and results with NaN or confidence outside 0 to 1. Ends with 1 if any copy failed.
"""

import argparse
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from sample_files import SAMPLES, Sample, sequence

from pose_core import UserError
from pose_core.damage import damaged_copy
from pose_core.transforms import clean

LONGEST = 600  # characters of a message beside the path


def outcome(sample: Sample, path: Path) -> tuple[str, str]:
    """What became of one copy, "read", "refused" or "failed", and what is said of it."""
    try:
        for sequence in sample.read(path):
            cleaned = clean(sequence)
            if not np.isfinite(cleaned.keypoints).all():
                return "failed", "a keypoint is no number"
            if not ((cleaned.confidence >= 0) & (cleaned.confidence <= 1)).all():
                return "failed", "a confidence is not between 0 and 1"
    except UserError as error:
        message = str(error)
        if "\n" in message:
            return "failed", f"several lines: {message}"
        if path.name not in message:
            return "failed", f"does not name the file: {message}"
        if len(message) > LONGEST + len(str(path)):
            return "failed", f"too long: {message}"
        return "refused", message
    except BaseException as error:  # whatever it is, it is ours
        place = error.__traceback__
        while place and place.tb_next:
            place = place.tb_next
        where = f"{Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno}" if place else ""
        return "failed", f"{type(error).__name__} at {where}: {error}"
    return "read", ""


def in_a_process(sample: Sample, path: Path, seconds: float, megabytes: int) -> tuple[str, str, float, float]:
    """The outcome of a copy, the seconds it took, and the megabytes that it took beside this process's."""
    receiving, sending = os.pipe()
    started = time.perf_counter()
    child = os.fork()
    if not child:
        os.close(receiving)
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + (megabytes << 20),) * 2)
        Path("/proc/self/clear_refs").write_text("5")
        before = _peak()
        warnings.simplefilter("ignore")
        kind, said = outcome(sample, path)
        os.write(sending, json.dumps([kind, said[:1000], _peak() - before]).encode())
        os._exit(0)
    os.close(sending)
    answer = b""
    ready, _, _ = select.select([receiving], [], [], seconds)
    if ready:
        answer = os.read(receiving, 1 << 16)
    else:
        os.kill(child, signal.SIGKILL)
    os.close(receiving)
    _, status = os.waitpid(child, 0)
    taken = time.perf_counter() - started
    if not ready:
        return "failed", f"not done after {seconds:g} s", taken, 0.0
    if not answer:
        return "failed", f"ended with status {status}", taken, 0.0
    kind, said, peak = json.loads(answer)
    return kind, said, taken, peak


def _peak() -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def checked(name: str, numbers: range, arguments: argparse.Namespace) -> dict:
    counts: Counter[str] = Counter()
    failures, slowest, most = [], 0.0, 0.0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "whole").mkdir()
        whole = SAMPLES[name].make(folder / "whole", arguments.frames)
        kind, said, *_ = in_a_process(SAMPLES[name], whole, arguments.seconds, arguments.megabytes)
        if kind != "read":
            raise SystemExit(f"{name}: the whole file is {kind}: {said}")
        for number in numbers:
            place = folder / "copy"
            place.mkdir()
            path = damaged_copy(whole, place / whole.name, np.random.default_rng(number))
            kind, said, seconds, peak = in_a_process(SAMPLES[name], path, arguments.seconds, arguments.megabytes)
            counts[kind] += 1
            slowest, most = max(slowest, seconds), max(most, peak)
            if kind == "failed":
                failures.append({"copy": number, "said": said})
                if arguments.keep:
                    kept = arguments.keep / f"{name}_{number}"
                    shutil.rmtree(kept, ignore_errors=True)
                    shutil.copytree(place, kept)
            elif arguments.verbose:
                print(f"{name} {number}: {kind} {said}", file=sys.stderr)
            shutil.rmtree(place)
    return {
        **{kind: counts[kind] for kind in ("read", "refused", "failed")},
        "slowest_seconds": round(slowest, 2),
        "most_megabytes": round(most),
        "failures": failures[:20],
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--copies", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="number, and seed, of the first copy")
    parser.add_argument("--formats", nargs="+", choices=list(SAMPLES), default=list(SAMPLES))
    parser.add_argument("--frames", type=int, default=8, help="of the whole file")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--keep", type=Path, help="folder for the copies that failed")
    parser.add_argument("--verbose", action="store_true", help="print what is said of each copy")
    arguments = parser.parse_args()
    clean(sequence(2, 137))  # imports what all need, once
    numbers = range(arguments.first, arguments.first + arguments.copies)
    formats = {name: checked(name, numbers, arguments) for name in arguments.formats}
    settings = {name: getattr(arguments, name) for name in ("copies", "first", "frames", "seconds", "megabytes")}
    print(json.dumps({"settings": settings, "formats": formats}, indent=2))
    raise SystemExit(any(each["failed"] for each in formats.values()))


if __name__ == "__main__":
    main()

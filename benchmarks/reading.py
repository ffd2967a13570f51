"""Frames per second and peak memory of `pose_core.read` for each format, beside the script that people write instead.

uv run --with pandas python benchmarks/reading.py [--frames 5000] [--formats openpose mmpose] [--keep FOLDER]

The files are made up (`sample_files.py`: the formats, and the scripts). Each reading is a process of its own, that has
read a small file before; the two readers take turns, and the best of `--repeats` counts. Memory is what the process
holds at most beyond what it held before. Where others use the machine, too, processor time says more than the clock.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

from sample_files import SAMPLES

WARM = 5  # frames of the file that is read first
READERS = ("pose_core", "obvious")


def megabytes(field: str) -> float:
    """`VmRSS`, what this process holds, or `VmHWM`, what it held at most."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def measure(name: str, reader: str, small: Path, large: Path) -> dict:
    """Reads the large file, in this process."""
    warnings.simplefilter("ignore")
    sample = SAMPLES[name]
    load = sample.obvious if reader == "obvious" else lambda path: list(sample.read(path))
    if load is None:
        return {}
    try:
        load(small)
    except ImportError as error:
        return {"missing": str(error)}
    before = megabytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the highest so far is forgotten
    started, used = time.perf_counter(), time.process_time()
    result = load(large)
    seconds, processor = time.perf_counter() - started, time.process_time() - used
    del result
    return {"seconds": seconds, "processor_seconds": processor, "megabytes": megabytes("VmHWM") - before}


def in_a_process(name: str, reader: str, small: Path, large: Path) -> dict:
    command = [sys.executable, __file__, "--measure", name, reader, str(small), str(large)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1][:300] if done.stderr.strip() else done.returncode}
    return json.loads(done.stdout.splitlines()[-1])


def size_of(path: Path) -> int:
    return sum(each.stat().st_size for each in path.rglob("*")) if path.is_dir() else path.stat().st_size


def compared(name: str, folder: Path, frames: int, repeats: int) -> dict:
    files = []
    for count in (WARM, frames):
        place = folder / f"{name}_{count}"
        if not place.exists():
            place.mkdir(parents=True)
            SAMPLES[name].make(place, count)
        files += [path for path in place.iterdir() if not path.name.startswith(".")][:1]
    runs: dict[str, list[dict]] = {reader: [] for reader in READERS}
    for _ in range(repeats):
        for reader in READERS:
            runs[reader].append(in_a_process(name, reader, *files))
    result: dict = {"file_megabytes": round(size_of(files[1]) / 1e6, 1)}
    for reader, outcomes in runs.items():
        if all("seconds" in outcome for outcome in outcomes):
            result[reader] = {
                "frames_per_second": round(frames / min(outcome["seconds"] for outcome in outcomes)),
                "processor_seconds": round(min(outcome["processor_seconds"] for outcome in outcomes), 3),
                "megabytes": round(min(outcome["megabytes"] for outcome in outcomes), 1),
            }
        else:
            result[reader] = outcomes[0] or None
    both = [result[reader] for reader in READERS]
    if all(each and "frames_per_second" in each for each in both):
        result["ratio"] = round(both[0]["frames_per_second"] / both[1]["frames_per_second"], 2)
        spent = [max(each["processor_seconds"], 0.001) for each in both]
        result["ratio_of_processor_time"] = round(spent[1] / spent[0], 2)
    return result


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--frames", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--formats", nargs="+", choices=list(SAMPLES), default=list(SAMPLES))
    parser.add_argument("--keep", type=Path, help="folder of the made files, which are used again")
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        name, reader, small, large = arguments.measure
        print(json.dumps(measure(name, reader, Path(small), Path(large))))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        formats = {name: compared(name, folder, arguments.frames, arguments.repeats) for name in arguments.formats}
    settings = {
        "frames": arguments.frames,
        "repeats": arguments.repeats,
        "python": platform.python_version(),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS"),
    }
    print(json.dumps({"settings": settings, "formats": formats}, indent=2))


if __name__ == "__main__":
    main()

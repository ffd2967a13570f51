"""Speed of the signer that knows the rules: seconds of signing per second of one core.

uv run python benchmarks/signer_speed.py hamnosys.csv [--most N] [--layout holistic_50]

Signs of the list, evenly chosen, go from their tree to keypoints one by one, as `text-to-pose sign --file` makes them,
twice: `first` nothing is known, `new_signs` handshapes are (they are kept, and signs share them) but configurations of
hands are not, so that every sign is signed as if for the first time. Reading the notation, and writing files, is not
in it. Prints JSON: multiples of real time by processor time and by the clock, and which share of the time each part
has. Other programs on the machine slow down both.
"""

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import argparse
import json
import platform
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from signer_limits import FPS, read

from text_to_pose.hamnosys.tree import Sign
from text_to_pose.signing.anatomy.body import MEAN_BODY
from text_to_pose.signing.anatomy.figure import figure
from text_to_pose.signing.layouts import LAYOUT, seen
from text_to_pose.signing.movement import scene
from text_to_pose.signing.movement.choreography import choreograph
from text_to_pose.signing.placement.configuration import configure

LIMIT = 100.0
"""Times real time that are asked for."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", type=Path)
    parser.add_argument("--most", type=int, default=300, help="signs, evenly chosen")
    parser.add_argument("--layout", default=LAYOUT)
    arguments = parser.parse_args()
    signs = [sign for _, sign in read(arguments.texts, arguments.most)[0]]
    report: dict[str, Any] = {
        "settings": {
            "cpu": cpu(),
            "threads": 1,
            "load": round(os.getloadavg()[0], 1),
            "python": platform.python_version(),
            "signs": len(signs),
            "fps": FPS,
            "layout": arguments.layout,
        }
    }
    for name in ("first", "new_signs"):
        configure.cache_clear()
        report[name] = measured(signs, arguments.layout)
    report["new_signs_to_limit"] = round(report["new_signs"]["times_real_time"] / LIMIT, 2)
    print(json.dumps(report, indent=1))


def measured(signs: list[Sign], layout: str) -> dict[str, Any]:
    spent: Counter[str] = Counter()

    def timed(part: str, work: Callable[..., Any], *arguments: Any) -> Any:
        started = time.process_time()
        result = work(*arguments)
        spent[part] += time.process_time() - started
        return result

    seconds = 0.0
    begun, clock = time.process_time(), time.perf_counter()
    with patch.object(scene, "configure", lambda *arguments: timed("configuration", configure, *arguments)):
        for sign in signs:
            motion = timed("choreography", choreograph, [sign], MEAN_BODY, FPS)
            seconds += len(motion) / FPS
            timed("layout", seen, timed("figure", figure, motion, MEAN_BODY), None, layout)
    computed, clock = time.process_time() - begun, time.perf_counter() - clock
    spent["choreography"] -= spent["configuration"]
    return {
        "times_real_time": round(seconds / computed, 1),
        "times_real_time_by_the_clock": round(seconds / clock, 1),
        "frames_per_second": round(seconds * FPS / computed),
        "seconds_per_sign": round(seconds / len(signs), 2),
        "milliseconds_per_sign": {part: round(1000 * time / len(signs), 2) for part, time in spent.items()},
        "shares": {part: round(time / computed, 2) for part, time in spent.items()},
    }


def cpu() -> str:
    names = Path("/proc/cpuinfo")
    lines = names.read_text().splitlines() if names.exists() else []
    found = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return found[0] if found else platform.processor() or platform.machine()


if __name__ == "__main__":
    main()

"""Time of `pose-core --help` and of each command's `--help`, compared with the limit of half a second.

uv run python benchmarks/startup.py
"""

import json
import statistics
import subprocess
import sys
import time

VERBS = ("", "info", "convert", "render", "compare", "pack", "stats")
LIMIT = 0.5  # seconds
REPEATS = 5


def seconds(verb: str) -> float:
    script = f"import sys; sys.argv = ['pose-core', *{[verb, '--help'] if verb else ['--help']}]"
    command = [sys.executable, "-c", f"{script}; from pose_core.cli import main; main()"]
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main() -> None:
    measured = {verb or "pose-core": round(seconds(verb), 3) for verb in VERBS}
    slowest = max(measured.values())
    settings = {"repeats": REPEATS, "python": sys.version.split()[0]}
    print(
        json.dumps({"settings": settings, "seconds": measured, "slowest_to_limit": round(slowest / LIMIT, 2)}, indent=2)
    )


if __name__ == "__main__":
    main()

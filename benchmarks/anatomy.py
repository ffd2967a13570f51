"""Body measures of `pose_core.metrics.anatomy` on real clips, and the share of clips with a problem.

uv run python benchmarks/anatomy.py [--data folder]

Every `.pose` file below the folder is cleaned and measured. Prints JSON: for each source the number of clips, quantiles
of each clip's mean and 95th percentile of each measure, and the share of clips with a problem, in all and by measure.
"""

import argparse
import json
import math
import time
from collections import Counter
from pathlib import Path

import numpy as np

from pose_core import UserError, read
from pose_core.metrics import anatomy, plausibility
from pose_core.transforms import clean

DATA = Path(__file__).resolve().parents[2] / "shared/data"
QUANTILES = (0.5, 0.9, 0.95, 0.99)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    arguments = parser.parse_args()
    sources, seconds = {}, []
    for source, files in real_clips(arguments.data).items():
        figures, problems, failed = {}, [], 0
        for file in files:
            try:
                sequence = clean(read(file))
            except UserError:
                failed += 1
                continue
            started = time.perf_counter()
            report = anatomy(sequence)
            problems.append({problem.what for problem in report.problems()})
            seconds.append((time.perf_counter() - started) / len(sequence))
            for name, value in clip_figures(report):
                figures.setdefault(name, []).append(value)
        sources[source] = {
            "clips": len(problems),
            "unreadable": failed,
            "share with a problem": round(float(np.mean([bool(found) for found in problems])), 4),
            "clips with this problem": dict(Counter(kind(what) for found in problems for what in found).most_common()),
            "figures": {name: summary(values) for name, values in sorted(figures.items())},
        }
    total = sum(source["clips"] for source in sources.values())
    flagged = sum(source["clips"] * source["share with a problem"] for source in sources.values())
    limits = {
        name: value for name, value in vars(plausibility).items() if name.isupper() and isinstance(value, float | dict)
    }
    settings = {"data": arguments.data.name, "quantiles of clips": QUANTILES, "limits": limits}
    result = {"settings": settings, "clips": total, "share with a problem": round(flagged / total, 4)}
    print(
        json.dumps({**result, "microseconds per frame": round(1e6 * float(np.median(seconds)), 1), **sources}, indent=1)
    )


def real_clips(data: Path) -> dict[str, list[Path]]:
    """Source -> files; of `dgs_sentences` what a person signed, not what was put together from dictionary clips."""
    sources = {}
    for folder in (
        "fingerspelling",
        "dgs_sentences",
        "formats",
        *(f"signs/{path.name}" for path in (data / "signs").glob("*")),
    ):
        if (data / folder).is_dir():
            files = sorted((data / folder).rglob("*.pose"))
            sources[folder] = [file for file in files if not file.stem.endswith("_updated")]
    return sources


def clip_figures(report):
    """(name, value) of one clip."""
    for gap in report.wrist_gap.values():
        if report.has_shoulders:
            yield from statistics("wrist_gap", gap)
    for side, size in report.palm_size.items():
        yield from statistics("palm_size", size)
        if report.has_shoulders and not math.isnan(report.palm[side]):
            yield "palm", report.palm[side]
    for name, length in report.bone_length.items():
        yield from statistics(f"bone_length {name.split('_', 1)[1]}", length)
    for name, change in report.bone_change.items():
        yield from statistics(f"bone_change {name.split('_', 1)[1]}", change)
    yield from statistics("shoulder_tilt", np.abs(report.shoulder_tilt))
    yield from statistics("shoulder_width", np.abs(report.shoulder_width - 1))
    for joint, angle in report.bent_wrong.items():
        if joint.endswith("elbow"):
            yield from statistics("bent_wrong elbow", angle)
        elif (shown := angle[np.isfinite(angle)]).size:
            yield f"bent_wrong {joint[-3:]}, share of frames", float((shown > plausibility.BENT_WRONG).mean())


def statistics(name: str, values: np.ndarray):
    """(name, value): mean, 95th percentile and largest of values (T,)."""
    values = values[np.isfinite(values)]
    if len(values):
        yield f"{name}, mean", float(values.mean())
        yield f"{name}, 95th percentile", float(np.percentile(values, plausibility.PERCENTILE))
        yield f"{name}, largest", float(values.max())


def summary(values: list[float]) -> list[float]:
    return [round(float(value), 3) for value in np.quantile(values, QUANTILES)]


def kind(what: str) -> str:
    """ "left_index_finger_pip" as "bent_wrong"."""
    return "bent_wrong" if what.endswith(("_pip", "_dip")) else what


if __name__ == "__main__":
    main()

"""The pictures of text-to-pose's README: quality by steps, the training curve, a letter without training clips.

uv run --with matplotlib python benchmarks/text_to_pose_figures.py --run runs/fingerspelling [--data index.csv]
    [--checkpoint fingerspelling] [--output packages/text-to-pose/docs] [--letter A --language gsg]

Prints JSON: the scores of each number of steps, sampler and guidance, and the frames of each GIF.
"""

import argparse
import csv
import json
from dataclasses import asdict
from pathlib import Path
from statistics import mean

from matplotlib import pyplot as plt

from pose_core.metrics import dtw_mje
from pose_core.rendering import write_gif
from text_to_pose import Sampling, StartFrames, generate_signs, load_model
from text_to_pose.evaluation.evaluate import evaluate
from text_to_pose.evaluation.references import read_references
from text_to_pose.generation import placed

DATA = Path(__file__).resolve().parents[2] / "shared/data/fingerspelling/index.csv"
DOCS = Path(__file__).resolve().parents[1] / "packages/text-to-pose/docs"
STEPS = (1, 2, 5, 10, 50, 100, 1000)
FIGURES = {"dtw_mje": "DTW-MJE", "rank1": "rank-1", "rank5": "rank-5", "acceleration": "acceleration"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--checkpoint", default="fingerspelling")
    parser.add_argument("--run", type=Path, help="run folder of the training, for its curve")
    parser.add_argument("--output", type=Path, default=DOCS)
    parser.add_argument("--letter", default="X")
    parser.add_argument("--language", default="ase")
    arguments = parser.parse_args()
    arguments.output.mkdir(exist_ok=True)
    model = load_model(arguments.checkpoint, "cpu")
    quality = {
        sampler: {steps: scores(model, arguments.data, Sampling(sampler=sampler, num_steps=steps)) for steps in STEPS}
        for sampler in ("refinement", "diffusion")
    }
    guided = {s: scores(model, arguments.data, Sampling(guidance=s)) for s in (1.0, 1.5, 2.0, 2.5)}
    plot_steps(quality, arguments.output / "steps.png")
    if arguments.run is not None:
        plot_training(arguments.run, arguments.output / "training.png")
    gifs = letter(model, arguments.data, arguments.letter, arguments.language, arguments.output)
    print(
        json.dumps({"checkpoint": arguments.checkpoint, "steps": quality, "guidance": guided, "gifs": gifs}, indent=2)
    )


def scores(model, data: Path, sampling: Sampling) -> dict[str, float]:
    return asdict(evaluate(model, data, "validation", sampling=sampling).scores["model"])


def plot_steps(quality: dict, path: Path) -> None:
    figure, axes = plt.subplots(1, len(FIGURES), figsize=(12, 2.8), layout="constrained")
    for axis, (name, title) in zip(axes, FIGURES.items(), strict=True):
        for sampler, by_steps in quality.items():
            axis.plot(STEPS, [by_steps[steps][name] for steps in STEPS], marker="o", label=sampler)
        highest = max(scores[name] for by_steps in quality.values() for scores in by_steps.values())
        axis.set(title=title, xscale="log", xlabel="steps", ylim=(0, 1.2 * highest))
    axes[0].legend()
    figure.savefig(path, dpi=80)


def plot_training(run: Path, path: Path) -> None:
    rows = []
    for part in [*sorted((run / "logs").glob("metrics-part*.csv")), run / "logs" / "metrics.csv"]:
        with part.open(newline="") as file:
            rows += list(csv.DictReader(file))
    figure, axes = plt.subplots(1, 2, figsize=(9, 2.8), layout="constrained")
    for axis, names in zip(axes, (("train/loss",), ("validation/dtw_mje",)), strict=True):
        for name in names:
            by_epoch: dict[int, list[float]] = {}
            for row in rows:
                if row.get(name):
                    by_epoch.setdefault(int(row["epoch"]) + 1, []).append(float(row[name]))
            axis.plot([*by_epoch], [mean(values) for values in by_epoch.values()], linewidth=1)
            axis.set(title=name, xlabel="epoch", ylim=(0, None))
    figure.savefig(path, dpi=80)


def letter(model, data: Path, text: str, language: str, folder: Path) -> dict[str, dict[str, float]]:
    """A clip of the validation split, and the letter made from the first frames of two people of other languages."""
    references = read_references(data, "validation", fps=model.config.fps, skeleton=model.skeleton)
    row = next(
        i
        for i in references.rows("validation")
        if (references.clips[i].text, references.clips[i].signed_language) == (text, language)
    )
    reference = references.sequences[row]
    others = [
        i for i, clip in enumerate(references.clips) if clip.signed_language != language and clip.split == "train"
    ]
    languages = sorted({references.clips[i].signed_language for i in others})
    two = [next(i for i in others if references.clips[i].signed_language == name) for name in languages[:2]]
    starts = [StartFrames.last_of([references.sequences[i][:1]]) for i in two]
    made = generate_signs(model, [(text, language)] * 2, StartFrames.concatenate(starts))
    pictures = {"reference": reference, "prediction-1": made[0], "prediction-2": made[1]}
    report = {}
    for name, sequence in pictures.items():
        write_gif(placed(sequence), folder / f"{name}.gif", overwrite=True)
        report[name] = {"frames": len(sequence), "dtw_mje": dtw_mje(sequence, reference)}
    return report


if __name__ == "__main__":
    main()

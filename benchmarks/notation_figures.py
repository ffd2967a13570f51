"""The pictures of the notation model in text-to-pose's README: signs it never saw, its training, quality by steps.

uv run --with matplotlib python benchmarks/notation_figures.py --data runs/notation/shards --scores scores.json
    [--run runs/notation/run] [--checkpoint notation] [--output packages/text-to-pose/docs]

Of the test split, one sign of middling difficulty and one that nine in ten are better than, by DTW-MJE: in symbols, as
the signer signs it, from its own start frame, and from another person's. `--scores` is what notation_model.py printed.
Prints JSON: the texts, and the frames and DTW-MJE of each GIF.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from hamnosys_picture import picture
from matplotlib import pyplot as plt
from text_to_pose_figures import FIGURES, plot_training

from pose_core.metrics import dtw_mje
from pose_core.rendering import write_gif
from text_to_pose import StartFrames, generate_signs, load_model
from text_to_pose.evaluation.evaluate import evaluate
from text_to_pose.generation import placed
from text_to_pose.text.hamnosys import hamnosys_tokens
from text_to_pose.text.languages import ANY_LANGUAGE

DOCS = Path(__file__).resolve().parents[1] / "packages/text-to-pose/docs"
QUANTILES = {"median": 0.5, "hard": 0.9}
LONGEST = 16  # symbols, so that they can be read in a table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="shards")
    parser.add_argument("--checkpoint", default="notation")
    parser.add_argument("--scores", type=Path, help="of benchmarks/notation_model.py, for quality by steps")
    parser.add_argument("--run", type=Path, help="run folder of the training, for its curve")
    parser.add_argument("--output", type=Path, default=DOCS)
    arguments = parser.parse_args()
    arguments.output.mkdir(exist_ok=True)
    if arguments.run is not None:
        plot_training(arguments.run, arguments.output / "notation-training.png")
    if arguments.scores is not None:
        plot_steps(json.loads(arguments.scores.read_text())["by steps"], arguments.output / "notation-steps.png")
    print(json.dumps(signs(arguments), indent=2))


def plot_steps(by_steps: dict, path: Path) -> None:
    """Quality against the number of steps, from each clip's own start frame."""
    figure, axes = plt.subplots(1, len(FIGURES), figsize=(12, 2.8), layout="constrained")
    steps = sorted(map(int, by_steps))
    for axis, (name, title) in zip(axes, FIGURES.items(), strict=True):
        values = [by_steps[str(number)]["own"][name] for number in steps]
        axis.plot(steps, values, marker="o")
        axis.set(title=title, xscale="log", xlabel="steps", ylim=(0, 1.2 * max(values)))
    figure.savefig(path, dpi=80)


def signs(arguments) -> dict[str, dict]:
    model = load_model(arguments.checkpoint, "cpu")
    evaluation = evaluate(model, arguments.data, "test", own_start=True, others=100)
    references = evaluation.references
    errors = np.array([score.dtw_mje for score in evaluation.clip_scores["model"]])
    order = np.argsort(errors)
    report = {}
    for name, quantile in QUANTILES.items():
        around = order[round(quantile * (len(order) - 1)) :]
        row = next(i for i in around if len(hamnosys_tokens(references.clips[evaluation.rows[i]].text)) <= LONGEST)
        number = evaluation.rows[row]
        text, reference = references.clips[number].text, references.sequences[number]
        other = next(
            references.sequences[i]
            for i in evaluation.rows
            if references.clips[i].person != references.clips[number].person
        )
        (elsewhere,) = generate_signs(model, [(text, ANY_LANGUAGE)], StartFrames.last_of([other[:1]]))
        picture(text, columns=8).save(arguments.output / f"notation-{name}.png", optimize=True)
        made = {"signer": reference, "own": evaluation.predictions["model"][row], "other": elsewhere}
        for kind, sequence in made.items():
            write_gif(placed(sequence), arguments.output / f"notation-{name}-{kind}.gif", overwrite=True)
        report[name] = {
            "text": " ".join(hamnosys_tokens(text)),
            "quantile of DTW-MJE": float((errors < errors[row]).mean()),
            **{
                kind: {"frames": len(sequence), "dtw_mje": dtw_mje(sequence, reference)}
                for kind, sequence in made.items()
            },
        }
    return report


if __name__ == "__main__":
    main()

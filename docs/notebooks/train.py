# ---
# jupyter:
#   jupytext: {formats: "py:percent"}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown]
# # Train a small text-to-pose, and watch it learn
#
# Six signs by four people each, a network of a million parameters, and what it makes of a sign after few and after
# more epochs. This is what `text-to-pose train` does with your data; it learns these few signs by heart, which is
# what data this small allows.

# %%
import csv
import tempfile
import warnings
from pathlib import Path

from matplotlib import pyplot as plt

from pose_core import write
from pose_core.training import load_preset
from text_to_pose import StartFrames, generate_signs, load_model
from text_to_pose.config import PRESETS, RunConfig
from text_to_pose.generation import placed
from text_to_pose.hamnosys.parser import parse
from text_to_pose.signing.signer import sign
from text_to_pose.synthesis.people import person
from text_to_pose.training import train

warnings.filterwarnings("ignore")
folder = Path(tempfile.mkdtemp())
SIGNS = {
    "HELLO": "hamflathand hamextfingerul hampalmd hamforehead hamlrat hamtouch hammoveor",
    "THANKS": "hamflathand hamextfingerul hampalmdl hamchin hamtouch hammovedo",
    "YES": "hamfist hamextfingeru hampalml hamshoulders hammoved",
    "THINK": "hamfinger2 hamextfingerul hampalmd hamforehead hamtouch",
    "YOU": "hamfinger2 hamextfingero hampalml hammoveo",
    "COME": "hamflathand hamextfingero hampalmu hammovei",
}

# %% [markdown]
# ## Data
#
# A manifest with a row per clip: path, text, signed language, split. Person 4 is held out.

# %%
rows = []
for number in range(4):
    signer = person(number, seed=0)
    for gloss, text in SIGNS.items():
        clip = sign([parse(text)], body=signer.body, speed=1 + 0.1 * number).sequence
        write(clip, folder / f"{gloss}-{number}.pose")
        rows.append([f"{gloss}-{number}.pose", gloss, "ase", "validation" if number == 3 else "train"])
with (folder / "index.csv").open("w", newline="") as file:
    csv.writer(file).writerows([["path", "text", "signed_language", "split"], *rows])
clip

# %% [markdown]
# ## Training, in three stages
#
# The preset `small`, and each stage goes on where the one before it stopped: `resume` is what the command does when
# it is given again.

# %%
STAGES = 2, 15, 60
seen = {}
for epochs in STAGES:
    settings = {"epochs": epochs, "batch_size": 6, "ema_decay": 0.9, "validate_every": epochs, "tensorboard": False}
    config = load_preset(RunConfig, "small", PRESETS, settings)
    model, scores = train([folder / "index.csv"], folder / "run", config, resume=epochs != STAGES[0])
    start = StartFrames.bundled(model, ["ase"])
    seen[epochs] = placed(generate_signs(model, [("HELLO", "ase")], start)[0])
    print(f"after {epochs} epochs: loss {scores['train/loss']:.2f}, DTW-MJE {scores['validation/dtw_mje']:.3f}")

# %% [markdown]
# HELLO after few epochs, and after more:

# %%
seen[STAGES[0]]

# %%
seen[STAGES[-1]]

# %% [markdown]
# ## The course of it
#
# Every epoch's losses are in the run folder.

# %%
with (folder / "run/logs/metrics.csv").open() as file:
    steps = [(float(row["epoch"]), float(row["train/loss"])) for row in csv.DictReader(file) if row.get("train/loss")]
plt.figure(figsize=(6, 2.5))
plt.plot(*zip(*steps, strict=True))
plt.xlabel("epoch")
plt.ylabel("training loss")
# %% [markdown]
# The run folder has become a model folder: it loads as any other, here and as `--checkpoint` of every command.

# %%
again = load_model(folder / "run")
print(
    sum(p.numel() for p in again.parameters()), "parameters,", sorted(path.name for path in (folder / "run").iterdir())
)

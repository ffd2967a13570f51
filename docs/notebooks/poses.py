# ---
# jupyter:
#   jupytext: {formats: "py:percent"}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown]
# # Poses in, and looked at
#
# What a pose file holds, what is missing in it, and what is done to it before a model sees it. The clips are made
# here: signs written in HamNoSys, signed by their rules.

# %%
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from IPython.display import Image  # ty: ignore[import-not-found]  # in the session's environment alone

from pose_core import read, write
from pose_core.metrics import anatomy, dtw_mje
from pose_core.rendering import write_png
from pose_core.transforms import drop_face, fill_gaps, flip, normalize, resample, to_layout
from text_to_pose.hamnosys.parser import parse
from text_to_pose.signing.signer import sign

folder = Path(tempfile.mkdtemp())
HELLO = "hamflathand hamextfingerul hampalmd hamforehead hamlrat hamtouch hammoveor"
THANKS = "hamflathand hamextfingerul hampalmdl hamchin hamtouch hammovedo"
write(sign([parse(HELLO), parse(THANKS)], layout="holistic_178").sequence, folder / "greeting.pose")

# %% [markdown]
# `read` takes any pose file. As the last line of a cell, a sequence plays: click, drag the slider, slow it down.

# %%
sequence = read(folder / "greeting.pose")
sequence

# %% [markdown]
# Keypoints are (T, K, D): frames, points, coordinates, x right and y down, in pixels. Confidence is (T, K), and 0
# says that a point is missing.

# %%
print(sequence.keypoints.shape, sequence.confidence.shape, sequence.fps, "frames per second")
for component in sequence.skeleton.components:
    points = sequence.skeleton.slice_of(component.name)
    print(f"{component.name:25} {len(component.points):4} points, {sequence.visible[:, points].mean():4.0%} visible")

# %% [markdown]
# The left hand hangs below the picture, and so it is missing, as in a video. A strip of key frames goes into papers:

# %%
write_png(sequence, folder / "strip.png", frames=8, hands=False)
Image(folder / "strip.png")

# %% [markdown]
# ## What models see
#
# Shoulder widths around the middle of the shoulders, so that nobody's place in the picture counts; and often neither
# face nor the file's own rate.

# %%
prepared, placement = normalize(resample(drop_face(sequence), 12.5))
print(prepared)
print("shoulders:", *prepared.keypoints[0, list(prepared.skeleton.shoulders())].round(2))
print(f"where they were: around {np.round(placement.center)}, {placement.scale:.0f} pixels to a shoulder width")

# %% [markdown]
# ## Damage, and its repair
#
# Estimators lose hands in fast movements. Here a third of a second is taken away, and filled in again by
# interpolation.

# %%
confidence = sequence.confidence.copy()
confidence[20:28, sequence.skeleton.hand("right")] = 0
damaged = replace(sequence, confidence=confidence)
repaired = fill_gaps(damaged)
print(f"right hand visible: {damaged.hand_share('right'):.0%}, repaired {repaired.hand_share('right'):.0%}")
print(
    "DTW-MJE to the whole clip, in shoulder widths:", round(dtw_mje(normalize(repaired)[0], normalize(sequence)[0]), 4)
)
repaired

# %% [markdown]
# ## Is it a body?
#
# Gaps between hands and arms, in shoulder widths, are among what `pose-core check` looks at. Palms turn, and so their
# size in the picture changes.

# %%
measures = anatomy(sequence)
gap, palm = measures.wrist_gap["right"], measures.palm_size["right"]
print(f"the right hand's wrist is {np.nanmean(gap):.3f} shoulder widths off the arm's, {np.nanmax(gap):.3f} at most")
print(f"the right palm has {np.nanmin(palm):.2f} to {np.nanmax(palm):.2f} times its usual size")

# %% [markdown]
# ## Other estimators, other hands
#
# The same poses as OpenPose would have them, and a left-handed signer:

# %%
print(to_layout(sequence, "openpose_137"))
flip(sequence)

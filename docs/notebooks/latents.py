# ---
# jupyter:
#   jupytext: {formats: "py:percent"}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown]
# # Latents: between two signs, and signs that are alike
#
# A clip of any length becomes one vector for the whole and one for each chunk of 32 frames. Two things that are done
# with them: going from one clip to another, and finding clips that are alike.

# %%
import numpy as np
from matplotlib import pyplot as plt

from ht_vae import load_model
from ht_vae.codec import encode
from ht_vae.sampling import interpolate
from pose_core.transforms import denormalize, stretch
from text_to_pose.hamnosys.parser import parse
from text_to_pose.signing.signer import sign
from text_to_pose.synthesis.people import person

SIGNS = {
    "HELLO": "hamflathand hamextfingerul hampalmd hamforehead hamlrat hamtouch hammoveor",
    "THANKS": "hamflathand hamextfingerul hampalmdl hamchin hamtouch hammovedo",
    "YES": "hamfist hamextfingeru hampalml hamshoulders hammoved",
    "THINK": "hamfinger2 hamextfingerul hampalmd hamforehead hamtouch",
    "YOU": "hamfinger2 hamextfingero hampalml hammoveo",
    "COME": "hamflathand hamextfingero hampalmu hammovei",
}
model = load_model("signing")
clips = [
    (gloss, number, sign([parse(text)], body=person(number, seed=0).body, layout="holistic_178").sequence)
    for number in range(2)
    for gloss, text in SIGNS.items()
]

# %% [markdown]
# ## There and back

# %%
encoded = [encode(model, clip) for _, _, clip in clips]
print(clips[0][2], "->", encoded[0].num_latents, "numbers")

# %% [markdown]
# ## From one sign to another
#
# Five points on the line from HELLO to THANKS; this is the one in the middle. It is a movement between two signs, and
# no sign.

# %%
way = interpolate(model, encoded[0], encoded[1], 5)
print("steps, in shoulder widths:", way.distances.round(3))
denormalize(way.samples[2].sequence, way.placements[2])

# %% [markdown]
# ## Signs that are alike
#
# Each clip is asked for its nearest among those of the *other* person. Clips are brought to one length first, as
# latents of chunks follow time.

# %%
points = []
for _, _, clip in clips:
    latents = encode(model, stretch(clip, 64)).posterior.arrays()
    points.append(np.concatenate([latents["whole_mean"].ravel(), latents["chunk_mean"].ravel()]))
points = np.stack(points)
distances = np.linalg.norm(points[:, None] - points, axis=-1)
glosses = [gloss for gloss, _, _ in clips]
people = np.array([number for _, number, _ in clips])
distances[people[:, None] == people] = np.inf
found = [glosses[i] for i in distances.argmin(axis=1)]
for gloss, number, nearest in zip(glosses, people, found, strict=True):
    print(f"person {number}, {gloss:7} nearest of the other person: {nearest}")
print(sum(a == b for a, b in zip(glosses, found, strict=True)), "of", len(clips), "are the same sign")

# %%
shown = np.where(np.isinf(distances), np.nan, distances)[: len(SIGNS), len(SIGNS) :]
plt.figure(figsize=(4, 3.5))
plt.imshow(shown, cmap="viridis")
plt.xticks(range(len(SIGNS)), glosses[: len(SIGNS)], rotation=90)
plt.yticks(range(len(SIGNS)), glosses[: len(SIGNS)])
plt.xlabel("person 1")
plt.ylabel("person 0")
plt.colorbar(label="distance of latents")

# ---
# jupyter:
#   jupytext: {formats: "py:percent"}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown]
# # Tokens, and a language model that writes them
#
# Poses become a few tokens per block of four frames, and a language model is taught to write them after a word. The
# model here is a small GRU, so that it trains in seconds; a large one gets the same tokens, added to its vocabulary.

# %%
import torch
from torch import nn

from pose_core.metrics import dtw_mje
from pose_core.transforms import normalize
from pose_tokenizer import Vocabulary, decode, encode, load_model
from text_to_pose.hamnosys.parser import parse
from text_to_pose.signing.signer import sign

torch.manual_seed(0)
SIGNS = {
    "hello": "hamflathand hamextfingerul hampalmd hamforehead hamlrat hamtouch hammoveor",
    "thanks": "hamflathand hamextfingerul hampalmdl hamchin hamtouch hammovedo",
    "think": "hamfinger2 hamextfingerul hampalmd hamforehead hamtouch",
    "come": "hamflathand hamextfingero hampalmu hammovei",
}
clips = {word: sign([parse(text)], layout="holistic_178").sequence for word, text in SIGNS.items()}

# %% [markdown]
# ## To tokens
#
# `codes` is (blocks, quantizers); -1 is where a block needs no more codes. A hand that does not move costs nothing.

# %%
model = load_model()
tokens = {word: encode(model, clip) for word, clip in clips.items()}
for word, each in tokens.items():
    frames = len(clips[word])
    print(f"{word:7} {frames} frames, {(each.codes >= 0).sum()} codes, {each.bits / frames:.1f} bits per frame")
print((tokens["hello"].codes >= 0).sum(axis=1), "codes in each block of hello")

# %% [markdown]
# And back: watch the hand.

# %%
again = decode(model, tokens["hello"])
print(
    "DTW-MJE, in shoulder widths:",
    round(dtw_mje(normalize(again)[0], normalize(clips["hello"].on_skeleton(again.skeleton))[0]), 3),
)
again

# %% [markdown]
# ## As text
#
# Words come first in the vocabulary, pose tokens behind them, as when tokens are added to those of a language model.

# %%
words = list(SIGNS)
vocabulary = Vocabulary.of(model, offset=len(words))
print("hello" + vocabulary.text(tokens["hello"])[:120] + " ...")
sentences = [[words.index(word), *vocabulary.ids(each)] for word, each in tokens.items()]

# %% [markdown]
# ## A language model
#
# Only the tokens that occur here have a row in its tables, to keep it small.

# %%
used = sorted({id for sentence in sentences for id in sentence})
row = {id: i for i, id in enumerate(used)}
batch = nn.utils.rnn.pad_sequence(
    [torch.tensor([row[id] for id in s]) for s in sentences], batch_first=True, padding_value=-1
)


class SmallLanguageModel(nn.Module):
    def __init__(self, size: int, width: int = 128) -> None:
        super().__init__()
        self.embed, self.network = nn.Embedding(size, width), nn.GRU(width, width, batch_first=True)
        self.head = nn.Linear(width, size)

    def forward(self, ids: torch.Tensor, state: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        values, state = self.network(self.embed(ids), state)
        return self.head(values), state


language_model = SmallLanguageModel(len(used))
optimizer = torch.optim.Adam(language_model.parameters(), lr=0.005)
for step in range(150):
    scores, _ = language_model(batch[:, :-1].clamp(min=0))
    loss = nn.functional.cross_entropy(scores.transpose(1, 2), batch[:, 1:], ignore_index=-1)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0 or step == 149:
        print(f"step {step}: {loss.item():.3f} nats per token")

# %% [markdown]
# ## It writes
#
# The most probable token after each other, until `</pose>`.


# %%
@torch.inference_mode()
def write(word: str, most: int = 400) -> list[int]:
    ids, state = [words.index(word)], None
    while len(ids) < most and ids[-1] != vocabulary.end:
        scores, state = language_model(torch.tensor([[row[ids[-1]]]]), state)
        ids.append(used[int(scores[0, -1].argmax())])
    return ids


written = write("thanks")
[pose] = vocabulary.poses(written)
signed = decode(model, pose)
print(len(written), "tokens,", signed)
signed

# %% [markdown]
# It has learned four signs by heart, and a real one is measured on signers it has not seen. What it takes: clips at
# one frame rate, one setting of the tokenizer, and `Vocabulary.of(model).names` added to your tokenizer.

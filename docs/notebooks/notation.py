# ---
# jupyter:
#   jupytext: {formats: "py:percent"}
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown]
# # Notation to signing
#
# HamNoSys says where the hands are and what they do. Here a sign is read, explained, signed by its rules, changed,
# and written back. There is no model in this, and nothing is trained.

# %%
from pose_core import UserError
from text_to_pose.hamnosys.explain import explain
from text_to_pose.hamnosys.parser import parse
from text_to_pose.hamnosys.sigml.writer import write_sigml
from text_to_pose.hamnosys.writer import symbol_names
from text_to_pose.signing.signer import sign
from text_to_pose.synthesis.people import person

THANKS = "hamflathand hamextfingerul hampalmdl hamchin hamtouch hammovedo"
thanks = parse(THANKS)
print(*(f"{line.part:12}{line.text}" for line in explain(thanks)), sep="\n")

# %% [markdown]
# THANK YOU in American Sign Language, signed with face and hands:

# %%
signed = sign([thanks], layout="holistic_178")
print("the stroke is in frames", signed.spans[0])
signed.sequence

# %% [markdown]
# ## One symbol changed
#
# The forehead in place of the chin: another place, and so another sign.

# %%
changed = parse(THANKS.replace("hamchin", "hamforehead"))
sign([changed], layout="holistic_178").sequence

# %% [markdown]
# ## Two signs in a row, by somebody else, faster
#
# Transitions are made, as people make them. `person(1, seed=0)` is one of any number of people with sizes as people
# have them.

# %%
hello = parse("hamflathand hamextfingerul hampalmd hamforehead hamlrat hamtouch hammoveor")
both = sign([hello, thanks], body=person(1, seed=0).body, speed=1.3, layout="holistic_178")
print("strokes:", both.spans)
both.sequence

# %% [markdown]
# ## What an arm cannot do
#
# Signs are signed as nearly as an arm can, and it is said where that is not as written.

# %%
hard = parse("hamflathand hamextfingerl hampalmr hamchest hamtouch hamcircled hamrepeatfromstart")
print(*sign([hard]).departures[0], sep="\n")

# %% [markdown]
# ## What is no sign

# %%
try:
    parse("hamflathand hamextfingerul hamchinn")
except UserError as error:
    print(error)

# %% [markdown]
# ## Back to symbols, and to SiGML

# %%
print(symbol_names(thanks))
print(write_sigml([thanks]))

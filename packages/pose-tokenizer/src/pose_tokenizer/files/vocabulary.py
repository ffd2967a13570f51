"""A model's codes as tokens to add to the vocabulary of a language model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pose_core import UserError
from pose_core.atomic_files import atomic_write
from pose_core.rates import DEFAULT_FPS
from pose_tokenizer.files.serialization import from_integers, to_integers, whole_blocks

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pose_tokenizer.files.token_file import PoseTokens
    from pose_tokenizer.model import PoseTokenizer

BEGIN, END = "<pose>", "</pose>"
NONE = "<pose_none>"  # a block without codes


@dataclass(frozen=True)
class Vocabulary:
    """The tokens of a model, added to those of a language model's tokenizer.

    Ids are the integers of the text format plus `offset`: `<pose_q0_0>` to `<pose_q0_{V-1}>`, the codes of the first
    quantizer, those of the other quantizers, `<pose_none>` for a block without codes; then `<pose>` and `</pose>`,
    which enclose a pose. A block begins where a code of the first quantizer, or `<pose_none>`, does.

    As the text format, this leaves out the frame rate, the position in the picture, empty frames at the beginning, and
    that the last block may have been shorter.

    Attributes:
        model, model_hash, num_quantizers, codebook_size, block_frames: of the model, as in `TokenHeader`.
        offset: the id of `<pose_q0_0>`: the number of tokens before, unless there were gaps in their ids.
        dims: coordinates of a keypoint.
    """

    model: str
    model_hash: str
    num_quantizers: int
    codebook_size: int
    block_frames: int
    offset: int = 0
    dims: int = 2

    @classmethod
    def of(cls, model: PoseTokenizer, offset: int = 0) -> Vocabulary:
        """The vocabulary of a model."""
        sizes = model.config.num_quantizers, model.config.codebook_size, model.block_frames
        return cls(model.name, model.hash, *sizes, offset=offset, dims=model.skeleton.num_dims)

    @property
    def size(self) -> int:
        """Number of tokens that are added."""
        return self.num_quantizers * self.codebook_size + 3

    @property
    def names(self) -> list[str]:
        """All tokens in the order of their ids, which begin at `offset`."""
        codes = range(self.codebook_size)
        return [*(f"<pose_q{q}_{code}>" for q in range(self.num_quantizers) for code in codes), NONE, BEGIN, END]

    @property
    def begin(self) -> int:
        """The id of `<pose>`."""
        return self.offset + self.size - 2

    @property
    def end(self) -> int:
        """The id of `</pose>`."""
        return self.offset + self.size - 1

    def ids(self, tokens: PoseTokens) -> list[int]:
        """Tokens (N, Q) as ids, from that of `<pose>` to that of `</pose>`.

        Raises:
            UserError: another model made the tokens.
        """
        header = tokens.header
        same_model = self.model_hash.startswith(header.model_hash)
        if not same_model or (header.num_quantizers, header.codebook_size) != (self.num_quantizers, self.codebook_size):
            raise UserError(
                f"these tokens were made by the model {header.model} ({header.model_hash}), and this is the "
                f"vocabulary of {self.model} ({self.model_hash}); take that of the model that made them"
            )
        codes = to_integers(tokens.codes, self.codebook_size)
        return [self.begin, *(self.offset + code for code in codes), self.end]

    def text(self, tokens: PoseTokens) -> str:
        """Tokens as their names, without separators; a tokenizer that has these tokens turns them into `ids`.

        Raises:
            UserError: as `ids`.
        """
        names = self.names
        return "".join(names[id - self.offset] for id in self.ids(tokens))

    def tokens(self, ids: Iterable[int], *, fps: float = DEFAULT_FPS) -> PoseTokens:
        """The inverse of `ids`: whole blocks, in the middle of a picture.

        Args:
            ids: of one pose, from `<pose>` to `</pose>`.
            fps: frames per second of the poses that the language model was trained on.

        Raises:
            UserError: the ids are no pose.
        """
        ids = [int(id) for id in ids]
        if not ids or ids[0] != self.begin:
            raise UserError(f"a pose begins with {self._spelled(self.begin)}; these ids do not")
        if ids[-1] != self.end:
            raise UserError(f"a pose ends with {self._spelled(self.end)}; these ids do not, were they cut short?")
        integers = [id - self.offset for id in ids[1:-1]]
        try:
            codes = from_integers(
                integers, self.num_quantizers, self.codebook_size, spell=lambda code: self._spelled(code + self.offset)
            )
        except UserError as error:
            raise UserError(f"after {BEGIN}, {error}") from error
        return whole_blocks(
            codes,
            self.model,
            self.model_hash,
            codebook_size=self.codebook_size,
            block_frames=self.block_frames,
            fps=fps,
            dims=self.dims,
        )

    def poses(self, ids: Iterable[int], *, fps: float = DEFAULT_FPS) -> list[PoseTokens]:
        """All poses among the ids of a text; see `tokens`.

        Raises:
            UserError: as `tokens`; or a token of this vocabulary outside of any pose.
        """
        found: list[PoseTokens] = []
        pose: list[int] = []
        for position, id in enumerate(map(int, ids), start=1):
            if pose or id == self.begin:
                pose.append(id)
                if id == self.end:
                    found.append(self.tokens(pose, fps=fps))
                    pose = []
            elif 0 <= id - self.offset < self.size:
                raise UserError(f"token {position} is {self._spelled(id)}, and no pose has begun")
        if pose:
            found.append(self.tokens(pose, fps=fps))  # raises, as it has no end
        return found

    def summary(self) -> dict[str, Any]:
        """The vocabulary without the names of all codes.

        Returns:
            `offsets` has the id of each quantizer's first code, `special_tokens` the ids of all other tokens.
        """
        special = range(self.begin - 1, self.end + 1)
        return {
            "model": self.model,
            "model_hash": self.model_hash,
            "num_quantizers": self.num_quantizers,
            "codebook_size": self.codebook_size,
            "block_frames": self.block_frames,
            "offset": self.offset,
            "size": self.size,
            "offsets": [self.offset + q * self.codebook_size for q in range(self.num_quantizers)],
            "special_tokens": dict(zip((NONE, BEGIN, END), special, strict=True)),
        }

    def _spelled(self, id: int) -> str:
        known = 0 <= id - self.offset < self.size
        return f"{id} {self.names[id - self.offset]}" if known else str(id)


def write_vocabulary(vocabulary: Vocabulary, path: str | Path, *, overwrite: bool = False) -> None:
    """Writes a vocabulary as JSON: its summary, and `tokens`, all names in the order of their ids.

    Raises:
        UserError: it exists and `overwrite` is not set, or it cannot be written.
    """
    with atomic_write(path, overwrite=overwrite) as temporary:
        temporary.write_text(json.dumps(vocabulary.summary() | {"tokens": vocabulary.names}, indent=1) + "\n")

"""Picks the bundled model that fits a file's skeleton, or that made a file's tokens, unless one is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pose_core import UserError
from pose_core.pretrained.selection import ModelSelection
from pose_tokenizer.backends import load_network
from pose_tokenizer.config import BUNDLED

if TYPE_CHECKING:
    from pathlib import Path

    from pose_core import Skeleton
    from pose_tokenizer.backends import Backend
    from pose_tokenizer.files.header import TokenHeader
    from pose_tokenizer.network import Network

DEFAULT = "signing"  # the bundled model of what names no skeleton: live frames, tokens as text


class Models(ModelSelection["Network"]):
    """The named model, or else for every file the bundled one that has most keypoints in common with it.

    Of two that have equally many, it is the first by name: signing, which leaves depth out, before signing_3d.

    Args:
        checkpoint: as `load_model` takes it; None: a bundled model.
        device: as `load_model` takes it.
        num_quantizers: that a model has to have at least.
        backend: see `load_network`.

    Raises:
        UserError: no such model, or one with fewer quantizers.
    """

    def __init__(
        self,
        checkpoint: str | Path | None,
        device: str = "auto",
        num_quantizers: int | None = None,
        backend: Backend = "auto",
    ) -> None:
        self._num_quantizers, self._backend = num_quantizers, backend
        super().__init__(self._checked, BUNDLED, common_keypoints, checkpoint, device, train="pose-tokenizer train")

    def default(self) -> Network:
        """The named model, or `signing`."""
        return self.by_name(DEFAULT)

    def of_tokens(self, header: TokenHeader) -> Network:
        """The named model, or else the bundled one that made tokens; if none did, the default, which refuses them."""
        if self.named is not None:
            return self.named
        names = sorted(self.bundled, key=lambda name: name != header.model)  # mostly the first
        models = (self.by_name(name) for name in names)
        return next((model for model in models if model.hash.startswith(header.model_hash)), None) or self.default()

    def _checked(self, name: str | Path, device: str) -> Network:
        model, most = load_network(name, device, self._backend), self._num_quantizers
        if most is not None and most > model.config.num_quantizers:
            raise UserError(f"--num-quantizers is {most}; the model {model.name} has {model.config.num_quantizers}")
        return model


def common_keypoints(model: Skeleton, file: Skeleton) -> int:
    """How many keypoints of a model a file has by name; 0 if it has fewer coordinates."""
    return len({*model.keypoints} & {*file.keypoints}) if model.num_dims <= file.num_dims else 0

"""The hash of a model, by which codes and latents say whose they are; imports no torch."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np


def model_hash(config: dict[str, Any], weights: Iterable[tuple[str, np.ndarray]]) -> str:
    """16 hexadecimal digits of the SHA-256 of a configuration and of weights, by name, as the network has them."""
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
    for name, value in sorted(weights, key=lambda weight: weight[0]):
        digest.update(name.encode())
        digest.update(value.tobytes())
    return digest.hexdigest()[:16]

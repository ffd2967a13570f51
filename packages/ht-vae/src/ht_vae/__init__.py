"""ht-vae: pose sequences of thousands of frames to one latent space and back.

The networks and their losses; commands and a trained model are still to come.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ht_vae.attention import HierarchicalAttention
    from ht_vae.config import LossConfig, ModelConfig
    from ht_vae.latent import Latents, LatentSpace
    from ht_vae.losses import LossManager, VAELoss
    from ht_vae.model import HierarchicalTransformerVAE, VAEDecoder, VAEEncoder

__all__ = [
    "HierarchicalAttention",
    "HierarchicalTransformerVAE",
    "LatentSpace",
    "Latents",
    "LossConfig",
    "LossManager",
    "ModelConfig",
    "VAEDecoder",
    "VAEEncoder",
    "VAELoss",
]

_HOMES = {
    "HierarchicalAttention": "attention",
    "HierarchicalTransformerVAE": "model",
    "LatentSpace": "latent",
    "Latents": "latent",
    "LossConfig": "config",
    "LossManager": "losses",
    "ModelConfig": "config",
    "VAEDecoder": "model",
    "VAEEncoder": "model",
    "VAELoss": "losses",
}


def __getattr__(name: str) -> Any:
    """Imports a name when it is first asked for: a command's `--help` need not wait for torch."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

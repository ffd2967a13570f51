"""ht-vae: pose sequences of thousands of frames to one latent space and back."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
    from torchmetrics import MetricTracker as MetricsTracker

    from ht_vae.checkpoint import load_model
    from ht_vae.config import LossConfig, ModelConfig, RunConfig
    from ht_vae.data.dataset import PoseSequenceDataset
    from ht_vae.data.loader import PoseDataLoader
    from ht_vae.data.preprocessing import PoseDataProcessor
    from ht_vae.evaluation.visualizer import Visualizer
    from ht_vae.losses import LossManager, VAELoss
    from ht_vae.model import HierarchicalTransformerVAE, VAEDecoder, VAEEncoder
    from ht_vae.nn.attention import HierarchicalAttention
    from ht_vae.nn.latent import Latents, LatentSpace
    from ht_vae.training import HTVAETrainer, train

__all__ = [
    "EarlyStopping",
    "HTVAETrainer",
    "HierarchicalAttention",
    "HierarchicalTransformerVAE",
    "LatentSpace",
    "Latents",
    "LossConfig",
    "LossManager",
    "MetricsTracker",
    "ModelCheckpoint",
    "ModelConfig",
    "PoseDataLoader",
    "PoseDataProcessor",
    "PoseSequenceDataset",
    "RunConfig",
    "VAEDecoder",
    "VAEEncoder",
    "VAELoss",
    "Visualizer",
    "load_model",
    "train",
]

_HOMES = {
    "EarlyStopping": "lightning.pytorch.callbacks",
    "HTVAETrainer": "ht_vae.training",
    "HierarchicalAttention": "ht_vae.nn.attention",
    "HierarchicalTransformerVAE": "ht_vae.model",
    "LatentSpace": "ht_vae.nn.latent",
    "Latents": "ht_vae.nn.latent",
    "LossConfig": "ht_vae.config",
    "LossManager": "ht_vae.losses",
    "MetricsTracker": "torchmetrics",
    "ModelCheckpoint": "lightning.pytorch.callbacks",
    "ModelConfig": "ht_vae.config",
    "PoseDataLoader": "ht_vae.data.loader",
    "PoseDataProcessor": "ht_vae.data.preprocessing",
    "PoseSequenceDataset": "ht_vae.data.dataset",
    "RunConfig": "ht_vae.config",
    "VAEDecoder": "ht_vae.model",
    "VAEEncoder": "ht_vae.model",
    "VAELoss": "ht_vae.losses",
    "Visualizer": "ht_vae.evaluation.visualizer",
    "load_model": "ht_vae.checkpoint",
    "train": "ht_vae.training",
}
_THEIR_NAMES = {"MetricsTracker": "MetricTracker"}


def __getattr__(name: str) -> Any:
    """Imports a name when it is first asked for: `ht-vae --help` need not wait for torch."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), _THEIR_NAMES.get(name, name))

"""ht-vae: pose sequences of thousands of frames to one latent space and back."""

from typing import TYPE_CHECKING

from pose_core.lazy import attach

if TYPE_CHECKING:
    from ht_vae.config import LossConfig, ModelConfig, RunConfig
    from ht_vae.data.dataset import PoseSequenceDataset
    from ht_vae.data.loader import PoseDataLoader
    from ht_vae.data.preprocessing import PoseDataProcessor
    from ht_vae.evaluation.visualizer import Visualizer
    from ht_vae.lightning_module import EarlyStopping, MetricsTracker, ModelCheckpoint
    from ht_vae.losses import LossManager, VAELoss
    from ht_vae.model import HierarchicalTransformerVAE, VAEDecoder, VAEEncoder, load_model
    from ht_vae.nn.attention import HierarchicalAttention
    from ht_vae.nn.latent import Latents, LatentSpace
    from ht_vae.training import HTVAETrainer, train

# Names are imported when they are first used: `ht-vae --help` need not wait for torch.
__getattr__, __dir__, _ = attach(
    __name__,
    {
        "config": ("LossConfig", "ModelConfig", "RunConfig"),
        "data.dataset": ("PoseSequenceDataset",),
        "data.loader": ("PoseDataLoader",),
        "data.preprocessing": ("PoseDataProcessor",),
        "evaluation.visualizer": ("Visualizer",),
        "lightning_module": ("EarlyStopping", "MetricsTracker", "ModelCheckpoint"),
        "losses": ("LossManager", "VAELoss"),
        "model": ("HierarchicalTransformerVAE", "VAEDecoder", "VAEEncoder", "load_model"),
        "nn.attention": ("HierarchicalAttention",),
        "nn.latent": ("LatentSpace", "Latents"),
        "training": ("HTVAETrainer", "train"),
    },
)
__all__ = [
    "HTVAETrainer",
    "HierarchicalTransformerVAE",
    "ModelConfig",
    "PoseSequenceDataset",
    "RunConfig",
    "Visualizer",
    "load_model",
    "train",
]

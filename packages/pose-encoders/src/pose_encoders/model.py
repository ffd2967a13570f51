"""`PoseEncoderModel`: an encoder with what was trained on top of it, as a folder that rebuilds it."""

# Annotations stay evaluated here: PyTorchModelHubMixin decodes `config` by the class that __init__ annotates it with.
from importlib import import_module
from pathlib import Path

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn

from pose_core.atomic_files import apply_umask
from pose_core.batch import PoseBatch
from pose_core.pretrained import WEIGHTS
from pose_core.sequence import PoseSequence
from pose_core.skeleton import Skeleton
from pose_core.transforms import clean, drop_duplicates, drop_face, normalize, remove_legs, resample, trim_unseen
from pose_encoders.base import PoseEncoder
from pose_encoders.config import EncoderConfig, ModelConfig
from pose_encoders.pooling import build_pooling

# Imported when one is built: the graph encoder brings torch-geometric.
ENCODERS = {
    "transformer": ("pose_encoders.transformer", "TransformerEncoder"),
    "graph": ("pose_encoders.graph", "GraphEncoder"),
    "visual": ("pose_encoders.visual", "VisualEncoder"),
}


def build_encoder(config: EncoderConfig, skeleton: Skeleton) -> PoseEncoder:
    """The encoder that a configuration describes, for poses on that skeleton."""
    module, name = ENCODERS[config.kind]
    return getattr(import_module(module), name)(skeleton, config)


class PoseEncoderModel(
    nn.Module,
    PyTorchModelHubMixin,
    library_name="pose-encoders",
    tags=["sign-language", "pose-encoders"],
    coders={ModelConfig: (lambda config: config.model_dump(mode="json"), ModelConfig.model_validate)},
):
    """Poses to vectors, and to labels or hidden frames, `save_pretrained` and `from_pretrained` keep it all.

    Args:
        config: the encoder, its skeleton, how poses are prepared, and what it was trained for.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.skeleton = Skeleton.from_dict(config.skeleton)
        self.encoder = build_encoder(config.encoder, self.skeleton)
        dim = self.encoder.output_dim
        self.pooling = build_pooling(config.pool, dim, config.encoder.num_heads)
        if config.labels is not None:
            self.head = nn.Sequential(nn.Dropout(config.encoder.dropout), nn.Linear(dim, len(config.labels)))
        else:
            self.head = nn.Linear(dim, self.skeleton.num_keypoints * self.skeleton.num_dims)

    def _save_pretrained(self, save_directory: Path) -> None:
        super()._save_pretrained(save_directory)
        apply_umask(save_directory / WEIGHTS)

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def prepare(self, sequence: PoseSequence) -> PoseSequence:
        """A pose as the model sees it: its keypoints and frame rate, in shoulder widths, no empty frames at either end.

        Raises:
            UserError: nobody is seen, the pose cannot be normalized, or shares no keypoint with the model's.
        """
        return prepare(sequence, self.config.fps, face=self.config.face, skeleton=self.skeleton)

    def forward(self, pose: PoseBatch) -> Tensor:
        """Poses (B, T, K, D) to vectors (B, T, C), zero at padded frames."""
        return self.encoder(pose)

    def clip_vectors(self, pose: PoseBatch) -> Tensor:
        """Poses (B, T, K, D) to one vector a clip, (B, C)."""
        return self.pooling(self.encoder(pose), pose.mask)

    def logits(self, pose: PoseBatch) -> Tensor:
        """Poses (B, T, K, D) to a score for each of `config.labels`, (B, labels)."""
        return self.head(self.clip_vectors(pose))

    def keypoints(self, pose: PoseBatch) -> Tensor:
        """What a model trained without labels takes all keypoints to be, those of hidden frames too, (B, T, K, D)."""
        K, D = self.skeleton.num_keypoints, self.skeleton.num_dims
        return self.head(self.encoder(pose)).unflatten(-1, (K, D))


def prepare(sequence: PoseSequence, fps: float, *, face: bool, skeleton: Skeleton | None = None) -> PoseSequence:
    """A clip in an encoder's terms: upper body, hands and, if wanted, the face, in shoulder widths, at `fps`.

    Args:
        sequence: as its file has it.
        face: whether the model sees faces.
        skeleton: to put it on; None leaves it on its own, without what is dropped.

    Raises:
        UserError: nobody is seen, the pose cannot be normalized, or has no keypoint of the skeleton.
    """
    body = remove_legs(drop_duplicates(clean(sequence)), keep_hips=True)
    if not face:
        body = drop_face(body)
    prepared = resample(normalize(trim_unseen(body))[0], fps)
    return prepared if skeleton is None else prepared.on_skeleton(skeleton)

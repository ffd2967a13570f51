"""`PoseEncoderModel`: an encoder with its pooling and head, saved as one folder."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from torch import Tensor, nn

from pose_core.pretrained import SavedModel
from pose_core.skeleton import Skeleton
from pose_encoders.config import ModelConfig
from pose_encoders.pooling import build_pooling
from pose_encoders.preprocessing import prepare

if TYPE_CHECKING:
    from pose_core.batch import PoseBatch
    from pose_core.sequence import PoseSequence
    from pose_encoders.base import PoseEncoder
    from pose_encoders.config import PoseEncoderConfig


def build_encoder(config: PoseEncoderConfig, skeleton: Skeleton) -> PoseEncoder:
    """The encoder that a configuration describes, for poses on that skeleton."""
    module, _, name = config.ENCODER.rpartition(".")
    return getattr(import_module(module), name)(skeleton, config)


class PoseEncoderModel(
    SavedModel, config=ModelConfig, library_name="pose-encoders", tags=["sign-language", "pose-encoders"]
):
    """Pose encoder, pooling and a linear head: a classifier of clips, or a predictor of hidden frames.

    Args:
        config: the encoder, its skeleton, the preprocessing, and the labels if there are any.
    """

    config: ModelConfig

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

    def prepare(self, sequence: PoseSequence) -> PoseSequence:
        """Preprocesses a sequence as the model's training clips were, onto its skeleton.

        Raises:
            UserError: see `preprocessing.prepare`.
        """
        return prepare(sequence, self.config.fps, face=self.config.face, skeleton=self.skeleton)

    def forward(self, pose: PoseBatch) -> Tensor:
        """Poses (B, T, K, D) to one vector per frame, (B, T, C), 0 at padded frames."""
        return self.encoder(pose)

    def clip_embedding(self, pose: PoseBatch) -> Tensor:
        """Poses (B, T, K, D) to one vector per clip, (B, C)."""
        return self.pooling(self.encoder(pose), pose.mask)

    def logits(self, pose: PoseBatch) -> Tensor:
        """Poses (B, T, K, D) to the logits of `config.labels`, (B, labels)."""
        return self.head(self.clip_embedding(pose))

    def predict_keypoints(self, pose: PoseBatch) -> Tensor:
        """Poses (B, T, K, D) to predicted keypoints of all frames, hidden ones included, (B, T, K, D)."""
        K, D = self.skeleton.num_keypoints, self.skeleton.num_dims
        return self.head(self.encoder(pose)).unflatten(-1, (K, D))


load_model = PoseEncoderModel.load

"""The network: text and a start frame to a pose sequence, all frames at once; `sampling` calls it step by step.

After Ham2Pose (Shalev-Arkushin et al. 2023, https://arxiv.org/abs/2211.13613), with differences: the network predicts
the clean sequence; the step is a continuous number, so the number of steps is free; positions are rotary, so length has
no limit; the transformer runs over groups of frames.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from pose_core import Skeleton
from pose_core.pretrained import SavedModel
from pose_encoders import AdditionalSequence
from pose_encoders.model import build_encoder
from text_to_pose.config import BUNDLED, TextToPoseConfig
from text_to_pose.nn.denoiser import Condition, Denoiser
from text_to_pose.nn.features import HandFeatures
from text_to_pose.nn.length_predictor import LengthPredictor
from text_to_pose.nn.start_frame_completion import StartFrameCompletion
from text_to_pose.nn.symbol_places import SymbolPlaces
from text_to_pose.nn.text_encoder import Lexicon, TextEncoder
from text_to_pose.text.tokenizer import NOTHING, TextBatch, TextTokenizer, Tokens

if TYPE_CHECKING:
    from pathlib import Path

    from text_to_pose.nn.prediction import Prediction


class TextToPose(
    SavedModel,
    config=TextToPoseConfig,
    bundled=BUNDLED,
    library_name="text-to-pose",
    tags=["sign-language", "text-to-pose"],
):
    """Text to pose sequences, by repeated calls of one network: `encode`, then `forward` per step, then `decode`.

    Its state holds, beside the weights, a start frame per language: the mean first frame of the training clips,
    `start_keypoints` (languages, K, D) in shoulder widths and `start_confidence` (languages, K).
    """

    start_keypoints: Tensor
    start_confidence: Tensor

    def __init__(self, config: TextToPoseConfig) -> None:
        super().__init__()
        network = config.network
        dim = network.encoder.hidden_dim
        self.config = config
        self.skeleton = Skeleton.from_dict(config.skeleton)
        self.tokenizer = TextTokenizer(config.text, key_postures=network.key_postures)
        K, D = self.skeleton.num_keypoints, self.skeleton.num_dims
        self.features = HandFeatures(self.skeleton, network.hand_scale, network.hand_depth, network.body_depth)
        lexicon = None
        if config.text.kind == "letters" and self.tokenizer.letters:  # there are none in pretraining
            lexicon = Lexicon(len(self.tokenizer.languages), len(self.tokenizer.letters), dim)
        places = SymbolPlaces(self.tokenizer.vocabulary, dim) if network.symbol_places else None
        self.text_encoder = TextEncoder(
            len(self.tokenizer),
            lexicon,
            dim,
            network.text_layers,
            network.num_heads,
            network.dropout,
            places,
            key_postures=network.key_postures,
        )
        self.start_frame = StartFrameCompletion(K, D, dim)
        self.length_predictor = LengthPredictor(K * D, dim)
        self.denoiser = Denoiser(build_encoder(network.encoder, self.skeleton), network, self.features)
        self.languages = self.tokenizer.languages
        self.register_buffer("start_keypoints", torch.zeros(len(self.languages), K, D))
        self.register_buffer("start_confidence", torch.zeros(len(self.languages), K))

    @property
    def signs_in_depth(self) -> bool:
        """See `TextToPoseConfig.signs_in_depth`."""
        return self.config.signs_in_depth

    def encode(self, text: TextBatch, start_keypoints: Tensor, start_confidence: Tensor) -> tuple[Condition, Tensor]:
        """Encodes texts and start frames.

        Args:
            text: B texts.
            start_keypoints: (B, K, D) in shoulder widths.
            start_confidence: (B, K), 0 = missing.

        Returns:
            The condition, its start frames complete; and the predicted features of all their keypoints, (B, K, D).
        """
        encoded = self.text_encoder(text)
        summary = encoded.values[:, 0]  # the language tag has attended to the rest
        visible = start_confidence > 0
        given = self.features(start_keypoints) * visible[..., None]
        predicted = self.start_frame(given, visible, summary)
        start = torch.where(visible[..., None], given, predicted)
        return Condition(encoded, summary, start, visible), predicted

    def without_text(self, condition: Condition) -> Condition:
        """The same start frames with the token for no text: the unconditional side of classifier-free guidance."""
        nothing = self.text_encoder(TextBatch.of([Tokens([NOTHING])]).to(self.device))
        B, L = condition.text.mask.shape
        values = F.pad(nothing.values.expand(B, -1, -1), (0, 0, 0, L - 1))
        mask = F.pad(nothing.mask.expand(B, -1), (0, L - 1))
        return replace(condition, text=AdditionalSequence(values, mask), summary=values[:, 0])

    def forward(self, current: Tensor, mask: Tensor, condition: Condition, level: Tensor, noisy: Tensor) -> Prediction:
        """One prediction of the clean sequence from a current one; see `Denoiser.forward`."""
        return self.denoiser(current, mask, condition, level, noisy)

    def decode(self, features: Tensor) -> Tensor:
        """Features (..., K, D) to keypoints in shoulder widths."""
        return self.features.inverse(features)


def load_model(name: str | Path = "fingerspelling", device: str = "auto") -> TextToPose:
    """A model, ready to generate.

    Args:
        name: a model folder, a bundled model ("fingerspelling", "notation"), or a hub id.
        device: where it goes: auto, or as `torch.device` spells it.

    Raises:
        UserError: no such model, or not a complete one.
    """
    return TextToPose.load(name, device)

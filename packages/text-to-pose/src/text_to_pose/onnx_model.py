"""A model as ONNX graphs, sampled with numpy and onnxruntime and without torch."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pose_core import UserError
from pose_core.errors import reason
from pose_core.pretrained import WEIGHTS, read_weights
from pose_core.shared_weights import check_layout
from text_to_pose import samplers
from text_to_pose.config import TextToPoseConfig
from text_to_pose.lengths import MAX_SIGN_SECONDS, MIN_SIGN_FRAMES, deviating_lengths
from text_to_pose.motion.anchoring import MAX_ANCHOR_SPEED, anchored
from text_to_pose.motion.limits import limit_hands
from text_to_pose.network import Condition, Network, frame_mask, probability
from text_to_pose.nn.prediction import Prediction
from text_to_pose.samplers import normal_noise
from text_to_pose.schedules import NOISE, STEEPNESS, levels
from text_to_pose.text.tokenizer import NONE, NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from onnxruntime import InferenceSession

    from text_to_pose.config import Schedule
    from text_to_pose.sampling import Sampling

__all__ = ["Condition", "OnnxTextToPose", "frame_mask", "normal_noise"]

FORMAT = 1  # of the folder; raised when an older reader could not use it
CONFIG, START_FRAMES, TEXT, DENOISER = "config.json", "start_frames.npz", "text.onnx", "denoiser.onnx"
FILES = (CONFIG, START_FRAMES, TEXT, DENOISER)
GRAPHS = (TEXT, DENOISER)
COMMAND = "text-to-pose export --in-place --checkpoint FOLDER"
CONDITION = tuple(field.name for field in fields(Condition))
DENOISER_INPUTS = CONDITION[:5]
# What the samplers need beside the graphs; written for those who do it in another language.
CONSTANTS = {
    "noise": NOISE,
    "steepness": STEEPNESS,
    "letting_go": MAX_ANCHOR_SPEED,
    "max_seconds": MAX_SIGN_SECONDS,
    "shortest": MIN_SIGN_FRAMES,
    "nothing": NOTHING,
    "none": NONE,
}


class OnnxTextToPose(Network):
    """A model exported by `text-to-pose export`, or a model folder with graphs, by `text-to-pose export --in-place`.

    Args:
        folder: of `text.onnx` and `denoiser.onnx`, beside an export's `config.json` and `start_frames.npz` or a model's
            `config.json` and `model.safetensors`.
        providers: execution providers of onnxruntime, the preferred first.

    Raises:
        UserError: the folder is neither, or its graphs are of another model; or onnxruntime is missing, or cannot load
            them.
    """

    backend = "onnx"

    def __init__(self, folder: str | Path, *, providers: Sequence[str] = ("CPUExecutionProvider",)) -> None:
        try:
            import onnxruntime
        except ModuleNotFoundError as error:
            raise UserError(f"running ONNX needs {error.name}: pip install 'text-to-pose[onnx]'") from error
        folder = Path(folder)
        in_place = (folder / WEIGHTS).is_file()
        super().__init__(*(read_model(folder) if in_place else _read_export(folder)))
        try:
            self._text, self._denoiser = (
                onnxruntime.InferenceSession(folder / name, providers=list(providers)) for name in GRAPHS
            )
        except Exception as error:  # onnxruntime's own, of no common class
            raise UserError(f"{folder}: onnxruntime cannot load its graphs ({reason(error)})") from error
        if in_place:
            for session in (self._text, self._denoiser):
                check_layout(folder, session.get_modelmeta().custom_metadata_map, command=COMMAND)

    def encode(
        self,
        ids: np.ndarray,
        languages: np.ndarray,
        letters: np.ndarray,
        start_keypoints: np.ndarray,
        start_confidence: np.ndarray,
        postures: np.ndarray | None = None,
    ) -> Condition:
        """See `Network.encode`."""
        inputs = {
            "ids": ids.astype(np.int64),
            "languages": languages.astype(np.int64),
            "letters": letters.astype(np.int64),
            "start_keypoints": start_keypoints.astype(np.float32),
            "start_confidence": start_confidence.astype(np.float32),
        }
        if self.config.network.key_postures:
            from text_to_pose.signing.key_postures import SIZE  # here: the signer takes a while to import

            told = np.zeros((*ids.shape, SIZE)) if postures is None else postures
            inputs["postures"] = told.astype(np.float32)
        return Condition(*_run(self._text, CONDITION, inputs))

    def sample(self, condition: Condition, mask: np.ndarray, sampling: Sampling) -> Prediction[np.ndarray]:
        """See `Network.sample`."""
        settings: dict[str, Any] = {"schedule": sampling.schedule, "guidance": sampling.guidance}
        if sampling.sampler == "diffusion":
            return self._last(self.diffuse(condition, mask, sampling.num_steps, seed=sampling.seed, **settings))
        return self._last(self.refine(condition, mask, sampling.num_steps, **settings))

    def lengths(self, condition: Condition, *, deviations: float = 0.0) -> np.ndarray:
        """Frames (B,) of each sequence: the median of its distribution, or so many standard deviations above it."""
        return deviating_lengths(condition, self.config.fps, deviations)

    def refine(
        self,
        condition: Condition,
        mask: np.ndarray,
        num_steps: int | None = None,
        *,
        schedule: Schedule = "linear",
        guidance: float | None = None,
    ) -> Iterator[Prediction[np.ndarray]]:
        """Iterative refinement: yields the sequence after every step.

        Args:
            condition: of B sequences.
            mask: (B, T), True for the frames to generate, see `frame_mask`.
            num_steps: the model's default when None.
            schedule: size of each step, see `text_to_pose.schedules`.
            guidance: classifier-free guidance scale; 1 is no guidance; the model's default when None.
        """
        predict = _Guided(self, condition, mask, guidance)
        return samplers.refine(predict, predict.start, self._levels(schedule, num_steps))

    def diffuse(
        self,
        condition: Condition,
        mask: np.ndarray,
        num_steps: int | None = None,
        *,
        schedule: Schedule = "linear",
        guidance: float | None = None,
        seed: int = 0,
        noises: Iterable[np.ndarray] | None = None,
    ) -> Iterator[Prediction[np.ndarray]]:
        """Diffusion: yields the clean sequence as predicted in every step.

        Args:
            condition, mask, num_steps, guidance: as in `refine`.
            schedule: which share of the variance is signal before which step.
            seed: of the noise; each sequence's is the same whatever it is batched with.
            noises: (B, T, K, D) of unit variance for each step, in place of `seed`.
        """
        predict = _Guided(self, condition, mask, guidance)
        noises = noises if noises is not None else normal_noise(mask, condition.start.shape[1:], seed)
        return samplers.diffuse(predict, predict.start, self._levels(schedule, num_steps), noises)

    def keypoints(self, prediction: Prediction[np.ndarray], condition: Condition) -> tuple[np.ndarray, np.ndarray]:
        """A prediction as keypoints (B, T, K, D) in shoulder widths and probabilities (B, T, K) that they are visible.

        Each sequence begins exactly at the given part of its start frame, see `text_to_pose.motion.anchoring`. A hand
        that is visible, by its mean probability, and its arm end in one wrist.
        """
        layout = self.layout
        features = anchored(
            prediction.features, condition.start, condition.start_seen, wrists=layout.wrists, is_root=layout.is_root
        )
        keypoints = np.stack([limit_hands(sequence, self.skeleton) for sequence in layout.keypoints(features)])
        presence = probability(prediction.presence)
        for hand, arm in layout.wrists:
            visible = presence[:, :, hand].mean(axis=1) > 0.5  # (B,)
            keypoints[visible, :, arm] = keypoints[visible, :, hand]
        return keypoints.astype(np.float32), presence

    def _levels(self, schedule: Schedule, num_steps: int | None) -> np.ndarray:
        return levels(schedule, num_steps or self.config.num_steps)

    def _without_text(self, condition: Condition) -> dict[str, np.ndarray]:
        """Inputs of the denoiser for the token for no text, padded to the condition's length of text."""
        none = np.array([NONE])
        bare = self.encode(np.array([[NOTHING]]), none, none, self.start_keypoints[:1], self.start_confidence[:1])
        B, L = condition.text_mask.shape
        return {
            "text": np.pad(bare.text, ((0, 0), (0, L - 1), (0, 0))).repeat(B, axis=0),
            "text_mask": np.pad(bare.text_mask, ((0, 0), (0, L - 1))).repeat(B, axis=0),
            "summary": bare.summary.repeat(B, axis=0),
        }


class _Guided:
    """An exported model's predictions under a condition, as `text_to_pose.nn.guidance.Guided`.

    Attributes:
        start: (B, T, K, D) features, the start frame in every frame.
    """

    def __init__(self, model: OnnxTextToPose, condition: Condition, mask: np.ndarray, scale: float | None) -> None:
        self.model = model
        self.mask = mask
        self.scale = model.config.guidance if scale is None else scale
        self.start = np.repeat(condition.start[:, None], mask.shape[1], axis=1)
        self.inputs = {name: getattr(condition, name) for name in DENOISER_INPUTS}
        if self.scale != 1:
            bare = model._without_text(condition)
            self.inputs = {name: np.concatenate([value, bare.get(name, value)]) for name, value in self.inputs.items()}

    def __call__(self, current: np.ndarray, level: float, *, noisy: bool) -> Prediction[np.ndarray]:
        """See `text_to_pose.samplers.Predict`; the network takes whole groups of frames."""
        T = self.mask.shape[1]
        rows = len(self.inputs["summary"])
        repeats, extra = rows // len(self.mask), -T % self.model.config.network.frames_per_token
        current = np.pad(current, ((0, 0), (0, extra), (0, 0), (0, 0))).astype(np.float32)
        inputs = {
            "current": np.tile(current, (repeats, 1, 1, 1)),
            "mask": np.tile(np.pad(self.mask, ((0, 0), (0, extra))), (repeats, 1)),
            "level": np.full(rows, level, np.float32),
            "noisy": np.full(rows, noisy, np.float32),
        }
        outputs = _run(self.model._denoiser, ("features", "presence"), self.inputs | inputs)
        features, presence = (self._guided(output[:, :T]) for output in outputs)
        return Prediction(features, presence)

    def _guided(self, both: np.ndarray) -> np.ndarray:
        if self.scale == 1:
            return both
        conditional, unconditional = np.split(both, 2)
        return unconditional + self.scale * (conditional - unconditional)


def _run(session: InferenceSession, names: Sequence[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
    return [np.asarray(output) for output in session.run(list(names), inputs)]


def _read_export(folder: Path) -> tuple[TextToPoseConfig, np.ndarray, np.ndarray]:
    """Settings and start frames of an export."""
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise UserError(f"{folder}: lacks {' and '.join(missing)}; write it with text-to-pose export")
    exported = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    if exported.get("format") != FORMAT:
        raise UserError(f"{folder}: not an export of this version; write it again with text-to-pose export")
    with np.load(folder / START_FRAMES) as frames:
        return TextToPoseConfig.model_validate(exported["model"]), frames["keypoints"], frames["confidence"]


def read_model(folder: Path) -> tuple[TextToPoseConfig, np.ndarray, np.ndarray]:
    """Settings of a model's folder with graphs, and its start frames, (languages, K, D) and (languages, K).

    Raises:
        UserError: it has no graphs, or is not such a model.
    """
    missing = [name for name in GRAPHS if not (folder / name).is_file()]
    if missing:
        raise UserError(f"{folder}: has no ONNX graphs; `{COMMAND}` writes them")
    try:
        config = TextToPoseConfig.model_validate_json((folder / CONFIG).read_bytes())
    except (OSError, ValueError) as error:
        raise UserError(f"{folder}: not a model of this kind and version ({reason(error)})") from error
    frames = read_weights(folder, "start_keypoints", "start_confidence")
    return config, frames["start_keypoints"], frames["start_confidence"]

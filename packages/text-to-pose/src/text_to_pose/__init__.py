"""text-to-pose: text to a sequence of poses, all frames at once, refined step by step; notation by its rules.

To read it: `config`, `nn`, `model`, `schedules`, `samplers`, `sampling`, `losses`, `training_states`,
`lightning_module`, `training`, `generation`, `inpainting`, `evaluation`, `export`, `commands`, `cli`. Texts are in
`text`, training data in `data`. Notation is in `hamnosys`, who signs it in `signing`: begin with `signing.signer`.
"""

from typing import TYPE_CHECKING

from pose_core.lazy import attach

if TYPE_CHECKING:
    from text_to_pose.config import TextToPoseConfig
    from text_to_pose.generation import generate_signs, generate_texts
    from text_to_pose.inpainting import correct
    from text_to_pose.model import TextToPose, load_model
    from text_to_pose.sampling import Sampling
    from text_to_pose.start_frames import StartFrames

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "config": ("TextToPoseConfig",),
        "generation": ("generate_signs", "generate_texts"),
        "inpainting": ("correct",),
        "model": ("TextToPose", "load_model"),
        "sampling": ("Sampling",),
        "start_frames": ("StartFrames",),
    },
)

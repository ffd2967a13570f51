"""A tokenizer of x, y and z on people that it was not trained on: errors in the picture, and of depth.

uv run python benchmarks/codec_depth.py --checkpoint signing_3d [--lambdas 0.3 1 3] [--data FOLDER] [--every 2]

Groups of clips are those of `codec_models.py` that have depth. Of each lambda: bits per frame, and the RMSE of a
coordinate in shoulder widths, of x and y and of z, of hands, body (neither hands nor face) and all; beside how much z
varies about its mean over the group's frames, keypoint by keypoint: the error of saying that mean. Prints JSON.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from codec import rounded
from codec_data import FOLDER, TEST_PERSONS, real_clips, usable
from codec_models import groups, parts, read

from pose_core import PoseSequence
from pose_core.data.loading import on_layout_of
from pose_tokenizer import load_model
from pose_tokenizer.evaluation.evaluate import round_trip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default="signing_3d", help="model of three coordinates")
    parser.add_argument("--data", type=Path, default=FOLDER)
    parser.add_argument("--lambdas", type=float, nargs="+", default=[0.3, 0.6, 1.2, 2.4])
    parser.add_argument("--every", type=int, default=1, help="clip of a group that is taken")
    arguments = parser.parse_args()
    model = load_model(arguments.checkpoint, "cpu")
    result = {}
    for group, chosen in groups(real_clips(arguments.data, TEST_PERSONS)).items():
        clips = [clip for clip in map(read, chosen[:: arguments.every]) if usable(clip, depth=True)]
        if clips:
            result[group] = {"clips": len(clips)} | {
                f"lambda {lmbda:g}": row(model, clips, lmbda) for lmbda in arguments.lambdas
            }
    print(json.dumps(rounded(result), indent=2))


def row(model, clips: list[PoseSequence], lmbda: float) -> dict:
    """Bits per frame and errors by part of the clips' tokens."""
    bits, frames, originals, errors = 0.0, 0, [], []
    for clip in clips:
        done = round_trip(model, on_layout_of(clip, model.skeleton), lmbda=lmbda)
        bits, frames = bits + done.tokens.bits, frames + len(done.original)
        visible = done.original.visible[..., None]
        originals.append(np.where(visible, done.original.keypoints, np.nan))
        errors.append(np.where(visible, done.predicted.keypoints - done.original.keypoints, np.nan))
    original, error = np.concatenate(originals), np.concatenate(errors)
    varies = original - np.nanmean(original, axis=0)
    return {"bits per frame": bits / frames} | {
        name: {
            "x, y": rms(error[:, part, :2]),
            "z": rms(error[:, part, 2:]),
            "z about its mean": rms(varies[:, part, 2:]),
        }
        for name, part in parts(model.skeleton).items()
    }


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.nanmean(np.square(values))))


if __name__ == "__main__":
    main()

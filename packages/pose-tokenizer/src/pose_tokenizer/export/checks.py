"""Whether an exported graph gives what its model gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from pose_tokenizer.codes import NO_CODE
from pose_tokenizer.export.runtime import decode_blocks, encode_blocks
from pose_tokenizer.nn.quantizer import num_codes
from pose_tokenizer.streaming import BEAM

if TYPE_CHECKING:
    from pose_tokenizer.export.runtime import ExportedStep
    from pose_tokenizer.model import PoseTokenizer

BLOCKS = 10  # of the random poses that are compared
TOLERANCE = 1e-3  # difference of keypoints, in shoulder widths


def same_codes(model: PoseTokenizer, exported: ExportedStep) -> bool:
    """Whether poses get the model's own codes: two at once, with keypoints missing, at lambda 0 and at the model's."""
    random = torch.Generator().manual_seed(0)
    shape = (2, BLOCKS * model.block_frames, model.skeleton.num_keypoints)
    steps = torch.randn(*shape, model.skeleton.num_dims, generator=random)
    keypoints = model.features.mean + 0.03 * steps.cumsum(dim=1)
    visible = torch.rand(shape, generator=random) > 0.2
    blocks = [x.unflatten(1, (BLOCKS, -1)).numpy() for x in (keypoints, visible)]
    for lmbda in (0.0, model.config.lmbda):
        expected = model.encode(keypoints, visible, lmbda=lmbda, beam=BEAM)
        found = torch.from_numpy(encode_blocks(exported, *blocks, lmbda))
        # The last grid may hold some vectors several times, whose codes mean the same.
        near = (model.quantizer.dequantize(found) - expected.quantized).abs().max() <= TOLERANCE
        if not (near and torch.equal(num_codes(found), num_codes(expected.codes))):
            return False
    return True


def same_poses(model: PoseTokenizer, exported: ExportedStep) -> bool:
    """Whether codes, any number per block, become the model's own poses."""
    random = torch.Generator().manual_seed(0)
    Q, V, _ = model.quantizer.codebooks.shape
    codes = torch.randint(V, (2, BLOCKS, Q), generator=random)
    codes[torch.arange(Q) >= torch.randint(Q + 1, (2, BLOCKS, 1), generator=random)] = NO_CODE
    expected, logits = model.decode(codes)
    found, visible = decode_blocks(exported, codes.numpy())
    certain = (logits.abs() > TOLERANCE).numpy()
    near = np.abs(found - expected.numpy()).max() <= TOLERANCE
    return bool(near and np.array_equal(visible[certain], (logits > 0).numpy()[certain]))

"""The rank of this process, without importing torch."""

from __future__ import annotations

import os
import sys

# As launchers set them: torchrun, Lightning, SLURM, IBM's jsrun; the first that is set counts.
RANK_VARIABLES = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK")


def is_main_process() -> bool:
    """Whether this is rank 0, which writes and prints, or the only process."""
    if "lightning.pytorch" in sys.modules:  # which may know it from a cluster of another kind
        from lightning.pytorch.utilities import rank_zero_only

        return getattr(rank_zero_only, "rank", 0) == 0
    return next((int(os.environ[name]) for name in RANK_VARIABLES if name in os.environ), 0) == 0

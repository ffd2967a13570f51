import subprocess
import sys

import pytest

import ht_vae

THEIRS = {"MetricsTracker": "MetricTracker"}


def test_every_name_is_there():
    assert all(getattr(ht_vae, name).__name__ == THEIRS.get(name, name) for name in ht_vae.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'magic'"):
        ht_vae.magic  # noqa: B018


def test_importing_it_and_its_command_leaves_torch_alone():
    code = (
        "import sys, ht_vae, ht_vae.cli; assert not {'torch', 'lightning', 'pose_format', 'pydantic'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_model_runs_without_a_trainer():
    code = (
        "import sys; from ht_vae import PoseDataProcessor, PoseSequenceDataset, load_model\n"
        "assert not {'lightning', 'tensorboard', 'wandb'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

import subprocess
import sys

import pytest

import ht_vae

OTHER_NAMES = {"MetricsTracker": "MetricTracker", "load_model": "load"}


def test_every_public_name_is_imported_on_first_use():
    assert 3 <= len(ht_vae.__all__) <= 8
    assert {*ht_vae.__all__} <= {*dir(ht_vae)}
    assert all(getattr(ht_vae, name).__name__ == OTHER_NAMES.get(name, name) for name in dir(ht_vae))
    with pytest.raises(AttributeError, match="has no attribute 'magic'"):
        ht_vae.magic  # noqa: B018


def test_importing_package_and_cli_imports_no_torch():
    code = (
        "import sys, ht_vae, ht_vae.cli; assert not {'torch', 'lightning', 'pose_format', 'pydantic'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_inference_imports_no_trainer():
    code = (
        "import sys; from ht_vae import PoseDataProcessor, PoseSequenceDataset, load_model\n"
        "assert not {'lightning', 'tensorboard', 'wandb'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

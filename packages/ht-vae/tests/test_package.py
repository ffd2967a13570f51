import subprocess
import sys
from importlib.metadata import distribution

import ht_vae


def test_every_name_is_there():
    assert all(getattr(ht_vae, name).__name__ == name for name in ht_vae.__all__)


def test_has_no_command_yet():
    assert not distribution("ht-vae").entry_points


def test_importing_it_leaves_torch_alone():
    subprocess.run([sys.executable, "-c", "import sys, ht_vae; assert 'torch' not in sys.modules"], check=True)

"""Compiled loops with and without a cache."""

import os
import subprocess
import sys

import numba
import numpy as np

from pose_core.compiling import compiled
from pose_core.metrics import visibility


def add(a, b):
    return a + b


def test_it_compiles_without_a_writable_cache(monkeypatch):
    tried = []

    def refusing(*, cache=False, nogil):
        tried.append(cache)
        if cache:
            raise RuntimeError("cannot cache function 'add': no locator available for file 'x.py'")
        return lambda function: function

    monkeypatch.setattr(numba, "njit", refusing)
    assert compiled(add)(1, 2) == 3
    assert tried == [True, False]


def test_it_caches_where_it_can():
    assert compiled(add)(1, 2) == 3
    assert visibility._visible_points.dispatcher()._cache.cache_path
    points, visible = visibility.visible_points(np.ones((2, 3, 2), np.float32), np.array([[1, 0, 1]] * 2, np.float32))
    assert (points.sum(), visible.sum()) == (8, 4)


def test_metrics_can_be_imported_where_nothing_can_be_cached():
    # numba takes any locator that finds a folder to write: here none does.
    code = (
        "from numba.core.caching import CacheImpl\n"
        "CacheImpl._locator_classes = []\n"
        "import numpy as np\n"
        "from pose_core.metrics.visibility import visible_points\n"
        "print(visible_points(np.ones((2, 3, 2)), np.ones((2, 3)))[1].sum())"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ)
    assert (ended.stdout, ended.returncode) == ("6\n", 0), ended.stderr

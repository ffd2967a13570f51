"""Text and notebook representations of a sequence."""

import re
import subprocess
import sys
from dataclasses import replace
from html import unescape

import numpy as np

from pose_core.rendering.notebook import BUDGET
from pose_core.testing import fake_sequence


def test_repr_is_one_line(holistic, tiny):
    assert repr(holistic) == "PoseSequence(12 frames, 0.48 s at 25 fps, 54 keypoints, holistic, 38.9 % missing)"
    assert str(tiny[:1]) == "PoseSequence(1 frame, 0.04 s at 25 fps, 3 keypoints, a layout of its own, 0.0 % missing)"
    assert repr(tiny[:0]) == "PoseSequence(0 frames, 0.00 s at 25 fps, 3 keypoints, a layout of its own)"


def test_a_notebook_plays_it(holistic):
    html = holistic._repr_html_()
    assert html.startswith("<iframe srcdoc=")
    page = unescape(re.search(r'srcdoc="([^"]*)"', html)[1])
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    assert '"frames":12' in page
    assert not re.search(r"https?://|src=|@import|url\(|<link", page)
    assert "54 keypoints" in html


def test_notebooks_stay_small():
    long = fake_sequence(frames=100, face_points=40).hold_frame(50, 20_000)
    html = long._repr_html_()
    assert len(html) < 8 * BUDGET
    assert int(re.search(r"pose, one frame in (\d+)", html)[1]) > 5


def test_nothing_to_draw_gives_text(holistic):
    for sequence in (holistic[:0], replace(holistic, confidence=np.zeros_like(holistic.confidence))):
        assert re.fullmatch(r"<pre>PoseSequence\(.*\): nothing to draw</pre>", sequence._repr_html_())


def test_importing_sequences_imports_no_pictures():
    code = "import sys, pose_core.sequence; print([m for m in sys.modules if m in ('cv2', 'pose_core.rendering')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"

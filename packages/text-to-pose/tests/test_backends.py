"""`--backend`: the same poses by torch and by onnxruntime, and no torch imported for the latter."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch

from pose_core import UserError, read, write
from pose_core.testing import fake_sequence
from text_to_pose.backends import load_network
from text_to_pose.config import BUNDLED
from text_to_pose.export import export_in_place
from text_to_pose.generation import generate_texts
from text_to_pose.onnx_model import GRAPHS
from text_to_pose.sampling import Sampling
from text_to_pose.start_frames import StartFrames

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

UNIT = 128  # pixels of a shoulder width in what is generated
# Texts, language, and what generation is asked for besides.
ASKED = [
    (["hello", "baby go"], "ase", {}),
    (["schal"], "asq", {"sampling": Sampling(num_steps=3, schedule="cosine", guidance=1.5)}),
    (["alo"], "ise", {"dominant_hand": "right", "frames": 90}),
    (["bye"], "ase", {"start": "me.pose", "sampling": Sampling(sampler="diffusion", num_steps=4, seed=3)}),
    (["o"], "gsg", {"sampling": Sampling(sample_length=True, seed=1)}),
]


@pytest.fixture(scope="module")
def both():
    return load_network("fingerspelling", backend="torch"), load_network("fingerspelling", backend="onnx")


@pytest.mark.parametrize(("texts", "language", "options"), ASKED)
def test_both_backends_give_the_same_poses(both, tmp_path, texts, language, options):
    if "start" in options:
        write(fake_sequence(frames=20), tmp_path / "me.pose")
        options = options | {"start": StartFrames.read(both[0], tmp_path / "me.pose", 12)}
    spelled = [both[0].tokenizer.units(text, language, borrow_letters=True) for text in texts]
    for one, other in zip(*(generate_texts(network, spelled, language, **options) for network in both), strict=True):
        np.testing.assert_allclose(one.keypoints / UNIT, other.keypoints / UNIT, atol=1e-3, rtol=0)
        np.testing.assert_array_equal(one.confidence, other.confidence)


def test_generate_imports_no_torch(tmp_path):
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from text_to_pose.cli import main\n"
        "sys.argv = ['text-to-pose', 'generate', 'hi', '--signed-language', 'ase', '--json',\n"
        f"            '--borrow-letters', '--output', {str(tmp_path / 'hi.pose')!r}]\n"
        "main()"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(ended.stdout)[0]["backend"] == "onnx"
    assert len(read(tmp_path / "hi.pose")) > 10


def test_bundled_graphs_keep_no_weights_and_run_where_onnxruntime_of_2023_does():
    for name in GRAPHS:
        path = BUNDLED["fingerspelling"] / name
        assert path.stat().st_size < 200_000, f"{name} holds weights; run text-to-pose export --in-place"
        network = onnx.load(path, load_external_data=False)
        assert (network.ir_version, {each.domain: each.version for each in network.opset_import}[""]) == (8, 18)


def test_graphs_of_another_model_are_refused_or_not_used(tmp_path):
    folder = tmp_path / "mine"
    shutil.copytree(BUNDLED["fingerspelling"], folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"num_steps": 2}), encoding="utf-8")
    with pytest.raises(UserError, match=r"its ONNX graphs are those of another model; `text-to-pose export --in-place"):
        load_network(folder, backend="onnx")
    assert load_network(folder).backend == "torch"


def test_onnx_that_cannot_be_is_one_line(cli, folder, tmp_path, monkeypatch, one_line):
    arguments = ["generate", "ab", "--signed-language", "ase", "--output", tmp_path / "ab.pose", "--backend", "onnx"]
    for more, message in (
        (["--checkpoint", folder], f"--backend onnx: {folder}: has no ONNX graphs; `text-to-pose export --in-place"),
        (["--device", "cuda"], "--backend onnx: its graphs run on the CPU, and --device cuda is torch's"),
        ([], "--backend onnx: running ONNX needs onnxruntime: pip install 'text-to-pose[onnx]'"),
    ):
        if not more:
            monkeypatch.setitem(sys.modules, "onnxruntime", None)
        status, out, err = cli(*arguments, *more)
        assert (status, out) == (2, "")
        assert message in one_line(err)
    assert not (tmp_path / "ab.pose").exists()


@pytest.mark.slow
@pytest.mark.parametrize("precision", [torch.float32, torch.float16])
def test_export_in_place_reads_the_weights_of_the_model(model, tmp_path, precision):
    folder = tmp_path / "model"
    model.to(precision).save_pretrained(folder)
    exported = export_in_place(str(folder))
    assert exported.difference < 1e-3
    assert all(size < 200_000 for size in exported.files.values())
    one, other = (
        generate_texts(load_network(folder, backend=backend), [["A", "B"]], "ase")[0] for backend in ("torch", "onnx")
    )
    np.testing.assert_allclose(one.keypoints / UNIT, other.keypoints / UNIT, atol=1e-3, rtol=0)

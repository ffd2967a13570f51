import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from pose_core import UserError
from pose_core.testing import fake_skeleton
from pose_encoders.config import GraphEncoderConfig, VisualEncoderConfig
from text_to_pose import export
from text_to_pose.cli import app
from text_to_pose.config import NetworkConfig, TextConfig, TextToPoseConfig
from text_to_pose.export import export_onnx
from text_to_pose.generation import generate_signs
from text_to_pose.lengths import predicted_lengths
from text_to_pose.model import TextToPose
from text_to_pose.onnx_model import FILES, OnnxTextToPose, frame_mask
from text_to_pose.sampling import Sampling
from text_to_pose.start_frames import StartFrames
from text_to_pose.torch_network import TorchNetwork

onnx = pytest.importorskip("onnx")
for package in ("onnxruntime", "onnxscript"):
    pytest.importorskip(package)

CLOSE = {"atol": 1e-3, "rtol": 0}
# Of other sizes than were exported: signs, and their lengths.
BATCHES = [
    ([("A", "ase")], [2]),
    ([("sch", "ise"), ("C", "ase"), ("A", "ise")], [9, 4, 14]),
    ([("B", "ase")] * 4 + [("M507x515S1f720487x492", "ise")], [5, 21, 6, 7, 8]),
]


def untrained(network, text, **settings):
    torch.manual_seed(0)
    hands = dict.fromkeys(text.alphabets, "right")
    model = TextToPose(
        TextToPoseConfig(
            network=network, skeleton=fake_skeleton().to_dict(), text=text, dominant_hands=hands, **settings
        )
    )
    model.start_keypoints.normal_(std=0.5)
    model.start_confidence.fill_(1.0)
    model.start_confidence[:, -5:] = 0.0
    return model.eval()


@pytest.fixture(scope="module")
def original(tiny):
    alphabets = {"ase": ["A", "B", "C"], "ise": ["A", "SCH"]}
    return untrained(tiny, TextConfig(alphabets=alphabets, vocabulary=["S1f7", "c2", "r0"]), num_steps=3)


@pytest.fixture(scope="module")
def run(original, tmp_path_factory):
    """The command on a model's folder, where an older export lies: what it printed, and the folder."""
    folder = tmp_path_factory.mktemp("export")
    original.save_pretrained(folder / "model")
    output = folder / "onnx"
    output.mkdir()
    (output / "text.onnx").write_bytes(b"old")
    arguments = ["export", "--checkpoint", folder / "model", "--output", output, "--overwrite", "--json"]
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    return result, output


@pytest.fixture(scope="module")
def exported(run):
    return OnnxTextToPose(run[1])


def both_conditions(original, exported, signs):
    return TorchNetwork(original).condition(signs), exported.condition(signs)


def tensors(original, condition):
    return TorchNetwork(original).tensors(condition)


def compare(ours, theirs, mask):
    """Every step's sequence, real frames only."""
    with torch.inference_mode():
        theirs = list(theirs)
    ours = list(ours)
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.features[mask], other.features.numpy()[mask], **CLOSE)
        np.testing.assert_allclose(mine.presence[mask], other.presence.numpy()[mask], **CLOSE)


@pytest.mark.slow
def test_export_writes_four_files_and_reports_the_difference(run):
    result, output = run
    assert result.exit_code == 0
    said = json.loads(result.stdout)
    assert said["output"] == str(output)
    assert said["files"] == {name: (output / name).stat().st_size for name in FILES}
    assert 0 < said["difference"] < 1e-3
    for name in ("text.onnx", "denoiser.onnx"):
        network = onnx.load(output / name)
        onnx.checker.check_model(network)
        # What onnxruntime of 2023 loads.
        assert (network.ir_version, {each.domain: each.version for each in network.opset_import}[""]) == (8, 18)
    assert sorted(path.name for path in output.iterdir()) == sorted(FILES)
    assert not list(output.parent.glob(".*"))


@pytest.mark.slow
def test_exported_files_have_no_paths_of_this_machine(run):
    places = {str(Path(module.__file__).parent).encode() for module in (torch, export)}
    for path in run[1].iterdir():
        assert not any(place in path.read_bytes() for place in places)


@pytest.mark.slow
@pytest.mark.parametrize(("signs", "lengths"), BATCHES)
@pytest.mark.parametrize("guidance", [1.0, 2.0])
@pytest.mark.parametrize(("num_steps", "schedule"), [(1, "linear"), (5, "cosine")])
def test_onnx_refinement_equals_torch(original, exported, signs, lengths, guidance, num_steps, schedule):
    theirs, ours = both_conditions(original, exported, signs)
    mask = frame_mask(lengths)
    options = {"schedule": schedule, "guidance": guidance}
    compare(
        exported.refine(ours, mask, num_steps, **options),
        Sampling(num_steps=num_steps, **options).steps(original, tensors(original, theirs), torch.from_numpy(mask)),
        mask,
    )


@pytest.mark.slow
@pytest.mark.parametrize(("signs", "lengths"), BATCHES)
def test_onnx_diffusion_equals_torch_with_the_same_seed(original, exported, signs, lengths):
    theirs, ours = both_conditions(original, exported, signs)
    mask = frame_mask(lengths)
    options = {"schedule": "sigmoid", "guidance": 2.0}
    compare(
        exported.diffuse(ours, mask, 4, seed=3, **options),
        Sampling("diffusion", 4, seed=3, **options).steps(original, tensors(original, theirs), torch.from_numpy(mask)),
        mask,
    )


@pytest.mark.slow
def test_onnx_keypoints_and_lengths_equal_generate_signs(original, exported):
    signs, lengths = BATCHES[1]
    theirs, ours = both_conditions(original, exported, signs)
    assert exported.lengths(ours).tolist() == predicted_lengths(theirs, original.config.fps).tolist()
    assert (exported.lengths(ours, deviations=2.0) >= exported.lengths(ours)).all()
    random = np.random.default_rng(0)
    # Hands near enough to their size: larger ones are scaled down, at the first frame, too.
    keypoints = random.normal(scale=0.05, size=(len(signs), *exported.start_keypoints.shape[1:])).astype(np.float32)
    confidence = (random.random(keypoints.shape[:2]) > 0.3).astype(np.float32)
    start = StartFrames(keypoints, confidence)
    wanted = generate_signs(original, signs, start, sampling=Sampling(num_steps=2), lengths=lengths)
    condition = exported.condition(signs, keypoints, confidence)
    *_, prediction = exported.refine(condition, frame_mask(lengths), 2)
    found, presence = exported.keypoints(prediction, condition)
    assert found.dtype == np.float32
    assert ((presence > 0) & (presence < 1)).all()
    for row, sequence in enumerate(wanted):
        visible = sequence.confidence > 0
        assert visible.any()
        for hand, arm in exported.layout.wrists:  # a signing hand is there whatever its probability says
            visible[:, arm] &= presence[row, : lengths[row], hand].mean() > 0.5
        np.testing.assert_allclose(found[row, : lengths[row]][visible], sequence.keypoints[visible], **CLOSE)
    wrists = (confidence > 0) & (confidence[:, exported.layout.root] > 0)  # a finger lies on its wrist
    wrists[:, [arm for _, arm in exported.layout.wrists]] = False  # it goes to the hand's
    np.testing.assert_allclose(found[:, 0][wrists], keypoints[wrists], atol=1e-5)


@pytest.mark.slow
def test_onnx_model_refuses_unknown_languages_and_letters(exported):
    with pytest.raises(UserError, match="unknown signed language 'xyz'"):
        exported.condition([("A", "xyz")])
    with pytest.raises(UserError, match="has a letter 'Q'"):
        exported.condition([("Q", "ase")])


@pytest.mark.slow
def test_onnx_sampling_imports_no_torch(run):
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import numpy as np\n"
        "from text_to_pose.onnx_model import OnnxTextToPose, frame_mask\n"
        f"model = OnnxTextToPose({str(run[1])!r})\n"
        "start = model.start_keypoints[:1], model.start_confidence[:1]\n"
        "condition = model.encode(np.array([[2]]), np.array([0]), np.array([1]), *start)\n"
        "mask = frame_mask(model.lengths(condition))\n"
        "for sampler in (model.refine, model.diffuse):\n"
        "    *_, prediction = sampler(condition, mask, guidance=1.5)\n"
        "    assert np.isfinite(model.keypoints(prediction, condition)[0]).all()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_the_former_name_of_onnx_model_still_imports():
    from text_to_pose import numpy_sampling

    assert numpy_sampling.OnnxTextToPose is OnnxTextToPose


def test_export_takes_a_graph_encoder_and_characters(tmp_path):
    # No lexicon, so neither languages nor letters are used; three frames a token; added to the sequence that is shown.
    network = NetworkConfig(
        encoder=GraphEncoderConfig(hidden_dim=16, num_layers=1, num_heads=2, dropout=0.0),
        decoder_layers=1,
        frames_per_token=3,
        num_heads=2,
        prediction="change",
    )
    model = untrained(network, TextConfig(kind="characters", alphabets={"ase": []}, vocabulary=["a", "b", " "]))
    result = export_onnx(model, tmp_path / "onnx")
    assert result.difference < 1e-3
    assert OnnxTextToPose(tmp_path / "onnx").condition([("a b", "ase"), ("b", "ase")]).text_mask.sum() == 6


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "onnxscript"])
def test_export_names_a_missing_package(cli, folder, tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    status, out, err = cli("export", "--checkpoint", folder, "--output", tmp_path / "onnx")
    assert (status, out) == (2, "")
    assert err == f"Error: exporting needs {package}: pip install 'text-to-pose[onnx]'\n"
    assert not (tmp_path / "onnx").exists()


def test_export_refuses_folders_of_other_files_before_any_work(cli, tmp_path):
    # With a model that does not exist: the folder is looked at first.
    mine, earlier, file = tmp_path / "mine", tmp_path / "earlier", tmp_path / "file"
    mine.mkdir()
    earlier.mkdir()
    (mine / "thesis.txt").write_text("mine")
    (earlier / "text.onnx").write_text("old")
    file.write_text("mine")
    for output, options, message in (
        (mine, [], f"{mine}: is not empty; use --overwrite"),
        (mine, ["--overwrite"], f"{mine}: holds thesis.txt, which is of no export; name another folder"),
        (earlier, [], f"{earlier}: is not empty; use --overwrite"),
        (file, ["--overwrite"], f"{file}: is a file; name a folder"),
        (earlier, ["--overwrite"], "nowhere: no such model folder"),
    ):
        status, _, err = cli("export", "--checkpoint", tmp_path / "nowhere", "--output", output, *options)
        assert (status, message in err, err.count("\n")) == (2, True, 1), err
    assert (mine / "thesis.txt").read_text() == "mine"
    assert (earlier / "text.onnx").read_text() == "old"


def test_failed_export_check_is_our_error_and_keeps_the_old_export(model, tmp_path, monkeypatch):
    output = tmp_path / "onnx"
    output.mkdir()
    (output / "text.onnx").write_text("old")
    monkeypatch.setattr(export, "_export", lambda *arguments: None)
    monkeypatch.setattr(export, "_difference", lambda *arguments: float("nan"))
    with pytest.raises(RuntimeError, match="results differ from torch's"):
        export_onnx(model, output, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["onnx"]
    assert [path.read_text() for path in output.iterdir()] == ["old"]


def test_export_refuses_a_visual_encoder(tmp_path):
    network = NetworkConfig(encoder=VisualEncoderConfig(hidden_dim=16, num_layers=1, num_heads=2), num_heads=2)
    with pytest.raises(UserError, match="visual encoder"):
        export_onnx(untrained(network, TextConfig(alphabets={"ase": ["A"]})), tmp_path / "onnx")
    assert not list(tmp_path.iterdir())


def test_onnx_model_refuses_folders_that_are_no_export(tmp_path):
    with pytest.raises(UserError, match=r"lacks config\.json and start_frames\.npz and text\.onnx and denoiser\.onnx"):
        OnnxTextToPose(tmp_path)
    for name in FILES:
        (tmp_path / name).write_text("{}")
    with pytest.raises(UserError, match="not an export of this version"):
        OnnxTextToPose(tmp_path)


@pytest.mark.slow
def test_exported_config_has_no_paths_of_this_machine(run):
    for name in ("text.onnx", "denoiser.onnx"):
        assert b".py" not in (run[1] / name).read_bytes()

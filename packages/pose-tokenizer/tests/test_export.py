import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from pose_core.transforms import Placement
from pose_tokenizer.codec import encode
from pose_tokenizer.data.dataset import collate, prepare
from pose_tokenizer.export import steps, writer
from pose_tokenizer.export.runtime import ExportedStep, decode_blocks, encode_blocks
from pose_tokenizer.export.steps import DecodeStep, EncodeStep
from pose_tokenizer.export.writer import export
from pose_tokenizer.initialization import fit_grids
from pose_tokenizer.model import PoseTokenizer
from pose_tokenizer.nn.beam_search import beam_search, beam_search_in_graph
from pose_tokenizer.nn.quantizer import num_codes
from pose_tokenizer.streaming import StreamDecoder, StreamEncoder

for package in ("onnx", "onnxruntime", "onnxscript"):
    pytest.importorskip(package)

FORMATS = ["onnx", "torchscript"]
CLOSE = {"atol": 1e-4, "rtol": 0}


@pytest.fixture(scope="module", params=FORMATS)
def files(request, lively, tmp_path_factory):
    """Both graphs of the lively model."""
    return export(lively, tmp_path_factory.mktemp("export") / "graphs", format=request.param)


@pytest.fixture(scope="module")
def exported(files):
    return {file.output.stem: ExportedStep(file.output) for file in files}


@pytest.fixture(scope="module")
def clips(clip, hidden):
    """Whole blocks and not, longer than a window of the encoder and shorter, one hand, now and then both, and none."""
    seldom = clip(53, seed=2, hands=("left", "right"))
    seldom = hidden(seldom, slice(10, 31), seldom.skeleton.hand("left"))
    return [clip(70, seed=1), seldom, clip(20, seed=3, hands=()), clip(1, seed=4)]


@pytest.fixture(scope="module")
def poses(lively, clips):
    """The clips as the graphs take them, side by side: keypoints and seen (B, N, block_frames, K, ...), blocks (B,)."""
    prepared = [prepare(sequence, lively.skeleton) for sequence in clips]
    batch = collate([(each.keypoints, each.confidence > 0) for each in prepared], lively.block_frames)
    shape, counts = (batch.block_mask.shape[1], lively.block_frames), batch.block_mask.sum(dim=1).tolist()
    return *(x.unflatten(1, shape).numpy() for x in (batch.keypoints, batch.visible)), counts


def shown(model, codes):
    """What a stream makes of codes (N, Q), in shoulder widths."""
    decoder = StreamDecoder(model, Placement(center=(0.0, 0.0), scale=1.0))
    return [np.concatenate(x) for x in zip(decoder.push(codes), decoder.finish(), strict=True)]


@pytest.mark.parametrize("lmbda", [None, 0.0, 100.0])
def test_graph_codes_are_those_of_encode(lively, clips, poses, exported, lmbda):
    keypoints, seen, blocks = poses
    found = encode_blocks(exported["encode"], keypoints, seen, lively.config.lmbda if lmbda is None else lmbda)
    assert found.dtype == np.int64
    depths = set()
    for row, sequence in enumerate(clips):
        wanted = encode(lively, sequence, lmbda=lmbda).codes
        np.testing.assert_array_equal(found[row, : blocks[row]], wanted)
        assert len(wanted) == blocks[row]
        depths |= set((wanted >= 0).sum(axis=1))
    assert len(depths) == (1 if lmbda == 0 else lively.config.num_quantizers + 1)


def test_graph_codes_do_not_depend_on_other_clips_of_the_batch(lively, poses, exported):
    keypoints, seen, blocks = poses
    together = encode_blocks(exported["encode"], keypoints, seen, 2.0)
    for row, N in enumerate(blocks):
        one = slice(row, row + 1)
        alone = encode_blocks(exported["encode"], keypoints[one, :N], seen[one, :N], 2.0)
        np.testing.assert_array_equal(together[one, :N], alone)


@pytest.mark.parametrize("place", [np.nan, np.inf, 1e30])
def test_coordinates_of_missing_keypoints_do_not_change_graph_codes(poses, exported, place):
    keypoints, seen, _ = poses
    there = np.where(seen[..., None], keypoints, np.float32(place))
    assert not np.array_equal(there, keypoints)
    np.testing.assert_array_equal(*(encode_blocks(exported["encode"], x, seen, 2.0) for x in (keypoints, there)))


def test_graph_poses_are_those_of_stream_decoder(lively, clips, exported):
    for sequence in clips:
        codes = encode(lively, sequence).codes
        wanted, confidence = shown(lively, codes)
        keypoints, seen = decode_blocks(exported["decode"], codes[None].astype(np.int64))
        np.testing.assert_array_equal(seen[0], confidence > 0)
        np.testing.assert_allclose(keypoints[0] * seen[0, ..., None], wanted, **CLOSE)


def test_clips_of_different_lengths_are_decoded_in_one_batch(lively, exported):
    # Nothing of what follows a sequence's end, and of its neighbours, is in it.
    lengths, N, decode = [1, 9, 4], 9, exported["decode"]
    random = np.random.default_rng(0)
    codes = random.integers(lively.config.codebook_size, size=(3, N, lively.config.num_quantizers))
    codes[:, ::2, 2:] = -1
    delay, state, steps = lively.decoder.after, decode.start(3), []
    for n in range(N + delay):
        real = np.array([n < length for length in lengths])
        keypoints, seen, state = decode(codes[:, n % N], real, state)
        steps.append((keypoints, seen))
    assert not any(seen.any() for _, seen in steps[:delay])
    keypoints, seen = (np.concatenate(x, axis=1) for x in zip(*steps[delay:], strict=True))
    for row, length in enumerate(lengths):
        wanted, confidence = shown(lively, codes[row, :length])
        frames = length * lively.block_frames
        np.testing.assert_array_equal(seen[row, :frames], confidence > 0)
        assert not seen[row, frames:].any()
        np.testing.assert_allclose((keypoints * seen[..., None])[row, :frames], wanted, **CLOSE)
        alone, _ = decode_blocks(decode, codes[row : row + 1, :length])
        np.testing.assert_allclose(keypoints[row, :frames], alone[0], **CLOSE)


@pytest.mark.parametrize(
    ("format", "settings"),
    [
        ("onnx", {"num_layers": 0, "quantizer": "fsq", "latent_dim": 5}),  # one direction for the last grid
        ("torchscript", {"num_layers": 0}),
        ("torchscript", {"quantizer": "fsq", "latent_dim": 5}),
        ("torchscript", {"quantizer": "residual_fsq", "num_quantizers": 4, "lmbda": 0.0}),
        ("torchscript", {"downsampling": 1, "num_quantizers": 1, "codebook_size": 2}),
    ],
)
def test_other_quantizers_and_sizes_are_exported(quick, skeleton, tmp_path, format, settings):
    torch.manual_seed(0)
    model = PoseTokenizer(quick.model_copy(update=settings).model(skeleton.to_dict()))
    with torch.no_grad():
        model.basis.copy_(torch.linalg.qr(torch.randn(model.basis.shape)).Q)
        for tensor in (model.features.mean, model.quantizer.start, model.quantizer.codebooks):
            tensor.normal_()
        for network in (model.encoder, model.decoder):
            network.head.weight.normal_()
        if model.config.quantizer != "rvq":
            fit_grids(model, torch.randn(500, model.config.latent_dim))
    export(model, tmp_path / "graphs", format=format)  # compares
    assert all(parameter.requires_grad for parameter in model.decoder.parameters())
    encode, decode = (ExportedStep(path) for path in sorted((tmp_path / "graphs").iterdir(), reverse=True))
    random = np.random.default_rng(0)
    keypoints = random.normal(size=(2, 5, model.block_frames, 50, 2)).astype(np.float32)
    codes = encode_blocks(encode, keypoints, random.random(keypoints.shape[:-1]) > 0.3, model.config.lmbda)
    assert len(np.unique(codes)) > 2
    poses, seen = decode_blocks(decode, codes)
    tensor = torch.from_numpy(codes)
    with torch.no_grad():
        mask = torch.ones(2, 5, dtype=torch.bool)
        wanted, logits = model.eval().frames(model.quantizer.dequantize(tensor), num_codes(tensor), mask)
    np.testing.assert_allclose(poses, wanted, **CLOSE)
    np.testing.assert_array_equal(seen, logits > 0)


def test_export_and_stream_encoder_have_the_same_beam():
    assert inspect.signature(StreamEncoder).parameters["beam"].default == steps.BEAM


def test_search_in_graph_equals_search():
    random = torch.Generator().manual_seed(0)
    books = torch.randn(12, 9, 6, generator=random)  # mostly too coarse: few vectors take more than three
    x = torch.randn(40, 6, generator=random)
    for lmbda in (0.0, 0.2, 1.0):
        options = {"squared_norms": books.square().sum(dim=-1), "beam": 4}
        codes, left = beam_search(x, books, lmbda=lmbda, **options)
        codes_in_graph, left_in_graph = beam_search_in_graph(x, books, lmbda=torch.tensor(lmbda), **options)
        assert (codes[:, -1] >= 0).all() == (lmbda == 0)
        assert torch.equal(codes, codes_in_graph)
        assert torch.equal(left, left_in_graph)


@pytest.mark.parametrize("files", ["onnx"], indirect=True)
def test_onnx_runs_without_torch_from_a_state_of_zeros(lively, clips, poses, files, tmp_path):
    # As the README shows it; names and shapes are read from the file alone.
    keypoints, seen, _ = poses
    np.savez(tmp_path / "poses.npz", keypoints=keypoints[:1], seen=seen[:1])
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import numpy as np, onnxruntime\n"
        f"encoder = onnxruntime.InferenceSession({str(files[0].output)!r})\n"
        f"poses = np.load({str(tmp_path / 'poses.npz')!r})\n"
        "state = np.zeros((1, encoder.get_inputs()[-1].shape[1]), np.float32)\n"
        "rate = np.array(encoder.get_modelmeta().custom_metadata_map['rate'], np.float32)\n"
        "rows = []\n"
        "for keypoints, seen in zip(poses['keypoints'][0], poses['seen'][0]):\n"
        "    inputs = {'keypoints': keypoints[None], 'seen': seen[None], 'rate': rate, 'state': state}\n"
        "    codes, state = encoder.run(['codes', 'next_state'], inputs)\n"
        "    rows.append(codes[0].tolist())\n"
        "print(rows)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert json.loads(done.stdout) == encode(lively, clips[0]).codes.tolist()
    assert len(clips[0]) % lively.block_frames


def test_metadata_describes_the_model_and_holds_no_local_paths(lively, files):
    assert [file.output.stem for file in files] == ["encode", "decode"]
    for file in files:
        metadata = ExportedStep(file.output).metadata
        assert metadata["model"] == "lively"
        assert metadata["model_hash"] == lively.hash
        assert (metadata["block_frames"], metadata["rate"], metadata["delay"]) == ("4", "16.0", "2")
        assert json.loads(metadata["skeleton"]) == lively.config.skeleton
        contents = file.output.read_bytes()
        assert file.bytes == len(contents)
        places = [Path(x.__file__).parents[2] for x in (torch, writer)]
        assert not any(str(place).encode() in contents for place in places)


def operator_set(path):
    """The IR version of an ONNX file, and its operator set."""
    import onnx

    model = onnx.load(path)
    onnx.checker.check_model(model)
    return model.ir_version, {each.domain: each.version for each in model.opset_import}[""]


@pytest.mark.parametrize("files", ["onnx"], indirect=True)
def test_onnx_files_have_the_operator_set_of_2023(files):
    assert {operator_set(file.output) for file in files} == {(8, 18)}


@pytest.mark.parametrize("files", ["torchscript"], indirect=True)
def test_torchscript_carries_no_device(files):
    for file in files:
        network = torch.jit.load(file.output)
        nodes = network.inlined_graph.findAllNodes
        assert not [node for node in nodes("prim::Constant") if str(node.output().type()) == "Device"]
        assert [node.output() for node in nodes("prim::device")]
        for kind in ("aten::arange", "aten::zeros", "aten::ones", "aten::full", "aten::empty"):
            for node in nodes(kind):
                (device,) = (value for value in node.inputs() if value.type().str() == "Device")
                assert device.node().kind() == "prim::device"
        # Only numbers stay where tracing had them, and they go with tensors of any device.
        tensors = [node.t("value") for node in nodes("prim::Constant") if "Tensor" in str(node.output().type())]
        assert not any(tensor.ndim for tensor in tensors)


@pytest.mark.parametrize("files", ["torchscript"], indirect=True)
def test_torchscript_runs_on_another_device(files):
    for file in files:
        network = torch.jit.load(file.output)
        for part in network.modules():  # what `to` does on a device that holds values
            for name, tensor in [*part.named_parameters(recurse=False), *part.named_buffers(recurse=False)]:
                part._c.setattr(name, tensor.detach().to("meta"))
        step = {"encode": EncodeStep, "decode": DecodeStep}[file.output.stem]
        shapes = {
            name: [int(n) for n in re.findall(r"\d+", text.partition("(")[2])] for name, text in file.inputs.items()
        }
        kinds = {name: getattr(torch, text.split()[0]) for name, text in file.inputs.items()}
        batches = [[3, *shapes[name]] if name != "rate" else [] for name in step.inputs]
        given = [torch.zeros(b, dtype=kinds[n], device="meta") for n, b in zip(step.inputs, batches, strict=True)]
        assert {made.device.type for made in network(*given)} == {"meta"}


@pytest.mark.parametrize("part", ["encode", "decode"])
def test_graphs_that_differ_from_the_model_are_not_written(lively, tmp_path, monkeypatch, part):
    class WrongCodes(EncodeStep):
        def forward(self, keypoints, seen, lmbda, state):
            codes, after = super().forward(keypoints, seen, lmbda, state)
            return codes.clamp(max=self.model.config.codebook_size - 2), after

    class WrongPoses(DecodeStep):
        def forward(self, codes, real, state):
            keypoints, seen, after = super().forward(codes, real, state)
            return keypoints + 0.01, seen, after

    (tmp_path / "decode.pt").write_text("old")
    monkeypatch.setitem(steps.STEPS, part, {"encode": WrongCodes, "decode": WrongPoses}[part])
    with pytest.raises(RuntimeError, match=rf"{part}\.pt: not written, as it gives something else"):
        export(lively, tmp_path, format="torchscript", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["decode.pt"]
    assert (tmp_path / "decode.pt").read_text() == "old"


def test_export_command_writes_both_graphs_and_prints_their_inputs(cli, folder, tmp_path):
    output = tmp_path / "deep" / "graphs"
    arguments = ["export", "--format", "torchscript", "--checkpoint", folder, "--output", output]
    status, out, err = cli(*arguments)
    assert status == 0, err
    assert err.count("\n") == 4
    assert sorted(path.name for path in output.iterdir()) == ["decode.pt", "encode.pt"]
    assert f"{output / 'encode.pt'}: 0." in out
    for line in (
        "in   keypoints    float32 (B, 4, 50, 2)",
        "in   rate         float32 ()",
        "out  codes        int64 (B, 3)",
    ):
        assert line in out
    status, out, err = cli(*arguments)
    assert (status, out) == (2, "")
    assert err == f"Error: {output / 'encode.pt'}: exists; use --overwrite to replace it or name another output\n"
    status, out, _ = cli(*arguments, "--overwrite", "--json")
    assert status == 0
    encoder, decoder = json.loads(out)
    assert decoder["output"] == str(output / "decode.pt")
    assert decoder["bytes"] == (output / "decode.pt").stat().st_size
    assert list(encoder["inputs"]) == ["keypoints", "seen", "rate", "state"]
    assert decoder["inputs"]["real"] == "bool (B,)"


def test_export_command_writes_one_graph(cli, folder, model, tmp_path):
    output = tmp_path / "decoder.onnx"
    status, _, err = cli("export", "--part", "decode", "--opset", "20", "--checkpoint", folder, "--output", output)
    assert status == 0, err
    assert operator_set(output) == (9, 20)
    assert [path.name for path in tmp_path.iterdir()] == ["decoder.onnx"]
    assert ExportedStep(output).metadata["model_hash"] == model.hash


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "onnxscript"])
def test_a_missing_package_is_one_line(cli, folder, tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    status, out, err = cli("export", "--checkpoint", folder, "--output", tmp_path / "graphs")
    assert (status, out) == (2, "")
    assert err == f"Error: exporting needs {package}: pip install 'pose-tokenizer[onnx]'\n"
    assert not list(tmp_path.iterdir())


def test_an_output_that_cannot_be_written_is_refused_before_any_work(cli, tmp_path):
    # With a model that does not exist: the output is looked at first.
    file = tmp_path / "file.onnx"
    file.write_text("mine")
    for output, options, message in (
        (file, ["--part", "encode"], f"{file}: exists; use --overwrite"),
        (
            file,
            ["--part", "encode", "--format", "torchscript"],
            "--format torchscript is written; name a file that ends",
        ),
        (file, ["--overwrite"], f"{file}: two files are written; name a folder, or choose one of them with --part"),
        (file, ["--part", "encode", "--opset", "17"], "--opset 17: cannot be written; choose from 18 to 23"),
        (file / "graphs", [], f"{file / 'graphs'}: the folder cannot be created"),
        (tmp_path / "no" / "a.onnx", ["--part", "decode"], f"there is no folder {tmp_path / 'no'}; create it first"),
        (file, ["--part", "decode", "--overwrite"], "nowhere: no such model folder"),
    ):
        status, out, err = cli("export", "--checkpoint", tmp_path / "nowhere", "--output", output, *options)
        assert (status, out, message in err, err.count("\n")) == (2, "", True, 1), err
    assert [path.name for path in tmp_path.iterdir()] == ["file.onnx"]
    assert file.read_text() == "mine"

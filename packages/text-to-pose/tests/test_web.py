import gzip
import json
import re
import shutil

import numpy as np
import pytest

from text_to_pose.config import BUNDLED
from text_to_pose.web import tokenizer_files


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The page with the bundled model."""
    from text_to_pose.web.site import write_site

    return write_site("fingerspelling", tmp_path_factory.mktemp("web") / "site")


def test_the_page_is_small_and_keeps_all_of_itself(site):
    assert site.size < 15e6
    worker = (site.output / "service-worker.js").read_text("utf-8")
    kept = json.loads(re.search(r"= ({.*});", worker).group(1))
    assert set(kept["files"]) == {"./", *site.files} - {"service-worker.js"}
    assert len(kept["version"]) == 16


def test_no_file_asks_for_another_host(site):
    page = (site.output / "index.html").read_text("utf-8")
    assert "default-src 'none'" in page
    assert not re.search(r"(src|href)=\"(https?:|//)", page)
    assert "url(" not in (site.output / "index.css").read_text("utf-8")


def test_weights_are_packed_and_all_there(site):
    packed = np.frombuffer(gzip.decompress((site.output / "model/weights.bin").read_bytes()), np.uint8)
    weights = packed.reshape(2, -1).T.tobytes()
    assert weights == (BUNDLED["fingerspelling"] / "model.safetensors").read_bytes()


def test_an_existing_folder_is_replaced_only_if_it_is_a_page(cli, one_line, site, tmp_path):
    copy = tmp_path / "site"
    shutil.copytree(site.output, copy)
    status, _, err = cli("web", "--output", copy)
    assert (status, "--overwrite" in one_line(err)) == (2, True)
    status, out, _ = cli("web", "--output", copy, "--overwrite", "--json")
    assert (status, json.loads(out)["files"]) == (0, site.files)
    (copy / "diary.txt").write_text("dear diary")
    status, _, err = cli("web", "--output", copy, "--overwrite")
    assert (status, "diary.txt" in one_line(err), (copy / "diary.txt").exists()) == (2, True, True)


def test_a_tokenizer_is_loaded_later(cli, site, tmp_path):
    pytest.importorskip("pose_tokenizer")
    folder = tmp_path / "site"
    status, out, _ = cli("web", "--tokens", "--output", folder, "--json")
    files = json.loads(out)["files"]
    assert (status, site.later) == (0, 0)
    assert {name for name in files if name not in site.files} == {
        f"tokenizer/{name}" for name in ("tokenizer.json", "weights.bin", "latents.onnx", "frames.onnx")
    }
    worker = (folder / "service-worker.js").read_text("utf-8")
    kept = json.loads(re.search(r"= ({.*});", worker).group(1))
    assert not any("tokenizer" in name for name in kept["files"])
    assert sum(files[name] for name in kept["files"] if name != "./") < 15e6
    assert '<meta name="tokenizer"' in (folder / "index.html").read_text("utf-8")
    status, out, _ = cli("web", "--output", folder, "--overwrite", "--json")
    assert (status, json.loads(out)["files"]) == (0, site.files)


def test_the_tokenizer_on_the_page_is_the_one_of_python(tmp_path):
    pytest.importorskip("pose_tokenizer")
    from pose_tokenizer.backends import load_network

    tokenizer_files.write_tokenizer(tmp_path)
    network = load_network("signing", backend="onnx")
    stored = json.loads((tmp_path / "tokenizer.json").read_text("utf-8"))
    planes = np.frombuffer(gzip.decompress((tmp_path / "weights.bin").read_bytes()), np.uint8)
    weights = planes.reshape(2, -1).T.copy().view("<f2").ravel().astype(np.float32)
    start, length = stored["tensors"]["mean"]
    np.testing.assert_allclose(weights[start : start + length], network.mean.ravel(), atol=1e-2)
    assert network.hash.startswith(stored["hash"])
    assert (stored["weightsStart"] + 4 * len(weights)) == (network.folder / "model.safetensors").stat().st_size


def test_tokens_need_pose_tokenizer(cli, one_line, tmp_path, monkeypatch):
    monkeypatch.setattr(tokenizer_files, "TOKENIZER", "no_such_package")
    status, _, err = cli("web", "--tokens", "--output", tmp_path / "site")
    assert (status, "pip install pose-tokenizer" in one_line(err), (tmp_path / "site").exists()) == (2, True, False)


def test_models_without_graphs_are_refused(cli, one_line, folder, tmp_path):
    status, _, err = cli("web", "--checkpoint", folder, "--output", tmp_path / "site")
    assert (status, "export --in-place" in one_line(err), (tmp_path / "site").exists()) == (2, True, False)


def test_graphs_of_another_model_are_refused(cli, one_line, folder, tmp_path):
    for graph in ("text.onnx", "denoiser.onnx"):
        shutil.copyfile(BUNDLED["fingerspelling"] / graph, folder / graph)
    status, _, err = cli("web", "--checkpoint", folder, "--output", tmp_path / "site")
    assert (status, "those of another model" in one_line(err), (tmp_path / "site").exists()) == (2, True, False)


def test_models_in_depth_or_of_notation_are_refused(tmp_path):
    from pose_core import UserError
    from text_to_pose.web.model_files import write_model

    model = tmp_path / "model"
    shutil.copytree(BUNDLED["fingerspelling"], model)
    config = json.loads((model / "config.json").read_text("utf-8"))
    for changed, message in (
        ({"network": {**config["network"], "hands": "turned"}}, "sign in depth"),
        ({"text": {**config["text"], "kind": "hamnosys", "alphabets": {"gsg": []}}}, "no letters"),
    ):
        (model / "config.json").write_text(json.dumps({**config, **changed}))
        with pytest.raises(UserError, match=message):
            write_model(model, tmp_path)

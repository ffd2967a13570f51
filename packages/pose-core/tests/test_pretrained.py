import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from huggingface_hub import PyTorchModelHubMixin
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from pose_core import UserError
from pose_core.pretrained import SavedModel, load_pretrained, read_weights


class Tiny(nn.Module, PyTorchModelHubMixin):
    def __init__(self, dim: int = 3):
        super().__init__()
        self.layer = nn.Linear(dim, dim)


@pytest.fixture
def folder(tmp_path):
    Tiny(4).save_pretrained(tmp_path / "tiny")
    return tmp_path / "tiny"


def test_loading_from_a_folder_and_by_name(folder, capsys):
    by_folder = load_pretrained(Tiny, folder, {}, "cpu")
    by_name = load_pretrained(Tiny, "small", {"small": folder}, "cpu")
    assert not by_folder.training
    assert by_folder.layer.weight.shape == (4, 4)
    torch.testing.assert_close(by_folder.layer.weight, by_name.layer.weight)
    assert capsys.readouterr().out == ""  # stdout is for results


def rewrite(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "config.json").unlink(), "lacks config.json"),
        (lambda f: (f / "model.safetensors").unlink(), "lacks model.safetensors"),
        (lambda f: (f / "config.json").write_text("{"), "not a model of this kind"),
        (lambda f: (f / "config.json").write_text("[]"), "not a model of this kind"),
        (lambda f: rewrite(f / "config.json", dim=5), "not a model of this kind"),
        (lambda f: (f / "model.safetensors").write_bytes(b"\x00" * 20), "not a model of this kind"),
    ],
)
def test_a_damaged_folder_is_refused(folder, damage, message):
    damage(folder)
    with pytest.raises(UserError, match=message) as error:
        load_pretrained(Tiny, folder, {}, "cpu")
    assert str(folder) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_weights_cut_short_are_refused(folder, kept):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept])
    with pytest.raises(UserError, match="tiny: not a model of this kind"):
        load_pretrained(Tiny, folder, {}, "cpu")


def test_a_hub_that_cannot_be_reached(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="no-such-organisation/tiny: no such folder, and the hub did not give it"):
        load_pretrained(Tiny, "no-such-organisation/tiny", {}, "cpu")


def test_missing_weights_are_refused(folder):
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    del weights["layer.bias"]
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(UserError, match="layer.bias"):
        load_pretrained(Tiny, folder, {}, "cpu")


def test_weights_are_read_into_numpy(folder):
    from safetensors.torch import load_file

    weights = load_file(folder / "model.safetensors")
    read = read_weights(folder)
    assert read.keys() == weights.keys()
    np.testing.assert_array_equal(read_weights(folder, "layer.bias")["layer.bias"], weights["layer.bias"].numpy())
    with pytest.raises(UserError, match=r"tiny: not a model of this kind and version .*nothing"):
        read_weights(folder, "nothing")


def test_no_such_model(tmp_path):
    with pytest.raises(UserError, match="no such model folder; bundled: small"):
        load_pretrained(Tiny, tmp_path / "nowhere", {"small": tmp_path}, "cpu")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="not a folder"):
        load_pretrained(Tiny, tmp_path / "file", {}, "cpu")


def test_an_unknown_device_is_refused(folder):
    with pytest.raises(UserError, match="device 'warp' cannot be used .*--device cpu"):
        load_pretrained(Tiny, folder, {}, "warp")


class Sizes(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    width: int = Field(3, alias="dim")
    rate: float = 1.0


class Saved(SavedModel, config=Sizes, unhashed=("rate",), library_name="tests", tags=["test"]):
    def __init__(self, config: "Sizes"):  # a string: the mixin alone would not decode it
        super().__init__()
        self.config = config
        self.layer = nn.Linear(config.width, config.width)
        self.register_buffer("basis", torch.zeros(2))


class Special(Saved):
    pass


@pytest.mark.parametrize("kind", [Saved, Special])
def test_a_saved_model_comes_back_by_its_folder_alone(tmp_path, kind):
    model = kind(Sizes(dim=4, rate=0.5))
    model.save_pretrained(tmp_path / "wide")
    assert json.loads((tmp_path / "wide" / "config.json").read_text()) == {"dim": 4, "rate": 0.5}
    loaded = kind.load(tmp_path / "wide", "cpu")
    assert type(loaded) is kind
    assert (loaded.name, loaded.hash, loaded.config) == ("wide", model.hash, model.config)
    assert (model.name, loaded.device.type, loaded.training) == ("untitled", "cpu", False)
    assert torch.equal(loaded.layer.weight, model.layer.weight)


def test_a_bundled_model_has_its_bundled_name(tmp_path):
    Saved(Sizes()).save_pretrained(tmp_path / "folder")

    class Bundled(Saved, bundled={"small": tmp_path / "folder"}):
        pass

    assert Bundled.load("small", "cpu").name == "small"
    assert Saved.bundled == {}
    with pytest.raises(UserError, match=r"no such model folder; did you mean small\?; bundled: small"):
        Bundled.load("smal", "cpu")


def test_the_hash_is_of_configuration_and_weights():
    model = Saved(Sizes())
    config = '{"dim": 3}'  # as saved, but for what decoding does not need
    digest = hashlib.sha256(config.encode())
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode() + value.numpy().tobytes())
    assert model.hash == digest.hexdigest()[:16]
    other = Saved(Sizes(rate=2.0))
    other.load_state_dict(model.state_dict())
    assert other.hash == model.hash
    with torch.no_grad():
        other.layer.bias += 1
    assert other.hash != model.hash


def test_finding_a_model_imports_no_torch():
    code = "import sys; from pose_core.pretrained import find_model; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"

import csv
import os
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from pose_core import write
from pose_core.testing import fake_manifest, fake_sequence, fake_skeleton
from pose_core.transforms import normalize
from pose_encoders.config import TransformerEncoderConfig
from text_to_pose.cli import main
from text_to_pose.config import NetworkConfig, TextConfig, TextToPoseConfig
from text_to_pose.hamnosys.sigml.reader import BadSign, read_sigml
from text_to_pose.model import TextToPose

EXTRA = ("starlette", "uvicorn", "python_multipart")
collect_ignore_glob = [] if all(map(find_spec, EXTRA)) else ["test_app*.py"]  # of [app]
settings.register_profile("steady", deadline=None)  # the first call imports
settings.load_profile("steady")
torch.set_num_threads(1)  # networks this small only wait for a second one


@pytest.fixture(scope="session")
def tiny():
    """The smallest network that still learns."""
    return NetworkConfig(
        encoder=TransformerEncoderConfig(hidden_dim=32, num_layers=0, num_heads=2, dropout=0.0, sees_missing=False),
        decoder_layers=1,
        num_heads=2,
        dropout=0.0,
    )


@pytest.fixture(scope="session")
def data_file():
    """Finds a file of real data by its path in `shared/data` or in POSE_DATA's folder; a test without it is skipped."""
    folder = Path(os.environ.get("POSE_DATA", Path(__file__).parents[4] / "shared" / "data"))

    def find(name):
        if not (folder / name).is_file():
            pytest.skip(f"no {folder / name}; POSE_DATA names the folder of real data")
        return folder / name

    return find


@pytest.fixture(scope="session")
def signs(data_file):
    """Rows of real signs: id, hamnosys, symbols (names, where known)."""
    with data_file("hamnosys/hamnosys.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def manual():
    """Reads SiGML of one sign, whose manual parts these are; raises what is wrong with it."""

    def read(parts):
        sigml = f"<sigml><hamgestural_sign><sign_manual>{parts}</sign_manual></hamgestural_sign></sigml>"
        (sign,) = read_sigml(sigml.encode(), "a.sigml")
        if isinstance(sign, BadSign):
            raise sign.error
        return sign

    return read


@pytest.fixture(scope="session")
def manifest(tmp_path_factory):
    """Six letters of ase and gsg for training, and gsg's D for validation."""
    return fake_manifest(tmp_path_factory.mktemp("clips"))


@pytest.fixture
def model(tiny):
    """Untrained and tiny; knows ase A B C and, left-handed, ise A SCH."""
    torch.manual_seed(0)
    config = TextToPoseConfig(
        network=tiny,
        skeleton=fake_skeleton().to_dict(),
        text=TextConfig(alphabets={"ase": ["A", "B", "C"], "ise": ["A", "SCH"]}, vocabulary=["S1f7", "c2", "r0"]),
        dominant_hands={"ase": "right", "ise": "left"},
        num_steps=3,
    )
    model = TextToPose(config).eval()
    # Untrained, it would hold keypoints for seen or not as the seed has it.
    K, D = model.denoiser.shape
    with torch.no_grad():
        model.denoiser.head.bias.view(tiny.frames_per_token, -1)[:, K * D :] = 3.0
    body, _ = normalize(fake_sequence(hands=("left", "right")))
    model.start_keypoints.copy_(torch.from_numpy(body.keypoints[:2]))
    model.start_confidence.fill_(1.0)
    return model


@pytest.fixture
def folder(model, tmp_path):
    """The model as a folder."""
    model.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def cli(monkeypatch, capsys):
    """Runs `text-to-pose` here: arguments to (exit status, stdout, stderr)."""

    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["text-to-pose", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return end.value.code, out, err

    return call


@pytest.fixture
def one_line():
    """The one error line of what a command wrote to stderr, which has no traceback."""

    def find(err):
        (line,) = (line for line in err.splitlines() if line.startswith("Error:"))
        assert "Traceback" not in err
        return line

    return find


@pytest.fixture(scope="session")
def service():
    """The bundled models, as `app` has them."""
    from text_to_pose.app.service import Service

    return Service(["fingerspelling", "notation"])


@pytest.fixture(scope="session")
def page():
    """The page, as `app` has it."""
    from text_to_pose.app.page import load_page

    return load_page("fingerspelling")


@pytest.fixture(scope="session")
def serving():
    """The server of `app` with a service, as a client; largest file: 200 kB."""
    from starlette.testclient import TestClient

    from text_to_pose.app.server import Limits, create_app

    @contextmanager
    def serve(service, page=None, **limits):
        limits = Limits(**{"waiting": 4, "upload": 200_000} | limits)
        with TestClient(create_app(service, page, hosts=["testserver", "::1"], limits=limits)) as client:
            yield client

    return serve


@pytest.fixture(scope="session")
def refusal():
    """Status and message of a refusal of `app`, which is one line of JSON and tells nothing of the machine."""

    def check(response):
        assert response.headers["content-type"] == "application/json"
        (message,) = response.json().values()
        assert "\n" not in message
        assert "Traceback" not in message
        assert "/tmp" not in message
        assert "File " not in message
        return response.status_code, message

    return check


@pytest.fixture
def person(tmp_path):
    """A `.pose` file of somebody, as bytes."""
    write(fake_sequence(frames=12), tmp_path / "person.pose")
    return (tmp_path / "person.pose").read_bytes()

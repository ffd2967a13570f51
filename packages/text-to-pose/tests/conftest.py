from importlib.util import find_spec

import pytest
import torch
from hypothesis import settings

from pose_core.testing import fake_manifest, fake_sequence, fake_skeleton
from pose_core.transforms import normalize
from pose_encoders.config import TransformerEncoderConfig
from text_to_pose.cli import main
from text_to_pose.config import NetworkConfig, TextConfig, TextToPoseConfig
from text_to_pose.model import TextToPose

EXTRA = ("starlette", "uvicorn", "python_multipart")
collect_ignore = [] if all(map(find_spec, EXTRA)) else ["test_app.py"]  # which is of the extra [app]
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

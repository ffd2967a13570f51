import pytest
import yaml

from pose_core import UserError
from pose_core.training import load_yaml
from pose_tokenizer.config import RunConfig, Sizes
from pose_tokenizer.training import PRESETS


@pytest.mark.parametrize("name", PRESETS)
def test_presets_load(name):
    assert load_yaml(RunConfig, PRESETS[name])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"num_quantiser": 8}, r"unknown key num_quantiser; did you mean num_quantizers\?"),
        ({"epochs": 8}, r"unknown key epochs; did you mean num_epochs\?"),
        ({"codebook_size": 1}, "codebook_size: .*greater than or equal to 2, found 1"),
        ({"num_quantizers": 256}, "num_quantizers: .*less than or equal to 255"),
        ({"keypoints": "feet"}, "keypoints: .*'reduced', 'hands_and_body' or 'all'"),
        ({"learning_rate": 0}, "learning_rate: .*greater than 0"),
        ({"quantizer": "fsq", "codebook_size": 1000}, "codebook_size: .*fsq needs a power of 4, found 1000"),
        ({"rate": -0.1}, "rate: .*greater than or equal to 0"),
        ({"keypoint_dim": 2}, "keypoint_dim: "),
        ({"optimizer_type": "sgd"}, "optimizer_type: .*adamw"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, values, message):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(UserError, match=rf"mine\.yaml: {message}"):
        load_yaml(RunConfig, tmp_path / "mine.yaml")


def test_training_is_told_every_setting_it_knows(quick):
    training = quick.training()
    assert (training.epochs, training.precision, training.keep) == (1, "auto", "last")
    assert (training.batch_size, training.device, training.tensorboard) == (4, "cpu", False)
    other = quick.model_copy(update={"use_amp": True, "num_epochs": 7, "seed": 3, "accumulate": 2}).training()
    assert (other.precision, other.epochs, other.seed, other.accumulate) == ("bf16-mixed", 7, 3, 2)


def test_the_model_is_told_its_sizes(quick, skeleton):
    config = quick.model(skeleton.to_dict())
    assert config.skeleton == skeleton.to_dict()
    for name in Sizes.model_fields:
        assert getattr(config, name) == getattr(quick, name)

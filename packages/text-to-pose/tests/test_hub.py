"""A model of the package to the hub and back."""

from pose_core.testing_hub import check_hub


def test_a_model_goes_to_the_hub_and_comes_back(model, tmp_path):
    model.save_pretrained(tmp_path / "model")
    check_hub("text_to_pose", "TextToPose", tmp_path / "model", tmp_path / "hub")

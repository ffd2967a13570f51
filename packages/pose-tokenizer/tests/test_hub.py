"""A model of the package to the hub and back."""

from pose_core.testing_hub import check_hub


def test_a_trained_model_goes_to_the_hub_and_comes_back(folder, tmp_path):
    check_hub("pose_tokenizer", "PoseTokenizer", folder, tmp_path / "hub")

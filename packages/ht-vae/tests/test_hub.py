"""A model of the package to the hub and back."""

from pose_core.testing_hub import check_hub


def test_a_model_goes_to_the_hub_and_comes_back(build, tmp_path):
    build().save_pretrained(tmp_path / "model")
    check_hub("ht_vae", "HierarchicalTransformerVAE", tmp_path / "model", tmp_path / "hub")

from importlib.metadata import distribution

import pose_tokenizer


def test_says_that_it_has_no_capability_and_offers_no_command():
    assert "No capability yet" in pose_tokenizer.__doc__
    assert "No capability yet" in distribution("pose-tokenizer").metadata.get_payload()
    assert not distribution("pose-tokenizer").entry_points

from importlib.metadata import distribution

import ht_vae


def test_says_that_it_has_no_capability_and_offers_no_command():
    assert "No capability yet" in ht_vae.__doc__
    assert "No capability yet" in distribution("ht-vae").metadata.get_payload()
    assert not distribution("ht-vae").entry_points

import pytest
from pydantic import ValidationError


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"width": 18, "num_heads": 2}, "width 18 does not divide into 2 heads of an even width"),
        ({"condition_dim": 4, "labels": ("A",)}, "exclude each other"),
        ({"chunk_size": 0}, "chunk_size"),
        ({"depth": 3}, "depth"),
    ],
)
def test_refuses_what_makes_no_model(configure, changes, reason):
    with pytest.raises(ValidationError, match=reason):
        configure(**changes)

import pytest

from pose_core import UserError
from pose_core.errors import naming


def fail(message):
    raise UserError(message)


@pytest.mark.parametrize(
    ("message", "cure", "expected"),
    [
        ("no frames", "", "a.pose: no frames"),
        ("a.pose: no frames", "", "a.pose: no frames"),
        ("no frames", "remove it", "a.pose: no frames; remove it"),
        ("a.pose: no frames", "remove it", "a.pose: no frames"),
    ],
)
def test_a_users_error_names_the_file_once(message, cure, expected):
    with pytest.raises(UserError) as error, naming("a.pose", cure):
        fail(message)
    assert str(error.value) == expected


def test_other_errors_pass_through():
    with pytest.raises(ValueError, match=r"^wrong$"), naming("a.pose"):
        raise ValueError("wrong")

"""The one exception every package raises when the user, not the program, has to act."""


class UserError(Exception):
    """What is wrong and what to do about it, in one line that names the thing; commands print it and exit with 2."""

"""The one exception every package raises when the user, not the program, has to act."""


class UserError(Exception):
    """What is wrong and what to do about it, in one line that names the thing; commands print it and exit with 2."""


def reason(error: BaseException, length: int = 200) -> str:
    """What another's exception says, in one line of at most that many characters: parsers quote what they choke on."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= length else f"{text[:length]}..."
